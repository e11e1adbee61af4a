# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user lays over a rendered object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import Object

FIXED = (
    ("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("spec", "selector"),
    ("spec", "scaleTargetRef"), ("spec", "podSelector"),
)  # fmt: skip


def merge(base: Any, over: Any) -> Any:
    """Dictionaries key by key, lists of things with a name by name, all else replaced; None removes."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        whole = {key: merge(value, over[key]) if key in over else value for key, value in base.items()}
        new = {key: merge({}, value) if isinstance(value, Mapping) else value for key, value in over.items()}
        joined = {**new, **whole}
        return {key: joined[key] for key in (*base, *(key for key in over if key not in base))
                if not (key in over and over[key] is None)}  # fmt: skip
    if _named(base) and _named(over) and base and over:
        return _merge_named(base, over)
    return over


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "name" in one for one in value)


def _merge_named(base: list[Any], over: list[Any]) -> list[Any]:
    changes = {one["name"]: one for one in over}
    kept = [merge(one, changes[one["name"]]) if one["name"] in changes else one for one in base]
    known = {one["name"] for one in base}
    return kept + [one for one in over if one["name"] not in known]


def fixed(over: Mapping[str, Any]) -> list[str]:
    """The paths of an override that would make the object another one."""
    return [".".join(path) for path in FIXED if _has(over, path)]


def _has(one: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(one, Mapping) or key not in one:
            return False
        one = one[key]
    return True


def overlaid(one: Object, overrides: Mapping[str, Any]) -> Object:
    return merge(one, overrides[one["kind"]]) if one["kind"] in overrides else one
