# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all our ElastiCache modules share: refusals, tags, and the waits for objects with a status."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import api
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, diff_tags, identity_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

COMPONENT = "elasticache"
ENGINES = ["valkey", "redis"]
Spec = dict[str, dict[str, Any]]

OBJECT_SPEC: Spec = {
    **IDENTITY_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **TAGS_SPEC,
}


def refuse(subject: str, problems: Sequence[str]) -> None:
    """Raise one error that tells all problems."""
    if problems:
        raise ResourceError(f"{subject}: " + "; ".join(problems), problems=list(problems))


def refuse_foreign(name: str, tags: Mapping[str, str], want: Mapping[str, Any]) -> None:
    """Refuse to touch what does not carry our tags, whatever its name."""
    ours = identity_tags(want["app"], want["stage"], COMPONENT)
    wrong = [key for key in ("managed-by", "app", "stage") if tags.get(key) != ours[key]]
    if wrong:
        found = ", ".join(f"{key}={tags.get(key, 'no such tag')}" for key in wrong)
        raise ResourceError(
            f"{name} exists and is not ours ({found}); nothing was touched. Choose another name, or tag it by hand "
            f"({', '.join(f'{key}={ours[key]}' for key in wrong)}) to hand it over"
        )


def is_ours(tags: Mapping[str, str], want: Mapping[str, Any]) -> bool:
    ours = identity_tags(want["app"], want["stage"], COMPONENT)
    return all(tags.get(key) == value for key, value in ours.items())


def wanted_tags(want: Mapping[str, Any]) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT)}


def tagging(kind: str, name: str, arn: str, has: Mapping[str, str], want: Mapping[str, Any]) -> Iterator[Action]:
    """Yield the steps that bring the tags in order."""
    purge = want.get("tags") is not None and bool(want.get("purge_tags"))
    to_set, to_remove = diff_tags(has, wanted_tags(want), purge)
    if to_set:
        before = {key: has[key] for key in to_set if key in has}
        yield Action("tag", kind, name, {"tags": before}, {"tags": to_set}, {"arn": arn, "tags": to_set})
    if to_remove:
        gone = {key: has[key] for key in to_remove}
        yield Action("untag", kind, name, {"removed_tags": gone}, {}, {"arn": arn, "keys": to_remove})


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
