"""More and fewer nodes: replicas and shards."""

from __future__ import annotations

import re
from typing import Any

from bahnvision_lab.aws.elasticache import layout, sharding, subnets
from bahnvision_lab.aws.elasticache.books import Books, Group, Member, Shard
from bahnvision_lab.aws.elasticache.fleet import Fleet
from bahnvision_lab.aws.elasticache.lifecycle import require_available
from bahnvision_lab.aws.elasticache.names import clash, invalid
from bahnvision_lab.aws.elasticache.real import RealGroup
from bahnvision_lab.aws.refusals import AwsError


def _begin(group: Group, params: dict[str, Any]) -> None:
    require_available(group)
    if not params.get("ApplyImmediately"):
        raise invalid("ApplyImmediately=False is not currently supported.")


def _wanted(group: Group, params: dict[str, Any]) -> dict[str, tuple[int, list[str]]]:
    """Return {shard: (replicas, zones of its nodes)} for the shards that the request names."""
    count, configured = params.get("NewReplicaCount"), params.get("ReplicaConfiguration") or []
    if (count is None) == (not configured):
        raise clash("Exactly one of NewReplicaCount and ReplicaConfiguration must be specified.")
    if not configured:
        return {shard.identifier: (int(count or 0), []) for shard in group.shards}
    wanted = {}
    for entry in configured:
        shard = entry.get("NodeGroupId", "")
        if shard not in {known.identifier for known in group.shards}:
            raise AwsError("NodeGroupNotFoundFault", f"Node group {shard} not found in {group.identifier}.")
        wanted[shard] = (int(entry["NewReplicaCount"]), list(entry.get("PreferredAvailabilityZones") or []))
    return wanted


def increase(books: Books, fleet: Fleet, group: Group, params: dict[str, Any]) -> None:
    _begin(group, params)
    zones = subnets.find(books, group.subnet_group).zones
    added: list[Member] = []
    for shard, (count, chosen) in _wanted(group, params).items():
        present = len(group.of_shard(shard)) - 1
        if count > layout.MOST_REPLICAS:
            raise invalid(f"The number of replicas must be between 0 and {layout.MOST_REPLICAS}, not {count}.")
        if count < present:
            raise invalid(f"Node group {shard} has {present} replicas: use DecreaseReplicaCount to have {count}.")
        if set(chosen) - set(zones):
            missing = ", ".join(sorted(set(chosen) - set(zones)))
            raise invalid(f"The cache subnet group has no subnet in availability zone(s) {missing}.")
        if chosen and len(chosen) != count + 1:
            raise invalid("PreferredAvailabilityZones must name a zone for each node of the node group.")
        added += _new_members(group, shard, count - present, chosen, zones, added)
    if not added:
        raise AwsError("NoOperationFault", "The number of replicas is already as requested.")
    group.members.extend(added)
    real = fleet.find(books, group)
    fleet.work(real, "modifying", lambda: _add(real, added), "elasticache_modify")


def _new_members(
    group: Group, shard: str, count: int, chosen: list[str], zones: list[str], others: list[Member]
) -> list[Member]:
    """Choose names and zones as if each one were there when the next is chosen."""
    left = list(chosen)
    for member in group.of_shard(shard):
        if member.zone in left:
            left.remove(member.zone)
    imagined = Group(**{**vars(group), "members": [*group.members, *others]})
    made = []
    for _number in range(count):
        zone = left.pop(0) if left else layout.next_zone(imagined, shard, zones)
        member = Member(layout.free_name(imagined, shard), shard, zone, "replica")
        imagined.members.append(member)
        made.append(member)
    return made


def _add(real: RealGroup, added: list[Member]) -> None:
    for member in added:
        real.make(member)
    real.start(*added)
    for member in added:
        real.books.event(
            "cache-cluster", member.identifier, f"Added cache node 0001 in availability zone {member.zone}"
        )
    if real.group.sharded:
        sharding.join(real, [real.server(member) for member in added])
        sharding.attach(real, added)
    else:
        real.follow(added[0].shard)
    real.open_endpoints()


def decrease(fleet: Fleet, books: Books, group: Group, params: dict[str, Any]) -> None:
    _begin(group, params)
    named = [name.lower() for name in params.get("ReplicasToRemove") or []]
    if named:
        gone = _named(group, named)
    else:
        gone = [member for shard, (count, _zones) in _wanted(group, params).items()
                for member in _last(group, shard, count)]  # fmt: skip
    if not gone:
        raise AwsError("NoOperationFault", "The number of replicas is already as requested.")
    _check_left(group, gone)
    for member in gone:
        member.status = "deleting"
    if group.snapshotting in {member.identifier for member in gone}:
        group.snapshotting = next(m.identifier for m in reversed(group.members) if m not in gone)
    real = fleet.find(books, group)
    fleet.work(real, "modifying", lambda: _remove(real, gone), "elasticache_modify")


def _named(group: Group, names: list[str]) -> list[Member]:
    known = {member.identifier: member for member in group.members}
    for name in names:
        if name not in known:
            raise AwsError("CacheClusterNotFound", f"CacheCluster not found: {name}")
        if known[name].role == "primary":
            raise clash(f"The primary {name} cannot be removed.")
    return [known[name] for name in names]


def _last(group: Group, shard: str, count: int) -> list[Member]:
    """Choose the replicas to go: the last ones, but with Multi-AZ one in another zone than the primary's stays."""
    replicas = [member for member in group.of_shard(shard) if member.role == "replica"]
    if count > len(replicas):
        raise invalid(f"Node group {shard} has {len(replicas)} replicas: use IncreaseReplicaCount to have {count}.")
    if count < 0:
        raise invalid("The number of replicas cannot be negative.")
    home = group.primary_of(shard).zone
    order = sorted(replicas, key=lambda member: (group.multi_az and member.zone == home, member.identifier))
    return order[count:]


def _check_left(group: Group, gone: list[Member]) -> None:
    for shard in group.shards:
        left = [member for member in group.of_shard(shard.identifier) if member not in gone]
        if len(left) < 2 and group.automatic_failover and not group.clustered:
            raise invalid("Must have at least 1 replica when cluster mode is disabled with auto failover enabled.")
        if len({member.zone for member in left}) < 2 and group.multi_az:
            raise invalid("Must have at least 1 replica in another availability zone when Multi-AZ is enabled.")
        if len(left) < 2 and group.effective_durability in ("sync", "async"):
            raise invalid("Must have at least 1 replica in each node group when durability is enabled.")


def _remove(real: RealGroup, gone: list[Member]) -> None:
    real.open_endpoints()  # clients that read from one of them are led elsewhere first
    identifiers = [sharding.node_id(real.server(member)) for member in gone] if real.group.sharded else []
    for member in gone:
        real.remove(member)
        with real.books.lock:
            real.group.members.remove(member)
            real.books.event("cache-cluster", member.identifier, "Removed cache node 0001")
    sharding.forget(real, identifiers)
    real.open_endpoints()


def reshard(books: Books, fleet: Fleet, group: Group, params: dict[str, Any]) -> None:
    _begin(group, params)
    if not group.clustered:
        raise clash("The shard configuration can only be modified with cluster mode enabled.")
    count, here = int(params["NodeGroupCount"]), len(group.shards)
    remove, retain = params.get("NodeGroupsToRemove") or [], params.get("NodeGroupsToRetain") or []
    if not 1 <= count <= layout.MOST_SHARDS:
        raise invalid(f"NodeGroupCount must be between 1 and {layout.MOST_SHARDS}.")
    if count >= here and (remove or retain):
        raise clash("NodeGroupsToRemove and NodeGroupsToRetain can only be specified to have fewer node groups.")
    if count <= here and params.get("ReshardingConfiguration"):
        raise clash("ReshardingConfiguration can only be specified to have more node groups.")
    gone = _going(group, count, list(remove), list(retain)) if count < here else []
    new = _coming(books, group, count - here, list(params.get("ReshardingConfiguration") or []))
    group.resharding = True
    real = fleet.find(books, group)
    fleet.work(real, "modifying", lambda: _reshard(real, new, gone), "elasticache_modify")


def _going(group: Group, count: int, remove: list[str], retain: list[str]) -> list[str]:
    if bool(remove) == bool(retain):
        raise clash("Exactly one of NodeGroupsToRemove and NodeGroupsToRetain is required for fewer node groups.")
    known = [shard.identifier for shard in group.shards]
    for name in [*remove, *retain]:
        if name not in known or not re.fullmatch(r"\d{1,4}", name):
            raise AwsError("NodeGroupNotFoundFault", f"Node group {name} not found in {group.identifier}.")
    gone = remove or [name for name in known if name not in retain]
    if len(known) - len(gone) != count:
        raise clash(f"Removing {len(gone)} of {len(known)} node groups does not leave {count}.")
    return gone


def _coming(
    books: Books, group: Group, count: int, configured: list[dict[str, Any]]
) -> list[tuple[Shard, list[Member]]]:
    """Plan the new shards: as many replicas as the first one has."""
    zones = subnets.find(books, group.subnet_group).zones
    size = len(group.of_shard(group.shards[0].identifier))
    last = max(int(shard.identifier) for shard in group.shards)
    planned = []
    for number in range(max(count, 0)):
        entry = configured[number] if number < len(configured) else {}
        chosen = list(entry.get("PreferredAvailabilityZones") or [])
        if set(chosen) - set(zones) or (chosen and len(chosen) != size):
            raise invalid(f"PreferredAvailabilityZones must name {size} zones of the cache subnet group.")
        shard = Shard(entry.get("NodeGroupId") or f"{last + number + 1:04}")
        members = []
        for position in range(size):
            zone = chosen[position] if chosen else zones[(last + number + position) % len(zones)]
            name = f"{group.identifier}-{shard.identifier}-{position + 1:03}"
            members.append(Member(name, shard.identifier, zone, "replica" if position else "primary"))
        planned.append((shard, members))
    return planned


def _reshard(real: RealGroup, new: list[tuple[Shard, list[Member]]], gone: list[str]) -> None:
    group = real.group
    arrived = [member for _shard, members in new for member in members]
    with real.books.lock:
        group.shards.extend(shard for shard, _members in new)
        group.members.extend(arrived)
    for member in arrived:
        real.make(member)
    real.start(*arrived)
    if arrived:
        sharding.join(real, [real.server(member) for member in arrived])
        sharding.attach(real, arrived)
    sharding.spread(real, sharding.balanced(group.shards, gone))
    leaving = [member for member in group.members if member.shard in gone]
    with real.books.lock:
        group.shards[:] = [shard for shard in group.shards if shard.identifier not in gone]
    _remove(real, leaving)
    for shard in group.shards:
        shard.status = "available"
    group.resharding = False
