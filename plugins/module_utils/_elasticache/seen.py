# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS showed of a replication group, in one object that the planner reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.versions import Offer


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Seen:
    """The group, one of its nodes (which tells what the group does not), its tags, and what AWS offers."""

    group: Mapping[str, Any] | None
    member: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    node_types: tuple[str, ...] = ()
    offered: bool = True
    snapshot: Mapping[str, Any] | None = None
    told: bool = True  # ElastiCache has told the tags
    now: bool = False  # nothing is to wait for the maintenance window
    today: date = field(default_factory=_today)

    @property
    def status(self) -> str:
        return str((self.group or {}).get("Status", ""))

    @property
    def pending(self) -> Mapping[str, Any]:
        return (self.group or {}).get("PendingModifiedValues") or {}

    @property
    def waiting(self) -> Mapping[str, Any]:
        """What may go on waiting for the maintenance window."""
        return {} if self.now else self.member.get("PendingModifiedValues") or {}

    @property
    def running(self) -> tuple[str, str]:
        """(engine, version) as it will be when what waits for the maintenance window is done."""
        waiting = self.waiting.get("EngineVersion")
        engine = (self.group or {}).get("Engine") or self.member.get("Engine") or "redis"
        return str(engine).lower(), str(waiting or self.member.get("EngineVersion", ""))

    @property
    def waits(self) -> bool:
        """Return whether another version or node type waits for the maintenance window."""
        return any(self.waiting.get(name) for name in ("EngineVersion", "CacheNodeType"))

    @property
    def cluster_mode(self) -> str:
        """Groups that were made before there was a ClusterMode tell only whether they have shards."""
        group = self.group or {}
        now = group.get("ClusterMode") or ("enabled" if group.get("ClusterEnabled") else "disabled")
        return str(self.pending.get("ClusterMode") or now)

    @property
    def tls_mode(self) -> str:
        """Return preferred, required, or nothing when there is no TLS."""
        group = self.group or {}
        if self.pending.get("TransitEncryptionMode"):
            return str(self.pending["TransitEncryptionMode"])
        return str(group.get("TransitEncryptionMode") or "required") if group.get("TransitEncryptionEnabled") else ""

    @property
    def shards(self) -> list[Mapping[str, Any]]:
        return list((self.group or {}).get("NodeGroups") or ())

    @property
    def snapshotting(self) -> str:
        """Return the node that snapshots are best taken of: a replica, as the primary has enough to do."""
        members = self.shards[0]["NodeGroupMembers"] if self.shards else ()
        ordered = sorted(members, key=lambda item: (item.get("CurrentRole") != "primary", item["CacheClusterId"]))
        return str(ordered[-1]["CacheClusterId"]) if ordered else ""

    def zones(self, shard: Mapping[str, Any]) -> list[str]:
        """Return the zone of each node of the shard, the primary first where ElastiCache tells which one it is."""
        members = sorted(shard.get("NodeGroupMembers") or (), key=lambda item: item.get("CurrentRole") != "primary")
        return [str(item.get("PreferredAvailabilityZone", "")) for item in members]


def spread(zones: list[str], taken: list[str], count: int) -> list[str]:
    """Return `count` zones, each time the least used one; ties go to the zone that is named first."""
    chosen: list[str] = []
    for _place in range(count):
        used = Counter([*taken, *chosen])
        chosen.append(min(zones, key=lambda zone: (used[zone], zones.index(zone))))
    return chosen
