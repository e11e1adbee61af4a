# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static parameters take effect at a reboot: whether one is due, and making it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import KIND
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.watch import SETTLED, Watch, status_of
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

COSTS = "the reboot ends all connections and takes a minute or so"
# Seconds within which RDS shows that a parameter, changed a moment ago, waits for a reboot.
SHOWN_WITHIN = 300


def waits(instance: Mapping[str, Any] | None) -> bool:
    groups = (instance or {}).get("DBParameterGroups") or ()
    return any(group.get("ParameterApplyStatus") == "pending-reboot" for group in groups)


def plan_reboot(want: Mapping[str, Any], instance: Mapping[str, Any]) -> Iterator[Action]:
    if want.get("reboot") and (waits(instance) or want.get("reboot_for")):
        yield Action(
            "reboot", KIND, want["identifier"], {"parameters": "wait for a reboot"}, {"parameters": "in effect"}
        )


def note(want: Mapping[str, Any], instance: Mapping[str, Any]) -> tuple[str, ...]:
    names = ", ".join(want.get("reboot_for") or ()) or "a static parameter"
    if any(True for _action in plan_reboot(want, instance)):
        return (f"{names}: {COSTS}",)
    return ("a static parameter waits for a reboot of the instance",) if waits(instance) else ()


def reboot(rds: Any, params: Mapping[str, Any], plan: Plan) -> None:
    """Reboot the instance, unless a change of this plan has restarted it already."""
    name, watch = params["identifier"], Watch(params, lambda: api.last_events(rds, params["identifier"]), False)
    look = {"pause": params["wait_pause"], "failed": watch.failed, "show": _shown}
    instance = wait_until(
        lambda: api.get_instance(rds, name), watch.done, f"{KIND} {name}", timeout=params["wait_timeout"], **look
    )
    if not waits(instance):
        if any(action.verb == "modify" for action in plan.actions):
            return
        wait_until(
            lambda: api.get_instance(rds, name), waits, f"{KIND} {name} with a parameter that waits for its reboot",
            timeout=min(params["wait_timeout"], SHOWN_WITHIN), **look,
        )  # fmt: skip
    api.reboot_instance(rds, name)
    wait_until(
        lambda: api.get_instance(rds, name), lambda seen: status_of(seen) in SETTLED and not waits(seen),
        f"the reboot of {KIND} {name}", timeout=params["wait_timeout"], **look,
    )  # fmt: skip


def _shown(instance: Mapping[str, Any] | None) -> str:
    return f"{status_of(instance) or 'no such instance'}{', parameters wait' if waits(instance) else ''}"
