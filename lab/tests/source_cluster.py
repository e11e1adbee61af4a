"""A cluster for the tests of the source, as the lab's daemon starts it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bahnvision_lab import postgres, processes
from bahnvision_lab.source import ensure_database
from bahnvision_lab.source.fill import TABLES
from psycopg import sql

PASSWORD = "p:a@ss/word%"  # what an URI has to quote


@contextmanager
def cluster(folder: Path) -> Iterator[postgres.Server]:
    majors = postgres.installed_majors()
    assert majors, "PostgreSQL 15 or newer is not installed"
    server = postgres.Server(
        folder, majors[max(majors)], postgres.free_port(), "bahnvision", PASSWORD,
        {"wal_level": "logical", "fsync": "off"},
    )  # fmt: skip
    server.create()
    identity = server.start()
    try:
        ensure_database(server)
        yield server
    finally:
        # At once: a checkpoint of what is thrown away takes longer than some of the tests.
        processes.end(identity, signal.SIGQUIT)


def dsn_of(server: postgres.Server) -> str:
    return f"postgresql://bahnvision:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/bahnvision"


def one(connection, statement, *values):
    return connection.execute(statement, values or None).fetchone()[0]


def content(connection):
    """Return a hash of every table and of every sequence's state."""
    connection.execute("SET timezone = 'UTC'")
    hashes = {}
    for table in TABLES:
        query = sql.SQL("SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {} AS t")
        hashes[table] = one(connection, query.format(sql.Identifier(table)))
    for (name,) in connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'").fetchall():
        state = connection.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name)))
        hashes[name] = state.fetchone()
    return hashes


def unvalidated(connection):
    return one(connection, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated")


def orphans(connection):
    """Count the rows of every foreign key that point at nothing, from the catalogue: no key is forgotten."""
    keys = connection.execute(
        "SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, a.attname, b.attname "
        "FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] "
        "JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1] WHERE k.contype = 'f'"
    ).fetchall()
    assert len(keys) == 13
    return sum(
        one(connection, f"SELECT count(*) FROM {child} AS c LEFT JOIN {parent} AS p ON p.{target} = c.{column} "
                        f"WHERE c.{column} IS NOT NULL AND p.{target} IS NULL")
        for child, parent, column, target in keys
    )  # fmt: skip
