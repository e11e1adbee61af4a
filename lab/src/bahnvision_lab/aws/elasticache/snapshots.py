"""Backups: real RDB files, one for each shard, and groups that begin with them."""

from __future__ import annotations

import copy
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import redis

from bahnvision_lab.aws.elasticache import arns, catalogue, checks, names, sharding
from bahnvision_lab.aws.elasticache.books import Books, Group, Shard, Snapshot, now
from bahnvision_lab.aws.elasticache.servers import CacheServer, wait_until
from bahnvision_lab.aws.refusals import AwsError, LabLacks

if TYPE_CHECKING:
    from bahnvision_lab.aws.elasticache.fleet import Fleet
    from bahnvision_lab.aws.elasticache.real import RealGroup

PATIENCE = 300


def find(books: Books, name: str) -> Snapshot:
    snapshot = books.snapshots.get(name.lower())
    if snapshot is None:
        raise AwsError("SnapshotNotFoundFault", f"Snapshot {name} not found.")
    return snapshot


def check_restorable(snapshot: Snapshot, params: dict[str, Any] | None = None) -> None:
    asked = params or {}
    shards = asked.get("NumNodeGroups") or len(asked.get("NodeGroupConfiguration") or []) or len(snapshot.shards)
    if shards < len(snapshot.shards):
        raise LabLacks("a restore into fewer shards than the snapshot has")
    if snapshot.status != "available":
        message = f"Snapshot {snapshot.name} has status {snapshot.status} which is not valid for restoring."
        raise AwsError("InvalidSnapshotState", message)


def begin(
    books: Books, fleet: Fleet, group: Group, name: str, source: str, cluster: str | None, key: str | None
) -> Snapshot:
    """Note the snapshot in the books, with the group as it is now. Its data follow by `take`."""
    if source == "manual":
        name = names.identifier("SnapshotName", name, 255)
        if name.startswith("automatic."):
            raise names.invalid("The name of a manual snapshot cannot begin with automatic.")
    if name in books.snapshots:
        raise AwsError("SnapshotAlreadyExistsFault", f"Snapshot {name} already exists.")
    if catalogue.has_feature(group.node_type, "no_snapshots"):
        message = f"Snapshots are not supported for the node type {group.node_type}."
        raise AwsError("SnapshotFeatureNotSupportedFault", message)
    kms = checks.encryption_key(books, key, at_rest=True) or group.kms_key
    folder = fleet.snapshots / f"{books.account}-{books.region}-{name}"
    snapshot = Snapshot(name, source, copy.deepcopy(group), folder, copy.deepcopy(group.shards), {}, cluster, kms)
    books.snapshots[name] = snapshot
    return snapshot


def take(real: RealGroup, snapshot: Snapshot) -> None:
    snapshot.folder.mkdir(parents=True, exist_ok=True)
    for shard in snapshot.shards:
        server = real.primary(shard.identifier)
        save(server)
        target = snapshot.folder / f"{shard.identifier}.rdb"
        shutil.copyfile(server.dump, target)
        snapshot.sizes[shard.identifier] = target.stat().st_size
    snapshot.created = now()
    snapshot.status = "available"
    with real.books.lock:
        done = f"Snapshot succeeded for snapshot with ID '{snapshot.name}' of replication group with ID " \
               f"'{real.group.identifier}'"  # fmt: skip
        real.books.event("replication-group", real.group.identifier, done)


def save(server: CacheServer) -> None:
    """Let the server write its file; one that a replica's start is writing just now has to end first."""

    def begun() -> bool:
        try:
            server.run("BGSAVE")
        except redis.ResponseError as problem:
            if "in progress" in str(problem):
                return False
            raise
        return True

    server.dump.unlink(missing_ok=True)
    wait_until(begun, PATIENCE, f"{server.name} does not begin its snapshot")
    wait_until(lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0" and server.dump.exists(), PATIENCE,
               f"the snapshot of {server.name} is not written")  # fmt: skip


def create(
    books: Books, fleet: Fleet, group: Group, name: str, cluster: str | None, key: str | None, tags: Any
) -> Snapshot:
    """CreateSnapshot: the group goes on serving while it is `snapshotting`."""
    read = arns.read(tags)
    snapshot = begin(books, fleet, group, name, "manual", cluster, key)
    books.tags[books.arn("snapshot", snapshot.name)] = read
    start(books, fleet, group, snapshot)
    return snapshot


def start(books: Books, fleet: Fleet, group: Group, snapshot: Snapshot) -> None:
    real = fleet.find(books, group)
    fleet.work(real, "snapshotting", lambda: take(real, snapshot), "elasticache_snapshot")


def copy_of(books: Books, fleet: Fleet, source: Snapshot, name: str, key: str | None, tags: Any) -> Snapshot:
    check_restorable(source)
    read = arns.read(tags)
    target = begin(books, fleet, source.group, name, "manual", source.cluster, key)
    target.shards, target.sizes, target.created = source.shards, dict(source.sizes), source.created
    books.tags[books.arn("snapshot", target.name)] = read

    def work() -> None:
        shutil.copytree(source.folder, target.folder, dirs_exist_ok=True)
        target.status = "available"

    fleet.in_background(f"cache snapshot {target.name}", work)
    return target


def delete(books: Books, snapshot: Snapshot) -> None:
    if snapshot.status != "available":
        message = f"Snapshot {snapshot.name} has status {snapshot.status} which is not valid for deletion."
        raise AwsError("InvalidSnapshotState", message)
    _drop(books, snapshot)


def _drop(books: Books, snapshot: Snapshot) -> None:
    del books.snapshots[snapshot.name]
    books.tags.pop(books.arn("snapshot", snapshot.name), None)
    shutil.rmtree(snapshot.folder, ignore_errors=True)


def automatic_of(books: Books, group: Group) -> list[Snapshot]:
    return [entry for entry in books.snapshots.values()
            if entry.source == "automated" and entry.group.identifier == group.identifier]  # fmt: skip


def remove_automatic(books: Books, group: Group) -> None:
    """They end with their group; manual ones stay."""
    for snapshot in automatic_of(books, group):
        _drop(books, snapshot)


def remove_expired(books: Books, group: Group) -> None:
    for snapshot in automatic_of(books, group):
        if snapshot.status == "available" and now() - snapshot.created > timedelta(days=group.retention):
            _drop(books, snapshot)


def restore(real: RealGroup, snapshot: Snapshot) -> None:
    """Build the group with the snapshot's data. Another number of shards is reached by moving slots afterwards."""
    snapshot.status = "restoring"
    try:
        wanted = real.group.shards
        saved = {shard.identifier: shard.slots for shard in snapshot.shards}
        goal = {shard.identifier: sharding.numbers(shard.slots) for shard in wanted}
        if real.group.sharded:
            _take_slots_of(wanted, saved)
        real.build(snapshot)
        if real.group.sharded:
            sharding.spread(real, goal)
    finally:
        snapshot.status = "available"


def _take_slots_of(wanted: list[Shard], saved: dict[str, str | None]) -> None:
    """Begin with the slots as they were; shards that were not there begin without any."""
    for shard in wanted:
        alone = f"0-{sharding.SLOTS - 1}"  # of a group without cluster mode
        shard.slots = (saved[shard.identifier] or alone) if shard.identifier in saved else None


def describe(books: Books, snapshot: Snapshot, with_config: bool) -> dict[str, Any]:
    group = snapshot.group
    described = {
        "SnapshotName": snapshot.name,
        "ReplicationGroupId": None if snapshot.cluster else group.identifier,
        "ReplicationGroupDescription": None if snapshot.cluster else group.description,
        "CacheClusterId": snapshot.cluster,
        "SnapshotStatus": snapshot.status,
        "SnapshotSource": snapshot.source,
        "CacheNodeType": group.node_type,
        "Engine": group.engine,
        "EngineVersion": catalogue.full_version(group.engine, group.version),
        "PreferredMaintenanceWindow": group.maintenance_window,
        "Port": group.port,
        "CacheParameterGroupName": group.parameter_group,
        "CacheSubnetGroupName": group.subnet_group,
        "VpcId": group.vpc,
        "AutoMinorVersionUpgrade": group.auto_minor,
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "NumNodeGroups": len(snapshot.shards),
        "AutomaticFailover": "enabled" if group.automatic_failover else "disabled",
        "NodeSnapshots": [_node_snapshot(snapshot, shard, with_config) for shard in snapshot.shards],
        "KmsKeyId": snapshot.kms_key,
        "ARN": books.arn("snapshot", snapshot.name),
        "DataTiering": "enabled" if group.data_tiering else "disabled",
        "Durability": group.effective_durability,
    }
    return {key: value for key, value in described.items() if value is not None}


def _node_snapshot(snapshot: Snapshot, shard: Shard, with_config: bool) -> dict[str, Any]:
    group = snapshot.group
    primary = group.primary_of(shard.identifier)
    described: dict[str, Any] = {
        "CacheClusterId": primary.identifier,
        "NodeGroupId": shard.identifier,
        "CacheNodeId": "0001",
        "CacheSize": f"{max(snapshot.sizes.get(shard.identifier, 0) // 2**20, 1)} MB",
        "CacheNodeCreateTime": primary.created,
        "SnapshotCreateTime": snapshot.created,
    }
    if with_config:
        others = [member for member in group.of_shard(shard.identifier) if member is not primary]
        described["NodeGroupConfiguration"] = {
            "NodeGroupId": shard.identifier,
            **({"Slots": shard.slots} if shard.slots else {}),
            "ReplicaCount": len(others),
            "PrimaryAvailabilityZone": primary.zone,
            "ReplicaAvailabilityZones": [member.zone for member in others],
        }
    return described
