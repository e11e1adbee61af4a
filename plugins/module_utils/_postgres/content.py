# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count rows, hash large objects, read sequences: several statements and both sides at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import Commands
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import Read
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Answer, Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal

# The same text for the same value on both sides, whatever the roles' or databases' settings are.
TEXT_SETTINGS = {
    "datestyle": "ISO,YMD",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
    "search_path": "",
    # A policy must not hide rows silently: the statement fails instead.
    "row_security": "off",
    "jit": "off",
    # The number of jobs says how much of a server is used; helpers of one statement would multiply it.
    "max_parallel_workers_per_gather": "0",
}
# Readable by the owner of the objects, unlike pg_largeobject.
LARGE_OBJECTS = (
    "select count(*), coalesce(sum(hashtextextended(oid::text || ':' || md5(lo_get(oid)), 0)), 0)"
    " from pg_catalog.pg_largeobject_metadata"
)
LARGE_OBJECT_COUNT = "select count(*), null from pg_catalog.pg_largeobject_metadata"
SEQUENCES_AT_ONCE = 200
LARGE_OBJECTS_NAME = "large objects"


def count_sql(ident: str) -> str:
    return f"select count(*), null from only {ident}"


def under_snapshot(snapshot: str | None, sql: str) -> str:
    """Wrap a statement in a read-only transaction of its own, on the exported snapshot when there is one."""
    isolation = (
        f"repeatable read read only; set transaction snapshot {literal(snapshot)}"
        if snapshot
        else "read committed read only"
    )
    return f"begin isolation level {isolation}; {sql}; commit"


def open_sessions(commands: Commands, psql: str, connection: Connection, number: int) -> list[Session]:
    """Open sessions whose texts are comparable; all of them connect at the same time."""
    sessions = [Session(commands, psql, connection, TEXT_SETTINGS) for _number in range(number)]
    for session in sessions:
        session.connect()
    return sessions


def export_snapshot(session: Session) -> str:
    """Begin the transaction that keeps a snapshot alive, and return the snapshot's name."""
    return session.ask("begin isolation level repeatable read read only; select pg_catalog.pg_export_snapshot()")[0]


def parse(lines: list[str]) -> tuple[int, str | None]:
    """Read 'count|hash'."""
    rows, digest = lines[0].split("|")
    return int(rows), digest or None


def as_reads(answers: Mapping[str, Answer]) -> dict[str, Read]:
    """Turn answers into what the comparison takes; an error stays with its table."""
    return {
        name: Read(None, error=answer.error) if answer.error else Read(*parse(answer.lines))
        for name, answer in answers.items()
    }


def read_sequences(session: Session, idents: Iterable[str]) -> dict[str, tuple[int, bool]]:
    """Return {sequence: (last value, was it handed out)}. Sequences have no snapshot: this is now."""
    wanted, values = list(idents), {}
    for start in range(0, len(wanted), SEQUENCES_AT_ONCE):
        union = " union all ".join(
            f"select {literal(name)}::text as name, last_value, is_called from {name}"
            for name in wanted[start : start + SEQUENCES_AT_ONCE]
        )
        for row in session.ask_json(
            f"select pg_catalog.jsonb_build_array(name, last_value, is_called) from ({union}) as s"
        ):
            values[row[0]] = (row[1], row[2])
    return values


def set_sequences(session: Session, values: Mapping[str, tuple[int, bool]]) -> None:
    rows = json.dumps([[name, value, called] for name, (value, called) in values.items()])
    session.ask(
        "select count(pg_catalog.setval((e ->> 0)::regclass, (e ->> 1)::bigint, (e ->> 2)::bool))"
        f" from pg_catalog.jsonb_array_elements({literal(rows)}) e"
    )


def names(session: Session, sql: str) -> list[str]:
    """Ask for quoted names: JSON strings, because a name may hold a line break."""
    return [json.loads(line) for line in session.ask(sql)]
