# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must happen to one managed node group, as a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group_checks import (
    KIND,
    Seen,
    input_problems,
    place_problems,
    version_problems,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import minor
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

COMPONENT = "eks"


def plan_present(want: Mapping[str, Any], seen: Seen) -> Plan:
    """Return the steps to the wanted node group, or raise one error with everything that EKS would refuse."""
    subject = f"{KIND} {want['name']}"
    if seen.group is not None:
        refuse_foreign(subject, seen.group.get("tags") or {}, want, COMPONENT)
    problems = [*input_problems(want), *place_problems(want, seen), *version_problems(want, seen)]
    if seen.group is None:
        refuse(subject, problems)
        return Plan((_creation(want),))
    refuse(subject, [*problems, *_fixed_problems(want, seen.group)])
    steps = (*_upgrade(want, seen.group), *_settings(want, seen.group))
    tags = tagging(KIND, want["name"], seen.group["nodegroupArn"], seen.group.get("tags") or {}, want, COMPONENT)
    return Plan((*steps, *tags), _notes(want, seen))


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    if seen.group is None or seen.status == "DELETING":
        return Plan()
    refuse_foreign(f"{KIND} {want['name']}", seen.group.get("tags") or {}, want, COMPONENT)
    return Plan((Action("delete", KIND, want["name"], shown_settings(seen.group), None, {}),))


def wanted_settings(want: Mapping[str, Any]) -> dict[str, Any]:
    taints = [
        {"key": taint["key"], "value": taint["value"] or "", "effect": taint["effect"]} for taint in want["taints"]
    ]
    unavailable = {key: want[key] for key in ("max_unavailable", "max_unavailable_percentage") if want[key] is not None}
    return {
        "min_size": want["min_size"],
        "max_size": want["max_size"],
        "labels": {key: str(value) for key, value in want["labels"].items()},
        "taints": sorted(taints, key=_by_key),
        "update": unavailable or {"max_unavailable": 1},
        "node_repair": want["node_repair"],
    }


def shown_settings(group: Mapping[str, Any]) -> dict[str, Any]:
    scaling, update = group["scalingConfig"], group.get("updateConfig") or {}
    members = {"max_unavailable": "maxUnavailable", "max_unavailable_percentage": "maxUnavailablePercentage"}
    taints = [
        {"key": taint["key"], "value": taint.get("value") or "", "effect": taint["effect"]}
        for taint in group.get("taints") or ()
    ]
    return {
        "min_size": scaling["minSize"],
        "max_size": scaling["maxSize"],
        "labels": dict(group.get("labels") or {}),
        "taints": sorted(taints, key=_by_key),
        "update": {option: update[member] for option, member in members.items() if update.get(member)},
        "node_repair": bool((group.get("nodeRepairConfig") or {}).get("enabled")),
    }


def _by_key(taint: Mapping[str, str]) -> tuple[str, str]:
    return taint["key"], taint["effect"]


def _update_config(update: Mapping[str, int]) -> dict[str, int]:
    names = {"max_unavailable": "maxUnavailable", "max_unavailable_percentage": "maxUnavailablePercentage"}
    return {names[option]: value for option, value in update.items()}


def _creation(want: Mapping[str, Any]) -> Action:
    settings, tags = wanted_settings(want), wanted_tags(want, COMPONENT)
    desired = want["min_size"] if want["desired_size"] is None else want["desired_size"]
    subnets = sorted(set(want["subnet_ids"] or ()))
    optional = {
        "instanceTypes": want["instance_types"], "diskSize": want["disk_size"], "labels": settings["labels"],
        "taints": settings["taints"], "launchTemplate": want["launch_template"], "version": want["version"],
        "releaseVersion": want["release_version"],
    }  # fmt: skip
    params = {
        "clusterName": want["cluster_name"], "nodegroupName": want["name"], "nodeRole": want["node_role_arn"],
        "subnets": subnets, "amiType": want["ami_type"], "capacityType": want["capacity_type"],
        "scalingConfig": {"minSize": want["min_size"], "maxSize": want["max_size"], "desiredSize": desired},
        "updateConfig": _update_config(settings["update"]), "nodeRepairConfig": {"enabled": want["node_repair"]},
        "tags": tags, **{member: value for member, value in optional.items() if value},
    }  # fmt: skip
    after = {
        **settings, "desired_size": desired, "instance_types": want["instance_types"], "ami_type": want["ami_type"],
        "capacity_type": want["capacity_type"], "subnet_ids": subnets, "tags": tags,
    }  # fmt: skip
    return Action("create", KIND, want["name"], {}, after, params)


def _settings(want: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[Action]:
    before, wanted = shown_settings(group), wanted_settings(want)
    changed = [option for option in wanted if before[option] != wanted[option]]
    if not changed:
        return
    params: dict[str, Any] = {}
    if {"min_size", "max_size"} & set(changed):
        # How many there are is the autoscaler's business, as long as it is between the two.
        has = group["scalingConfig"]["desiredSize"]
        desired = min(max(has, want["min_size"]), want["max_size"])
        sizes = {"minSize": want["min_size"], "maxSize": want["max_size"], "desiredSize": desired}
        params["scalingConfig"] = sizes
    if "labels" in changed:
        params["labels"] = _label_changes(before["labels"], wanted["labels"])
    if "taints" in changed:
        params["taints"] = _taint_changes(before["taints"], wanted["taints"])
    if "update" in changed:
        params["updateConfig"] = _update_config(wanted["update"])
    if "node_repair" in changed:
        params["nodeRepairConfig"] = {"enabled": wanted["node_repair"]}
    old, new = ({option: side[option] for option in changed} for side in (before, wanted))
    yield Action("modify", KIND, want["name"], old, new, params)


def _label_changes(has: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, Any]:
    added = {key: value for key, value in wanted.items() if has.get(key) != value}
    removed = sorted(set(has) - set(wanted))
    return {**({"addOrUpdateLabels": added} if added else {}), **({"removeLabels": removed} if removed else {})}


def _taint_changes(has: list[dict[str, str]], wanted: list[dict[str, str]]) -> dict[str, Any]:
    """A taint is its key and its effect: another value replaces the old one."""
    kept = {_by_key(taint) for taint in wanted}
    added = [taint for taint in wanted if taint not in has]
    removed = [taint for taint in has if _by_key(taint) not in kept]
    return {**({"addOrUpdateTaints": added} if added else {}), **({"removeTaints": removed} if removed else {})}


def _upgrade(want: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[Action]:
    """A rolling replacement of all nodes; also for another version of the launch template."""
    before, after, params = {}, {}, {}
    if want["version"] and want["version"] != group["version"]:
        before["version"], after["version"], params["version"] = group["version"], want["version"], want["version"]
    if want["release_version"] and want["release_version"] != group.get("releaseVersion"):
        before["release_version"] = group.get("releaseVersion", "")
        after["release_version"] = params["releaseVersion"] = want["release_version"]
    has, template = group.get("launchTemplate") or {}, want["launch_template"]
    if template and has and str(has.get("version")) != str(template["version"]):
        before["launch_template"], after["launch_template"] = has.get("version", ""), template["version"]
        params["launchTemplate"] = {"id": template["id"], "version": str(template["version"])}
    if params:
        sent = {**params, **({"force": True} if want["force_update"] else {})}
        yield Action("upgrade", KIND, want["name"], before, after, sent)


def _fixed_problems(want: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[str]:
    """What no update changes. Instance types and disks that a launch template decides are not asked for here."""
    has_template, template = group.get("launchTemplate") or {}, want["launch_template"]
    fixed = {
        "subnet_ids": (sorted(group.get("subnets") or ()), sorted(set(want["subnet_ids"] or ()))),
        "node_role_arn": (group.get("nodeRole"), want["node_role_arn"]),
        "ami_type": (group.get("amiType"), want["ami_type"]),
        "capacity_type": (group.get("capacityType", "ON_DEMAND"), want["capacity_type"]),
        "instance_types": (sorted(group.get("instanceTypes") or ()), sorted(want["instance_types"])),
        "disk_size": (group.get("diskSize"), want["disk_size"]),
        "launch_template": (has_template.get("id"), (template or {}).get("id")),
    }
    for option, (has, wanted) in fixed.items():
        unknown = wanted in (None, "", []) or (isinstance(wanted, list) and not all(wanted))
        if not unknown and has != wanted:
            yield (
                f"{option} is {_listed(has)} and cannot become {_listed(wanted)} in place: make a node group of "
                "another name beside it, then remove this one (its pods move by their disruption budgets)"
            )


def _listed(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _notes(want: Mapping[str, Any], seen: Seen) -> tuple[str, ...]:
    if seen.cluster is None or seen.group is None or want["version"]:
        return ()
    behind = minor(seen.cluster["version"]) - minor(seen.group["version"])
    if behind > 0:
        return (f"{KIND} {want['name']} runs {seen.group['version']}, {behind} behind its control plane",)
    return ()
