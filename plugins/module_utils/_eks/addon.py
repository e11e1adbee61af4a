# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one add-on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api, waits
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon_plan import (
    KIND,
    Seen,
    as_data,
    builds_from,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, apply

Clients = Mapping[str, Any]
UNDER_WAY = ("CREATING", "UPDATING")
# Degraded is no end: CoreDNS is, until the first node is there.
FAILED = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")


def ensure_addon(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one add-on to the wanted state and return what was done and what is there."""
    eks = clients["eks"]
    addon = _get(eks, params)
    if params["state"] == "absent":
        return _ensure_absent(eks, params, addon, check_mode)
    if waits.status_of(addon) == "DELETING":
        if not check_mode:
            _wait_gone(eks, params)
        addon = None
    if waits.status_of(addon) in UNDER_WAY and not check_mode:
        _wait_active(eks, params)
        addon = _get(eks, params)
    seen = _look(eks, params, addon, check_mode)
    plan = plan_present(params, seen)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if check_mode:
        return {**result, "addon": facts(seen.addon or {"addonName": params["name"], "status": "planned"})}
    if params["wait"]:
        _wait_active(eks, params)
    return {**result, "addon": facts(_get(eks, params) or {})}


def _get(eks: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    return api.get_addon(eks, params["cluster_name"], params["name"])


def _look(eks: Any, params: Mapping[str, Any], addon: dict[str, Any] | None, check_mode: bool) -> Seen:
    cluster, name = params["cluster_name"], params["name"]
    found = api.get_cluster(eks, cluster)
    if found is None and not check_mode:
        raise ResourceError(f"{KIND} {name}: there is no eks_cluster {cluster}")
    # In check mode the cluster may be yet to come, of the version that it will get.
    kubernetes = found["version"] if found else _coming(eks)
    builds = builds_from(api.get_addon_versions(eks, name, kubernetes), name, kubernetes)
    owned = api.get_addon_associations(eks, cluster, addon) if addon else {}
    return Seen(addon, kubernetes, builds, owned)


def _coming(eks: Any) -> str:
    return next((offer.version for offer in api.get_offers(eks) if offer.support == "standard"), "")


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    cluster, name = params["cluster_name"], params["name"]
    if action.verb == "create":
        api.create_addon(eks, cluster, name, action.params)
    elif action.verb == "modify":
        update = api.update_addon(eks, cluster, name, action.params)
        of = {"addonName": name}
        waits.wait_update(lambda: api.get_update(eks, cluster, update, of), f"{KIND} {name}", params)
    elif action.verb == "delete":
        api.delete_addon(eks, cluster, name, action.params["preserve"])
    elif action.verb == "tag":
        api.tag(eks, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.untag(eks, action.params["arn"], action.params["keys"])
    else:
        raise AssertionError(f"no way to {action}")


def _wait_active(eks: Any, params: Mapping[str, Any]) -> None:
    waits.wait_active(lambda: _get(eks, params), f"{KIND} {params['name']}", params, FAILED)


def _wait_gone(eks: Any, params: Mapping[str, Any]) -> None:
    waits.wait_gone(lambda: _get(eks, params), f"{KIND} {params['name']}", params)


def _ensure_absent(
    eks: Any, params: Mapping[str, Any], addon: dict[str, Any] | None, check_mode: bool
) -> dict[str, Any]:
    plan = plan_absent(params, Seen(addon, ""))
    if plan.changed and waits.status_of(addon) in UNDER_WAY and not check_mode:
        _wait_active(eks, params)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if addon and not check_mode and params["wait"]:
        _wait_gone(eks, params)
    return {**result, "addon": {}}


def facts(addon: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": addon.get("addonName", ""),
        "arn": addon.get("addonArn", ""),
        "status": addon.get("status", ""),
        "version": addon.get("addonVersion", ""),
        "configuration": as_data(addon.get("configurationValues") or ""),
        "tags": dict(addon.get("tags") or {}),
    }
