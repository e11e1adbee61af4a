# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a target that an interrupted run of ours left half full back to empty."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import STANDALONE
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import LOCK_KEY, Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import foreign_large_objects, read_marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal

# Relations first: their columns use types, functions and sequences. Schemas last, when they are empty.
_FIRST = ("view", "materialized view", "foreign table", "table", "sequence")
_WORDS = {"composite type": "type", "foreign-data wrapper": "foreign data wrapper"}
# Each large object takes a lock until the transaction ends.
LARGE_OBJECTS_AT_ONCE = 1000


def end_orphans(session: Session, application: Callable[[str], str]) -> None:
    """End the server processes of an interrupted run that have not heard of its end, unless a run is at work.

    They hold locks on tables that are about to be looked at. Whoever gets the lock of a run knows that there is none.
    """
    found = read_marker(session)
    if found is not None and found.state == "running":
        end_leftovers(session, application(found.run_id), f"pg_catalog.pg_try_advisory_xact_lock({LOCK_KEY})")


def end_leftovers(session: Session, application: str, proviso: str = "true", patience: float = 60) -> None:
    """End server processes that still work for an interrupted run: they could commit after we have looked."""
    ours = f"pg_catalog.starts_with(application_name, {literal(application)})"
    condition = f"{ours} and datname = current_database() and pid <> pg_backend_pid() and {proviso}"
    deadline = time.monotonic() + patience
    while session.ask(f"select pid, pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where {condition}"):
        if time.monotonic() > deadline:
            raise PostgresError(
                f"server processes of the interrupted run ({application}) do not end: end them on the target"
            )
        time.sleep(0.05)


def refuse_foreign_large_objects(session: Session, run_id: str) -> None:
    foreign = foreign_large_objects(session, run_id)
    if foreign:
        raise PostgresError(
            f"run {run_id} was interrupted, and the target holds large objects that it did not make: "
            f"{listed(foreign)}; "
            "nothing was touched"
        )


def clear(session: Session, target: Facts) -> None:
    """Drop what the interrupted run made. The caller has proved that there is nothing else."""
    statements = drop_statements(target)
    if statements:
        session.ask("set synchronous_commit = off;\n" + ";\n".join(statements) + ";\nreset synchronous_commit")
    clear_large_objects(session)


def clear_large_objects(session: Session) -> None:
    while session.ask(
        "select lo_unlink(oid) from (select oid from pg_catalog.pg_largeobject_metadata"
        f" limit {LARGE_OBJECTS_AT_ONCE}) s"
    ):
        pass


def drop_statements(target: Facts) -> list[str]:
    """Return the statements, in an order that works. Extensions stay, and the schemas they live in."""
    keep = {identifier(about["schema"]) for about in target.server["extensions"].values()}
    keep |= {about["schema"] for about in target.server["extensions"].values()}
    present = [key for key in target.objects if key[0] in STANDALONE]

    def rank(key: tuple[str, str]) -> tuple[int, str]:
        kind = key[0]
        return (_FIRST.index(kind) if kind in _FIRST else 99 if kind == "schema" else 50, key[1])

    return [
        # A schema is only dropped when empty; the rest may hold on to each other.
        f"drop {_WORDS.get(kind, kind)} if exists {ident}{'' if kind == 'schema' else ' cascade'}"
        for kind, ident in sorted(present, key=rank)
        if not (kind == "schema" and ident in keep)
    ]
