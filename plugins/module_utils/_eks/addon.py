# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one add-on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.life import Life, ensure_absent, ensure_present
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

Clients = Mapping[str, Any]
# Degraded is no end: CoreDNS is, until the first node is there.
FAILED = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")


def ensure_addon(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one add-on to the wanted state and return what was done and what is there."""
    eks = clients["eks"]
    if params["state"] == "absent":
        life = _life(eks, params, lambda addon: plan_absent(params, Seen(addon, "")))
        return {**ensure_absent(life, check_mode), "addon": {}}
    life = _life(eks, params, lambda addon: plan_present(params, _look(eks, params, addon, check_mode)))
    result, addon = ensure_present(life, check_mode)
    return {**result, "addon": facts(addon or {"addonName": params["name"], "status": "planned"})}


def _life(eks: Any, params: Mapping[str, Any], plan: Callable[[dict[str, Any] | None], Plan]) -> Life:
    return Life(
        f"{KIND} {params['name']}", params, get=lambda: _get(eks, params), plan=plan,
        execute=lambda action: _execute(eks, params, action), failed=FAILED,
    )  # fmt: skip


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


def facts(addon: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": addon.get("addonName", ""),
        "arn": addon.get("addonArn", ""),
        "status": addon.get("status", ""),
        "version": addon.get("addonVersion", ""),
        "configuration": as_data(addon.get("configurationValues") or ""),
        "tags": dict(addon.get("tags") or {}),
    }
