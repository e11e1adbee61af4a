# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should be told of a change beforehand: what it costs, and what waits for what. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import reboot
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.fields import (
    BY_OPTION,
    FIELDS,
    RESTART,
    Field,
    current_value,
    is_pending,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import RESTORED, Seen


def notes_of(changes: Mapping[Field, Any], want: Mapping[str, Any], seen: Seen) -> tuple[str, ...]:
    """Tell beforehand what a change costs, and what waits for what."""
    instance, notes = seen.instance or {}, []
    offer = seen.offer(want["engine_version"])
    for field, after in changes.items():
        costs = field.costs
        if field.option == "ca_certificate_identifier" and (offer is None or offer.certificate_restarts):
            costs = RESTART
        if field.option == "backup_retention_period" and 0 in (after, current_value(field, instance)):
            costs = RESTART
        if costs:
            notes.append(f"{field.option}: the change {costs}")
        if field.pending and not want.get("apply_immediately"):
            notes.append(f"{field.option}: waits for the maintenance window (apply_immediately is false)")
    waiting = [field.option for field in FIELDS if field not in changes and is_pending(field, instance)]
    notes += [f"{option}: a change is pending already" for option in waiting]
    notes += reboot.note(want, instance)
    asked, has = want.get("allocated_storage"), current_value(BY_OPTION["allocated_storage"], instance)
    if asked and seen.grown_by_aws(asked, has):
        notes.append(f"allocated_storage: autoscaling has grown {asked} to {has} GiB; it stays")
    return (*notes, *_origin(want, seen))


def _origin(want: Mapping[str, Any], seen: Seen) -> tuple[str, ...]:
    """An instance that exists is never overwritten by a restore: say so, and where its data came from."""
    source = origin_of(want.get("restore_from"))
    if not source or seen.tags.get(RESTORED) == source:
        return ()
    had = seen.tags.get(RESTORED) or "nothing: it was made empty"
    return (f"restore_from {source} is not used: the instance exists already (restored from {had})",)


def origin_of(restore_from: Mapping[str, Any] | None) -> str:
    """Return in a word what is restored: the value of the tag on the new instance."""
    given = restore_from or {}
    if given.get("snapshot_identifier"):
        return f"snapshot {given['snapshot_identifier']}"
    if given.get("instance_identifier"):
        return f"instance {given['instance_identifier']} at {given.get('restore_time') or 'the latest time'}"
    return ""
