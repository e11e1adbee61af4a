# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one managed node group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api, waits
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.life import Life, ensure_absent, ensure_present
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group_plan import (
    COMPONENT,
    KIND,
    Seen,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import is_ours
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

Clients = Mapping[str, Any]
# What nodes suffer from passes, or is mended by a change: only what cannot be made ends the wait.
FAILED = ("CREATE_FAILED", "DELETE_FAILED")


def ensure_node_group(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one node group to the wanted state and return what was done and what is there."""
    eks = clients["eks"]
    if params["name"].endswith("*"):
        return _ensure_no_others(eks, params, check_mode)
    if params["state"] == "absent":
        return {**ensure_absent(_leaving(eks, params), check_mode), "node_group": {}}
    life = _life(eks, params, lambda group: plan_present(params, _look(clients, params, group, check_mode)))
    result, group = ensure_present(life, check_mode)
    return {**result, "node_group": facts(group or {"nodegroupName": params["name"], "status": "planned"})}


def _life(eks: Any, params: Mapping[str, Any], plan: Callable[[dict[str, Any] | None], Plan]) -> Life:
    return Life(
        f"{KIND} {params['name']}", params, get=lambda: _get(eks, params), plan=plan,
        execute=lambda action: _execute(eks, params, action), failed=FAILED,
    )  # fmt: skip


def _leaving(eks: Any, params: Mapping[str, Any]) -> Life:
    return _life(eks, params, lambda group: plan_absent(params, Seen(group, None)))


def _get(eks: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    return api.get_node_group(eks, params["cluster_name"], params["name"])


def _look(clients: Clients, params: Mapping[str, Any], group: dict[str, Any] | None, check_mode: bool) -> Seen:
    """Read the cluster, and what EC2 has only for nodes that are new."""
    cluster = api.get_cluster(clients["eks"], params["cluster_name"])
    if cluster is None and not check_mode:
        raise ResourceError(f"{KIND} {params['name']}: there is no eks_cluster {params['cluster_name']}")
    subnets = sorted(set(params["subnet_ids"] or ()))
    grows = group is None or group["scalingConfig"]["maxSize"] < params["max_size"]
    if not grows:
        return Seen(group, cluster)
    ec2, names = clients["ec2"], params["instance_types"]
    types = api.get_instance_types(ec2, names) if names else []
    offerings = frozenset(api.get_offerings(ec2, names)) if names else frozenset()
    # Before the network is made its subnets are not known; what is known of the types is checked all the same.
    known = api.get_subnets(ec2, subnets) if subnets and all(subnets) else []
    return Seen(group, cluster, known, types, offerings)


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    cluster, name = params["cluster_name"], params["name"]
    if action.verb == "create":
        api.create_node_group(eks, action.params)
    elif action.verb == "delete":
        api.delete_node_group(eks, cluster, name)
    elif action.verb == "tag":
        api.tag(eks, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.untag(eks, action.params["arn"], action.params["keys"])
    elif action.verb in _UPDATES:
        update = _UPDATES[action.verb](eks, cluster, name, action.params)
        of = {"nodegroupName": name}
        waits.wait_update(lambda: api.get_update(eks, cluster, update, of), f"{KIND} {name}", params)
    else:
        raise AssertionError(f"no way to {action}")


_UPDATES = {"modify": api.update_node_group, "upgrade": api.upgrade_node_group}


def _ensure_no_others(eks: Any, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Remove all groups of ours whose names begin so; they go side by side."""
    cluster, prefix = params["cluster_name"], params["name"][:-1]
    if params["state"] != "absent":
        raise ResourceError(f"{KIND} {params['name']}: several node groups go with state absent only")
    names = [name for name in api.list_node_groups(eks, cluster) if name.startswith(prefix)]
    found = {name: api.get_node_group(eks, cluster, name) for name in names if name not in params["keep"]}
    leaving = [
        _leaving(eks, {**params, "name": name, "wait": False})
        for name, group in found.items()
        if group and is_ours(group.get("tags") or {}, params, COMPONENT)
    ]
    done = [ensure_absent(life, check_mode) for life in leaving]
    for life in leaving if params["wait"] and not check_mode else ():
        life.wait_gone()
    merged = {side: {key: value for one in done for key, value in one["diff"][side].items()} for side in _SIDES}
    return {
        "changed": any(one["changed"] for one in done),
        "actions": [action for one in done for action in one["actions"]],
        "notes": [], "diff": merged, "node_group": {},
    }  # fmt: skip


_SIDES = ("before", "after")


def facts(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the node group in snake_case; labels and tags keep their own spelling."""
    plain = {key: value for key, value in group.items() if key not in ("tags", "labels")}
    return {
        **camel_dict_to_snake_dict(plain),
        "name": group.get("nodegroupName", ""),
        "arn": group.get("nodegroupArn", ""),
        "status": group.get("status", ""),
        "labels": dict(group.get("labels") or {}),
        "tags": dict(group.get("tags") or {}),
        "auto_scaling_groups": [item["name"] for item in (group.get("resources") or {}).get("autoScalingGroups") or ()],
    }
