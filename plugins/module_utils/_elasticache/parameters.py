# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cache parameter group: read, plan, act. Each parameter is checked against ElastiCache's own list first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.groups import (
    PARAMETERS,
    execute,
    plan_absent,
    read_group,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply, tags_to_list

AT_ONCE = 20  # ModifyCacheParameterGroup takes no more in one call
RANGE = re.compile(r"(-?[0-9]+)-(-?[0-9]*)")  # 1-100, -1-10, 0- (no end)
# ElastiCache sets this when a group of nodes takes the parameter group, and never again.
FIRST_ONLY = "cluster-enabled"
# Any letters of a set in any order: ElastiCache judges them.
IN_WORDS = ("notify-keyspace-events",)

Catalogue = Mapping[str, Mapping[str, Any]]


def ensure_parameter_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    cache, want = clients["elasticache"], {**params, "name": params["name"].lower()}
    if want["state"] == "absent":
        plan = plan_absent(cache, PARAMETERS, want)
    else:
        group = read_group(cache, PARAMETERS, want["name"])
        listed = _group_parameters(cache, want["name"]) if group else _family_parameters(cache, want["family"])
        plan = plan_parameter_group(want, group, {item["ParameterName"]: item for item in listed})
    result = apply(plan, lambda action: execute(cache, PARAMETERS, action), check_mode)
    shown = {"name": want["name"], "family": want["family"]} if want["state"] == "present" else {}
    return {**result, "parameter_group": shown}


def _group_parameters(cache: Any, name: str) -> list[dict[str, Any]]:
    what = f"read the parameters of cache_parameter_group {name}"
    return pages(cache, "describe_cache_parameters", "Parameters", what, CacheParameterGroupName=name)


def _family_parameters(cache: Any, family: str) -> list[dict[str, Any]]:
    what = f"read the parameters of the family {family}"
    wanted = {"CacheParameterGroupFamily": family}
    return pages(cache, "describe_engine_default_parameters", "EngineDefaults.Parameters", what, **wanted)


def plan_parameter_group(want: Mapping[str, Any], group: Mapping[str, Any] | None, catalogue: Catalogue) -> Plan:
    """Return the steps to the wanted group, or raise one error with everything that ElastiCache would refuse."""
    name, kind = want["name"], PARAMETERS.kind
    if group is not None:
        refuse_foreign(f"{kind} {name}", group["Tags"], want)
        if group["CacheParameterGroupFamily"] != want["family"]:
            raise ResourceError(
                f"{kind} {name} is of the family {group['CacheParameterGroupFamily']} and cannot become "
                f"{want['family']}; take another name for the new family"
            )
    refuse(f"{kind} {name}", list(_problems(want["parameters"], catalogue)))
    wanted = {key: as_text(value, catalogue[key]) for key, value in want["parameters"].items()}
    steps = (*_settings(name, wanted, catalogue), *_resets(name, wanted, catalogue))
    touched = (item["ParameterName"] for step in steps for item in step.params["ParameterNameValues"])
    notes = tuple(
        f"{parameter}: takes effect at the next reboot of the nodes, which this module does not do"
        for parameter in touched
        if group is not None and catalogue[parameter].get("ChangeType") == "requires-reboot"
    )
    if group is not None:
        return Plan((*steps, *tagging(kind, name, group["ARN"], group["Tags"], want)), notes)
    tags = wanted_tags(want)
    params = {
        "CacheParameterGroupName": name, "CacheParameterGroupFamily": want["family"],
        "Description": want["description"], "Tags": tags_to_list(tags),
    }  # fmt: skip
    after = {"family": want["family"], "description": want["description"], "tags": tags}
    return Plan((Action("create", kind, name, {}, after, params), *steps), notes)


def _problems(parameters: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    for name, value in parameters.items():
        known = catalogue.get(name)
        if known is None:
            close = difflib.get_close_matches(name, list(catalogue), n=1)
            yield f"{name} is no parameter of this family" + (f"; did you mean {close[0]}?" if close else "")
        elif not known.get("IsModifiable", True):
            yield f"{name} cannot be set by users"
        elif not allowed(as_text(value, known), known):
            yield f"{name} cannot be {value}; allowed: {known['AllowedValues']}"


def as_text(value: Any, known: Mapping[str, Any]) -> str:
    """Return a value as ElastiCache stores it: what YAML reads as true is "yes" or "1", as the parameter has it."""
    if isinstance(value, bool):
        words = {part.strip() for part in str(known.get("AllowedValues", "")).split(",")}
        says_yes = "yes" in words or known.get("ParameterName") == FIRST_ONLY
        return ("yes" if value else "no") if says_yes else str(int(value))
    return str(value).strip()


def allowed(text: str, known: Mapping[str, Any]) -> bool:
    """Return whether ElastiCache allows the value. Free text, which it describes in words, is left to it."""
    values = str(known.get("AllowedValues") or "")
    choices = [choice.strip() for choice in values.split(",") if choice.strip()]
    if not choices or any(" " in choice for choice in choices) or known.get("ParameterName") in IN_WORDS:
        return True
    return any(_fits(choice, text) for choice in choices)


def _fits(choice: str, text: str) -> bool:
    span = RANGE.fullmatch(choice)
    if span is None or not re.fullmatch(r"-?[0-9]+", text):
        return choice == text
    return int(span[1]) <= int(text) and (not span[2] or int(text) <= int(span[2]))


def _settings(name: str, wanted: Mapping[str, str], catalogue: Catalogue) -> Iterator[Action]:
    changed = {key: value for key, value in sorted(wanted.items()) if catalogue[key].get("ParameterValue") != value}
    for part in _parts(list(changed)):
        sent = [{"ParameterName": key, "ParameterValue": changed[key]} for key in part]
        before = {key: catalogue[key].get("ParameterValue", "") for key in part}
        yield _step("modify", name, before, {key: changed[key] for key in part}, sent)


def _resets(name: str, wanted: Mapping[str, str], catalogue: Catalogue) -> Iterator[Action]:
    """What somebody set and nobody wants any more goes back to ElastiCache's default."""
    surplus = [key for key in sorted(catalogue) if catalogue[key].get("Source") == "user" and key not in wanted]
    for part in _parts([key for key in surplus if key != FIRST_ONLY]):
        sent = [{"ParameterName": key, "ParameterValue": catalogue[key].get("ParameterValue", "")} for key in part]
        before = {key: catalogue[key].get("ParameterValue", "") for key in part}
        yield _step("reset", name, before, dict.fromkeys(part, "the default of ElastiCache"), sent)


def _step(verb: str, name: str, before: Any, after: Any, sent: list[dict[str, str]]) -> Action:
    params = {"CacheParameterGroupName": name, "ParameterNameValues": sent}
    return Action(verb, PARAMETERS.kind, name, before, after, params)


def _parts(keys: list[str]) -> Iterator[list[str]]:
    yield from (keys[first : first + AT_ONCE] for first in range(0, len(keys), AT_ONCE))
