# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One DB parameter group: read, plan, act. Each parameter is checked against RDS's own list before the first write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.groups import (
    PARAMETERS,
    execute,
    list_groups,
    read_group,
    removal,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse, refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    tags_to_dict,
    tags_to_list,
)

AT_ONCE = 20  # ModifyDBParameterGroup takes no more in one call
RANGE = re.compile(r"(-?[0-9.]+)-(-?[0-9.]+)")
TRUE, FALSE = ("1", "true", "on", "yes"), ("0", "false", "off", "no")

Catalogue = Mapping[str, Mapping[str, Any]]


def ensure_parameter_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    rds, want = clients["rds"], {**params, "name": params["name"].lower()}
    if want["state"] == "absent":
        plan = _plan_absent(rds, want)
    else:
        group = read_group(rds, PARAMETERS, want["name"])
        listed = _group_parameters(rds, want["name"]) if group else _family_parameters(rds, want["family"])
        plan = plan_parameter_group(want, group, {item["ParameterName"]: item for item in listed})
    result = apply(plan, lambda action: execute(rds, PARAMETERS, action), check_mode)
    shown = {"name": want["name"], "family": want["family"]} if want["state"] == "present" else {}
    return {**result, "parameter_group": shown}


def _group_parameters(rds: Any, name: str) -> list[dict[str, Any]]:
    what = f"read the parameters of db_parameter_group {name}"
    return pages(rds, "describe_db_parameters", "Parameters", what, DBParameterGroupName=name)


def _family_parameters(rds: Any, family: str) -> list[dict[str, Any]]:
    what = f"read the parameters of the family {family}"
    wanted = {"DBParameterGroupFamily": family}
    return pages(rds, "describe_engine_default_parameters", "EngineDefaults.Parameters", what, **wanted)


def _plan_absent(rds: Any, want: Mapping[str, Any]) -> Plan:
    """Plan the removal of one group, or with a trailing * of all of ours that begin so."""
    app, stage, name = want["app"], want["stage"], want["name"]
    if not name.endswith("*"):
        group = read_group(rds, PARAMETERS, name)
        if group:
            refuse_foreign(f"db_parameter_group {name}", tags_to_dict(group["TagList"]), app, stage)
        return Plan((removal(PARAMETERS, group, _shown(group)),) if group else ())
    actions, notes = [], []
    for group in list_groups(rds, PARAMETERS, name[:-1]):
        try:
            refuse_foreign(group["DBParameterGroupName"], tags_to_dict(group["TagList"]), app, stage)
        except ResourceError as foreign:
            notes.append(foreign.message)
            continue
        actions.append(removal(PARAMETERS, group, _shown(group)))
    return Plan(tuple(actions), tuple(notes))


def plan_parameter_group(want: Mapping[str, Any], group: Mapping[str, Any] | None, catalogue: Catalogue) -> Plan:
    """Return the steps to the wanted group, or raise one error with everything that RDS would refuse."""
    name, tags = want["name"], wanted_tags(want)
    if group is not None:
        refuse_foreign(f"db_parameter_group {name}", tags_to_dict(group["TagList"]), want["app"], want["stage"])
        if group["DBParameterGroupFamily"] != want["family"]:
            raise ResourceError(
                f"db_parameter_group {name} is of the family {group['DBParameterGroupFamily']} and cannot become "
                f"{want['family']}; take another name for the new family"
            )
    refuse(f"db_parameter_group {name}", list(_problems(want["parameters"], catalogue)))
    wanted = {key: as_text(value, catalogue[key]) for key, value in want["parameters"].items()}
    steps = (*_settings(name, wanted, catalogue), *_resets(name, wanted, catalogue))
    notes = tuple(
        f"{item['ParameterName']}: a static parameter, takes effect at the next reboot of the instances"
        for step in steps for item in step.params["Parameters"] if item["ApplyMethod"] == "pending-reboot"
    )  # fmt: skip
    if group is not None:
        return Plan((*steps, *tagging(PARAMETERS, want, group)), notes)
    params = {
        "DBParameterGroupName": name, "DBParameterGroupFamily": want["family"],
        "Description": want["description"], "Tags": tags_to_list(tags),
    }  # fmt: skip
    after = {"family": want["family"], "description": want["description"], "tags": tags}
    created = Action("create", PARAMETERS.kind, name, {}, after, params)
    return Plan((created, *steps))


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
    """Return a value as RDS stores it: booleans as 1 and 0, all else as text."""
    text = str(value).strip()
    if known.get("DataType") == "boolean" or isinstance(value, bool):
        return "1" if text.lower() in TRUE else "0" if text.lower() in FALSE else text
    return text


def allowed(text: str, known: Mapping[str, Any]) -> bool:
    """Return whether RDS allows the value. Formulas ({DBInstanceClassMemory/4}) are left to RDS."""
    values = known.get("AllowedValues") or ""
    if not values or text.startswith("{") or "(" in text:
        return True
    span = RANGE.fullmatch(values.replace(" ", ""))
    if span and known.get("DataType") in ("integer", "float", "real"):
        try:
            return float(span[1]) <= float(text) <= float(span[2])
        except ValueError:
            return False
    if known.get("DataType") == "boolean":
        return text in ("0", "1")
    if span:
        return True
    choices = {choice.strip() for choice in values.split(",")}
    return text in choices or all(part.strip() in choices for part in text.split(",") if part.strip())


def _settings(name: str, wanted: Mapping[str, str], catalogue: Catalogue) -> Iterator[Action]:
    changed = {key: value for key, value in sorted(wanted.items()) if catalogue[key].get("ParameterValue") != value}
    for part in _parts(list(changed)):
        sent = [{"ParameterName": key, "ParameterValue": changed[key], **_method(catalogue[key])} for key in part]
        before = {key: catalogue[key].get("ParameterValue", "") for key in part}
        yield _step("modify", name, before, {key: changed[key] for key in part}, sent)


def _resets(name: str, wanted: Mapping[str, str], catalogue: Catalogue) -> Iterator[Action]:
    """What somebody set and nobody wants any more goes back to RDS's default."""
    surplus = [key for key in sorted(catalogue) if catalogue[key].get("Source") == "user" and key not in wanted]
    for part in _parts(surplus):
        sent = [{"ParameterName": key, **_method(catalogue[key])} for key in part]
        before = {key: catalogue[key].get("ParameterValue", "") for key in part}
        yield _step("reset", name, before, dict.fromkeys(part, "the default of RDS"), sent)


def _step(verb: str, name: str, before: Any, after: Any, sent: list[dict[str, str]]) -> Action:
    return Action(verb, PARAMETERS.kind, name, before, after, {"DBParameterGroupName": name, "Parameters": sent})


def _parts(keys: list[str]) -> Iterator[list[str]]:
    yield from (keys[first : first + AT_ONCE] for first in range(0, len(keys), AT_ONCE))


def _method(known: Mapping[str, Any]) -> dict[str, str]:
    return {"ApplyMethod": "pending-reboot" if known.get("ApplyType") == "static" else "immediate"}


def _shown(group: Mapping[str, Any]) -> dict[str, Any]:
    return {"family": group["DBParameterGroupFamily"], "description": group["Description"]}
