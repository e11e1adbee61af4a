# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours: recognised by its tags, refused when they are of somebody else, kept in order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, diff_tags, identity_tags


def refuse(subject: str, problems: Sequence[str]) -> None:
    """Raise one error that tells all problems."""
    if problems:
        raise ResourceError(f"{subject}: " + "; ".join(problems), problems=list(problems))


def refuse_foreign(name: str, tags: Mapping[str, str], want: Mapping[str, Any], component: str) -> None:
    """Refuse to touch what does not carry our tags, whatever its name."""
    ours = identity_tags(want["app"], want["stage"], component)
    wrong = [key for key in ("managed-by", "app", "stage") if tags.get(key) != ours[key]]
    if wrong:
        found = ", ".join(f"{key}={tags.get(key, 'no such tag')}" for key in wrong)
        raise ResourceError(
            f"{name} exists and is not ours ({found}); nothing was touched. Choose another name, or tag it by hand "
            f"({', '.join(f'{key}={ours[key]}' for key in wrong)}) to hand it over"
        )


def is_ours(tags: Mapping[str, str], want: Mapping[str, Any], component: str) -> bool:
    ours = identity_tags(want["app"], want["stage"], component)
    return all(tags.get(key) == value for key, value in ours.items())


def wanted_tags(want: Mapping[str, Any], component: str) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], component)}


def tagging(
    kind: str, name: str, arn: str, has: Mapping[str, str], want: Mapping[str, Any], component: str
) -> Iterator[Action]:
    """Yield the steps that bring the tags in order."""
    purge = want.get("tags") is not None and bool(want.get("purge_tags"))
    to_set, to_remove = diff_tags(has, wanted_tags(want, component), purge)
    if to_set:
        before = {key: has[key] for key in to_set if key in has}
        yield Action("tag", kind, name, {"tags": before}, {"tags": to_set}, {"arn": arn, "tags": to_set})
    if to_remove:
        gone = {key: has[key] for key in to_remove}
        yield Action("untag", kind, name, {"removed_tags": gone}, {}, {"arn": arn, "keys": to_remove})
