"""Groups and their nodes, in the shapes of the API."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.aws.elasticache import catalogue
from bahnvision_lab.aws.elasticache.books import Books, Group, LogDelivery, Member, Shard

NODE = "0001"  # a cache cluster of Valkey or Redis has one node
LANDING_PAGE = "https://console.aws.amazon.com/elasticache/home#client-download:"


def _without_nothing(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if value is not None}


def _switch(on: bool) -> str:
    return "enabled" if on else "disabled"


def replication_group(books: Books, group: Group) -> dict[str, Any]:
    known = group.effective_durability is not None
    return _without_nothing({
        "ReplicationGroupId": group.identifier,
        "Description": group.description,
        "GlobalReplicationGroupInfo": {},
        "Status": group.status,
        "PendingModifiedValues": _pending(group),
        "MemberClusters": [member.identifier for member in group.members],
        # AWS tells of the node groups once they are there.
        "NodeGroups": None if group.status in ("creating", "create-failed") else _shards(group),
        "SnapshottingClusterId": group.snapshotting,
        "AutomaticFailover": _switch(group.automatic_failover),
        "MultiAZ": _switch(group.multi_az),
        "ConfigurationEndpoint": endpoint(group.endpoints.get("configuration")),
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "ClusterEnabled": group.clustered,
        "CacheNodeType": group.node_type,
        **_protection(group),
        "KmsKeyId": group.kms_key,
        "StorageEncryptionType": "sse-kms" if group.kms_key else "sse-elasticache" if group.at_rest else "none",
        "ARN": books.arn("replicationgroup", group.identifier),
        "UserGroupIds": list(group.user_groups),
        "ReplicationGroupCreateTime": group.created,
        "DataTiering": _switch(group.data_tiering),
        "ClusterMode": group.cluster_mode,
        "Engine": group.engine,
        "Durability": group.durability if known else None,
        "EffectiveDurability": group.effective_durability,
    })  # fmt: skip


def _protection(group: Group) -> dict[str, Any]:
    """What a group and its nodes tell alike."""
    return {
        "AuthTokenEnabled": bool(group.tokens),
        "AuthTokenLastModifiedDate": group.token_changed,
        "TransitEncryptionEnabled": group.transit,
        "TransitEncryptionMode": group.transit_mode,
        "AtRestEncryptionEnabled": group.at_rest,
        "AutoMinorVersionUpgrade": group.auto_minor,
        "NetworkType": group.network_type,
        "IpDiscovery": group.ip_discovery,
        "LogDeliveryConfigurations": [_log(entry) for entry in group.logs],
    }


def endpoint(port: int | None) -> dict[str, Any] | None:
    return {"Address": "127.0.0.1", "Port": port} if port else None


def _pending(group: Group) -> dict[str, Any]:
    pending: dict[str, Any] = {}
    if group.resharding:
        pending["Resharding"] = {"SlotMigration": {"ProgressPercentage": 0.0}}
    if "AutomaticFailoverEnabled" in group.pending:
        pending["AutomaticFailoverStatus"] = _switch(group.pending["AutomaticFailoverEnabled"])
    return pending


def _shards(group: Group) -> list[dict[str, Any]]:
    return [_shard(group, shard) for shard in group.shards]


def _shard(group: Group, shard: Shard) -> dict[str, Any]:
    return _without_nothing({
        "NodeGroupId": shard.identifier,
        "Status": shard.status,
        "PrimaryEndpoint": endpoint(group.endpoints.get("primary")),
        "ReaderEndpoint": endpoint(group.endpoints.get("reader")),
        "Slots": shard.slots if group.clustered else None,
        "NodeGroupMembers": [_member(group, member) for member in group.of_shard(shard.identifier)],
    })  # fmt: skip


def _member(group: Group, member: Member) -> dict[str, Any]:
    """With cluster mode the nodes themselves tell their roles and addresses, and the API does not."""
    alone = not group.clustered
    return _without_nothing({
        "CacheClusterId": member.identifier,
        "CacheNodeId": NODE,
        "ReadEndpoint": endpoint(member.port) if alone else None,
        "PreferredAvailabilityZone": member.zone,
        "CurrentRole": member.role if alone else None,
    })  # fmt: skip


def _log(entry: LogDelivery) -> dict[str, Any]:
    return {
        "LogType": entry.kind,
        "DestinationType": entry.destination_type,
        "DestinationDetails": entry.destination,
        "LogFormat": entry.log_format,
        "Status": "active",
    }


def cache_cluster(books: Books, group: Group, member: Member, with_nodes: bool) -> dict[str, Any]:
    status = member.status if group.status == "available" else group.status
    snapshots = group.clustered or member.identifier == group.snapshotting
    described = {
        "CacheClusterId": member.identifier,
        "ClientDownloadLandingPage": LANDING_PAGE,
        "CacheNodeType": group.node_type,
        "Engine": group.engine,
        "EngineVersion": catalogue.full_version(group.engine, group.version),
        "CacheClusterStatus": status,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": member.zone,
        "CacheClusterCreateTime": member.created,
        "PreferredMaintenanceWindow": group.maintenance_window,
        "PendingModifiedValues": _pending_of_member(group),
        "NotificationConfiguration": _topic(group),
        "CacheSecurityGroups": [],
        "CacheParameterGroup": _parameter_group(group, member),
        "CacheSubnetGroupName": group.subnet_group,
        "CacheNodes": [_node(member, status)] if with_nodes and member.port else None,
        "SecurityGroups": [{"SecurityGroupId": name, "Status": "active"} for name in group.security_groups],
        "ReplicationGroupId": group.identifier,
        "SnapshotRetentionLimit": group.retention if snapshots else 0,
        "SnapshotWindow": group.snapshot_window,
        **_protection(group),
        "ARN": books.arn("cluster", member.identifier),
        "ReplicationGroupLogDeliveryEnabled": bool(group.logs),
    }
    return _without_nothing(described)


def _parameter_group(group: Group, member: Member) -> dict[str, Any]:
    return {
        "CacheParameterGroupName": group.parameter_group,
        "ParameterApplyStatus": "pending-reboot" if member.awaits_reboot else "in-sync",
        "CacheNodeIdsToReboot": [NODE] if member.awaits_reboot else [],
    }


def _topic(group: Group) -> dict[str, Any] | None:
    return {"TopicArn": group.topic, "TopicStatus": group.topic_status} if group.topic else None


def _pending_of_member(group: Group) -> dict[str, Any]:
    pending = {}
    if "EngineVersion" in group.pending:
        engine = group.pending.get("Engine", group.engine)
        pending["EngineVersion"] = catalogue.full_version(engine, group.pending["EngineVersion"])
    if "CacheNodeType" in group.pending:
        pending["CacheNodeType"] = group.pending["CacheNodeType"]
    return pending


def _node(member: Member, status: str) -> dict[str, Any]:
    return {
        "CacheNodeId": NODE,
        "CacheNodeStatus": status,
        "CacheNodeCreateTime": member.created,
        "Endpoint": endpoint(member.port),
        "ParameterGroupStatus": "pending-reboot" if member.awaits_reboot else "in-sync",
        "CustomerAvailabilityZone": member.zone,
    }
