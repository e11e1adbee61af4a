# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module means to do, as data: the same plan answers check mode, shows the diff and is carried out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

MANAGED_BY = "bahnvision.aws"


@dataclass(frozen=True)
class Action:
    """One step. `before` and `after` are what a person reads; `params` is what the execution needs."""

    verb: str
    kind: str
    name: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.name}"


@dataclass(frozen=True)
class Plan:
    """The steps in their order, and what a person should be told besides."""

    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.actions)

    def diff(self) -> dict[str, dict[str, Any]]:
        """Return {"before": {object: facts}, "after": {object: facts}}; several steps on one object merge."""
        sides: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
        for action in self.actions:
            for side, facts in (("before", action.before), ("after", action.after)):
                if facts is not None:
                    sides[side].setdefault(f"{action.kind} {action.name}", {}).update(facts)
        return sides


def apply(plan: Plan, execute: Callable[[Action], None], check_mode: bool) -> dict[str, Any]:
    """Carry the plan out, or only tell it in check mode; return what every module of ours returns."""
    if not check_mode:
        for action in plan.actions:
            execute(action)
    return {
        "changed": plan.changed,
        "actions": [str(action) for action in plan.actions],
        "notes": list(plan.notes),
        "diff": plan.diff(),
    }


def identity_tags(app: str, stage: str, component: str) -> dict[str, str]:
    """Return the tags by which we recognise what is ours."""
    return {"app": app, "stage": stage, "component": component, "managed-by": MANAGED_BY}


def tags_to_dict(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Turn AWS's list of Key and Value into a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def tags_to_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Turn a dictionary into AWS's list of Key and Value, in a steady order."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def diff_tags(
    current: Mapping[str, str], desired: Mapping[str, str], purge: bool | Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Return (tags to set, keys to remove).

    `purge` is True for every key that is not desired, or the keys that are ours to remove. Keys that begin
    with "aws:" belong to AWS and cannot be removed by anybody.
    """
    to_set = {key: value for key, value in desired.items() if current.get(key) != value}
    surplus = [key for key in current if key not in desired and not key.startswith("aws:")]
    if purge is not True:
        surplus = [key for key in surplus if purge and key in purge]
    return to_set, sorted(surplus)
