"""What ElastiCache refuses of a replication group, at its creation and later alike."""

from __future__ import annotations

import re
from typing import Any

from moto.kms.models import kms_backends
from moto.logs.models import logs_backends

from bahnvision_lab.aws.elasticache import catalogue, parameters
from bahnvision_lab.aws.elasticache.books import Books, Group, LogDelivery, ParameterGroup
from bahnvision_lab.aws.elasticache.catalogue import order
from bahnvision_lab.aws.elasticache.names import clash, invalid
from bahnvision_lab.aws.refusals import AwsError, LabLacks

LOG_TYPES, FORMATS = ("slow-log", "engine-log"), ("text", "json")
MODES = ("disabled", "compatible", "enabled")
DURABILITIES = ("default", "async", "sync", "disabled")


def engine_and_version(engine: str | None, version: str | None) -> tuple[str, str]:
    engine = (engine or "redis").lower()
    if engine not in catalogue.ENGINES:
        raise invalid(f"Invalid engine {engine}: a replication group runs {' or '.join(catalogue.ENGINES)}.")
    found = catalogue.find_version(engine, version or catalogue.default_version(engine))
    if found is None:
        offered = ", ".join(catalogue.versions_of(engine))
        raise clash(f"Cannot find version {version} for {engine}. Offered: {offered}.")
    return engine, found


def node_type(name: str | None, version: str, tiering: bool | None) -> str:
    if name is None:
        raise invalid("The parameter CacheNodeType must be provided and must not be blank.")
    if catalogue.node_memory(name) is None:
        raise invalid(f"Invalid Cache Node Type: {name}.")
    oldest = catalogue.oldest_version(name)
    if oldest and order(version) < order(oldest):
        raise clash(f"The node type {name} requires engine version {oldest} or newer.")
    if catalogue.has_feature(name, "data_tiering") and not tiering:
        raise clash(f"Data tiering must be enabled for the node type {name}.")
    if tiering and not catalogue.has_feature(name, "data_tiering"):
        raise clash(f"Data tiering is not supported for the node type {name}; it requires r6gd nodes.")
    return name


def parameter_group(books: Books, name: str | None, engine: str, version: str, clustered: bool) -> ParameterGroup:
    """Return the group that fits; without a name the default one."""
    family = catalogue.family_of(engine, version)
    group = parameters.find(books, name or parameters.default_name(family, clustered))
    if group.family != family:
        raise clash(
            f"Expected a parameter group of family {family} but found one of family {group.family} for the cache "
            f"engine {engine} {version}: {group.name}."
        )
    if (parameters.value_of(group, "cluster-enabled") == "yes") != clustered:
        state = "enabled" if clustered else "disabled"
        raise clash(f"The parameter group {group.name} does not fit cluster mode {state}: see its cluster-enabled.")
    return group


def cluster_mode(books: Books, params: dict[str, Any], shards_of_snapshot: int | None) -> str:
    """Return disabled or enabled, from the three places where it can be asked for."""
    asked = params.get("ClusterMode")
    if asked is not None and asked not in MODES:
        raise invalid(f"Invalid ClusterMode {asked}: one of {', '.join(MODES)}.")
    if asked == "compatible":
        raise clash("Cluster mode compatible is only a step from disabled to enabled of an existing group.")
    count = params.get("NumNodeGroups") or len(params.get("NodeGroupConfiguration") or []) or shards_of_snapshot or 1
    name = params.get("CacheParameterGroupName")
    by_group = bool(name) and parameters.value_of(parameters.find(books, name or ""), "cluster-enabled") == "yes"
    wanted = "enabled" if by_group or count > 1 or asked == "enabled" else "disabled"
    if asked == "disabled" and wanted == "enabled":
        raise clash("Cluster mode disabled contradicts the number of node groups or the parameter group.")
    return wanted


def failover_allowed(name: str, automatic: bool) -> None:
    if automatic and catalogue.has_feature(name, "no_failover"):
        raise clash(f"Automatic failover is not supported for the node type {name}.")


def transit(params: dict[str, Any], engine: str) -> tuple[bool, str | None]:
    """Return whether connections are encrypted, and the mode."""
    enabled, mode = params.get("TransitEncryptionEnabled"), params.get("TransitEncryptionMode")
    if enabled is None and engine == "valkey":
        raise clash("TransitEncryptionEnabled must be specified explicitly for engine valkey.")
    if mode is not None and not enabled:
        raise clash("TransitEncryptionMode can only be specified when TransitEncryptionEnabled is true.")
    if mode not in (None, "required", "preferred"):
        raise invalid(f"Invalid TransitEncryptionMode {mode}: preferred or required.")
    if mode == "preferred":
        raise LabLacks(
            "servers that take encrypted and plain connections at one port (TransitEncryptionMode preferred)"
        )
    return bool(enabled), "required" if enabled else None


def auth_token(token: str, encrypted: bool) -> None:
    if not encrypted:
        raise clash("An AUTH token can only be specified when TransitEncryptionEnabled is true.")
    if not 16 <= len(token) <= 128:
        raise invalid("Invalid AuthToken provided: it must have between 16 and 128 characters.")
    if not re.fullmatch(r"[A-Za-z0-9!&#$^<>-]+", token):
        raise invalid(
            "Invalid AuthToken provided: only letters, digits and the characters !, &, #, $, ^, <, > and - may be used."
        )


def encryption_key(books: Books, key_id: str | None, at_rest: bool) -> str | None:
    if key_id is None:
        return None
    if not at_rest:
        raise clash("A KMS key can only be specified when AtRestEncryptionEnabled is true.")
    kms = kms_backends[books.account][books.region]
    alias = kms.get_alias_name(key_id)
    known = kms.get_key_id_from_alias(alias) if alias.startswith("alias/") else kms.get_key_id(key_id)
    key = kms.keys.get(known)
    if key is None or not key.enabled or key.deletion_date:
        message = f"The specified KMS key [{key_id}] does not exist, is not enabled or cannot be accessed."
        raise AwsError("InvalidKMSKeyFault", message)
    return key.arn


def retention(days: int | None, name: str) -> int:
    if days is None:
        return 0
    if not 0 <= days <= 35:
        raise invalid(f"Invalid snapshot retention limit: {days}. It must be between 0 and 35 days.")
    if days and catalogue.has_feature(name, "no_snapshots"):
        raise AwsError("SnapshotFeatureNotSupportedFault", f"Snapshots are not supported for the node type {name}.")
    return days


def port(number: int | None) -> int:
    number = 6379 if number is None else number
    if not 1150 <= number <= 65535:
        raise invalid(f"Invalid port {number}: it must be between 1150 and 65535.")
    return number


def durability(wanted: str | None, group: Group) -> None:
    """Check it against the group as it is, or is going to be."""
    if wanted is None or wanted in ("default", "disabled"):
        return
    if wanted not in DURABILITIES:
        raise invalid(f"Invalid Durability {wanted}: one of {', '.join(DURABILITIES)}.")
    since = catalogue.table("engine_versions")["durable_since"]
    reasons = {
        f"engine valkey {since} or newer": group.engine == "valkey" and order(group.version) >= order(since),
        "cluster mode enabled": group.clustered,
        "TransitEncryptionEnabled": group.transit,
        "Multi-AZ": group.multi_az,
        "at least one replica in each node group": all(len(group.of_shard(s.identifier)) > 1 for s in group.shards),
        f"a node type that supports it, not {group.node_type}": catalogue.has_feature(group.node_type, "durable"),
    }
    missing = [reason for reason, met in reasons.items() if not met]
    if missing:
        raise clash(f"Durability {wanted} requires: {'; '.join(missing)}.")


def logs(
    books: Books, engine_version: str, asked: list[dict[str, Any]], present: list[LogDelivery]
) -> list[LogDelivery]:
    """Return what is delivered after the request; an entry with Enabled=false takes one away."""
    kinds = [entry.get("LogType") for entry in asked]
    if len(set(kinds)) != len(kinds):
        raise invalid("LogDeliveryConfigurations names a log type twice.")
    kept = {entry.kind: entry for entry in present}
    for entry in asked:
        kind = entry.get("LogType")
        if kind not in LOG_TYPES:
            raise invalid(f"Invalid log type {kind}: one of {', '.join(LOG_TYPES)}.")
        if kind == "engine-log" and order(engine_version) < (6, 2):
            raise clash("Log type engine-log requires engine version 6.2 or newer.")
        if entry.get("Enabled") is False:
            kept.pop(kind, None)
            continue
        kept[kind] = _delivery(books, kind, entry)
    return [kept[kind] for kind in LOG_TYPES if kind in kept]


def _delivery(books: Books, kind: str, entry: dict[str, Any]) -> LogDelivery:
    if entry.get("LogFormat") not in FORMATS:
        raise invalid(f"Invalid log format {entry.get('LogFormat')}: one of {', '.join(FORMATS)}.")
    where, details = entry.get("DestinationType"), entry.get("DestinationDetails") or {}
    if where == "kinesis-firehose":
        raise LabLacks("delivery of logs to Firehose")
    name = (details.get("CloudWatchLogsDetails") or {}).get("LogGroup")
    if where != "cloudwatch-logs" or not name:
        raise invalid("Log delivery needs DestinationType cloudwatch-logs and CloudWatchLogsDetails with a LogGroup.")
    if name not in logs_backends[books.account][books.region].groups:
        raise invalid(f"Destination log group {name} doesn't exist.")
    return LogDelivery(kind, where, {"CloudWatchLogsDetails": {"LogGroup": name}}, entry["LogFormat"])
