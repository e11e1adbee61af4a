"""Count the rows of both sides ourselves: no code of the collection is asked whether it did its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from bahnvision_lab.errors import LabError

# The migration's own marks on the target are not part of what moves.
FOREIGN_SCHEMAS = ("pg_catalog", "information_schema", "ansible_migrate")
TABLES = """
select n.nspname, c.relname, pg_total_relation_size(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname <> all(%s) and n.nspname !~ '^pg_(toast|temp)'
order by 1, 2
"""


@dataclass(frozen=True)
class Contents:
    """Exact rows per table, and the bytes of all tables with their indexes."""

    rows: dict[str, int]
    bytes: int

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def contents(dsn: str, side: str) -> Contents:
    """Count every table in one read-only transaction, so that all counts are of the same moment."""
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            tables = connection.execute(TABLES, [list(FOREIGN_SCHEMAS)]).fetchall()
            rows = {f"{schema}.{name}": count(connection, schema, name) for schema, name, _size in tables}
    except psycopg.Error as problem:
        raise LabError(f"the rows of the {side} could not be counted: {problem}") from problem
    if not rows:
        raise LabError(f"the {side} has no tables")
    return Contents(rows, sum(size for _schema, _name, size in tables))


def count(connection: psycopg.Connection[Any], schema: str, name: str) -> int:
    query = sql.SQL("select count(*) from only {}").format(sql.Identifier(schema, name))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def differences(source: dict[str, int], target: dict[str, int]) -> list[str]:
    """Return one sentence per table that is not the same on both sides."""
    found = [f"{table} is missing on the target" for table in sorted(source.keys() - target.keys())]
    found += [f"{table} is on the target alone" for table in sorted(target.keys() - source.keys())]
    found += [
        f"{table} has {source[table]:,} rows in the source and {target[table]:,} on the target"
        for table in sorted(source.keys() & target.keys())
        if source[table] != target[table]
    ]
    return found
