# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one proxy. Knows neither AnsibleModule nor the boto3 session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api as rds_api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.health import Look, Watch, target_of
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.plan import (
    KIND,
    POOL,
    Seen,
    plan_absent,
    plan_present,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

PORT = 5432  # of every proxy for PostgreSQL; DescribeDBProxies does not tell it
SETTLED = "available"
# No wait ends these: a person has to act.
BROKEN = ("incompatible-network", "insufficient-resource-limits", "suspended")
# RDS registers an instance in these states.
REGISTRABLE = ("available", "modifying", "backing-up", "storage-optimization")
LOST = ("deleting", "failed", "stopped", "stopping", "restore-error", "inaccessible-encryption-credentials")

Clients = Mapping[str, Any]


def ensure_proxy(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one proxy and its target to the wanted state and return what was done and what is there."""
    rds = clients["rds"]
    if params["state"] == "absent":
        return _ensure_absent(rds, params, check_mode)
    seen, plan = _look(rds, params, check_mode)
    if plan.changed and seen.proxy and seen.status != SETTLED and not check_mode:
        # A run that was killed left work under way, and RDS changes nothing until that is done.
        _wait_settled(rds, params)
        seen, plan = _look(rds, params, check_mode)
    result = apply(plan, lambda action: _execute(rds, params, action), check_mode)
    if check_mode:
        return {**result, "proxy": _predicted(params, seen)}
    if not plan.changed and Watch(params).done(Look(seen.proxy, seen.targets)):
        return {**result, "proxy": facts(seen)}
    if params["wait"]:
        _wait_for_target(rds, params)
    return {**result, "proxy": facts(api.look(rds, params["name"]))}


def _look(rds: Any, params: Mapping[str, Any], check_mode: bool) -> tuple[Seen, Plan]:
    name, target = params["name"], params["db_instance_identifier"]
    seen = api.look(rds, name, target)
    if seen.status == "deleting":
        if not check_mode:
            _wait_gone(rds, params)
        seen = Seen(None, instance=rds_api.get_instance(rds, target))
    return seen, plan_present(params, seen, complete=not check_mode)


def _execute(rds: Any, params: Mapping[str, Any], action: Action) -> None:
    """Carry out one step. RDS takes the next one only when the last is done."""
    step, name = (action.verb, action.kind), params["name"]
    if step == ("create", KIND):
        api.create_proxy(rds, action.params)
        _wait_settled(rds, params)
    elif step == ("modify", KIND):
        api.modify_proxy(rds, name, action.params)
        _wait_settled(rds, params)
    elif step == ("modify", POOL):
        api.modify_pool(rds, name, action.params)
    elif action.verb == "tag":
        rds_api.add_tags(rds, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        rds_api.remove_tags(rds, action.params["arn"], action.params["keys"])
    elif action.verb == "deregister":
        if params["state"] == "present":
            _wait_for_instance(rds, params)  # the old target serves until the new one can
        api.deregister(rds, name, action.params)
    elif action.verb == "register":
        _wait_for_instance(rds, params)
        api.register(rds, name, action.params["instance"])
    elif action.verb == "delete":
        api.delete_proxy(rds, name)
    else:
        raise AssertionError(f"no way to {action}")


def _wait_settled(rds: Any, params: Mapping[str, Any]) -> None:
    def failed(proxy: dict[str, Any] | None) -> str | None:
        if proxy is None:
            return "it has disappeared"
        if proxy["Status"] in BROKEN:
            return f"its status is {proxy['Status']}; remove it with state=absent, mend the cause and make it anew"
        return None

    wait_until(
        lambda: api.get_proxy(rds, params["name"]), lambda proxy: proxy is not None and proxy["Status"] == SETTLED,
        f"{KIND} {params['name']}", timeout=params["wait_timeout"], pause=params["wait_pause"], failed=failed,
        show=lambda proxy: proxy["Status"] if proxy else "no such proxy",
    )  # fmt: skip


def _wait_for_instance(rds: Any, params: Mapping[str, Any]) -> None:
    """A target that is still being made is refused: wait for it first."""
    name = params["db_instance_identifier"]

    def status(instance: dict[str, Any] | None) -> str:
        return instance["DBInstanceStatus"] if instance else "no such instance"

    def failed(instance: dict[str, Any] | None) -> str | None:
        if instance is None or status(instance) in LOST or status(instance).startswith("incompatible-"):
            return f"it is no target for {KIND} {params['name']}: {status(instance)}"
        return None

    wait_until(
        lambda: rds_api.get_instance(rds, name), lambda instance: status(instance) in REGISTRABLE,
        f"db_instance {name}", timeout=params["wait_timeout"], pause=params["wait_pause"], failed=failed, show=status,
    )  # fmt: skip


def _wait_for_target(rds: Any, params: Mapping[str, Any]) -> None:
    watch = Watch(params)
    wait_until(
        lambda: Look(api.get_proxy(rds, params["name"]), api.get_targets(rds, params["name"])), watch.done,
        f"the target {params['db_instance_identifier']} of {KIND} {params['name']}",
        timeout=params["wait_timeout"], pause=params["wait_pause"], failed=watch.failed, show=watch.show,
    )  # fmt: skip


def _wait_gone(rds: Any, params: Mapping[str, Any]) -> None:
    wait_until(
        lambda: api.get_proxy(rds, params["name"]), lambda proxy: proxy is None,
        f"the removal of {KIND} {params['name']}", timeout=params["wait_timeout"], pause=params["wait_pause"],
        show=lambda proxy: proxy["Status"] if proxy else "no such proxy",
    )  # fmt: skip


def _ensure_absent(rds: Any, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    seen = api.look(rds, params["name"])
    plan = plan_absent(params, seen)
    if plan.changed and not check_mode and seen.status not in (SETTLED, *BROKEN):
        _wait_settled(rds, params)
    result = apply(plan, lambda action: _execute(rds, params, action), check_mode)
    if seen.proxy and not check_mode and params["wait"]:
        _wait_gone(rds, params)
    return {**result, "proxy": {}}


def facts(seen: Seen) -> dict[str, Any]:
    """Return the proxy in snake_case, with its target's health."""
    proxy = dict(seen.proxy or {})
    target = target_of(seen.targets, "")
    return {
        **camel_dict_to_snake_dict({key: value for key, value in proxy.items() if key != "TagList"}),
        "name": proxy.get("DBProxyName", ""),
        "arn": proxy.get("DBProxyArn", ""),
        "status": proxy.get("Status", ""),
        "endpoint": proxy.get("Endpoint", ""),
        "port": PORT,
        "db_instance_identifier": target.get("RdsResourceId", ""),
        "target_health": camel_dict_to_snake_dict(target.get("TargetHealth", {})),
        "connection_pool_config": camel_dict_to_snake_dict(dict(seen.pool)),
        "tags": seen.tags,
    }


def _predicted(params: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Return the facts as far as they can be known before anything is written."""
    known = facts(seen)
    if seen.proxy is None:
        known |= {"name": params["name"], "db_proxy_name": params["name"], "status": "planned"}
    return {
        **known,
        "db_instance_identifier": params["db_instance_identifier"],
        "tags": {**seen.tags, **wanted_tags(params)},
    }
