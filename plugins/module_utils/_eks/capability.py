# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one EKS capability (Argo CD, ACK, kro)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import access_entry, api, waits
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import capability_api as capabilities
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import identity_api as identity
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.capability_plan import (
    KIND,
    Seen,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, apply

Clients = Mapping[str, Any]
UNDER_WAY = ("CREATING", "UPDATING")


def ensure_capability(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one capability to the wanted state and return what was done and what is there."""
    eks = clients["eks"]
    seen = _settled(eks, params, check_mode)
    if params["state"] == "absent":
        return _ensure_absent(eks, params, seen, check_mode)
    plan = plan_present(params, seen)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if check_mode:
        planned = {"capabilityName": params["name"], "status": "planned", "type": params["type"]}
        return {**result, "capability": facts(seen.capability or planned)}
    if params["wait"]:
        _wait_active(eks, params)
    return {**result, "capability": facts(_get(eks, params) or {})}


def _get(eks: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    return capabilities.get_capability(eks, params["cluster_name"], params["name"])


def _settled(eks: Any, params: Mapping[str, Any], check_mode: bool) -> Seen:
    """What there is, once nothing is under way any more; in check mode, as it is."""
    capability = _get(eks, params)
    if not check_mode and waits.status_of(capability) == "DELETING":
        _wait_gone(eks, params)
    if not check_mode and waits.status_of(capability) in UNDER_WAY:
        _wait_active(eks, params)
    return _look(eks, params, capability if check_mode else _get(eks, params), check_mode)


def _look(eks: Any, params: Mapping[str, Any], capability: dict[str, Any] | None, check_mode: bool) -> Seen:
    cluster, leaves = params["cluster_name"], params["state"] == "absent"
    if waits.status_of(capability) == "DELETING":
        capability = None
    if capability is None and leaves:
        return Seen(None)
    if capability is None and not check_mode and api.get_cluster(eks, cluster) is None:
        raise ResourceError(f"{KIND} {params['name']}: there is no eks_cluster {cluster}")
    others = [] if capability else capabilities.list_capabilities(eks, cluster)
    role = (capability or {}).get("roleArn") if leaves else params["role_arn"]
    return Seen(capability, others, _policies(eks, cluster, role))


def _policies(eks: Any, cluster: str, role: str | None) -> dict[str, list[str]]:
    entry = identity.get_access_entry(eks, cluster, role) if role else None
    return access_entry.scopes(entry) if entry else {}


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    cluster, name = params["cluster_name"], params["name"]
    if action.kind == access_entry.KIND:
        _grant(eks, cluster, action)
    elif action.verb == "create":
        capabilities.create_capability(eks, action.params)
        _wait_active(eks, params)  # the access entry of its role comes with it
    elif action.verb == "modify":
        update = capabilities.update_capability(eks, cluster, name, action.params)
        of = {"capabilityName": name}
        waits.wait_update(lambda: api.get_update(eks, cluster, update, of), f"{KIND} {name}", params)
    elif action.verb == "delete":
        capabilities.delete_capability(eks, cluster, name)
    elif action.verb == "tag":
        api.tag(eks, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.untag(eks, action.params["arn"], action.params["keys"])
    else:
        raise AssertionError(f"no way to {action}")


def _grant(eks: Any, cluster: str, action: Action) -> None:
    if action.verb == "associate":
        identity.associate_policy(eks, cluster, action.name, action.params)
    else:
        identity.disassociate_policy(eks, cluster, action.name, action.params["policyArn"])


def _wait_active(eks: Any, params: Mapping[str, Any]) -> None:
    waits.wait_active(lambda: _get(eks, params), f"{KIND} {params['name']}", params)


def _wait_gone(eks: Any, params: Mapping[str, Any]) -> None:
    waits.wait_gone(lambda: _get(eks, params), f"{KIND} {params['name']}", params)


def _ensure_absent(eks: Any, params: Mapping[str, Any], seen: Seen, check_mode: bool) -> dict[str, Any]:
    result = apply(plan_absent(params, seen), lambda action: _execute(eks, params, action), check_mode)
    if seen.capability and not check_mode and params["wait"]:
        _wait_gone(eks, params)
    return {**result, "capability": {}}


def facts(capability: Mapping[str, Any]) -> dict[str, Any]:
    """Return the capability in snake_case; tags keep their own spelling."""
    plain = {key: value for key, value in capability.items() if key != "tags"}
    argo = (capability.get("configuration") or {}).get("argoCd") or {}
    return {
        **camel_dict_to_snake_dict(plain),
        "name": capability.get("capabilityName", ""),
        "arn": capability.get("arn", ""),
        "status": capability.get("status", ""),
        "namespace": argo.get("namespace", ""),
        "server_url": argo.get("serverUrl", ""),
        "tags": dict(capability.get("tags") or {}),
    }
