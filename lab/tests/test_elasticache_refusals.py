"""What AWS refuses, the lab refuses too, with AWS's code; nothing is made by a refused request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aws_world import fresh, refused, vpc_with_subnets
from bahnvision_lab.testing import Lab
from cache_world import ZONES, Caches

VALUE, CLASH = "InvalidParameterValue", "InvalidParameterCombination"


@pytest.fixture(scope="module")
def caches(lab: Lab) -> Caches:
    return Caches(lab)


@pytest.fixture(scope="module")
def group(caches: Caches) -> Iterator[str]:
    with caches.make() as made:
        yield made["ReplicationGroupId"]


CREATIONS = {
    "no description": ({"ReplicationGroupDescription": " "}, VALUE, "ReplicationGroupDescription"),
    "underscore": ({"ReplicationGroupId": "a_b"}, VALUE, "valid identifier"),
    "digit first": ({"ReplicationGroupId": "1a"}, VALUE, "valid identifier"),
    "two hyphens": ({"ReplicationGroupId": "a--b"}, VALUE, "valid identifier"),
    "hyphen last": ({"ReplicationGroupId": "a-"}, VALUE, "valid identifier"),
    "41 characters": ({"ReplicationGroupId": "a" * 41}, VALUE, "valid identifier"),
    "engine": ({"Engine": "memcached"}, VALUE, "memcached"),
    "version": ({"EngineVersion": "8.9"}, CLASH, "Cannot find version 8.9 for valkey"),
    "version of the other engine": ({"Engine": "redis", "EngineVersion": "8.1"}, CLASH, "Cannot find version"),
    "family": ({"CacheParameterGroupName": "default.valkey7"}, CLASH, "family valkey8 but found one of family valkey7"),
    "parameter group": ({"CacheParameterGroupName": "nope"}, "CacheParameterGroupNotFound", "nope"),
    "node type": ({"CacheNodeType": "cache.t4g.huge"}, VALUE, "cache.t4g.huge"),
    "class of RDS": ({"CacheNodeType": "db.t4g.micro"}, VALUE, "db.t4g.micro"),
    "tiering without its nodes": ({"DataTieringEnabled": True}, CLASH, "Data tiering is not supported"),
    "nodes without tiering": ({"CacheNodeType": "cache.r6gd.xlarge"}, CLASH, "Data tiering must be enabled"),
    "failover on t1": ({"CacheNodeType": "cache.t1.micro"}, CLASH, "Automatic failover is not supported"),
    "failover of one": ({"NumCacheClusters": 1, "MultiAZEnabled": False}, CLASH, "at least 2 cache clusters"),
    "zones without failover": ({"AutomaticFailoverEnabled": False}, CLASH, "must be enabled to enable Multi-AZ"),
    "one zone": ({"PreferredCacheClusterAZs": ZONES[:1] * 2}, CLASH, "at least 2 availability zones"),
    "zones of another number": ({"PreferredCacheClusterAZs": [*ZONES, ZONES[0]]}, CLASH, "must be the number of nodes"),
    "zone without a subnet": ({"PreferredCacheClusterAZs": [ZONES[0], "eu-central-1c"]}, VALUE, "eu-central-1c"),
    "seven nodes": ({"NumCacheClusters": 7}, VALUE, "between 0 and 5"),
    "both counts": ({"ReplicasPerNodeGroup": 1}, CLASH, "NumCacheClusters and ReplicasPerNodeGroup"),
    "subnet group": ({"CacheSubnetGroupName": "nope"}, "CacheSubnetGroupNotFoundFault", "nope"),
    "users without TLS": ({"TransitEncryptionEnabled": False}, CLASH, "requires encryption-in-transit"),
    "TLS not told": ({"TransitEncryptionEnabled": None}, CLASH, "explicitly"),
    "users and token": ({"AuthToken": "a" * 16}, CLASH, "AuthToken and UserGroupIds"),
    "short token": ({"AuthToken": "a" * 15, "UserGroupIds": None}, VALUE, "between 16 and 128"),
    "token with @": ({"AuthToken": "a" * 16 + "@", "UserGroupIds": None}, VALUE, "may be used"),
    "token without TLS": (
        {"AuthToken": "a" * 16, "UserGroupIds": None, "TransitEncryptionEnabled": False}, CLASH, "AUTH token"),
    "user group": ({"UserGroupIds": ["nope"]}, "UserGroupNotFound", "nope"),
    "retention": ({"SnapshotRetentionLimit": 36}, VALUE, "between 0 and 35"),
    "daily window": ({"SnapshotWindow": "5:00-6:00"}, VALUE, "snapshot window format"),
    "short window": ({"SnapshotWindow": "05:00-05:30"}, VALUE, "at least 60 minutes"),
    "weekly window": ({"PreferredMaintenanceWindow": "sunday:05:00-sunday:06:00"}, VALUE, "maintenance window format"),
    "overlap": (
        {"SnapshotWindow": "23:30-00:45", "PreferredMaintenanceWindow": "sun:00:30-sun:01:30"}, VALUE, "overlap"),
    "port": ({"Port": 80}, VALUE, "Invalid port"),
    "key without encryption": ({"KmsKeyId": "alias/x", "AtRestEncryptionEnabled": False}, CLASH, "KMS key"),
    "key": ({"KmsKeyId": "alias/nope"}, "InvalidKMSKeyFault", "alias/nope"),
    "security group": ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, VALUE, "sg-0123456789abcdef0"),
    "cluster without failover": (
        {"NumCacheClusters": None, "NumNodeGroups": 2, "ReplicasPerNodeGroup": 1, "AutomaticFailoverEnabled": False},
        CLASH, "auto failover turned off"),
    "shards and cluster mode disabled": (
        {"NumCacheClusters": None, "NumNodeGroups": 2, "ClusterMode": "disabled"}, CLASH, "contradicts"),
    "shards with a group for one": (
        {"NumCacheClusters": None, "NumNodeGroups": 2, "CacheParameterGroupName": "default.valkey8"},
        CLASH, "does not fit cluster mode enabled"),
    "slots": (
        {"NumCacheClusters": None, "NodeGroupConfiguration": [{"Slots": "0-9"}, {"Slots": "10-99"}],
         "ReplicasPerNodeGroup": 1}, VALUE, "must cover 0-16383"),
    "durability of an old engine": ({"Durability": "sync"}, CLASH, "engine valkey 9.0 or newer"),
    "durability of a small node": (
        {"Durability": "sync", "EngineVersion": "9.0"}, CLASH, "a node type that supports it"),
    "log group": (
        {"LogDeliveryConfigurations": [{"LogType": "slow-log", "DestinationType": "cloudwatch-logs",
         "LogFormat": "json", "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "nope"}}}]}, VALUE, "nope"),
    "log type": (
        {"LogDeliveryConfigurations": [{"LogType": "slow-log", "DestinationType": "cloudwatch-logs",
         "LogFormat": "json", "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "x"}}}] * 2},
        VALUE, "twice"),
    "tag": ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, VALUE, "tag key"),
}  # fmt: skip


@pytest.mark.parametrize("case", CREATIONS)
def test_creations_that_aws_refuses(caches: Caches, case: str) -> None:
    changes, code, words = CREATIONS[case]
    arguments = caches.arguments(**changes)
    with refused(code, words):
        caches.api.create_replication_group(**arguments)
    made = [group["ReplicationGroupId"] for group in caches.api.describe_replication_groups()["ReplicationGroups"]]
    assert arguments["ReplicationGroupId"] not in made


def test_networks_that_aws_refuses(caches: Caches) -> None:
    _vpc, elsewhere = vpc_with_subnets(caches.ec2)
    one_zone, other = fresh("net"), fresh("net")
    mine = caches.api.describe_cache_subnet_groups(CacheSubnetGroupName=caches.subnet_group)["CacheSubnetGroups"][0]
    subnets = [entry["SubnetIdentifier"] for entry in mine["Subnets"]]
    for name, ids in ((one_zone, subnets[:1]), (other, elsewhere)):
        caches.api.create_cache_subnet_group(CacheSubnetGroupName=name, CacheSubnetGroupDescription="x", SubnetIds=ids)
    with refused(CLASH, "at least 2 availability zones"):
        caches.api.create_replication_group(**caches.arguments(CacheSubnetGroupName=one_zone))
    ours = caches.ec2.create_security_group(GroupName=fresh("sg"), Description="x", VpcId=caches.vpc)["GroupId"]
    with refused(VALUE, "same VPC"):
        caches.api.create_replication_group(**caches.arguments(CacheSubnetGroupName=other, SecurityGroupIds=[ours]))
    with refused("InvalidSubnet", "same VPC"):
        caches.api.create_cache_subnet_group(
            CacheSubnetGroupName=fresh("net"), CacheSubnetGroupDescription="x", SubnetIds=[subnets[0], elsewhere[0]]
        )
    with refused("InvalidSubnet", "subnet-nope"):
        caches.api.modify_cache_subnet_group(CacheSubnetGroupName=other, SubnetIds=["subnet-nope"])
    with refused("CacheSubnetGroupAlreadyExists", other):
        caches.api.create_cache_subnet_group(
            CacheSubnetGroupName=other.upper(), CacheSubnetGroupDescription="x", SubnetIds=elsewhere
        )
    for name in (one_zone, other):
        caches.api.delete_cache_subnet_group(CacheSubnetGroupName=name)


def test_what_is_in_use_stays(caches: Caches, group: str) -> None:
    with refused("CacheSubnetGroupInUse", group):
        caches.api.delete_cache_subnet_group(CacheSubnetGroupName=caches.subnet_group)
    with refused("SubnetInUse", "in use"):
        subnets = caches.api.describe_cache_subnet_groups(CacheSubnetGroupName=caches.subnet_group)
        first = subnets["CacheSubnetGroups"][0]["Subnets"][0]["SubnetIdentifier"]
        caches.api.modify_cache_subnet_group(CacheSubnetGroupName=caches.subnet_group, SubnetIds=[first])
    with refused("DependencyViolation", "dependencies"):
        caches.ec2.delete_subnet(SubnetId=first)
    with refused("InvalidUserGroupState", group):
        caches.api.delete_user_group(UserGroupId=caches.user_group)
    name = fresh("cache-parameters")
    caches.api.create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="valkey8", Description="x"
    )
    caches.modify(group, CacheParameterGroupName=name)
    with refused("InvalidCacheParameterGroupState", group):
        caches.api.delete_cache_parameter_group(CacheParameterGroupName=name)
    with refused(VALUE, "while the parameter group is in use"):
        caches.api.modify_cache_parameter_group(CacheParameterGroupName=name, ParameterNameValues=[
            {"ParameterName": "cluster-enabled", "ParameterValue": "yes"}])  # fmt: skip
    caches.modify(group, CacheParameterGroupName="default.valkey8")
    caches.api.delete_cache_parameter_group(CacheParameterGroupName=name)
    with refused("CacheParameterGroupNotFound", name, 404):
        caches.api.describe_cache_parameters(CacheParameterGroupName=name)
    with refused("ReplicationGroupAlreadyExists", group):
        caches.api.create_replication_group(**caches.arguments(ReplicationGroupId=group.upper()))


MODIFICATIONS = {
    "nothing": ({}, CLASH, "No modification"),
    "downgrade": ({"EngineVersion": "7.2"}, CLASH, "cannot be downgraded"),
    "back to redis": ({"Engine": "redis", "EngineVersion": "7.1"}, CLASH, "cannot be changed to engine redis"),
    "failover off with zones on": ({"AutomaticFailoverEnabled": False}, CLASH, "Multi-AZ"),
    "encryption": ({"TransitEncryptionEnabled": True}, CLASH, "access control enabled clusters"),
    "token": ({"AuthToken": "a" * 16, "AuthTokenUpdateStrategy": "SET"}, CLASH, "user group"),
    "same user group": ({"UserGroupIdsToAdd": ["USERS"]}, VALUE, "already associated"),
    "unknown user group": ({"UserGroupIdsToRemove": ["nope"]}, "UserGroupNotFound", "nope"),
    "parameter group": ({"CacheParameterGroupName": "default.redis7"}, CLASH, "family"),
    "cluster parameter group": ({"CacheParameterGroupName": "default.valkey8.cluster.on"}, CLASH, "does not fit"),
    "cluster mode and more": ({"ClusterMode": "compatible", "SnapshotRetentionLimit": 1}, CLASH, "by itself"),
    "overlap": (
        {"SnapshotWindow": "04:00-06:00", "PreferredMaintenanceWindow": "sun:05:00-sun:06:00"}, VALUE, "overlap"),
    "security group": ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, VALUE, "sg-0123456789abcdef0"),
    "primary": ({"PrimaryClusterId": "x"}, CLASH, "automatic failover"),
    "durability": ({"Durability": "sync"}, CLASH, "9.0"),
    "snapshotting": ({"SnapshottingClusterId": "x"}, "CacheClusterNotFound", "x"),
}  # fmt: skip


@pytest.mark.parametrize("case", MODIFICATIONS)
def test_modifications_that_aws_refuses(caches: Caches, group: str, case: str) -> None:
    changes, code, words = MODIFICATIONS[case]
    if changes.get("UserGroupIdsToAdd"):
        changes = {"UserGroupIdsToAdd": [caches.user_group]}
    before = caches.told(group)
    with refused(code, words):
        caches.api.modify_replication_group(ReplicationGroupId=group, ApplyImmediately=True, **changes)
    after = caches.told(group)
    assert {key: after[key] for key in before} == before


def test_replica_counts_that_aws_refuses(caches: Caches, group: str) -> None:
    more, fewer = caches.api.increase_replica_count, caches.api.decrease_replica_count
    now = {"ReplicationGroupId": group, "ApplyImmediately": True}
    with refused(VALUE, "ApplyImmediately=False"):
        more(ReplicationGroupId=group, ApplyImmediately=False, NewReplicaCount=2)
    with refused("NoOperationFault", "already"):
        more(**now, NewReplicaCount=1)
    with refused(VALUE, "between 0 and 5"):
        more(**now, NewReplicaCount=6)
    with refused(VALUE, "Must have at least 1 replica when cluster mode is disabled with auto failover enabled."):
        fewer(**now, NewReplicaCount=0)
    with refused(VALUE, "IncreaseReplicaCount"):
        fewer(**now, NewReplicaCount=2)
    with refused(CLASH, "primary"):
        fewer(**now, ReplicasToRemove=[f"{group}-001"])
    with refused(CLASH, "cluster mode enabled"):
        caches.api.modify_replication_group_shard_configuration(**now, NodeGroupCount=2)
    with refused("InvalidARN", "not valid"):
        caches.api.list_tags_for_resource(ResourceName="arn:aws:elasticache:eu-central-1:1:replicationgroup:x")
