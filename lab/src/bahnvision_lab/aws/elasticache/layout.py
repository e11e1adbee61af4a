"""Shards, replicas and zones of a replication group: how many, which names, where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bahnvision_lab.aws.elasticache import sharding
from bahnvision_lab.aws.elasticache.books import Group, Member, Shard
from bahnvision_lab.aws.elasticache.names import clash, invalid
from bahnvision_lab.aws.refusals import AwsError

MOST_REPLICAS, MOST_SHARDS = 5, 90
MOST_IN_THE_LAB = 30  # servers of one group: the lab's machine is small


@dataclass
class Plan:
    """One shard to be: its zones, the primary's first."""

    identifier: str
    slots: str | None
    zones: list[str]


def plan(params: dict[str, Any], clustered: bool, zones: list[str], shards_of_snapshot: int | None) -> list[Plan]:
    """Read from CreateReplicationGroup how many nodes there are to be, and where."""
    configured = params.get("NodeGroupConfiguration") or []
    count = params.get("NumNodeGroups") or len(configured) or shards_of_snapshot or 1
    _check_shards(params, clustered, count, configured)
    slots = sharding.even_slots(count) if clustered else [None] * count
    plans = []
    for number in range(count):
        chosen = configured[number] if configured else {}
        identifier = chosen.get("NodeGroupId") or f"{number + 1:04}"
        if not re.fullmatch(r"\d{1,4}", identifier):
            raise invalid(f"Invalid node group id {identifier}: one to four digits.")
        wanted = _zones(params, chosen, zones, number)
        plans.append(Plan(identifier.zfill(4), chosen.get("Slots") or slots[number], wanted))
    covered = sorted(slot for entry in plans for slot in sharding.numbers(entry.slots))
    if clustered and covered != list(range(sharding.SLOTS)):
        raise invalid(f"The slots of the node groups must cover 0-{sharding.SLOTS - 1}, each slot once.")
    if sum(len(entry.zones) for entry in plans) > MOST_IN_THE_LAB:
        message = f"The lab runs {MOST_IN_THE_LAB} nodes of one replication group at most."
        raise AwsError("NodeQuotaForCustomerExceeded", message)
    return plans


def _check_shards(params: dict[str, Any], clustered: bool, count: int, configured: list[Any]) -> None:
    if params.get("NumNodeGroups") is not None and not 1 <= params["NumNodeGroups"] <= MOST_SHARDS:
        message = f"The number of node groups must be between 1 and {MOST_SHARDS}."
        raise AwsError("NodeGroupsPerReplicationGroupQuotaExceeded", message)
    if configured and len(configured) != count:
        raise clash("The number of NodeGroupConfiguration entries must be NumNodeGroups.")
    if count > 1 and not clustered:
        raise clash("A replication group with cluster mode disabled has one node group.")
    if clustered and params.get("NumCacheClusters"):
        raise clash("NumCacheClusters cannot be used with cluster mode enabled; use ReplicasPerNodeGroup.")
    if params.get("NumCacheClusters") and params.get("ReplicasPerNodeGroup") is not None:
        raise clash("Cannot specify both NumCacheClusters and ReplicasPerNodeGroup.")


def _zones(params: dict[str, Any], chosen: dict[str, Any], zones: list[str], number: int) -> list[str]:
    """Return the zone of each node of one shard."""
    nodes = _nodes(params, chosen)
    primary, replicas = chosen.get("PrimaryAvailabilityZone"), chosen.get("ReplicaAvailabilityZones")
    wanted = [primary, *(replicas or [])] if primary else params.get("PreferredCacheClusterAZs") or []
    if params.get("PreferredCacheClusterAZs") and params.get("NumNodeGroups", 1) > 1:
        raise clash("PreferredCacheClusterAZs cannot be used with several node groups; use NodeGroupConfiguration.")
    if wanted and len(wanted) != nodes:
        raise clash(f"The number of availability zones ({len(wanted)}) must be the number of nodes ({nodes}).")
    unknown = [zone for zone in wanted if zone not in zones]
    if unknown:
        raise invalid(f"The cache subnet group has no subnet in availability zone(s) {', '.join(unknown)}.")
    return wanted or [zones[(number + position) % len(zones)] for position in range(nodes)]


def _nodes(params: dict[str, Any], chosen: dict[str, Any]) -> int:
    replicas = chosen.get("ReplicaCount")
    if replicas is None:
        replicas = params.get("ReplicasPerNodeGroup")
    nodes = params.get("NumCacheClusters") or (1 if replicas is None else replicas + 1)
    if not 1 <= nodes <= MOST_REPLICAS + 1:
        raise invalid(f"The number of replicas must be between 0 and {MOST_REPLICAS}, not {nodes - 1}.")
    return nodes


def check_failover(automatic: bool, multi_az: bool, clustered: bool, plans: list[Plan]) -> None:
    fewest = min(len(entry.zones) for entry in plans)
    if automatic and not clustered and fewest < 2:
        raise clash("When using automatic failover, there must be at least 2 cache clusters in the replication group.")
    if not multi_az:
        return
    if not automatic:
        raise clash("Automatic failover must be enabled to enable Multi-AZ.")
    if fewest < 2:
        raise clash("Multi-AZ requires at least one replica in each node group.")
    if any(len(set(entry.zones)) < 2 for entry in plans):
        raise clash("Multi-AZ requires the nodes of each node group to be in at least 2 availability zones.")


def populate(group: Group, plans: list[Plan]) -> None:
    for entry in plans:
        group.shards.append(Shard(entry.identifier, entry.slots))
        for position, zone in enumerate(entry.zones):
            role = "replica" if position else "primary"
            group.members.append(Member(free_name(group, entry.identifier), entry.identifier, zone, role))


def free_name(group: Group, shard: str) -> str:
    """Return the first name that no member of the shard has: <group>-002, with cluster mode <group>-0001-002."""
    taken = {member.identifier for member in group.members}
    prefix = f"{group.identifier}-{shard}" if group.clustered else group.identifier
    return next(name for name in (f"{prefix}-{number:03}" for number in range(1, 1000)) if name not in taken)


def next_zone(group: Group, shard: str, zones: list[str]) -> str:
    """Return the zone with the fewest nodes of the shard."""
    used = [member.zone for member in group.of_shard(shard)]
    return min(zones, key=lambda zone: (used.count(zone), zone))
