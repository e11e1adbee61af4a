# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cache subnet group: read, plan, act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import (
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.groups import (
    SUBNETS,
    execute,
    plan_absent,
    read_group,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply, tags_to_list


def ensure_subnet_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    # ElastiCache keeps the names of groups in lower case.
    cache, want = clients["elasticache"], {**params, "name": params["name"].lower()}
    if want["state"] == "absent":
        plan = plan_absent(cache, SUBNETS, want)
    else:
        plan = plan_subnet_group(want, read_group(cache, SUBNETS, want["name"]))
    result = apply(plan, lambda action: execute(cache, SUBNETS, action), check_mode)
    return {**result, "subnet_group": _facts(want)}


def plan_subnet_group(want: Mapping[str, Any], group: Mapping[str, Any] | None) -> Plan:
    """Return the steps to the wanted group. A foreign group of that name is refused."""
    name, kind = want["name"], SUBNETS.kind
    after = {"description": want["description"], "subnet_ids": sorted(set(want["subnet_ids"]))}
    params = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": after["description"],
        "SubnetIds": after["subnet_ids"],
    }
    if group is None:
        own = wanted_tags(want)
        sent = {**params, "Tags": tags_to_list(own)}
        return Plan((Action("create", kind, name, {}, {**after, "tags": own}, sent),))
    refuse_foreign(f"{kind} {name}", group["Tags"], want)
    before = {
        "description": group["CacheSubnetGroupDescription"],
        "subnet_ids": sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"]),
    }
    changed = {key: value for key, value in after.items() if before[key] != value}
    modified = Action("modify", kind, name, {key: before[key] for key in changed}, changed, params)
    tags = tagging(kind, name, group["ARN"], group["Tags"], want)
    return Plan((*((modified,) if changed else ()), *tags))


def _facts(want: Mapping[str, Any]) -> dict[str, Any]:
    if want["state"] == "absent":
        return {}
    return {"name": want["name"], "subnet_ids": sorted(set(want["subnet_ids"])), "tags": wanted_tags(want)}
