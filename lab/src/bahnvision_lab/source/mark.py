"""The mark of a finished load: a comment on the database, written in the transaction of the data.

It is no table, so it is not part of what moves; and as it is transactional, a load that was killed leaves none.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bahnvision_lab.source.fill import TABLES

KIND = "bahnvision-lab source"


@functools.cache
def version() -> str:
    """Return what the content depends on: this package's text and data. Other text, other content: load again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".sql", ".zip", ".py"):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def read(connection: psycopg.Connection) -> dict[str, Any] | None:
    """Return the mark of the connection's database, None where it has none of ours."""
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    try:
        found = json.loads(row[0]) if row and row[0] else None
    except ValueError:
        return None  # somebody else's comment
    return found if isinstance(found, dict) and found.get("kind") == KIND else None


def write(connection: psycopg.Connection, scale: int, rows: dict[str, int]) -> None:
    text = json.dumps({"kind": KIND, "version": version(), "scale": scale, "rows": rows})
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    connection.execute(statement.format(sql.Identifier(connection.info.dbname), sql.Literal(text)))


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Return the rows of each of our tables, -1 where the table is missing."""
    present = {
        name
        for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    }
    counts = {}
    for table in TABLES:
        statement = sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(table))
        row = connection.execute(statement).fetchone() if table in present else None
        counts[table] = int(row[0]) if row else -1
    return counts


def tables(connection: psycopg.Connection) -> list[str]:
    """Return every table of the database that is not the server's own."""
    return [
        name
        for (name,) in connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
        )
    ]
