# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should be told beforehand: what a change costs, what waits for what, what replaces what. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import checks
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.fields import Field
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.seen import Seen
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action

MODES = {
    "compatible": "clients for clusters and others are served side by side; keys only in database 0",
    "enabled": "clients that are not for clusters fail from then on; there is no way back",
}
LAYOUT = {
    "increase": "new replicas copy the keys from the primary, which works harder meanwhile",
    "decrease": "readers that are connected to a replica that goes must connect anew",
    "reshard": "slots move while clients work; expect higher latencies until it is done",
}


def notes(
    want: Mapping[str, Any], seen: Seen, changes: Mapping[Field, Any], steps: Sequence[Action]
) -> tuple[str, ...]:
    told = list(_replacements(want))
    for field, after in changes.items():
        if field.costs:
            told.append(f"{field.option}: the change {field.costs}")
        if field.step in ("engine", "node_type") and not want.get("apply_immediately"):
            told.append(f"{field.option}: waits for the maintenance window (apply_immediately is false)")
        if field.option == "cluster_mode":
            told.append(f"cluster_mode {after}: {MODES.get(after, '')}")
        if field.option == "transit_encryption_mode" and after == "required":
            told.append("transit_encryption_mode required: plain connections are refused from then on")
        if field.option == "durability" and after in ("sync", "async"):
            told.append(f"durability {after}: writes go through a log over zones, which costs time and money")
    told += [f"{step.verb}: {LAYOUT[step.verb]}" for step in steps if step.verb in LAYOUT]
    told += _waiting(seen, changes)
    if seen.group is None and want.get("snapshot_name"):
        told.append(f"the keys come from the snapshot {want['snapshot_name']}, all else from the inputs")
    elif want.get("snapshot_name"):
        told.append(f"snapshot_name {want['snapshot_name']}: read only when the group is made; it exists")
    return tuple(told)


def _replacements(want: Mapping[str, Any]) -> list[str]:
    """Answer values that work but have a better successor."""
    told, kind = [], checks.family(want["node_type"])
    if want["engine"] == "redis":
        told.append("Redis OSS ends at 7.1 on ElastiCache; engine valkey takes over in place and costs less")
    if kind in checks.OLD:
        newer = want["node_type"].replace(f"cache.{kind}.", f"cache.{checks.OLD[kind]}.")
        told.append(f"node_type {want['node_type']} is of an older generation; {newer} gives more for less")
    return told


def _waiting(seen: Seen, changes: Mapping[Field, Any]) -> list[str]:
    names = {"EngineVersion": "engine_version", "CacheNodeType": "node_type"}
    changing = {field.option for field in changes}
    waiting = seen.member.get("PendingModifiedValues") or {}
    told = [f"{option}: a change is pending already" for api, option in names.items()
            if api in waiting and option not in changing]  # fmt: skip
    if (seen.member.get("CacheParameterGroup") or {}).get("CacheNodeIdsToReboot"):
        told.append("a parameter waits for a reboot of the nodes")
    return told
