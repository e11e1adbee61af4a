# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that two databases hold the same, without changing either."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, compare, content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts, same_database
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session, run_all
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides, number_of_jobs, opened

LARGE_OBJECTS = "large objects"


def verify(params: dict) -> dict:
    """Return what was compared; raise PostgresError, with the same, when anything differs or stays unchecked."""
    jobs = number_of_jobs(params["jobs"])
    began = time.monotonic()
    with opened(params, params["timeout"]) as sides:
        result = _compare(sides, jobs, params["mode"] == "hash")
    result["seconds"] = round(time.monotonic() - began, 3)
    problems = result["differences"] + result["not_checked"]
    if problems:
        told = f"{len(result['differences'])} differences, {len(result['not_checked'])} not checked"
        raise PostgresError(f"source and target are not proved equal ({told}): {listed(problems)}", result)
    return result


def _compare(sides: Sides, jobs: int, hashed: bool) -> dict:
    source = sides.read_source()
    # The target's transaction stays open as well: all of it is compared as of one moment.
    target, _marker = sides.read_target(stay=True)
    if same_database(source, target):
        raise PostgresError("source and target are the same database: nothing would be proved")
    snapshots = [
        session.ask("select pg_catalog.pg_export_snapshot()")[0]
        for session in (sides.source_session, sides.target_session)
    ]
    ours, theirs = _read_tables(sides, source, target, snapshots, jobs, hashed)
    rows = [compare.compare_content(name, ours.get(name), theirs.get(name), hashed) for name in _names(ours, theirs)]
    sequences, unread = _compare_sequences(sides)
    differences = compare.compare_objects(source.objects, target.objects, source.major == target.major)
    return {
        "changed": False,
        "source": source.summary,
        "target": target.summary,
        "tables": [row.result for row in rows],
        "sequences": sequences,
        "differences": differences
        + [row.difference for row in rows if row.difference]
        + [entry["difference"] for entry in sequences if entry["difference"]],
        "not_checked": [row.not_checked for row in rows if row.not_checked] + unread,
        "remarks": compare.weaker_checks(source.objects, source.major, target.major),
    }


def _names(ours: dict[str, compare.Read], theirs: dict[str, compare.Read]) -> list[str]:
    return [*ours, *(name for name in theirs if name not in ours)]


def _read_tables(
    sides: Sides, source: Facts, target: Facts, snapshots: list[str], jobs: int, hashed: bool
) -> list[dict[str, compare.Read]]:
    """Read both sides at once: a table's statement runs on both while others run beside it."""
    statement: Callable[[str], str] = content.hash_sql if hashed else content.count_sql
    large = content.LARGE_OBJECTS if hashed else content.LARGE_OBJECT_COUNT
    pools: list[tuple[list[Session], list[tuple[str, str]]]] = []
    connections: list[Connection] = [sides.source, sides.target]
    for connection, facts, snapshot in zip(connections, (source, target), snapshots, strict=True):
        # The source's order on both sides, biggest first; what only one side has comes with it.
        tasks = [(table.ident, statement(table.ident)) for table in facts.tables] + [(LARGE_OBJECTS, large)]
        wrapped = [(name, content.under_snapshot(snapshot, sql)) for name, sql in tasks]
        sessions = content.open_sessions(sides.commands, sides.psql, connection, min(jobs, len(tasks)))
        pools.append((sessions, wrapped))
    results = [content.as_reads(answers) for answers in run_all(pools, sides.commands)]
    for sessions, _tasks in pools:
        for session in sessions:
            session.close()
    return results


def _compare_sequences(sides: Sides) -> tuple[list[dict], list[str]]:
    """Compare where the sequences are; one that may not be read is named, not passed over."""
    values, unread = [], []
    for session in (sides.source_session, sides.target_session):
        names = content.names(session, catalogue.SEQUENCES)
        hidden = content.names(session, catalogue.UNREADABLE_SEQUENCES)
        unread += [
            f"sequence {name}: {session.connection.user} may not read it on the {session.connection.side}"
            for name in hidden
        ]
        values.append(content.read_sequences(session, [name for name in names if name not in hidden]))
    skip = {text.split(":")[0].removeprefix("sequence ") for text in unread}
    ours, theirs = ({name: value for name, value in side.items() if name not in skip} for side in values)
    return compare.compare_sequences(ours, theirs), unread
