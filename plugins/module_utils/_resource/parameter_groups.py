# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One parameter group of RDS or ElastiCache; each parameter is checked against AWS's own list before a write."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import (
    Kind,
    carry_out,
    plan_absent,
    read_group,
    tag_steps,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    refuse,
    refuse_foreign,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, tags_to_list

AT_ONCE = 20  # neither service takes more in one call

Known = Mapping[str, Any]
Catalogue = Mapping[str, Known]


@dataclass(frozen=True)
class Dialect:
    """What the two services do not keep alike."""

    kind: Kind
    service: str
    member: str  # under which a call sends the parameters
    as_text: Callable[[Any, Known], str]
    allowed: Callable[[str, Known], bool]
    # What is sent of a parameter beside its name and value; what is sent to set it back.
    more: Callable[[Known], dict[str, str]]
    default: Callable[[Known], dict[str, str]]
    waits: Callable[[Known], bool]
    waiting: str
    kept: tuple[str, ...] = ()  # never set back


def ensure_parameter_group(
    client: Any, dialect: Dialect, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:  # fmt: skip
    kind, want = dialect.kind, {**params, "name": params["name"].lower()}
    if want["state"] == "absent":
        return {**carry_out(client, kind, plan_absent(client, kind, want), check_mode), "parameter_group": {}}
    group = read_group(client, kind, want["name"])
    plan = plan_parameter_group(dialect, want, group, _catalogue(client, kind, want, group))
    shown = {"name": want["name"], "family": want["family"]}
    return {**carry_out(client, kind, plan, check_mode), "parameter_group": shown}


def _catalogue(client: Any, kind: Kind, want: Mapping[str, Any], group: Mapping[str, Any] | None) -> Catalogue:
    if group is None:
        what = f"read the parameters of the family {want['family']}"
        wanted = {f"{kind.member}Family": want["family"]}
        listed = pages(client, "describe_engine_default_parameters", "EngineDefaults.Parameters", what, **wanted)
    else:
        what = f"read the parameters of {kind.kind} {want['name']}"
        wanted = {f"{kind.member}Name": want["name"]}
        operation = f"describe_{kind.kind.removesuffix('_group')}s"
        listed = pages(client, operation, "Parameters", what, **wanted)
    return {item["ParameterName"]: item for item in listed}


def plan_parameter_group(
    dialect: Dialect, want: Mapping[str, Any], group: Mapping[str, Any] | None, catalogue: Catalogue
) -> Plan:
    """Return the steps to the wanted group, or raise one error with everything that AWS would refuse."""
    kind, name = dialect.kind, want["name"]
    if group is not None:
        refuse_foreign(f"{kind.kind} {name}", group["Tags"], want, kind.component)
        _refuse_other_family(kind, want, group)
    refuse(f"{kind.kind} {name}", list(_problems(dialect, want["parameters"], catalogue)))
    wanted = {key: dialect.as_text(value, catalogue[key]) for key, value in want["parameters"].items()}
    steps = (*_settings(dialect, name, wanted, catalogue), *_resets(dialect, name, wanted, catalogue))
    if group is None:
        return Plan((_creation(kind, want), *steps))
    touched = [item["ParameterName"] for step in steps for item in step.params[dialect.member]]
    notes = tuple(f"{key}: {dialect.waiting}" for key in touched if dialect.waits(catalogue[key]))
    return Plan((*steps, *tag_steps(kind, want, group)), notes)


def _refuse_other_family(kind: Kind, want: Mapping[str, Any], group: Mapping[str, Any]) -> None:
    has = group[f"{kind.member}Family"]
    if has != want["family"]:
        raise ResourceError(
            f"{kind.kind} {want['name']} is of the family {has} and cannot become {want['family']}; "
            "take another name for the new family"
        )


def _creation(kind: Kind, want: Mapping[str, Any]) -> Action:
    tags = wanted_tags(want, kind.component)
    params = {
        f"{kind.member}Name": want["name"], f"{kind.member}Family": want["family"],
        "Description": want["description"], "Tags": tags_to_list(tags),
    }  # fmt: skip
    after = {"family": want["family"], "description": want["description"], "tags": tags}
    return Action("create", kind.kind, want["name"], {}, after, params)


def _problems(dialect: Dialect, parameters: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    for name, value in parameters.items():
        known = catalogue.get(name)
        if known is None:
            close = difflib.get_close_matches(name, list(catalogue), n=1)
            yield f"{name} is no parameter of this family" + (f"; did you mean {close[0]}?" if close else "")
        elif not known.get("IsModifiable", True):
            yield f"{name} cannot be set by users"
        elif not dialect.allowed(dialect.as_text(value, known), known):
            yield f"{name} cannot be {value}; allowed: {known['AllowedValues']}"


def _settings(dialect: Dialect, name: str, wanted: Mapping[str, str], catalogue: Catalogue) -> Iterator[Action]:
    changed = {key: value for key, value in sorted(wanted.items()) if catalogue[key].get("ParameterValue") != value}
    for part in _parts(list(changed)):
        sent = [
            {"ParameterName": key, "ParameterValue": changed[key], **dialect.more(catalogue[key])} for key in part
        ]  # fmt: skip
        yield _step(dialect, "modify", name, catalogue, {key: changed[key] for key in part}, sent)


def _resets(dialect: Dialect, name: str, wanted: Mapping[str, str], catalogue: Catalogue) -> Iterator[Action]:
    """What somebody set and nobody wants any more goes back to the service's default."""
    surplus = [key for key in sorted(catalogue) if catalogue[key].get("Source") == "user" and key not in wanted]
    for part in _parts([key for key in surplus if key not in dialect.kept]):
        sent = [{"ParameterName": key, **dialect.default(catalogue[key])} for key in part]
        after = dict.fromkeys(part, f"the default of {dialect.service}")
        yield _step(dialect, "reset", name, catalogue, after, sent)


def _step(
    dialect: Dialect, verb: str, name: str, catalogue: Catalogue, after: Mapping[str, str], sent: list[dict[str, str]]
) -> Action:
    before = {key: catalogue[key].get("ParameterValue", "") for key in after}
    params = {f"{dialect.kind.member}Name": name, dialect.member: sent}
    return Action(verb, dialect.kind.kind, name, before, after, params)


def _parts(keys: list[str]) -> Iterator[list[str]]:
    yield from (keys[first : first + AT_ONCE] for first in range(0, len(keys), AT_ONCE))
