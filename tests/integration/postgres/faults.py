"""What every failure case asks: is nothing torn, is the source as it was, is the copy whole after another run?

The contents are read with psycopg and hashed with md5 here: nothing of it is the product's own comparison.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from bahnvision_lab.postgres import Server
from pg_sides import Side, Sides, alive, refusal, wait_until
from psycopg import sql

NETWORK = """
create table gross (id int primary key, a text not null, b text);
insert into gross select n, md5(n::text), repeat(md5((n * 7)::text), 3) from generate_series(1, 20000) n;
create index gross_a on gross (a);
create table klein (id serial primary key, gross int references gross);
insert into klein (gross) select generate_series(1, 500);
select lo_from_bytea(1234, 'Anhang');
"""
RELATIONS = """
select n.nspname, c.relname, format('%%I.%%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = %s and c.relispopulated
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'ansible_migrate')
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')
order by 1, 2"""
HASHED = """
select count(*), sum(('x' || substr(md5((t.*)::text), 1, 15))::bit(60)::bigint)::text from only {} t"""
CONSTRAINTS = """
select conrelid::regclass::text, conname, contype::text, convalidated from pg_constraint
where connamespace not in (select oid from pg_namespace where nspname ~ '^(pg_|ansible_migrate|information_schema)')
  and conparentid = 0 order by 1, 2"""
INDEXES = """
select indexrelid::regclass::text, indisvalid, indisunique from pg_index
where indexrelid >= 16384 and indrelid::regclass::text !~ '^(ansible_migrate|pg_toast)' and indisvalid order by 1"""
LARGE = "select oid, md5(lo_get(oid)) from pg_largeobject_metadata order by oid"
OTHERS = """
select relkind::text, oid::regclass::text from pg_class where relkind in ('v', 'm', 'S', 'p')
  and relnamespace not in (select oid from pg_namespace where nspname ~ '^(pg_|ansible_migrate|information_schema)')
union all select 'trigger', tgrelid::regclass || ' ' || tgname from pg_trigger where not tgisinternal
union all select 'function', oid::regprocedure::text from pg_proc where oid >= 16384
union all select 'policy', polrelid::regclass || ' ' || polname from pg_policy order by 1, 2"""
FIXED = ("timezone to 'UTC'", "datestyle to 'ISO, DMY'", "intervalstyle to 'postgres'", "extra_float_digits to 3",
         "bytea_output to 'hex'", "search_path to ''", "array_nulls to on")  # fmt: skip


def content_of(side: Side) -> dict[str, object]:
    """Return what a copy must hold: rows, large objects, sequences, and the names and validity of the rest."""
    with side.connect(admin=True) as reader:
        for setting in FIXED:
            reader.execute(f"set {setting}")
        reader.execute("begin isolation level repeatable read read only")
        found: dict[str, object] = {}
        for name in reader.execute(RELATIONS, ["r"]).fetchall() + reader.execute(RELATIONS, ["m"]).fetchall():
            found["rows of " + name[2]] = one(reader, sql.SQL(HASHED).format(sql.Identifier(*name[:2])))
        for name in reader.execute(RELATIONS, ["S"]).fetchall():
            query = sql.SQL("select last_value, is_called from {}").format(sql.Identifier(*name[:2]))
            found["sequence " + name[2]] = one(reader, query)
        for what in (CONSTRAINTS, INDEXES, LARGE, OTHERS):
            found[what] = reader.execute(what).fetchall()
    return found


def one(reader: psycopg.Connection, query: sql.Composed) -> tuple:
    row = reader.execute(query).fetchone()
    assert row is not None
    return row


def assert_same(source: dict[str, object], target: dict[str, object]) -> None:
    assert {key: value for key, value in source.items() if target.get(key) != value} == {}
    assert target.keys() == source.keys()


def rows_of(side: Side) -> dict[str, int]:
    found = {}
    with side.connect(admin=True) as reader:
        reader.execute("set lock_timeout = '200ms'")
        for name in reader.execute(RELATIONS, ["r"]).fetchall():
            query = sql.SQL("select count(*) from only {}").format(sql.Identifier(*name[:2]))
            # A server process that has not heard of its client's end holds a table it has emptied and not committed.
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                found[name[2]] = one(reader, query)[0]
    return found


def assert_nothing_torn(sides: Sides) -> None:
    """Every table of the target has all rows of the source or none; what is marked as done has all."""
    expected, found = rows_of(sides.source), rows_of(sides.target)
    assert {name: rows for name, rows in found.items() if rows not in (0, expected.get(name))} == {}
    for (report,) in marks(sides, "select state from ansible_migrate.run"):
        assert report == "running"
    done = "select ident, rows from ansible_migrate.item where kind = 'table data' and state = 'done'"
    for ident, rows in marks(sides, done):
        assert rows == expected[ident]


def marks(sides: Sides, query: str) -> list[tuple]:
    try:
        return sides.target.query(query, admin=True)
    except psycopg.errors.UndefinedTable:
        return []


class Case:
    """One database on each side, what the source held before, and the two ends a case may have."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.before = content_of(sides.source)

    def fails(self, *words: str, **changes: object) -> str:
        """Run; the error must say the words, and nothing of the source nor half a table may have come of it."""
        error = str(refusal(lambda: self.sides.migrate(**changes)))
        self.has_failed(error, words)
        return error

    def has_failed(self, error: str, words: tuple[str, ...]) -> None:
        for word in words:
            assert word in error, error
        assert "canary" not in error
        assert "Traceback" not in error
        assert_nothing_torn(self.sides)
        assert_same(self.before, content_of(self.sides.source))

    def ended(self, child: subprocess.Popen, *words: str, seconds: float = 200) -> str:
        """Wait for a run that was started before and must fail."""
        _out, problem = child.communicate(timeout=seconds)
        assert child.returncode != 0, "the run took no notice of what was done to it"
        self.has_failed(problem, words)
        return problem

    def completes(self, **changes: object) -> dict:
        """Run once more; then both sides hold the same, and one more run finds nothing to do."""
        again = self.sides.migrate(**changes)
        assert again["changed"]
        assert_same(self.before, content_of(self.sides.source))
        assert_same(self.before, content_of(self.sides.target))
        assert not self.sides.migrate()["changed"]
        return again

    def untouched(self) -> None:
        """The target holds nothing of ours, not even the marker."""
        assert self.sides.target.query("select count(*) from pg_class where oid >= 16384", admin=True) == [(0,)]


def when(sides: Sides, side: str, query: str, child: subprocess.Popen) -> list[tuple]:
    """Wait until the query finds something while the run is at work."""
    with getattr(sides, side).connect(admin=True) as watcher:

        def seen() -> object:
            assert child.poll() is None, f"the run ended before: {query}: {child.stderr.read()}"
            with contextlib.suppress(psycopg.errors.UndefinedTable):
                return watcher.execute(query).fetchall()
            return None

        return wait_until(seen, query)  # type: ignore[return-value]


def strike(sides: Sides, side: str, action: str, sessions: str, child: subprocess.Popen) -> None:
    """Do it to the first sessions that are found, with the query that finds them: at a second look they may be over."""
    when(sides, side, f"with found as materialized ({sessions}) select pid from found where {action}(pid)", child)


def gone(pids: set[int]) -> None:
    wait_until(lambda: not alive(pids), "the end of every process of the killed run")


@contextmanager
def role_settings(server: Server, role: str, **settings: str) -> Iterator[None]:
    with server.connect() as admin:
        for name, value in settings.items():
            admin.execute(sql.SQL("alter role {} set {} to {}").format(
                sql.Identifier(role), sql.SQL(name), sql.Literal(value)))  # fmt: skip
    try:
        yield
    finally:
        with server.connect() as admin:
            admin.execute(sql.SQL("alter role {} reset all").format(sql.Identifier(role)))


@contextmanager
def all_connections_taken(server: Server, but: int) -> Iterator[None]:
    """Hold every connection that is not reserved for superusers, but for a few."""
    with server.connect() as admin:
        free = admin.execute(
            "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - count(*) from pg_stat_activity where backend_type = 'client backend'"
        ).fetchone()
    assert free is not None
    held = [server.connect() for _number in range(free[0] + 1 - but)]
    try:
        yield
    finally:
        for connection in held:
            connection.close()
        wait_until(lambda: alone(server), "the end of the sessions that took every connection")


def alone(server: Server) -> bool:
    with server.connect() as admin:
        query = "select count(*) from pg_stat_activity where usename = %s and backend_type = 'client backend'"
        return admin.execute(query, [server.admin]).fetchone() == (1,)


def output_of(child: subprocess.Popen, seconds: float = 200) -> dict:
    """Return the result of a run that must succeed."""
    out, problem = child.communicate(timeout=seconds)
    assert child.returncode == 0, problem
    return json.loads(out)
