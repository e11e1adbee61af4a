# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One DB subnet group: read, plan, act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.groups import (
    SUBNETS,
    execute,
    read_group,
    removal,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    tags_to_dict,
    tags_to_list,
)


def ensure_subnet_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    rds, name = clients["rds"], params["name"].lower()  # RDS keeps the names of groups in lower case
    want = {**params, "name": name}
    group = read_group(rds, SUBNETS, name)
    plan = plan_subnet_group(want, group)
    result = apply(plan, lambda action: execute(rds, SUBNETS, action), check_mode)
    return {**result, "subnet_group": _facts(want)}


def plan_subnet_group(want: Mapping[str, Any], group: Mapping[str, Any] | None) -> Plan:
    """Return the steps to the wanted group. A foreign group of that name is refused."""
    if group is not None:
        refuse_foreign(f"db_subnet_group {want['name']}", tags_to_dict(group["TagList"]), want["app"], want["stage"])
    if want["state"] == "absent":
        return Plan((removal(SUBNETS, group, _shown(group)),) if group else ())
    after = {"description": want["description"], "subnet_ids": sorted(set(want["subnet_ids"]))}
    params = {
        "DBSubnetGroupName": want["name"],
        "DBSubnetGroupDescription": after["description"],
        "SubnetIds": after["subnet_ids"],
    }
    if group is None:
        tags = wanted_tags(want)
        created = Action(
            "create", SUBNETS.kind, want["name"], {}, {**after, "tags": tags}, {**params, "Tags": tags_to_list(tags)}
        )
        return Plan((created,))
    before = _shown(group)
    changed = {key: value for key, value in after.items() if before[key] != value}
    modified = Action("modify", SUBNETS.kind, want["name"], {key: before[key] for key in changed}, changed, params)
    return Plan((*((modified,) if changed else ()), *tagging(SUBNETS, want, group)))


def _shown(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": group["DBSubnetGroupDescription"],
        "subnet_ids": sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"]),
    }


def _facts(want: Mapping[str, Any]) -> dict[str, Any]:
    if want["state"] == "absent":
        return {}
    return {"name": want["name"], "subnet_ids": sorted(set(want["subnet_ids"])), "tags": wanted_tags(want)}
