# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a cluster that is to be upgraded, and carry out one part of it: read, plan, act, wait."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api, waits
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon import FAILED as ADDON_FAILED
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_checks import aws_findings
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_look import Look, look
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_plan import PARTS, plan_part
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import ordered, target_for
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.findings import accepted
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, WAIT_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

Clients = Mapping[str, Any]
COMMON_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "addon_versions": {"type": "dict", "default": {}},
    "resolve_conflicts": {"type": "str", "choices": ["NONE", "OVERWRITE", "PRESERVE"], "default": "OVERWRITE"},
    "force_node_groups": {"type": "list", "elements": "str", "default": []},
}
INFO_SPEC = {**COMMON_SPEC, "accept": {"type": "list", "elements": "str", "default": []}}
UPGRADE_SPEC = {
    **COMMON_SPEC,
    "part": {"type": "str", "choices": list(PARTS), "required": True},
    "wait_timeout": {"type": "int", "default": 3600},
    "wait_pause": {**WAIT_SPEC["wait_pause"], "default": 10},
}


def upgrade_info(clients: Clients, params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """Tell what is in the way and what is left to do."""
    seen = _seen(clients, params)
    findings = accepted(aws_findings(params, seen), params["accept"])
    impossible = any(one.result == "fail" and not one.mark for one in findings)
    plan = {part: [] if impossible else plan_part(part, params, seen) for part in PARTS}
    return {
        "changed": False,
        "running_version": seen.cluster["version"],
        "findings": [one.told() for one in findings],
        "plan": {part: [_shown(action) for action in plan[part]] for part in PARTS},
    }


def upgrade(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Carry out one part. What another run has begun is waited for first: EKS takes one update at a time."""
    eks, seen = clients["eks"], _seen(clients, params)
    _refuse_order(params, seen, check_mode)
    if not check_mode:
        _settle(eks, params, seen)
        seen = look(clients, params["name"], params["version"])
    plan = Plan(tuple(plan_part(params["part"], params, seen)))
    return apply(plan, lambda action: _execute(eks, params, action), check_mode)


def _seen(clients: Clients, params: Mapping[str, Any]) -> Look:
    seen = look(clients, params["name"], params["version"])
    refuse_foreign(f"eks_cluster {params['name']}", seen.cluster.get("tags") or {}, params, "eks")
    return seen


def _refuse_order(params: Mapping[str, Any], seen: Look, check_mode: bool) -> None:
    """Check mode only foresees the parts before, so it does not insist on their order."""
    running, wanted = seen.cluster["version"], params["version"]
    extended = (seen.cluster.get("upgradePolicy") or {}).get("supportType") == "EXTENDED"
    target_for(seen.offers, running, wanted, True, extended)
    if params["part"] != "control_plane" and ordered(running) < ordered(wanted) and not check_mode:
        raise ResourceError(
            f"the control plane of eks_cluster {params['name']} runs Kubernetes {running}; upgrade it to {wanted} "
            f"before its {params['part'].replace('_', ' ')}"
        )


def _settle(eks: Any, params: Mapping[str, Any], seen: Look) -> None:
    name = params["name"]
    _until_settled(lambda: api.get_cluster(eks, name), seen.cluster, f"eks_cluster {name}", params)
    for addon in seen.addons:
        one = addon["addonName"]
        _until_settled(partial(api.get_addon, eks, name, one), addon, f"eks_addon {one}", params)
    for group in seen.groups:
        one = group["nodegroupName"]
        _until_settled(partial(api.get_node_group, eks, name, one), group, f"eks_node_group {one}", params)


def _until_settled(get: waits.Look, now: Mapping[str, Any], subject: str, params: Mapping[str, Any]) -> None:
    """However it ends: what is left to do is seen by the next look."""
    if now["status"] == "UPDATING":
        wait_until(
            get, lambda item: waits.status_of(item) != "UPDATING", subject,
            timeout=params["wait_timeout"], pause=params["wait_pause"], show=waits.status_of,
        )  # fmt: skip


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    cluster = params["name"]
    of: dict[str, str] = {}
    if action.kind == "eks_cluster":
        update = api.upgrade_cluster(eks, cluster, action.params)
    elif action.kind == "eks_addon":
        of = {"addonName": action.name}
        update = api.update_addon(eks, cluster, action.name, action.params)
    else:
        of = {"nodegroupName": action.name}
        update = api.upgrade_node_group(eks, cluster, action.name, action.params)
    try:
        waits.wait_update(lambda: api.get_update(eks, cluster, update, of), f"{action.kind} {action.name}", params)
    except ResourceError as problem:
        raise _advised(problem, action) from problem
    if action.kind == "eks_addon":
        get = partial(api.get_addon, eks, cluster, action.name)
        waits.wait_active(get, f"eks_addon {action.name}", params, ADDON_FAILED)


def _advised(problem: ResourceError, action: Action) -> ResourceError:
    """EKS says of a budget that does not give way only that Pods could not be moved."""
    if "PodEvictionFailure" not in problem.message:
        return problem
    return ResourceError(
        f"{problem.message}. A disruption budget keeps Pods on their node: let it allow a disruption and run again, or "
        f"name {action.name} in force_node_groups, which ends these Pods whatever their budget says",
        **problem.details,
    )


def _shown(action: Action) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "name": action.name,
        "from": (action.before or {}).get("version", ""),
        "to": (action.after or {}).get("version", ""),
        "force": bool((action.after or {}).get("force")),
    }
