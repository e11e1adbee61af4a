# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnet groups and parameter groups, which RDS and ElastiCache keep alike: the way to read, tag and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    is_ours,
    refuse_foreign,
    tagging,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    tags_to_dict,
    tags_to_list,
)

GROUP_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": {"type": "str"},
    **TAGS_SPEC,
}


@dataclass(frozen=True)
class Kind:
    """One kind of group: what it is called here and in the API."""

    kind: str  # db_subnet_group
    member: str  # DBSubnetGroup
    arn: str  # the attribute that holds its ARN
    component: str
    missing: tuple[str, ...]
    in_use: str
    busy: tuple[str, ...] = ()  # while what stands on it changes, its tags can be neither read nor written


def read_group(client: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return the group with its ARN and its tags, or None."""
    named: dict[str, Any] = {f"{kind.member}Name": name}
    found = call(client, f"describe_{kind.kind}s", f"read {kind.kind} {name}", missing=kind.missing, **named)
    groups = found[f"{kind.member}s"] if found else []
    return _with_tags(client, kind, groups[0]) if groups else None


def _with_tags(client: Any, kind: Kind, group: Mapping[str, Any]) -> dict[str, Any]:
    arn = group[kind.arn]
    found = call(client, "list_tags_for_resource", f"read the tags of {arn}", eventual=kind.busy, ResourceName=arn)
    return {**group, "ARN": arn, "Tags": tags_to_dict(found["TagList"] if found else [])}


def tag_steps(kind: Kind, want: Mapping[str, Any], group: Mapping[str, Any]) -> tuple[Action, ...]:
    return tuple(tagging(kind.kind, want["name"], group["ARN"], group["Tags"], want, kind.component))


def plan_absent(client: Any, kind: Kind, want: Mapping[str, Any]) -> Plan:
    """Plan the removal of one group, or with a trailing * of all of ours that begin so."""
    name = want["name"]
    if not name.endswith("*"):
        group = read_group(client, kind, name)
        if group:
            refuse_foreign(f"{kind.kind} {name}", group["Tags"], want, kind.component)
        return Plan((_removal(kind, group),) if group else ())
    actions, notes = [], []
    for item in pages(client, f"describe_{kind.kind}s", f"{kind.member}s", f"list the {kind.kind}s"):
        own = item[f"{kind.member}Name"]
        if not own.startswith(name[:-1]):
            continue
        if is_ours(_with_tags(client, kind, item)["Tags"], want, kind.component):
            actions.append(_removal(kind, item))
        else:
            notes.append(f"{kind.kind} {own} is not ours and stays")
    return Plan(tuple(actions), tuple(notes))


def _removal(kind: Kind, group: Mapping[str, Any]) -> Action:
    name = group[f"{kind.member}Name"]
    shown = {
        "description": group.get(f"{kind.member}Description") or group.get("Description", ""),
        **({"subnet_ids": subnet_ids(group)} if "Subnets" in group else {}),
        **({"family": group[f"{kind.member}Family"]} if f"{kind.member}Family" in group else {}),
    }
    return Action("delete", kind.kind, name, shown, None, {f"{kind.member}Name": name})


def subnet_ids(group: Mapping[str, Any]) -> list[str]:
    return sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])


def carry_out(client: Any, kind: Kind, plan: Plan, check_mode: bool) -> dict[str, Any]:
    return apply(plan, lambda action: _execute(client, kind, action), check_mode)


def _execute(client: Any, kind: Kind, action: Action) -> None:
    """Carry out one step; create, modify and reset are calls of the group's own name."""
    params = action.params
    if action.verb == "tag":
        sent = {"ResourceName": params["arn"], "Tags": tags_to_list(params["tags"])}
        call(client, "add_tags_to_resource", str(action), eventual=kind.busy, **sent)
    elif action.verb == "untag":
        sent = {"ResourceName": params["arn"], "TagKeys": params["keys"]}
        call(client, "remove_tags_from_resource", str(action), eventual=kind.busy, **sent)
    elif action.verb == "delete":
        # What stood on it and has just gone holds its groups for some seconds more.
        call(client, f"delete_{kind.kind}", str(action), missing=kind.missing, eventual=(kind.in_use,), **params)
    else:
        found = (lambda: read_group(client, kind, action.name)) if action.verb == "create" else None
        # A group that was made or changed a moment ago is unknown, or has changes pending, for some seconds.
        passing = () if action.verb == "create" else (*kind.missing, kind.in_use)
        call(client, f"{action.verb}_{kind.kind}", str(action), found=found, eventual=passing, **params)
