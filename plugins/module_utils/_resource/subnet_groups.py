# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One subnet group of RDS or ElastiCache: read, plan, act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import (
    Kind,
    carry_out,
    plan_absent,
    read_group,
    subnet_ids,
    tag_steps,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse_foreign, wanted_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, tags_to_list


def ensure_subnet_group(client: Any, kind: Kind, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    want = {**params, "name": params["name"].lower()}  # AWS keeps the names of groups in lower case
    if want["state"] == "absent":
        return {**carry_out(client, kind, plan_absent(client, kind, want), check_mode), "subnet_group": {}}
    plan = plan_subnet_group(kind, want, read_group(client, kind, want["name"]))
    shown = {
        "name": want["name"], "subnet_ids": sorted(set(want["subnet_ids"])), "tags": wanted_tags(want, kind.component),
    }  # fmt: skip
    return {**carry_out(client, kind, plan, check_mode), "subnet_group": shown}


def plan_subnet_group(kind: Kind, want: Mapping[str, Any], group: Mapping[str, Any] | None) -> Plan:
    """Return the steps to the wanted group. A foreign group of that name is refused."""
    name, told = want["name"], f"{kind.member}Description"
    after = {"description": want["description"], "subnet_ids": sorted(set(want["subnet_ids"]))}
    params = {f"{kind.member}Name": name, told: after["description"], "SubnetIds": after["subnet_ids"]}
    if group is None:
        tags = wanted_tags(want, kind.component)
        sent = {**params, "Tags": tags_to_list(tags)}
        return Plan((Action("create", kind.kind, name, {}, {**after, "tags": tags}, sent),))
    refuse_foreign(f"{kind.kind} {name}", group["Tags"], want, kind.component)
    before = {"description": group[told], "subnet_ids": subnet_ids(group)}
    changed = {key: value for key, value in after.items() if before[key] != value}
    modified = Action("modify", kind.kind, name, {key: before[key] for key in changed}, changed, params)
    return Plan((*((modified,) if changed else ()), *tag_steps(kind, want, group)))
