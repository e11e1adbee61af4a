# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of an instance as one table: name here, name in the API, how to read it, what a change costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

RESTART = "restarts the instance (with Multi-AZ: a failover of one to two minutes)"
REBOOT = "takes effect at the next reboot (option reboot)"


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting. `create` and `modify` are its names in the two calls; an empty `modify` cannot be changed."""

    option: str
    create: str
    modify: str
    read: Callable[[Mapping[str, Any]], Any]
    pending: str = ""
    costs: str = ""
    frozen: str = ""


def _key(name: str, default: Any = None) -> Callable[[Mapping[str, Any]], Any]:
    return lambda instance: instance.get(name, default)


def _plain(option: str, api: str, pending: bool = False, costs: str = "", default: Any = None) -> Field:
    return Field(option, api, api, _key(api, default), api if pending else "", costs)


def _fixed(option: str, api: str, read: Callable[[Mapping[str, Any]], Any], frozen: str) -> Field:
    return Field(option, api, "", read, frozen=frozen)


def _security_groups(instance: Mapping[str, Any]) -> list[str]:
    live = [group for group in instance.get("VpcSecurityGroups") or () if group.get("Status") in ("active", "adding")]
    return sorted(group["VpcSecurityGroupId"] for group in live)


def _parameter_group(instance: Mapping[str, Any]) -> str:
    return next((group["DBParameterGroupName"] for group in instance.get("DBParameterGroups") or ()), "")


def _log_exports(instance: Mapping[str, Any]) -> list[str]:
    """The exported logs as they will be when what is under way is done."""
    waiting = (instance.get("PendingModifiedValues") or {}).get("PendingCloudwatchLogsExports") or {}
    exported = set(instance.get("EnabledCloudwatchLogsExports") or ())
    return sorted((exported | set(waiting.get("LogTypesToEnable") or ())) - set(waiting.get("LogTypesToDisable") or ()))


def _port(instance: Mapping[str, Any]) -> int | None:
    return (instance.get("Endpoint") or {}).get("Port") or instance.get("DbInstancePort") or None


FIELDS: tuple[Field, ...] = (
    _plain("engine_version", "EngineVersion", True, "stops the database while the upgrade runs"),
    _plain("instance_class", "DBInstanceClass", True, RESTART),
    _plain("allocated_storage", "AllocatedStorage", True, "cannot be repeated for about six hours"),
    _plain("max_allocated_storage", "MaxAllocatedStorage", default=0),
    _plain("storage_type", "StorageType", True, "slows the storage down while it is rebuilt"),
    _plain("iops", "Iops", True),
    _plain("storage_throughput", "StorageThroughput", True),
    _fixed(
        "storage_encrypted", "StorageEncrypted", _key("StorageEncrypted", False),
        "copy a snapshot with encryption and restore it",
    ),
    _fixed("kms_key_id", "KmsKeyId", _key("KmsKeyId"), "copy a snapshot with the other key and restore it"),
    _plain("multi_az", "MultiAZ", True, default=False),
    _fixed("db_name", "DBName", _key("DBName"), "create a further database with SQL"),
    _fixed("master_username", "MasterUsername", _key("MasterUsername"), "create a further role with SQL"),
    _fixed(
        "db_subnet_group_name", "DBSubnetGroupName",
        lambda instance: (instance.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
        "restore a snapshot into the other subnets",
    ),
    Field("port", "Port", "DBPortNumber", _port, "Port", RESTART),
    Field("vpc_security_group_ids", "VpcSecurityGroupIds", "VpcSecurityGroupIds", _security_groups),
    Field(
        "db_parameter_group_name", "DBParameterGroupName", "DBParameterGroupName", _parameter_group, costs=REBOOT
    ),
    _plain("backup_retention_period", "BackupRetentionPeriod", True),
    _plain("backup_window", "PreferredBackupWindow"),
    _plain("maintenance_window", "PreferredMaintenanceWindow"),
    _plain("copy_tags_to_snapshot", "CopyTagsToSnapshot", default=False),
    _plain("deletion_protection", "DeletionProtection", default=False),
    _plain("auto_minor_version_upgrade", "AutoMinorVersionUpgrade"),
    _plain("ca_certificate_identifier", "CACertificateIdentifier", True),
    Field(
        "enabled_cloudwatch_logs_exports", "EnableCloudwatchLogsExports", "CloudwatchLogsExportConfiguration",
        _log_exports,
    ),
    _plain("database_insights_mode", "DatabaseInsightsMode"),
    Field(
        "performance_insights", "EnablePerformanceInsights", "EnablePerformanceInsights",
        _key("PerformanceInsightsEnabled", False),
    ),
    _plain("performance_insights_retention_period", "PerformanceInsightsRetentionPeriod"),
    _plain("monitoring_interval", "MonitoringInterval", default=0),
    _plain("monitoring_role_arn", "MonitoringRoleArn"),
    _plain("publicly_accessible", "PubliclyAccessible", default=False),
    _plain("engine_lifecycle_support", "EngineLifecycleSupport"),
)  # fmt: skip

BY_OPTION = {field.option: field for field in FIELDS}


def current_value(field: Field, instance: Mapping[str, Any]) -> Any:
    """Return the value that the instance has, or will have once what is pending is done."""
    waiting = (instance.get("PendingModifiedValues") or {}) if field.pending else {}
    return waiting[field.pending] if field.pending in waiting else field.read(instance)


def is_pending(field: Field, instance: Mapping[str, Any]) -> bool:
    waiting = (instance.get("PendingModifiedValues") or {}) if field.pending else {}
    return field.pending in waiting and waiting[field.pending] != field.read(instance)
