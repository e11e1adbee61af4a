# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of method logical: what a publication, its slot and the subscription need on both sides. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.estimate import size
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Check,
    Found,
    Rules,
)

SENDER_TIMEOUT_SECONDS = 10
_RESTART = "and restart the server; on RDS in the parameter group, then reboot"

rules = Rules()


def _rule(rule_id: str, severity: str, finds: str, todo: str = "") -> Callable[[Check], Check]:
    """Add a rule that is silent for other methods."""

    def added(check: Check) -> Check:
        def when_logical(case: Case) -> Iterator[Found]:
            if case.logical:
                yield from check(case)

        return rules.add(rule_id, severity, finds, todo)(when_logical)

    return added


@_rule(
    "logical-wal-level", BLOCKER, "wal_level of the source is not logical (on RDS: rds.logical_replication is off).",
    f"set wal_level = logical (RDS: rds.logical_replication = 1) {_RESTART}",
)  # fmt: skip
def _wal_level(case: Case) -> Iterator[Found]:
    level = _setting(case, "wal_level")
    if level != "logical":
        yield Found("source", f"wal_level of the source is {level}, not logical")


@_rule("logical-slots", BLOCKER, "The source has no free replication slot.", f"raise max_replication_slots {_RESTART}")
def _slots(case: Case) -> Iterator[Found]:
    most, used = int(_setting(case, "max_replication_slots")), case.source.server["slots"]
    if used >= most:
        yield Found("source", f"all {most} replication slots of the source are taken")


@_rule("logical-senders", BLOCKER, "The source has no free WAL sender.", f"raise max_wal_senders {_RESTART}")
def _senders(case: Case) -> Iterator[Found]:
    most, used = int(_setting(case, "max_wal_senders")), case.source.server["senders"]
    if used >= most:
        yield Found("source", f"all {most} WAL senders of the source are at work")


@_rule(
    "logical-slot-limit", BLOCKER, "max_slot_wal_keep_size of the source is less than the database: the slot may be"
    " lost while the rows are copied.",
    "set max_slot_wal_keep_size = -1 until the cut-over, and watch the source's storage",
)  # fmt: skip
def _slot_limit(case: Case) -> Iterator[Found]:
    limit = int(case.source.server["settings"].get("max_slot_wal_keep_size", -1)) << 20
    if 0 <= limit < case.estimate.moved:
        yield Found("source", f"max_slot_wal_keep_size of the source is {size(limit)}")


@_rule(
    "logical-sender-timeout", ADVICE, "wal_sender_timeout of the source is below 10 s: a busy subscriber is cut off.",
    "set it to 60 s",
)  # fmt: skip
def _sender_timeout(case: Case) -> Iterator[Found]:
    milliseconds = int(case.source.server["settings"].get("wal_sender_timeout", 0))
    if 0 < milliseconds < SENDER_TIMEOUT_SECONDS * 1000:
        yield Found("source", f"wal_sender_timeout of the source is {milliseconds} ms")


@_rule("logical-replica", BLOCKER, "The source is a replica: publications are made on the primary.", "name the primary")
def _replica(case: Case) -> Iterator[Found]:
    if case.source.server["recovery"]:
        yield Found("source", "the source is a replica")


@_rule(
    "logical-prepared", BLOCKER, "A prepared transaction of the source keeps the slot from ever becoming ready.",
    "COMMIT PREPARED or ROLLBACK PREPARED it",
)  # fmt: skip
def _prepared(case: Case) -> Iterator[Found]:
    gids = case.source.server["prepared"]
    if gids:
        yield Found(f"prepared transaction {listed(gids)}", f"prepared transactions on the source: {listed(gids)}")


@_rule(
    "logical-publisher", BLOCKER, "The source's role may not replicate.",
    "ALTER ROLE ... REPLICATION by a superuser; on RDS GRANT rds_replication",
)  # fmt: skip
def _publisher(case: Case) -> Iterator[Found]:
    if not case.source.server["may_replicate"]:
        user = case.source.server["user"]
        yield Found(f"role {user}", f"{user} of the source has not the attribute REPLICATION")


@_rule(
    "logical-subscriber", BLOCKER, "The target's role may not create subscriptions.",
    "GRANT pg_create_subscription (16 and newer); on RDS use a member of rds_superuser",
)  # fmt: skip
def _subscriber(case: Case) -> Iterator[Found]:
    if not case.target.server["may_subscribe"]:
        user = case.target.server["user"]
        yield Found(f"role {user}", f"{user} of the target may not create subscriptions")


@_rule(
    "logical-workers", BLOCKER, "The target has no room for a subscription: max_logical_replication_workers,"
    " max_worker_processes or max_replication_slots (18: max_active_replication_origins) is 0.",
    f"raise it {_RESTART}",
)  # fmt: skip
def _workers(case: Case) -> Iterator[Found]:
    settings = case.target.server["settings"]
    origins = "max_active_replication_origins"
    slots = origins if origins in settings else "max_replication_slots"
    for name in ("max_logical_replication_workers", "max_worker_processes", slots):
        if int(settings.get(name, 1)) < 1:
            yield Found("target", f"{name} of the target is 0")


@_rule(
    "logical-identity", ADVICE, "Tables without replica identity: UPDATE and DELETE on them fail on the source as soon"
    " as they are published.",
    "give them a primary key, or ALTER TABLE ... REPLICA IDENTITY USING INDEX or FULL",
)  # fmt: skip
def _identity(case: Case) -> Iterator[Found]:
    for ident in case.source.server["no_identity"]:
        yield Found(f"table {ident}", f"{ident} has no replica identity")


@_rule(
    "logical-large-objects", ADVICE, "Large objects: they are copied once, later changes are not replicated.",
    "keep them unchanged until the cut-over, or use method copy",
)  # fmt: skip
def _large_objects(case: Case) -> Iterator[Found]:
    number = case.source.server["large_objects"]
    if number:
        yield Found("large objects", f"the source has {number} large objects")


@_rule(
    "logical-generated", ADVICE, "Generated columns are not replicated: the target computes them.",
    "see that their expressions give the same on the target's version and locale",
)  # fmt: skip
def _generated(case: Case) -> Iterator[Found]:
    columns = case.source.server["generated"]
    if columns:
        yield Found(f"column {listed(columns)}", f"generated columns: {listed(columns)}")


@_rule(
    "logical-reverse", ADVICE, "wal_level of the target is not logical: no reverse subscription for a roll-back.",
    f"set wal_level = logical (RDS: rds.logical_replication = 1) {_RESTART}",
)  # fmt: skip
def _reverse(case: Case) -> Iterator[Found]:
    level = case.target.server["settings"].get("wal_level")
    if level != "logical":
        yield Found("target", f"wal_level of the target is {level}, not logical")


def _setting(case: Case, name: str) -> str:
    return case.source.server["settings"][name]
