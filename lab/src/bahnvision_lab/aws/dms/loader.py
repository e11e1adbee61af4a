"""A full load that truly moves rows, table by table, as DMS does: no common snapshot, and its losses too.

What DMS changes on its way is changed here as well, so that a comparison afterwards has something to find: numbers
without precision are rounded unless both endpoints say otherwise, and LOBs beyond the limit are cut off or fail.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from bahnvision_lab.aws.dms.books import Replication, Table, now
from bahnvision_lab.aws.dms.mappings import Mapping
from bahnvision_lab.faults import Faults

SSL_MODES = {"none": "disable"}  # the others have libpq's names
TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2
"""
COLUMNS = """
select a.attname, t.typname, a.atttypmod, a.attgenerated <> '', t.typcategory = 'A' or t.typtype = 'c'
from pg_attribute a join pg_type t on t.oid = a.atttypid
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
KEYED = "select exists (select from pg_index where indrelid = %s::regclass and (indisprimary or indisunique))"
LOBS = ("text", "citext", "bytea", "json", "jsonb", "xml", "tsvector", "tsquery", "path", "polygon", "hstore")
UNBOUNDED = "mapunboundednumericasstring=true"


class LoadError(Exception):
    """Why a load ends, in words for FailureMessages."""


class Stopped(Exception):
    """Somebody has asked for the end."""


@dataclass
class Login:
    """What an endpoint's secret and settings say."""

    host: str
    port: int
    database: str
    user: str
    password: str
    ssl_mode: str
    authority: str = ""  # PEM

    def connect(self) -> psycopg.Connection[Any]:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as bundle:
            bundle.write(self.authority)
            bundle.flush()
            root: dict[str, Any] = {"sslrootcert": bundle.name} if self.authority else {}
            return psycopg.connect(
                host=self.host, port=self.port, dbname=self.database, user=self.user, password=self.password,
                sslmode=SSL_MODES.get(self.ssl_mode, self.ssl_mode), connect_timeout=20, autocommit=True,
                application_name="AWS DMS", **root,
            )  # fmt: skip


@dataclass
class Loader:
    """Moves the tables of one replication from one connection to the other."""

    replication: Replication
    source: psycopg.Connection[Any]
    target: psycopg.Connection[Any]
    faults: Faults

    def find_tables(self) -> list[Table]:
        mapping = Mapping.of(self.replication.mappings)
        names = [(schema, name) for schema, name in self.source.execute(TABLES) if mapping.takes(schema, name)]
        names.sort(key=lambda found: -mapping.order(*found))
        return [Table(*name) for name in names]

    def load(self, table: Table) -> None:
        """Fill one table of the target; what goes wrong is in its state and raised as LoadError."""
        table.state, table.began = "Full load", now()
        try:
            self._fill(table)
        except (psycopg.Error, LoadError) as problem:
            table.state, table.ended = "Table error", now()
            raise LoadError(f"Table '{table.schema}'.'{table.name}': {str(problem).strip()}") from problem
        table.state, table.ended = "Table completed", now()

    def _fill(self, table: Table) -> None:
        name = f"{table.schema}.{table.name}"
        ident = sql.Identifier(table.schema, table.name)
        columns = self._columns(table)
        if self._mode == "TRUNCATE_BEFORE_LOAD":
            self.target.execute(sql.SQL("truncate table {}").format(ident))
        self._check_lobs(table, ident, columns)
        limit: sql.Composable = sql.SQL("")
        if self.faults.dms_breaks(name) or self.faults.dms_loses(name):
            (count,) = self.source.execute(sql.SQL("select count(*) from {}").format(ident)).fetchone() or (0,)
            left = count // 2 if self.faults.dms_breaks(name) else max(count - 1, 0)
            limit = sql.SQL(" limit {}").format(sql.Literal(left))
        table.rows = self._copy(ident, columns, limit)
        if self.faults.dms_breaks(name):
            table.error_rows = 1
            raise LoadError("Failed to load a row (a fault of the lab); the rows before it are committed")

    def _copy(self, ident: sql.Identifier, columns: list[tuple], limit: sql.Composable) -> int:
        names = sql.SQL(", ").join(sql.Identifier(column[0]) for column in columns)
        wanted = sql.SQL(", ").join(self._expression(column) for column in columns)
        read = sql.SQL("copy (select {} from {}{}) to stdout").format(wanted, ident, limit)
        write = sql.SQL("copy {} ({}) from stdin").format(ident, names)
        with self.source.cursor() as reader, self.target.cursor() as writer:
            with reader.copy(read) as rows, writer.copy(write) as into:
                for chunk in rows:
                    if self.replication.stop_asked:
                        raise Stopped
                    into.write(chunk)
            return writer.rowcount

    def _columns(self, table: Table) -> list[tuple]:
        mapping = Mapping.of(self.replication.mappings)
        found = self.source.execute(COLUMNS, (self.ident(table),)).fetchall()
        return [column for column in found if not mapping.removes(table.schema, table.name, column[0])]

    def ident(self, table: Table) -> str:
        return sql.Identifier(table.schema, table.name).as_string(self.source)

    def _expression(self, column: tuple) -> sql.Composable:
        """DMS takes numeric without precision for numeric(28, 6), unless both sides know better."""
        name, kind, modifier, _generated, _nested = column
        sides = (self.replication.source, self.replication.target)
        kept = all(UNBOUNDED in endpoint.extra.lower().replace(" ", "") for endpoint in sides)
        if kind == "numeric" and modifier == -1 and not kept:
            return sql.SQL("round({}, 6)").format(sql.Identifier(name))
        if kind == "text" and self._limit and not self._fails_on_truncation:
            return sql.SQL("left({}, {})").format(sql.Identifier(name), sql.Literal(self._limit // 4))
        return sql.Identifier(name)

    def _check_lobs(self, table: Table, ident: sql.Identifier, columns: list[tuple]) -> None:
        lobs = [column for column in columns if column[1] in LOBS or column[4]]
        if not lobs:
            return
        if not (self.source.execute(KEYED, (self.ident(table),)).fetchone() or (False,))[0]:
            raise LoadError("LOB columns cannot be loaded, the table has no primary key")
        if not self._limit or not self._fails_on_truncation:
            return
        for name, kind, *_rest in lobs:
            size = "max(octet_length({}))" if kind == "bytea" else "max(4 * char_length({}::text))"
            asked = sql.SQL(f"select coalesce({size}, 0) from {{}}").format(sql.Identifier(name), ident)
            (largest,) = self.source.execute(asked).fetchone() or (0,)
            if largest > self._limit:
                raise LoadError(f"The LOB column {name} would be truncated: {largest} bytes, LobMaxSize {self._limit}")

    @property
    def _mode(self) -> str:
        return str(self.replication.settings["FullLoadSettings"]["TargetTablePrepMode"])

    @property
    def _limit(self) -> int:
        """Bytes of the limited LOB mode, which is DMS's default; 0 in the full one."""
        lobs = self.replication.settings.get("TargetMetadata") or {}
        return 0 if lobs.get("FullLobMode") else 1024 * int(lobs.get("LobMaxSize") or 32)

    @property
    def _fails_on_truncation(self) -> bool:
        return bool(self.replication.source.settings.get("FailTasksOnLobTruncation"))

    def validate(self, table: Table) -> None:
        """Compare as DMS does: only what has a key, and as it stands now."""
        text = self.ident(table)
        if not (self.source.execute(KEYED, (text,)).fetchone() or (False,))[0]:
            table.validation = "No primary key"
            return
        hashed = f"select count(*), coalesce(sum(hashtextextended((t.*)::text, 0)), 0) from {text} t"
        ours, theirs = self.source.execute(hashed).fetchone(), self.target.execute(hashed).fetchone()
        table.validation = "Validated" if ours == theirs else "Mismatched records"
        table.mismatched = 0 if ours == theirs or not ours or not theirs else max(1, abs(ours[0] - theirs[0]))
