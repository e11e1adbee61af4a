# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DB subnet groups and DB parameter groups have in common: the way to read, tag and remove them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import COMPONENT
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    diff_tags,
    identity_tags,
    tags_to_dict,
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

    kind: str
    member: str
    missing: tuple[str, ...]
    in_use: str

    @property
    def operation(self) -> str:
        return f"{self.kind}s"


SUBNETS = Kind("db_subnet_group", "DBSubnetGroup", ("DBSubnetGroupNotFoundFault",), "InvalidDBSubnetGroupStateFault")
PARAMETERS = Kind(
    "db_parameter_group", "DBParameterGroup", ("DBParameterGroupNotFound",), "InvalidDBParameterGroupState"
)


def read_group(rds: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return the group with its tags, or None."""
    named: dict[str, Any] = {f"{kind.member}Name": name}
    found = call(rds, f"describe_{kind.operation}", f"read {kind.kind} {name}", missing=kind.missing, **named)
    groups = found[f"{kind.member}s"] if found else []
    return {**groups[0], "TagList": api.get_tags(rds, groups[0][f"{kind.member}Arn"])} if groups else None


def list_groups(rds: Any, kind: Kind, beginning: str) -> list[dict[str, Any]]:
    """Return all groups whose name begins so, with their tags."""
    groups = pages(rds, f"describe_{kind.operation}", f"{kind.member}s", f"list the {kind.operation}")
    named = [group for group in groups if group[f"{kind.member}Name"].startswith(beginning)]
    return [{**group, "TagList": api.get_tags(rds, group[f"{kind.member}Arn"])} for group in named]


def wanted_tags(want: Mapping[str, Any]) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT)}


def tagging(kind: Kind, want: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[Action]:
    """Yield the steps that bring the tags in order."""
    has, arn = tags_to_dict(group["TagList"]), group[f"{kind.member}Arn"]
    to_set, to_remove = diff_tags(has, wanted_tags(want), want.get("tags") is not None and want["purge_tags"])
    if to_set:
        before = {key: has[key] for key in to_set if key in has}
        yield Action("tag", kind.kind, want["name"], {"tags": before}, {"tags": to_set}, {"arn": arn, "tags": to_set})
    if to_remove:
        gone = {key: has[key] for key in to_remove}
        yield Action("untag", kind.kind, want["name"], {"removed_tags": gone}, {}, {"arn": arn, "keys": to_remove})


def removal(kind: Kind, group: Mapping[str, Any], before: Mapping[str, Any]) -> Action:
    name = group[f"{kind.member}Name"]
    return Action("delete", kind.kind, name, before, None, {f"{kind.member}Name": name})


def execute(rds: Any, kind: Kind, action: Action) -> None:
    """Carry out the steps that both kinds know; create, modify and reset are calls of the group's own name."""
    if action.verb == "tag":
        api.add_tags(rds, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.remove_tags(rds, action.params["arn"], action.params["keys"])
    elif action.verb == "delete":
        # An instance that has just gone holds its groups for some seconds more.
        call(
            rds, f"delete_{kind.kind}", str(action),
            missing=kind.missing, eventual=(kind.in_use,), **action.params,
        )  # fmt: skip
    else:
        found = (lambda: read_group(rds, kind, action.name)) if action.verb == "create" else None
        call(rds, f"{action.verb}_{kind.kind}", str(action), found=found, **action.params)
