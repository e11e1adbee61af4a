# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all our ElastiCache modules share: tags, and the waits for objects with a status."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import api
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import owned
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

COMPONENT = "elasticache"
ENGINES = ["valkey", "redis"]
Spec = dict[str, dict[str, Any]]

OBJECT_SPEC: Spec = {
    **IDENTITY_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **TAGS_SPEC,
}


def refuse_foreign(name: str, tags: Mapping[str, str], want: Mapping[str, Any]) -> None:
    owned.refuse_foreign(name, tags, want, COMPONENT)


def is_ours(tags: Mapping[str, str], want: Mapping[str, Any]) -> bool:
    return owned.is_ours(tags, want, COMPONENT)


def wanted_tags(want: Mapping[str, Any]) -> dict[str, str]:
    return owned.wanted_tags(want, COMPONENT)


def tagging(kind: str, name: str, arn: str, has: Mapping[str, str], want: Mapping[str, Any]) -> Iterator[Action]:
    return owned.tagging(kind, name, arn, has, want, COMPONENT)


def execute_tags(client: Any, action: Action) -> bool:
    """Carry out a step on tags; return whether it was one."""
    if action.verb == "tag":
        api.add_tags(client, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.remove_tags(client, action.params["arn"], action.params["keys"])
    return action.verb in ("tag", "untag")


def wait_active(read: Callable[[], dict[str, Any] | None], subject: str, want: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until a user or user group is active."""
    found = wait_until(
        read, lambda item: (item or {}).get("Status") == "active", subject, timeout=want["wait_timeout"],
        pause=want["wait_pause"], show=_status,
        failed=lambda item: "it has disappeared" if item is None else None,
    )  # fmt: skip
    return found or {}


def wait_gone(read: Callable[[], dict[str, Any] | None], subject: str, want: Mapping[str, Any]) -> None:
    wait_until(
        read, lambda item: item is None, f"the removal of {subject}", timeout=want["wait_timeout"],
        pause=want["wait_pause"], show=_status,
    )  # fmt: skip


def _status(item: Mapping[str, Any] | None) -> str:
    return str((item or {}).get("Status", "no such object"))
