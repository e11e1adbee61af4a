"""Operations on replication groups, their nodes and their snapshots."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from bahnvision_lab.aws.elasticache import (
    catalogue,
    changes,
    describe,
    failover,
    lifecycle,
    names,
    scaling,
    snapshots,
)  # fmt: skip
from bahnvision_lab.aws.elasticache.books import Group, Member
from bahnvision_lab.aws.elasticache.operations import Operations
from bahnvision_lab.aws.refusals import AwsError


class GroupOperations(Operations):
    """A replication group is the cache itself."""

    def create_replication_group(self) -> ActionResult:
        names.required(self.params, "ReplicationGroupId", "ReplicationGroupDescription")
        return self._told(self.life.create(self.books, self.params))

    def describe_replication_groups(self) -> ActionResult:
        wanted = self.params.get("ReplicationGroupId")
        found = [lifecycle.find(self.books, wanted)] if wanted else list(self.books.groups.values())
        return self._page("ReplicationGroups", [describe.replication_group(self.books, group) for group in found])

    def delete_replication_group(self) -> ActionResult:
        group = self._group()
        if self.params.get("RetainPrimaryCluster"):
            raise names.clash("The lab has no cache clusters without a replication group: RetainPrimaryCluster.")
        self.life.delete(self.books, group, self.params.get("FinalSnapshotIdentifier"))
        return self._told(group)

    def modify_replication_group(self) -> ActionResult:
        group = self._group()
        changes.modify(self.books, self.fleet, group, self.params)
        return self._told(group)

    def increase_replica_count(self) -> ActionResult:
        group = self._group()
        scaling.increase(self.books, self.fleet, group, self.params)
        return self._told(group)

    def decrease_replica_count(self) -> ActionResult:
        group = self._group()
        scaling.decrease(self.fleet, self.books, group, self.params)
        return self._told(group)

    def modify_replication_group_shard_configuration(self) -> ActionResult:
        group = self._group()
        scaling.reshard(self.books, self.fleet, group, self.params)
        return self._told(group)

    def test_failover(self) -> ActionResult:
        group = self._group()
        names.required(self.params, "NodeGroupId")
        failover.begin(self.books, self.fleet, group, self.params["NodeGroupId"])
        return self._told(group)

    def describe_cache_clusters(self) -> ActionResult:
        wanted, with_nodes = self.params.get("CacheClusterId"), bool(self.params.get("ShowCacheNodeInfo"))
        if wanted:
            found = [self._member(wanted)]
        elif self.params.get("ShowCacheClustersNotInReplicationGroups"):
            found = []
        else:
            found = [(group, member) for group in self.books.groups.values() for member in group.members]
        rows = [describe.cache_cluster(self.books, group, member, with_nodes) for group, member in found]
        return self._page("CacheClusters", rows)

    def reboot_cache_cluster(self) -> ActionResult:
        group, member = self._member(self.params["CacheClusterId"])
        if group.sharded:
            raise names.clash("Rebooting is not supported with cluster mode enabled.")
        if list(self.params.get("CacheNodeIdsToReboot") or []) != [describe.NODE]:
            raise names.invalid(f"CacheNodeIdsToReboot must be [{describe.NODE}].")
        if group.status != "available" or member.status != "available":
            raise AwsError("InvalidCacheClusterState", f"Cache cluster {member.identifier} is not available.")
        changes.reboot(self.books, self.fleet, group, member)
        return ActionResult({"CacheCluster": describe.cache_cluster(self.books, group, member, False)})

    def list_allowed_node_type_modifications(self) -> ActionResult:
        by_cluster = self.params.get("CacheClusterId")
        group = self._member(by_cluster)[0] if by_cluster else self._group()
        here = catalogue.node_memory(group.node_type) or 0
        up: list[str] = []
        down: list[str] = []
        for name in catalogue.node_types():
            if name == group.node_type or not changes.fits(group, name):
                continue
            (up if (catalogue.node_memory(name) or 0) >= here else down).append(name)
        return ActionResult({"ScaleUpModifications": up, "ScaleDownModifications": down})

    def create_snapshot(self) -> ActionResult:
        names.required(self.params, "SnapshotName")
        cluster, wanted = self.params.get("CacheClusterId"), self.params.get("ReplicationGroupId")
        if bool(cluster) == bool(wanted):
            raise names.clash("Exactly one of ReplicationGroupId and CacheClusterId must be specified.")
        if cluster:
            group, member = self._member(cluster)
            cluster = member.identifier
            if group.sharded:
                raise names.clash("With cluster mode enabled, a snapshot is made of the replication group.")
        else:
            group = self._group()
        lifecycle.require_available(group, "a snapshot")
        name, key, tags = self.params["SnapshotName"], self.params.get("KmsKeyId"), self.params.get("Tags")
        snapshot = snapshots.create(self.books, self.fleet, group, name, cluster, key, tags)
        return ActionResult({"Snapshot": snapshots.describe(self.books, snapshot, False)})

    def copy_snapshot(self) -> ActionResult:
        if self.params.get("TargetBucket"):
            raise names.invalid("The lab cannot export a snapshot to S3: TargetBucket.")
        source = snapshots.find(self.books, self.params["SourceSnapshotName"])
        name, key, tags = self.params["TargetSnapshotName"], self.params.get("KmsKeyId"), self.params.get("Tags")
        target = snapshots.copy_of(self.books, self.fleet, source, name, key, tags)
        return ActionResult({"Snapshot": snapshots.describe(self.books, target, False)})

    def delete_snapshot(self) -> ActionResult:
        snapshot = snapshots.find(self.books, self.params["SnapshotName"])
        described = {**snapshots.describe(self.books, snapshot, False), "SnapshotStatus": "deleting"}
        snapshots.delete(self.books, snapshot)
        return ActionResult({"Snapshot": described})

    def describe_snapshots(self) -> ActionResult:
        wanted, source = self.params.get("SnapshotName"), self.params.get("SnapshotSource")
        if source not in (None, "user", "system", "manual", "automated"):
            raise names.invalid(f"Invalid SnapshotSource {source}: user or system.")
        kind = {"user": "manual", "system": "automated"}.get(source or "", source)
        found = [snapshots.find(self.books, wanted)] if wanted else list(self.books.snapshots.values())
        group, cluster = self.params.get("ReplicationGroupId"), self.params.get("CacheClusterId")
        found = [
            entry for entry in found
            if kind in (None, entry.source) and (not group or entry.group.identifier == group.lower())
            and (not cluster or any(member.identifier == cluster.lower() for member in entry.group.members))
        ]  # fmt: skip
        with_config = bool(self.params.get("ShowNodeGroupConfig"))
        return self._page("Snapshots", [snapshots.describe(self.books, entry, with_config) for entry in found], 50)

    def _told(self, group: Group) -> ActionResult:
        return ActionResult({"ReplicationGroup": describe.replication_group(self.books, group)})

    def _group(self) -> Group:
        names.required(self.params, "ReplicationGroupId")
        return lifecycle.find(self.books, self.params["ReplicationGroupId"])

    def _member(self, identifier: Any) -> tuple[Group, Member]:
        for group in self.books.groups.values():
            for member in group.members:
                if member.identifier == str(identifier).lower():
                    return group, member
        raise AwsError("CacheClusterNotFound", f"CacheCluster not found: {identifier}")
