# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the statuses of an instance mean to one who waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.fields import FIELDS, is_pending

# Work goes on behind the last two, for hours with much data; the instance serves, and can be changed.
SETTLED = ("available", "storage-optimization", "storage-initialization")
GOING = ("deleting", "delete-precheck")
BROKEN = (
    "failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
    "insufficient-capacity", "restore-error", "stopped", "stopping", "storage-full",
)  # fmt: skip
UNSEEN = 8  # looks in a row: what was made a moment ago is not seen everywhere in RDS yet


def status_of(instance: Mapping[str, Any] | None) -> str:
    return (instance or {}).get("DBInstanceStatus", "")


class Watch:
    """Judges one look after the other until the instance is available and, with apply_immediately, nothing is pending.

    `whole` waits for the secret of the master user too: RDS makes it beside its other work, and may call the
    instance available before.
    """

    def __init__(self, params: Mapping[str, Any], events: Callable[[], list[str]], whole: bool) -> None:
        self.params, self.events, self.whole = params, events, whole
        self.unseen = 0

    def done(self, instance: dict[str, Any] | None) -> bool:
        if instance is None or status_of(instance) not in SETTLED or not instance.get("Endpoint"):
            return False
        if self.whole and (instance.get("MasterUserSecret") or _NO_SECRET).get("SecretStatus") == "creating":
            return False
        at_once = self.params["apply_immediately"]
        asked = [field for field in FIELDS if at_once and self.params.get(field.option) is not None]
        return not any(is_pending(field, instance) for field in asked)

    def failed(self, instance: dict[str, Any] | None) -> str | None:
        self.unseen = self.unseen + 1 if instance is None else 0
        if instance is None:
            return "it has disappeared" if self.unseen > UNSEEN else None
        status = status_of(instance)
        if status == "storage-full" and "AllocatedStorage" in instance.get("PendingModifiedValues", {}):
            if self.params["apply_immediately"]:
                return None  # it is being given the storage that it lacks
            return "its storage is full, and more of it waits for the maintenance window; ask for apply_immediately"
        if status in BROKEN or status.startswith("incompatible-"):
            events = self.events()[-5:]
            told = f"; last events: {' | '.join(events)}" if events else "; RDS wrote no events"
            return f"its status is {status}{told}"
        return None


_NO_SECRET = {"SecretStatus": "creating"}
