# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cache subnet groups and cache parameter groups have in common: the way to read, tag and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import api
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import (
    OBJECT_SPEC,
    execute_tags,
    is_ours,
    refuse_foreign,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

GROUP_SPEC: dict[str, dict[str, Any]] = {
    **OBJECT_SPEC,
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
}


@dataclass(frozen=True)
class Kind:
    """One kind of group: what it is called here and in the API."""

    kind: str
    member: str
    missing: tuple[str, ...]
    in_use: str

    @property
    def operation(self) -> str:
        return f"{self.kind}s"


SUBNETS = Kind(
    "cache_subnet_group", "CacheSubnetGroup", ("CacheSubnetGroupNotFoundFault",), "CacheSubnetGroupInUse"
)  # fmt: skip
PARAMETERS = Kind(
    "cache_parameter_group", "CacheParameterGroup", ("CacheParameterGroupNotFound",), "InvalidCacheParameterGroupState"
)


def read_group(cache: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return the group with its tags, or None."""
    named: dict[str, Any] = {f"{kind.member}Name": name}
    found = call(cache, f"describe_{kind.operation}", f"read {kind.kind} {name}", missing=kind.missing, **named)
    groups = found[f"{kind.member}s"] if found else []
    return {**groups[0], "Tags": api.get_tags(cache, groups[0]["ARN"])} if groups else None


def plan_absent(cache: Any, kind: Kind, want: Mapping[str, Any]) -> Plan:
    """Plan the removal of one group, or with a trailing * of all of ours that begin so."""
    name = want["name"]
    if not name.endswith("*"):
        group = read_group(cache, kind, name)
        if group:
            refuse_foreign(f"{kind.kind} {name}", group["Tags"], want)
        return Plan((_removal(kind, group),) if group else ())
    actions, notes = [], []
    for item in pages(cache, f"describe_{kind.operation}", f"{kind.member}s", f"list the {kind.operation}"):
        own = item[f"{kind.member}Name"]
        if not own.startswith(name[:-1]):
            continue
        if is_ours(api.get_tags(cache, item["ARN"]), want):
            actions.append(_removal(kind, item))
        else:
            notes.append(f"{kind.kind} {own} is not ours and stays")
    return Plan(tuple(actions), tuple(notes))


def _removal(kind: Kind, group: Mapping[str, Any]) -> Action:
    name, text = group[f"{kind.member}Name"], f"{kind.member}Description"
    before = {"description": group.get(text) or group.get("Description", "")}
    return Action("delete", kind.kind, name, before, None, {f"{kind.member}Name": name})


def execute(cache: Any, kind: Kind, action: Action) -> None:
    """Carry out the steps that both kinds know; create, modify and reset are calls of the group's own name."""
    if execute_tags(cache, action):
        return
    if action.verb == "delete":
        # A replication group that has just gone holds its groups for some seconds more.
        call(
            cache, f"delete_{kind.kind}", str(action),
            missing=kind.missing, eventual=(kind.in_use,), **action.params,
        )  # fmt: skip
    else:
        found = (lambda: read_group(cache, kind, action.name)) if action.verb == "create" else None
        call(cache, f"{action.verb}_{kind.kind}", str(action), found=found, **action.params)
