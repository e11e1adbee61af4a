# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one cluster. Knows neither AnsibleModule nor the boto3 session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api, waits
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_plan import (
    KIND,
    Seen,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import resolve
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, apply

Clients = Mapping[str, Any]
UNDER_WAY = ("CREATING", "UPDATING", "PENDING")


def ensure_cluster(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one cluster to the wanted state and return what was done and what is there."""
    eks, name = clients["eks"], params["name"]
    if params["state"] == "absent":
        return _ensure_absent(eks, params, check_mode)
    cluster = api.get_cluster(eks, name)
    if waits.status_of(cluster) == "DELETING":
        if not check_mode:
            waits.wait_gone(lambda: api.get_cluster(eks, name), f"{KIND} {name}", params)
        cluster = None
    seen = _look(clients, params, cluster)
    plan = plan_present(params, seen)
    if plan.changed and seen.status in UNDER_WAY and not check_mode:
        # A run that was killed left work under way, and EKS takes no second update.
        _wait_active(eks, params)
        seen = _look(clients, params, api.get_cluster(eks, name))
        plan = plan_present(params, seen)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if check_mode:
        return {**result, "cluster": _predicted(params, seen)}
    if params["wait"]:
        _wait_active(eks, params)
    return {**result, "cluster": facts(api.get_cluster(eks, name) or {})}


def _look(clients: Clients, params: Mapping[str, Any], cluster: dict[str, Any] | None) -> Seen:
    """Read what the decision needs: the subnets only where they are new."""
    subnets = None
    wanted = params["subnet_ids"]
    has = (cluster or {}).get("resourcesVpcConfig", {}).get("subnetIds", [])
    if wanted and all(wanted) and sorted(set(wanted)) != sorted(has):
        subnets = api.get_subnets(clients["ec2"], sorted(set(wanted)))
    return Seen(cluster, api.get_offers(clients["eks"]), subnets)


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    """Carry out one step. EKS takes the next one only when the last is done."""
    name = params["name"]
    if action.verb == "create":
        api.create_cluster(eks, action.params)
    elif action.verb == "delete":
        api.delete_cluster(eks, name)
    elif action.verb == "tag":
        api.tag(eks, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.untag(eks, action.params["arn"], action.params["keys"])
    elif action.verb in _UPDATES:
        update = _UPDATES[action.verb](eks, name, action.params)
        waits.wait_update(lambda: api.get_update(eks, name, update), f"{KIND} {name}", params)
    else:
        raise AssertionError(f"no way to {action}")


_UPDATES = {"modify": api.update_cluster, "encrypt": api.encrypt_cluster, "upgrade": api.upgrade_cluster}


def _wait_active(eks: Any, params: Mapping[str, Any]) -> None:
    waits.wait_active(lambda: api.get_cluster(eks, params["name"]), f"{KIND} {params['name']}", params)


def _ensure_absent(eks: Any, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    name = params["name"]
    cluster = api.get_cluster(eks, name)
    gone = [f"node group {group}" for group in params["gone_before"]]
    there = api.get_inhabitants(eks, name) if cluster else []
    seen = Seen(cluster, inhabitants=[one for one in there if one not in gone])
    plan = plan_absent(params, seen)
    if plan.changed and seen.status in UNDER_WAY and not check_mode:
        _wait_active(eks, params)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if cluster and not check_mode and params["wait"]:
        waits.wait_gone(lambda: api.get_cluster(eks, name), f"{KIND} {name}", params)
    return {**result, "cluster": {}}


def facts(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cluster in snake_case, with what others need under short names."""
    plain = {key: value for key, value in cluster.items() if key != "tags"}
    return {
        **camel_dict_to_snake_dict(plain),
        "name": cluster.get("name", ""),
        "arn": cluster.get("arn", ""),
        "status": cluster.get("status", ""),
        "version": cluster.get("version", ""),
        "endpoint": cluster.get("endpoint", ""),
        "certificate_authority_data": (cluster.get("certificateAuthority") or {}).get("data", ""),
        "cluster_security_group_id": (cluster.get("resourcesVpcConfig") or {}).get("clusterSecurityGroupId", ""),
        "oidc_issuer": ((cluster.get("identity") or {}).get("oidc") or {}).get("issuer", ""),
        "tags": dict(cluster.get("tags") or {}),
    }


def _predicted(params: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Return the facts as far as they can be known before anything is written."""
    if seen.cluster is not None:
        return facts(seen.cluster)
    extended = params["support_type"] == "EXTENDED"
    version = resolve(seen.offers, params["version"], extended).version
    return {**facts({}), "name": params["name"], "status": "planned", "version": version}
