"""Bring the source database to a scale: find what is there, start from nothing where it differs, fill it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bahnvision_lab.errors import LabError
from bahnvision_lab.source import mark, provision
from bahnvision_lab.source.fill import Say, fill

LARGEST_SCALE = 1000  # keys and dates are good for more; disks are not
LOCK = 0x6261686E  # an advisory lock: one load per cluster at a time


@dataclass(frozen=True)
class LoadResult:
    """What lies in the source database now. `seconds` is the time of this call."""

    scale: int
    rows: dict[str, int]
    bytes: int
    seconds: float
    already: bool


def load(conninfo: str, scale: int = 1, say: Say = lambda _line: None) -> LoadResult:
    """Make the database of `conninfo` hold the data of that scale; do nothing where it does already.

    A database that holds another scale, or whose numbers of rows have changed since, is dropped and made anew. A
    database with tables that no load of ours made is refused.
    """
    if not 1 <= scale <= LARGEST_SCALE:
        raise LabError(f"a scale is a whole number from 1 to {LARGEST_SCALE}, not {scale}")
    started = time.monotonic()
    parts = conninfo_to_dict(conninfo)
    name = str(parts.get("dbname") or "")
    if name != provision.DATABASE:
        raise LabError(f"load writes to the database {provision.DATABASE!r} only, the connection says {name!r}")
    with _alone(conninfo) as admin:
        provision.ensure_role(admin, str(parts.get("password") or ""))
        rows = _present(admin, conninfo, scale, say)
        already = rows is not None
        if rows is None:
            _start_empty(admin, say)
            rows = _filled(conninfo, scale, say)
        size = admin.execute("SELECT pg_database_size(%s)", [name]).fetchone()
    return LoadResult(scale, rows, size[0] if size else 0, time.monotonic() - started, already)


@contextmanager
def _alone(conninfo: str) -> Iterator[psycopg.Connection]:
    """Connect to the cluster's maintenance database, and keep other loads out while connected."""
    try:
        admin = psycopg.connect(conninfo, dbname="postgres", autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as problem:
        raise LabError(f"the source database does not answer: {problem}; see `lab status`") from problem
    with admin:
        row = admin.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if not row or not row[0]:
            raise LabError("another `lab load` is filling the source database; wait for it, or end it")
        yield admin


def _present(admin: psycopg.Connection, conninfo: str, scale: int, say: Say) -> dict[str, int] | None:
    """Return the rows of a complete load of this scale, None where it has to be made."""
    if not provision.database_exists(admin, provision.DATABASE):
        return None
    with psycopg.connect(conninfo) as connection:
        found = mark.read(connection)
        if found is None:
            _refuse_strangers(connection)
            return None
        if (found["scale"], found["version"]) != (scale, mark.version()):
            say(f"the database holds scale {found['scale']} of loader {found['version']}: starting from nothing")
            return None
        rows = mark.count_rows(connection)
    changed = [f"{table} {found['rows'].get(table)} -> {count}" for table, count in rows.items()
               if count != found["rows"].get(table)]  # fmt: skip
    if not changed:
        return rows
    say(f"rows have changed since the load ({', '.join(changed)}): starting from nothing")
    return None


def _refuse_strangers(connection: psycopg.Connection) -> None:
    tables = mark.tables(connection)
    if tables:
        raise LabError(
            f"the database {connection.info.dbname} holds tables that no load made ({', '.join(tables[:5])}"
            f"{', …' if len(tables) > 5 else ''}); nothing was touched. Drop them, or run `lab reset`"
        )


def _start_empty(admin: psycopg.Connection, say: Say) -> None:
    """Drop and create the database: whatever a killed load, a test or another scale left is gone."""
    if provision.database_exists(admin, provision.DATABASE):
        _drop_slots(admin)
        # FORCE ends the sessions that still sit in it, such as that of a killed load.
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(provision.DATABASE)))
    provision.create_database(admin, provision.DATABASE)
    say(f"database {provision.DATABASE}: empty")


def _drop_slots(admin: psycopg.Connection) -> None:
    """A replication slot keeps its database from being dropped; one in use belongs to a migration that runs."""
    slots = admin.execute(
        "SELECT slot_name, active FROM pg_replication_slots WHERE database = %s", [provision.DATABASE]
    ).fetchall()
    for slot, active in slots:
        if active:
            raise LabError(f"a migration reads the source through the replication slot {slot}; end it before you load")
    for slot, _active in slots:
        admin.execute("SELECT pg_drop_replication_slot(%s)", [slot])


def _filled(conninfo: str, scale: int, say: Say) -> dict[str, int]:
    last = "connecting"

    def remember(line: str) -> None:
        nonlocal last
        last = line
        say(line)

    try:
        with psycopg.connect(conninfo) as connection:  # one transaction: committed at the end, or never
            fill(connection, scale, remember)
            rows = mark.count_rows(connection)
            mark.write(connection, scale, rows)
    except psycopg.Error as problem:
        raise LabError(
            f"the load failed after {last!r} and nothing of it was kept: {str(problem).strip()}"
        ) from problem
    return rows
