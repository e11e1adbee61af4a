"""ElastiCache, from users and groups to a group with one node more and one less."""

from __future__ import annotations

import time
from typing import Any

from aws_world import fresh, vpc_with_subnets
from bahnvision_lab.testing import Lab

PASSWORDS = ["a-Good-Password-1234"]
TAGS = [{"Key": "a", "Value": "b"}]


def walk(lab: Lab) -> None:
    cache = lab.client("elasticache")
    _vpc, subnets = vpc_with_subnets(lab.client("ec2"))
    home, parameters = fresh("walked-home"), fresh("walked-parameters")
    cache.create_cache_subnet_group(CacheSubnetGroupName=home, CacheSubnetGroupDescription="x", SubnetIds=subnets)
    cache.modify_cache_subnet_group(CacheSubnetGroupName=home, SubnetIds=subnets)
    cache.describe_cache_subnet_groups(CacheSubnetGroupName=home)
    version = _offers(cache)
    _parameters(cache, parameters, version["CacheParameterGroupFamily"])
    users = _users(cache)
    _group(cache, home, parameters, users, version)
    cache.delete_user_group(UserGroupId=users)
    cache.delete_cache_parameter_group(CacheParameterGroupName=parameters)
    cache.delete_cache_subnet_group(CacheSubnetGroupName=home)


def _offers(cache: Any) -> dict[str, Any]:
    cache.describe_reserved_cache_nodes_offerings(CacheNodeType="cache.t4g.small")
    return cache.describe_cache_engine_versions(Engine="valkey")["CacheEngineVersions"][-1]


def _parameters(cache: Any, name: str, family: str) -> None:
    group = {"CacheParameterGroupName": name}
    cache.create_cache_parameter_group(**group, CacheParameterGroupFamily=family, Description="x", Tags=TAGS)
    change = [{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}]
    cache.modify_cache_parameter_group(**group, ParameterNameValues=change)
    cache.describe_cache_parameters(**group)
    cache.describe_cache_parameter_groups(**group)
    cache.describe_engine_default_parameters(CacheParameterGroupFamily=family)
    cache.reset_cache_parameter_group(**group, ParameterNameValues=change)


def _users(cache: Any) -> str:
    user, other, group = fresh("walked-user"), fresh("walked-user"), fresh("walked-users")
    for name in (user, other):
        cache.create_user(
            UserId=name, UserName=name, Engine="valkey", AccessString="on ~app:* +@all", Passwords=PASSWORDS, Tags=TAGS
        )
    cache.modify_user(UserId=user, AppendAccessString="-flushall")
    _until(lambda: cache.describe_users(UserId=user)["Users"][0]["Status"] == "active")
    cache.create_user_group(UserGroupId=group, Engine="valkey", UserIds=[user])
    _until(lambda: cache.describe_user_groups(UserGroupId=group)["UserGroups"][0]["Status"] == "active")
    cache.modify_user_group(UserGroupId=group, UserIdsToAdd=[other])
    _until(lambda: cache.describe_user_groups(UserGroupId=group)["UserGroups"][0]["Status"] == "active")
    cache.modify_user_group(UserGroupId=group, UserIdsToRemove=[other])
    _until(lambda: cache.describe_user_groups(UserGroupId=group)["UserGroups"][0]["Status"] == "active")
    cache.delete_user(UserId=other)
    arn = cache.describe_users(UserId=user)["Users"][0]["ARN"]
    cache.add_tags_to_resource(ResourceName=arn, Tags=TAGS)
    cache.list_tags_for_resource(ResourceName=arn)
    cache.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    return group


def _group(cache: Any, home: str, parameters: str, users: str, version: dict[str, Any]) -> None:
    name = fresh("walked")
    group = {"ReplicationGroupId": name}
    cache.create_replication_group(
        **group, ReplicationGroupDescription="x", Engine="valkey", EngineVersion=version["EngineVersion"],
        CacheNodeType="cache.t4g.small", NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True,
        CacheSubnetGroupName=home, CacheParameterGroupName=parameters, TransitEncryptionEnabled=True,
        AtRestEncryptionEnabled=True, UserGroupIds=[users], SnapshotRetentionLimit=1, Tags=TAGS,
    )  # fmt: skip
    _settled(cache, name)
    cache.describe_cache_clusters(ShowCacheNodeInfo=True)
    cache.list_allowed_node_type_modifications(**group)
    cache.modify_replication_group(**group, SnapshotRetentionLimit=2, ApplyImmediately=True)
    _settled(cache, name)
    cache.increase_replica_count(**group, NewReplicaCount=2, ApplyImmediately=True)
    _settled(cache, name)
    cache.test_failover(**group, NodeGroupId="0001")
    _settled(cache, name)
    cache.decrease_replica_count(**group, NewReplicaCount=1, ApplyImmediately=True)
    _settled(cache, name)
    cache.describe_events(SourceType="replication-group", SourceIdentifier=name)
    snapshot = fresh("walked-snapshot")
    cache.create_snapshot(**group, SnapshotName=snapshot)
    _until(lambda: cache.describe_snapshots(SnapshotName=snapshot)["Snapshots"][0]["SnapshotStatus"] == "available")
    _settled(cache, name)
    cache.delete_replication_group(**group)
    _sharded(cache, home, snapshot, version["CacheParameterGroupFamily"])
    _until(lambda: name not in _names(cache))
    cache.delete_snapshot(SnapshotName=snapshot)


def _sharded(cache: Any, home: str, snapshot: str, family: str) -> None:
    """A group in cluster mode, begun from the snapshot, with a shard more."""
    name = fresh("walked-shards")
    parameters = f"default.{family}.cluster.on"
    cache.create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="x", Engine="valkey", CacheNodeType="cache.t4g.small",
        CacheSubnetGroupName=home, CacheParameterGroupName=parameters, NumNodeGroups=1, ReplicasPerNodeGroup=1,
        AutomaticFailoverEnabled=True, TransitEncryptionEnabled=True, SnapshotName=snapshot,
    )  # fmt: skip
    _settled(cache, name)
    cache.modify_replication_group_shard_configuration(ReplicationGroupId=name, NodeGroupCount=2, ApplyImmediately=True)
    _settled(cache, name)
    cache.delete_replication_group(ReplicationGroupId=name)
    _until(lambda: name not in _names(cache))


def _names(cache: Any) -> list[str]:
    return [group["ReplicationGroupId"] for group in cache.describe_replication_groups()["ReplicationGroups"]]


def _settled(cache: Any, name: str) -> None:
    def available() -> bool:
        found = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
        return found["Status"] == "available"

    _until(available)


def _until(check: Any, patience: float = 240) -> None:
    deadline = time.monotonic() + patience
    while not check():
        assert time.monotonic() < deadline, f"waited {patience:g} s in vain"
        time.sleep(0.1)
