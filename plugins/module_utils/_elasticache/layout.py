# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many nodes and shards a group has and in which zones. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.seen import Seen, spread
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action

KIND = "replication_group"


def creation(want: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of CreateReplicationGroup that lay the nodes out over the zones."""
    zones, nodes = want["availability_zones"], want["replicas_per_node_group"] + 1
    if want["cluster_mode"] != "enabled":
        placed = {"PreferredCacheClusterAZs": spread(zones, [], nodes)} if zones else {}
        return {"NumCacheClusters": nodes, **placed}
    shards = want["num_node_groups"]
    if not zones:
        return {"NumNodeGroups": shards, "ReplicasPerNodeGroup": nodes - 1}
    return {
        "NumNodeGroups": shards,
        "NodeGroupConfiguration": [_shard(zones, number, nodes) for number in range(shards)],
    }


def _shard(zones: list[str], number: int, nodes: int) -> dict[str, Any]:
    """Return one shard. Each begins in the next zone, so that the primaries are spread too."""
    start = number % len(zones)
    first, *others = spread(zones[start:] + zones[:start], [], nodes)
    return {"ReplicaCount": nodes - 1, "PrimaryAvailabilityZone": first, "ReplicaAvailabilityZones": others}


def increase(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """Yield the step that adds replicas, in the zones that have the fewest nodes of the shard."""
    nodes = want["replicas_per_node_group"] + 1
    short = [shard for shard in seen.shards if len(seen.zones(shard)) < nodes]
    if not short:
        return
    sent = []
    for shard in short:
        has = seen.zones(shard)
        entry: dict[str, Any] = {"NodeGroupId": shard["NodeGroupId"], "NewReplicaCount": nodes - 1}
        zones = want["availability_zones"] or sorted(set(has))
        entry["PreferredAvailabilityZones"] = has + spread(zones, has, nodes - len(has))
        sent.append(entry)
    yield _counted("increase", want, seen, {"ReplicaConfiguration": sent})


def decrease(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """Yield the step that removes replicas; those go whose zone has most nodes, so that the zones stay spread."""
    nodes = want["replicas_per_node_group"] + 1
    if all(len(seen.zones(shard)) <= nodes for shard in seen.shards):
        return
    if seen.cluster_mode == "enabled" or len(seen.shards) != 1:
        # ElastiCache does not tell which node of a shard is its primary: it must choose.
        yield _counted("decrease", want, seen, {"NewReplicaCount": nodes - 1})
        return
    members = list(seen.shards[0]["NodeGroupMembers"])
    surplus: list[str] = []
    while len(members) > nodes:
        used = Counter(member.get("PreferredAvailabilityZone") for member in members)
        replicas = [member for member in members if member.get("CurrentRole") != "primary"]
        last = max(
            replicas, key=lambda member: (used[member.get("PreferredAvailabilityZone")], member["CacheClusterId"])
        )
        members.remove(last)
        surplus.append(last["CacheClusterId"])
    yield _counted("decrease", want, seen, {"ReplicasToRemove": sorted(surplus)})


def _counted(verb: str, want: Mapping[str, Any], seen: Seen, sent: Mapping[str, Any]) -> Action:
    sizes = sorted({len(seen.zones(shard)) - 1 for shard in seen.shards})
    before = {"replicas_per_node_group": sizes[0] if len(sizes) == 1 else sizes}
    after = {"replicas_per_node_group": want["replicas_per_node_group"]}
    params = {"ReplicationGroupId": want["identifier"], "ApplyImmediately": True, **sent}
    return Action(verb, KIND, want["identifier"], before, after, params)


def reshard(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """Yield the step to another number of shards; the ones with the highest ids go first."""
    has, shards = len(seen.shards), want["num_node_groups"]
    if has == shards or want["cluster_mode"] != "enabled":
        return
    params: dict[str, Any] = {
        "ReplicationGroupId": want["identifier"], "NodeGroupCount": shards, "ApplyImmediately": True,
    }  # fmt: skip
    if shards < has:
        params["NodeGroupsToRemove"] = sorted(shard["NodeGroupId"] for shard in seen.shards)[shards:]
    yield Action(
        "reshard", KIND, want["identifier"], {"num_node_groups": has}, {"num_node_groups": shards}, params
    )  # fmt: skip
