# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a replication group as one table: name here, name in the API, how to read it, what a change costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.seen import Seen

REPLACED = "replaces the nodes one after the other; with failover the primary is away for some seconds"
NEW_GROUP = "restore a snapshot into a new group"


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting. `create` and `modify` are its names in the two calls; an empty `modify` cannot be changed.

    `step` says with which others it is changed: ElastiCache takes some settings only by themselves.
    """

    option: str
    create: str
    modify: str
    read: Callable[[Seen], Any]
    step: str = "settings"
    costs: str = ""
    frozen: str = ""


def _group(name: str, default: Any = None) -> Callable[[Seen], Any]:
    return lambda seen: (seen.group or {}).get(name, default)


def _member(name: str, default: Any = None) -> Callable[[Seen], Any]:
    return lambda seen: seen.member.get(name, default)


def _plain(option: str, api: str, read: Callable[[Seen], Any], step: str = "settings", costs: str = "") -> Field:
    return Field(option, api, api, read, step, costs)


def _fixed(option: str, api: str, read: Callable[[Seen], Any]) -> Field:
    return Field(option, api, "", read, frozen=NEW_GROUP)


def _security_groups(seen: Seen) -> list[str]:
    return sorted(group["SecurityGroupId"] for group in seen.member.get("SecurityGroups") or ())


def _parameter_group(seen: Seen) -> str:
    return str((seen.member.get("CacheParameterGroup") or {}).get("CacheParameterGroupName", ""))


def _topic(seen: Seen) -> str:
    notification = seen.member.get("NotificationConfiguration") or {}
    return str(notification.get("TopicArn", "")) if notification.get("TopicStatus") == "active" else ""


def _user_groups(seen: Seen) -> list[str]:
    """The user groups as they will be when what is under way is done."""
    waiting = seen.pending.get("UserGroups") or {}
    has = set((seen.group or {}).get("UserGroupIds") or ()) | set(waiting.get("UserGroupIdsToAdd") or ())
    return sorted(has - set(waiting.get("UserGroupIdsToRemove") or ()))


def _on(name: str) -> Callable[[Seen], bool]:
    return lambda seen: str((seen.group or {}).get(name, "disabled")) in ("enabled", "enabling")


def _node_type(seen: Seen) -> str:
    waiting = (seen.member.get("PendingModifiedValues") or {}).get("CacheNodeType")
    return str(waiting or (seen.group or {}).get("CacheNodeType") or seen.member.get("CacheNodeType", ""))


def _port(seen: Seen) -> int | None:
    shard = seen.shards[0] if seen.shards else {}
    found = shard.get("PrimaryEndpoint") or (seen.group or {}).get("ConfigurationEndpoint") or {}
    return found.get("Port")


def log_deliveries(seen: Seen) -> list[dict[str, str]]:
    """The log deliveries as they will be, each as {log_type, destination_type, destination, log_format}."""
    now = {item["LogType"]: item for item in (seen.group or {}).get("LogDeliveryConfigurations") or ()}
    now |= {item["LogType"]: item for item in seen.pending.get("LogDeliveryConfigurations") or ()}
    live = [item for item in now.values() if item.get("Status") != "disabling" and item.get("DestinationType")]
    return sorted((_delivery(item) for item in live), key=lambda item: item["log_type"])


def _delivery(item: Mapping[str, Any]) -> dict[str, str]:
    details = item.get("DestinationDetails") or {}
    place = (details.get("CloudWatchLogsDetails") or {}).get("LogGroup")
    stream = (details.get("KinesisFirehoseDetails") or {}).get("DeliveryStream")
    return {
        "log_type": str(item["LogType"]),
        "destination_type": str(item["DestinationType"]),
        "destination": str(place or stream or ""),
        "log_format": str(item.get("LogFormat", "")),
    }


def delivery_request(item: Mapping[str, str]) -> dict[str, Any]:
    """Return one log delivery as the two calls take it."""
    logs = item["destination_type"] == "cloudwatch-logs"
    details = (
        {"CloudWatchLogsDetails": {"LogGroup": item["destination"]}}
        if logs
        else {"KinesisFirehoseDetails": {"DeliveryStream": item["destination"]}}
    )
    return {
        "LogType": item["log_type"], "DestinationType": item["destination_type"], "DestinationDetails": details,
        "LogFormat": item["log_format"], "Enabled": True,
    }  # fmt: skip


FIELDS: tuple[Field, ...] = (
    _plain("description", "ReplicationGroupDescription", _group("Description")),
    _plain("security_group_ids", "SecurityGroupIds", _security_groups),
    Field("parameter_group_name", "CacheParameterGroupName", "CacheParameterGroupName", _parameter_group),
    _plain("maintenance_window", "PreferredMaintenanceWindow", _member("PreferredMaintenanceWindow")),
    _plain("snapshot_window", "SnapshotWindow", _group("SnapshotWindow")),
    _plain("snapshot_retention_limit", "SnapshotRetentionLimit", _group("SnapshotRetentionLimit", 0)),
    _plain("notification_topic_arn", "NotificationTopicArn", _topic),
    _plain("auto_minor_version_upgrade", "AutoMinorVersionUpgrade", _group("AutoMinorVersionUpgrade")),
    Field("user_group_ids", "UserGroupIds", "UserGroupIdsToAdd", _user_groups),
    Field("log_delivery", "LogDeliveryConfigurations", "LogDeliveryConfigurations", log_deliveries),
    _plain("engine", "Engine", lambda seen: seen.running[0], "engine", REPLACED),
    _plain("engine_version", "EngineVersion", lambda seen: seen.running[1], "engine", REPLACED),
    _plain("node_type", "CacheNodeType", _node_type, "node_type", REPLACED),
    _plain("automatic_failover", "AutomaticFailoverEnabled", _on("AutomaticFailover"), "failover"),
    _plain("multi_az", "MultiAZEnabled", _on("MultiAZ"), "failover"),
    _plain("transit_encryption_mode", "TransitEncryptionMode", lambda seen: seen.tls_mode, "tls"),
    _plain("cluster_mode", "ClusterMode", lambda seen: seen.cluster_mode, "cluster_mode"),
    _plain("durability", "Durability", _group("EffectiveDurability", "disabled"), "durability"),
    _fixed("at_rest_encryption", "AtRestEncryptionEnabled", _group("AtRestEncryptionEnabled", False)),
    _fixed("kms_key_id", "KmsKeyId", _group("KmsKeyId")),
    _fixed("subnet_group_name", "CacheSubnetGroupName", _member("CacheSubnetGroupName")),
    _fixed("port", "Port", _port),
    _fixed("network_type", "NetworkType", _group("NetworkType", "ipv4")),
)
BY_OPTION = {field.option: field for field in FIELDS}
