# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to do until a cluster runs a minor version throughout. Pure.

AWS is the state: what already runs the version is no step, so a run that was killed is completed by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon_plan import choose
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_look import Look
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import ordered
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action

PARTS = ("control_plane", "addons", "node_groups")
CUSTOM = "CUSTOM"


def plan_part(part: str, want: Mapping[str, Any], seen: Look) -> list[Action]:
    return list({"control_plane": _control_plane, "addons": _addons, "node_groups": _groups}[part](want, seen))


def plan_all(want: Mapping[str, Any], seen: Look) -> dict[str, list[Action]]:
    return {part: plan_part(part, want, seen) for part in PARTS}


def _control_plane(want: Mapping[str, Any], seen: Look) -> Iterator[Action]:
    has, wanted = seen.cluster["version"], want["version"]
    if ordered(has) < ordered(wanted):
        yield Action("upgrade", "eks_cluster", want["name"], {"version": has}, {"version": wanted}, {"version": wanted})


def _addons(want: Mapping[str, Any], seen: Look) -> Iterator[Action]:
    for addon in seen.addons:
        name, has = addon["addonName"], addon["addonVersion"]
        builds = (seen.builds or {}).get(name) or ()
        if not builds:
            continue  # the checks name it
        version = choose(name, builds, want["addon_versions"].get(name, ""), "", want["version"])
        fits = any(build.version == has for build in builds)
        # A newer one that fits is somebody's choice.
        if version == has or (fits and ordered(has) > ordered(version) and name not in want["addon_versions"]):
            continue
        params = {"addonVersion": version, "resolveConflicts": want["resolve_conflicts"]}
        yield Action("upgrade", "eks_addon", name, {"version": has}, {"version": version}, params)


def _groups(want: Mapping[str, Any], seen: Look) -> Iterator[Action]:
    for group in sorted(seen.groups, key=lambda one: str(one["nodegroupName"])):
        name, has = group["nodegroupName"], group.get("version", "")
        if group.get("amiType") == CUSTOM or not has or ordered(has) >= ordered(want["version"]):
            continue
        params = {"version": want["version"], "force": name in want["force_node_groups"]}
        shown = {"version": want["version"], **({"force": True} if params["force"] else {})}
        yield Action("upgrade", "eks_node_group", name, {"version": has}, shown, params)
