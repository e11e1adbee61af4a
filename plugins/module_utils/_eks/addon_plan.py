# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must happen to one add-on, as a plan. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import ordered
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse_foreign, tagging, wanted_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

KIND = "eks_addon"
COMPONENT = "eks"
LATEST = "latest"


@dataclass(frozen=True)
class Build:
    """One version of an add-on that fits the cluster."""

    version: str  # v1.19.0-eksbuild.1
    default: bool

    @property
    def key(self) -> tuple[int, ...]:
        return ordered(self.version)


@dataclass(frozen=True)
class Seen:
    addon: Mapping[str, Any] | None
    kubernetes: str  # the cluster's version
    builds: Sequence[Build] = ()
    associations: Mapping[str, str] | None = None  # service account -> role, of those that the add-on owns

    @property
    def status(self) -> str:
        return (self.addon or {}).get("status", "")


def builds_from(addons: Sequence[Mapping[str, Any]], name: str, kubernetes: str) -> tuple[Build, ...]:
    """Return what a DescribeAddonVersions answer offers for a version of Kubernetes, newest first."""
    found = {
        Build(item["addonVersion"], bool(fit.get("defaultVersion")))
        for addon in addons if addon["addonName"] == name
        for item in addon["addonVersions"]
        for fit in item.get("compatibilities") or () if fit["clusterVersion"] == kubernetes
    }  # fmt: skip
    return tuple(sorted(found, key=lambda build: build.key, reverse=True))


def plan_present(want: Mapping[str, Any], seen: Seen) -> Plan:
    subject = f"{KIND} {want['name']}"
    if seen.addon is not None:
        refuse_foreign(subject, seen.addon.get("tags") or {}, want, COMPONENT)
    has = (seen.addon or {}).get("addonVersion", "")
    version = choose(want["name"], seen.builds, want["version"], has, seen.kubernetes)
    wanted = _wanted(want, version)
    if seen.addon is None:
        tags = wanted_tags(want, COMPONENT)
        params = {**_members(want, wanted), "tags": tags}
        if params["resolveConflicts"] == "PRESERVE":
            params["resolveConflicts"] = "NONE"  # there is nothing to preserve, and EKS refuses the word
        return Plan((Action("create", KIND, want["name"], {}, {**wanted, "tags": tags}, params),))
    before = _shown(seen)
    changed = [option for option in wanted if before[option] != wanted[option]]
    steps = []
    if changed:
        old, new = ({option: side[option] for option in changed} for side in (before, wanted))
        steps.append(Action("modify", KIND, want["name"], old, new, _members(want, wanted)))
    arn, has_tags = seen.addon["addonArn"], seen.addon.get("tags") or {}
    return Plan((*steps, *tagging(KIND, want["name"], arn, has_tags, want, COMPONENT)))


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    if seen.addon is None or seen.status == "DELETING":
        return Plan()
    refuse_foreign(f"{KIND} {want['name']}", seen.addon.get("tags") or {}, want, COMPONENT)
    before = {"version": seen.addon.get("addonVersion", "")}
    notes = ("its software stays in the cluster, unmanaged",) if want["preserve"] else ()
    return Plan((Action("delete", KIND, want["name"], before, None, {"preserve": want["preserve"]}),), notes)


def choose(name: str, builds: Sequence[Build], asked: str, has: str, kubernetes: str) -> str:
    """Return the version that the add-on gets.

    "" is EKS's default for the cluster's Kubernetes, and never moves a version that fits; "latest" is the newest
    that fits; "v1.19" or "v1.19.0" the newest of it.
    """
    if not builds:
        raise ResourceError(f"EKS offers no add-on {name} for Kubernetes {kubernetes}; check the name")
    newest = builds[0].version
    if asked == LATEST:
        return newest
    if not asked:
        if any(build.version == has for build in builds):
            return has
        return next((build.version for build in builds if build.default), newest)
    chosen = next((build.version for build in builds if _satisfies(build.version, asked)), None)
    if chosen is None:
        offered = ", ".join(build.version for build in builds[:5])
        raise ResourceError(
            f"{KIND} {name} {asked} does not fit Kubernetes {kubernetes}; the newest that do: {offered}"
        )
    return has if has and _satisfies(has, asked) and any(build.version == has for build in builds) else chosen


def _satisfies(version: str, asked: str) -> bool:
    wanted = ordered(asked)
    return version == asked or ("eksbuild" not in asked and ordered(version)[: len(wanted)] == wanted)


def _wanted(want: Mapping[str, Any], version: str) -> dict[str, Any]:
    return {
        "version": version,
        "configuration": want["configuration"],
        "service_account_role_arn": want["service_account_role_arn"] or "",
        "pod_identity_associations": {
            item["service_account"]: item["role_arn"] for item in want["pod_identity_associations"]
        },
    }


def _shown(seen: Seen) -> dict[str, Any]:
    addon = seen.addon or {}
    return {
        "version": addon.get("addonVersion", ""),
        "configuration": as_data(addon.get("configurationValues") or ""),
        "service_account_role_arn": addon.get("serviceAccountRoleArn", ""),
        "pod_identity_associations": dict(seen.associations or {}),
    }


def as_data(text: str) -> Any:
    """Return the configuration as data. Somebody's YAML is not ours, and is shown as it is."""
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def _members(want: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """An update names all of it: what is left out is kept by EKS, or taken away, each member in its own way."""
    associations = [
        {"serviceAccount": account, "roleArn": role} for account, role in wanted["pod_identity_associations"].items()
    ]
    role = {"serviceAccountRoleArn": wanted["service_account_role_arn"]} if wanted["service_account_role_arn"] else {}
    return {
        "addonVersion": wanted["version"],
        "resolveConflicts": want["resolve_conflicts"],
        "configurationValues": json.dumps(wanted["configuration"], sort_keys=True),
        "podIdentityAssociations": associations,
        **role,
    }
