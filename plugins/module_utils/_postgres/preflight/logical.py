# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of method logical: what a publication, its slot and the subscription need on both sides. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalfacts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.estimate import size
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Found,
    Rules,
)

SENDER_TIMEOUT_SECONDS = 10
_RESTART = "and restart the server; on RDS in the parameter group, then reboot"

rules = Rules("logical")


@rules.add(
    "logical-publisher", BLOCKER, "The source cannot publish: wal_level (RDS: rds.logical_replication), free slots and"
    " WAL senders, a standby, the role's rights.",
)  # fmt: skip
def _publisher(case: Case) -> Iterator[Found]:
    asked = case.request.replication
    if asked:
        # An interrupted run holds a slot of its own already.
        for text in logicalfacts.publisher_blockers("source", asked.source, 0 if asked.begun else 1):
            yield _split(text, "source")


@rules.add(
    "logical-subscriber", BLOCKER, "The target cannot subscribe: role, free workers, free slots.",
)  # fmt: skip
def _subscriber(case: Case) -> Iterator[Found]:
    asked = case.request.replication
    if asked:
        for text in logicalfacts.subscriber_blockers("target", asked.target):
            yield _split(text, "target")


@rules.add(
    "logical-tables", BLOCKER, "Tables whose changes cannot be followed: without replica identity (UPDATE and DELETE"
    " on them would fail on the source), unlogged, FULL with types that cannot be compared, of another owner.",
    "give them a primary key, SET LOGGED or an owner; or name them in static_tables when nobody writes to them",
)  # fmt: skip
def _tables(case: Case) -> Iterator[Found]:
    asked = case.request.replication
    if asked:
        for text in logicalfacts.table_blockers(asked.source, asked.static):
            what, _mark, todo = text.rpartition("; ")
            yield Found(f"table {what.partition(': ')[2]}", what, todo)


@rules.add(
    "logical-watch", ADVICE, "What works and needs an eye: unlimited WAL for slots, slots of other runs, triggers that"
    " fire for replicated rows, tables that are not followed.",
)  # fmt: skip
def _watch(case: Case) -> Iterator[Found]:
    asked = case.request.replication
    if asked:
        for text in logicalfacts.remarks(asked.source, asked.static, asked.stem):
            what, _mark, todo = text.partition("; ")
            yield Found("source", what, todo)


@rules.add(
    "logical-slot-limit", BLOCKER, "max_slot_wal_keep_size of the source is less than the database: the slot may be"
    " lost while the rows are copied.",
    "set max_slot_wal_keep_size = -1 until the cut-over, and watch the source's storage",
)  # fmt: skip
def _slot_limit(case: Case) -> Iterator[Found]:
    limit = int(case.source.server["settings"].get("max_slot_wal_keep_size", -1)) << 20
    if 0 <= limit < case.estimate.moved:
        yield Found("source", f"max_slot_wal_keep_size of the source is {size(limit)}")


@rules.add(
    "logical-sender-timeout", ADVICE, "wal_sender_timeout of the source is below 10 s: a busy subscriber is cut off.",
    "set it to 60 s",
)  # fmt: skip
def _sender_timeout(case: Case) -> Iterator[Found]:
    milliseconds = int(case.source.server["settings"].get("wal_sender_timeout", 0))
    if 0 < milliseconds < SENDER_TIMEOUT_SECONDS * 1000:
        yield Found("source", f"wal_sender_timeout of the source is {milliseconds} ms")


@rules.add(
    "logical-prepared", BLOCKER, "A prepared transaction of the source keeps the slot from ever becoming ready.",
    "COMMIT PREPARED or ROLLBACK PREPARED it",
)  # fmt: skip
def _prepared(case: Case) -> Iterator[Found]:
    gids = case.source.server["prepared"]
    if gids:
        yield Found(f"prepared transaction {listed(gids)}", f"prepared transactions on the source: {listed(gids)}")


@rules.add(
    "logical-large-objects", ADVICE, "Large objects: they are copied once, later changes are not replicated.",
    "keep them unchanged until the cut-over, or use method copy",
)  # fmt: skip
def _large_objects(case: Case) -> Iterator[Found]:
    number = case.source.server["large_objects"]
    if number:
        yield Found("large objects", f"the source has {number} large objects")


@rules.add(
    "logical-generated", ADVICE, "Generated columns are not replicated: the target computes them.",
    "see that their expressions give the same on the target's version and locale",
)  # fmt: skip
def _generated(case: Case) -> Iterator[Found]:
    columns = case.source.server["generated"]
    if columns:
        yield Found(f"column {listed(columns)}", f"generated columns: {listed(columns)}")


@rules.add(
    "logical-reverse", ADVICE, "wal_level of the target is not logical: no reverse subscription for a roll-back.",
    f"set wal_level = logical (RDS: rds.logical_replication = 1) {_RESTART}",
)  # fmt: skip
def _reverse(case: Case) -> Iterator[Found]:
    level = case.target.server["settings"].get("wal_level")
    if level != "logical":
        yield Found("target", f"wal_level of the target is {level}, not logical")


def _split(text: str, side: str) -> Found:
    what, _mark, todo = text.partition(": ")
    return Found(side, what, todo)
