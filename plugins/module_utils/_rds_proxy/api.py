# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to RDS behind the proxy module: one call per function, nothing decided here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api as rds_api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.plan import DEFAULT_GROUP, Seen
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

NO_PROXY = ("DBProxyNotFoundFault", "DBProxyNotFound")
NO_TARGET = ("DBProxyTargetNotFoundFault", *NO_PROXY)
REGISTERED = ("DBProxyTargetAlreadyRegisteredFault", "DBProxyTargetAlreadyRegistered")
BUSY = ("InvalidDBProxyStateFault", "InvalidDBProxyState")
NOT_READY = (*BUSY, "InvalidDBInstanceState", "InvalidDBInstanceStateFault")
ROLE_ATTEMPTS = 6


def get_proxy(rds: Any, name: str) -> dict[str, Any] | None:
    found = call(rds, "describe_db_proxies", f"read db_proxy {name}", missing=NO_PROXY, DBProxyName=name)
    return found["DBProxies"][0] if found and found["DBProxies"] else None


def get_targets(rds: Any, name: str) -> list[dict[str, Any]]:
    what = f"read the targets of db_proxy {name}"
    return pages(rds, "describe_db_proxy_targets", "Targets", what, missing=NO_TARGET, DBProxyName=name)


def look(rds: Any, name: str, instance: str = "") -> Seen:
    """Read the proxy with all that belongs to it; the instance only when it is yet to be registered."""
    proxy = get_proxy(rds, name)
    if proxy is None:
        return Seen(None, instance=rds_api.get_instance(rds, instance) if instance else None)
    if proxy["Status"] == "deleting":
        return Seen(proxy)  # its tags may go at any moment
    what = f"read the target group of db_proxy {name}"
    groups = pages(rds, "describe_db_proxy_target_groups", "TargetGroups", what, missing=NO_PROXY, DBProxyName=name)
    targets = get_targets(rds, name)
    registered = any(target.get("RdsResourceId") == instance for target in targets)
    return Seen(
        {**proxy, "TagList": rds_api.get_tags(rds, proxy["DBProxyArn"])},
        pool=groups[0]["ConnectionPoolConfig"] if groups else {},
        targets=tuple(targets),
        instance=rds_api.get_instance(rds, instance) if instance and not registered else None,
    )


def create_proxy(rds: Any, params: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> None:
    """RDS cannot assume a role yet that was made a moment ago: such a refusal is heard a few times before it counts."""
    name = params["DBProxyName"]
    for attempt in range(ROLE_ATTEMPTS):
        try:
            call(rds, "create_db_proxy", f"create db_proxy {name}", found=lambda: get_proxy(rds, name), **params)
            return
        except ResourceError as problem:
            young = problem.details.get("error_code") == "InvalidParameterValue" and "role" in problem.message.lower()
            if not young or attempt == ROLE_ATTEMPTS - 1:
                raise
        sleep(0.3 * 2**attempt)


def modify_proxy(rds: Any, name: str, params: Mapping[str, Any]) -> None:
    call(rds, "modify_db_proxy", f"modify db_proxy {name}", eventual=BUSY, DBProxyName=name, **params)


def modify_pool(rds: Any, name: str, pool: Mapping[str, Any]) -> None:
    call(
        rds, "modify_db_proxy_target_group", f"modify the target group of db_proxy {name}", eventual=BUSY,
        DBProxyName=name, TargetGroupName=DEFAULT_GROUP, ConnectionPoolConfig=dict(pool),
    )  # fmt: skip


def register(rds: Any, name: str, instance: str) -> None:
    """A second registration, after an answer that was lost, is refused: then it is done."""
    call(
        rds, "register_db_proxy_targets", f"register {instance} as the target of db_proxy {name}",
        missing=REGISTERED, eventual=NOT_READY,
        DBProxyName=name, TargetGroupName=DEFAULT_GROUP, DBInstanceIdentifiers=[instance],
    )  # fmt: skip


def deregister(rds: Any, name: str, params: Mapping[str, Any]) -> None:
    call(
        rds, "deregister_db_proxy_targets", f"deregister the target of db_proxy {name}",
        missing=NO_TARGET, eventual=BUSY, DBProxyName=name, TargetGroupName=DEFAULT_GROUP, **params,
    )  # fmt: skip


def delete_proxy(rds: Any, name: str) -> None:
    call(rds, "delete_db_proxy", f"delete db_proxy {name}", missing=NO_PROXY, eventual=BUSY, DBProxyName=name)
