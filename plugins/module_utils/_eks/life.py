# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What node groups and add-ons go through alike: wait for what is under way, plan, act, wait again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import waits
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply

Item = dict[str, Any]
UNDER_WAY = ("CREATING", "UPDATING")


@dataclass(frozen=True)
class Life:
    """One thing in a cluster: how it is read, decided about and changed."""

    subject: str
    params: Mapping[str, Any]
    get: Callable[[], Item | None]
    plan: Callable[[Item | None], Plan]  # of what there is; it may read more
    execute: Callable[[Action], None]
    failed: tuple[str, ...]  # statuses in which waiting ends

    def wait_active(self) -> None:
        waits.wait_active(self.get, self.subject, self.params, self.failed)

    def wait_gone(self) -> None:
        waits.wait_gone(self.get, self.subject, self.params)


def ensure_present(life: Life, check_mode: bool) -> tuple[dict[str, Any], Item | None]:
    """Return what was done, and the thing; in check mode the thing as it is, or None before its creation."""
    item = life.get()
    if waits.status_of(item) == "DELETING":
        if not check_mode:
            life.wait_gone()
        item = None
    plan = life.plan(item)
    if plan.changed and waits.status_of(item) in UNDER_WAY and not check_mode:
        # A run that was killed left work under way, and EKS takes no second update.
        life.wait_active()
        plan = life.plan(life.get())
    result = apply(plan, life.execute, check_mode)
    if check_mode:
        return result, item
    if life.params["wait"]:
        life.wait_active()
    return result, life.get()


def ensure_absent(life: Life, check_mode: bool) -> dict[str, Any]:
    """Remove the thing; what is being made or changed can be removed when that is over."""
    item = life.get()
    plan = life.plan(item)
    if plan.changed and waits.status_of(item) in UNDER_WAY and not check_mode:
        life.wait_active()
    result = apply(plan, life.execute, check_mode)
    if item and not check_mode and life.params["wait"]:
        life.wait_gone()
    return result
