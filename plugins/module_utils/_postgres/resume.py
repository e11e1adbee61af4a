# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what of an interrupted run's work is still true. The decision is pure.

A new run reads the source under a new snapshot. Tables that were copied under the old one may stay only when both
snapshots show the same rows. The proof is the source's counter of transaction numbers: whoever changes anything
takes one, so when none was handed out and none was at work, nothing has changed. It is a strict proof: a
vacuum that gathers statistics, or another database of the cluster that is written to, spoils it, and all is
copied again. Counters of changed rows would be kinder, but servers write them late and lose them in a crash.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import Marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Key
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal

ROWS, REST = "rows", "rest"
# A crash of the target empties them, whatever was committed.
_UNLOGGED = (
    "select format('%I.%I', n.nspname, c.relname) from pg_catalog.pg_class c"
    " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relpersistence = 'u' and c.relkind = 'r'"
)
PROOF = "no transaction of the source has taken a number since the interrupted run's snapshot, and none was at work"


@dataclass(frozen=True)
class Kept:
    """`tables` maps names to their numbers of rows, None when nothing stays; `reason` is for people.

    `parts` maps names of tables that are there in part to the parts' bounds and numbers of rows.
    """

    reason: str
    tables: dict[str, int] | None = None
    large_objects: bool = False
    parts: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def result(self) -> dict:
        parts = sum(len(rows) for rows in self.parts.values())
        return {"tables": len(self.tables or {}), "parts": parts, "reason": self.reason}


def source_state(session: Session) -> dict:
    """Read, inside the transaction of the run's snapshot, what must be the same at the next run.

    The server's start is part of it: a server that was restored to another moment has been started anew.
    """
    (row,) = session.ask_json(
        "select pg_catalog.jsonb_build_object('snapshot', txid_current_snapshot()::text,"
        " 'started', pg_postmaster_start_time()::text, 'recovery', pg_is_in_recovery())"
    )
    return row


def unchanged(then: dict | None, now: dict) -> bool:
    least, following, _at_work = now["snapshot"].split(":")
    return then == now and least == following


def decide_kept(
    found: Marker,
    engine: str,
    now: dict,
    present: Collection[Key],
    planned: Collection[Key],
    covered: str | None = None,
) -> str:
    """Return why nothing can stay; empty when the finished tables can.

    `covered` is given where replication slots decide instead of the proof: why they do not, or nothing.
    """
    if engine != "copy" or found.report.get("phase") != ROWS:
        return "the interrupted run was not at copying rows, or an engine without marks of its tables was asked for"
    if not set(planned) <= set(present):
        return "objects of the interrupted run are missing on the target"
    if covered is not None:
        return covered
    if not unchanged(found.report.get("source_state"), now):
        return "the source cannot be proved to be unchanged since the interrupted run"
    return ""


def read_kept(session: Session, run_id: str, parts: bool = True) -> Kept:
    """Return the tables that are marked as done; their marks were committed together with their rows."""
    run = literal(run_id)
    rows = session.ask_json(
        f"select pg_catalog.jsonb_build_object('ident', ident, 'rows', rows) from {MARKER_SCHEMA}.item"
        f" where kind = 'table data' and state = 'done' and run_id = {run} and ident not in ({_UNLOGGED})"
    )
    (left,) = session.ask(
        f"select count(*) from {MARKER_SCHEMA}.item where kind = 'large object' and state <> 'done' and run_id = {run}"
    )
    # A slot's stream brings a table up to date as a whole: then parts that two snapshots have shown do not fit.
    halves = session.ask_json(_parts_sql(run)) if parts else []
    found: dict[str, dict[str, int]] = {}
    for row in halves:
        found.setdefault(row["ident"], {})[row["bounds"]] = row["rows"]
    return Kept(PROOF, {row["ident"]: row["rows"] for row in rows}, left == "0", found)


def _parts_sql(run: str) -> str:
    return (
        "select pg_catalog.jsonb_build_object('ident', ident, 'bounds', bounds, 'rows', rows)"
        f" from {MARKER_SCHEMA}.item where kind = 'table data' and state = 'part' and run_id = {run}"
        f" and ident not in ({_UNLOGGED})"
    )
