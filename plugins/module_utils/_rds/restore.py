# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new instance from a snapshot or a point in time, with everything a restore forgets. Pure, but for the clock given.

A restore takes class, network, groups, storage, zones and protection with it. What its call cannot take (the managed
master secret, retention, windows, monitoring, insights) is modified in the same converge; a run that was
killed in between leaves an instance that the next run completes, because it is ours by its tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.fields import FIELDS
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.notes import origin_of
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.plan import plan_present, tags_of, wanted_version
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import KIND, RESTORED, Seen, refuse
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import major
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, tags_to_list

# What both calls take. The password that RDS manages is not among it: that is for other engines.
TAKEN = frozenset({
    "AutoMinorVersionUpgrade", "CACertificateIdentifier", "CopyTagsToSnapshot", "DBInstanceClass",
    "DBParameterGroupName", "DBSubnetGroupName", "DeletionProtection", "EnableCloudwatchLogsExports",
    "EngineLifecycleSupport", "Iops", "MultiAZ", "Port", "PubliclyAccessible", "StorageThroughput", "StorageType",
    "VpcSecurityGroupIds",
})  # fmt: skip
# How DescribeDBInstances shows what is asked for under another name.
SHOWN: dict[str, Callable[[Any], dict[str, Any]]] = {
    "VpcSecurityGroupIds": lambda ids: {
        "VpcSecurityGroups": [{"VpcSecurityGroupId": item, "Status": "active"} for item in ids]
    },
    "DBParameterGroupName": lambda name: {"DBParameterGroups": [{"DBParameterGroupName": name}]},
    "DBSubnetGroupName": lambda name: {"DBSubnetGroup": {"DBSubnetGroupName": name}},
    "EnableCloudwatchLogsExports": lambda logs: {"EnabledCloudwatchLogsExports": list(logs)},
    "Port": lambda port: {"Endpoint": {"Port": port}},
}
FROM_ORIGIN = (
    "EngineVersion", "AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "StorageEncrypted", "KmsKeyId",
    "MasterUsername", "DBName", "BackupRetentionPeriod", "PreferredBackupWindow",
)  # fmt: skip


def plan_restore(want: Mapping[str, Any], seen: Seen, now: datetime | None = None) -> Plan:
    """Return the restore and what completes it, or refuse with everything that is impossible."""
    origin = seen.origin or {}
    refuse(f"cannot restore {KIND} {want['identifier']}", [*_origin_problems(want, origin, now or datetime.now(UTC))])
    version = wanted_version(want, seen)
    if major(version) != major(origin["EngineVersion"]):
        held = major(origin["EngineVersion"])
        advice = f"restore with engine_version {held}, then upgrade"
        told = f"the data is PostgreSQL {held}'s, and a restore does not change the major version; {advice}"
        refuse(f"cannot restore {KIND} {want['identifier']}", [told])
    given = {field: want[field.option] for field in FIELDS if want.get(field.option) not in (None, "")}
    params = {field.create: value for field, value in given.items() if field.create in TAKEN}
    size = want.get("allocated_storage") or 0
    if size > origin.get("AllocatedStorage", 0):
        params["AllocatedStorage"] = size
    tags = tags_of(want) | {RESTORED: origin_of(want["restore_from"])}
    copy = _as_restored(want, origin, params, tags)
    after = {field.option: value for field, value in given.items() if field.create in params}
    restore = Action(
        "restore", KIND, want["identifier"], {},
        {**after, "restored_from": origin_of(want["restore_from"]), "tags": tags},
        {**_source(want), **params, "Tags": tags_to_list(tags)},
    )  # fmt: skip
    completion = plan_present(
        {**want, "apply_immediately": True}, Seen(copy, seen.offers, seen.rows, seen.classes, origin)
    )
    return Plan((restore, *completion.actions), completion.notes)


def _source(want: Mapping[str, Any]) -> dict[str, Any]:
    given = want["restore_from"]
    if given.get("snapshot_identifier"):
        return {"DBInstanceIdentifier": want["identifier"], "DBSnapshotIdentifier": given["snapshot_identifier"]}
    moment = {"RestoreTime": moment_of(given)} if given.get("restore_time") else {"UseLatestRestorableTime": True}
    source = {"SourceDBInstanceIdentifier": given["instance_identifier"]}
    return {"TargetDBInstanceIdentifier": want["identifier"], **source, **moment}


def _as_restored(
    want: Mapping[str, Any], origin: Mapping[str, Any], params: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return the instance as DescribeDBInstances will show it, as far as that can be known."""
    shown: dict[str, Any] = {name: origin[name] for name in FROM_ORIGIN if name in origin}
    shown.setdefault("DBName", want.get("db_name"))
    for name, value in params.items():
        shown |= SHOWN[name](value) if name in SHOWN else {name: value}
    shown |= {"DBInstanceIdentifier": want["identifier"], "DBInstanceStatus": "available", "DBInstanceArn": ""}
    return shown | {"TagList": tags_to_list(tags)}


def moment_of(restore_from: Mapping[str, Any]) -> datetime | None:
    """Return the time in UTC, or None when it cannot be read."""
    try:
        moment = datetime.fromisoformat(restore_from["restore_time"].replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _origin_problems(want: Mapping[str, Any], origin: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Check what is restored: whether it is whole, and whether the time lies where the backups reach."""
    given = want["restore_from"]
    if given.get("snapshot_identifier"):
        if origin.get("Status") != "available":
            yield f"snapshot {given['snapshot_identifier']} is {origin.get('Status')}, not available; wait for it"
        return
    if not origin.get("BackupRetentionPeriod"):
        yield f"instance {given['instance_identifier']} keeps no backups (retention 0): there is no point in time"
        return
    latest = origin.get("LatestRestorableTime")
    if latest is None:
        yield f"instance {given['instance_identifier']} has no restorable time yet; its first backup is not done"
    elif given.get("restore_time"):
        yield from _time_problem(given, origin, latest, now)


def _time_problem(
    given: Mapping[str, Any], origin: Mapping[str, Any], latest: datetime, now: datetime
) -> Iterator[str]:
    moment = moment_of(given)
    if moment is None:
        yield f"restore_time {given['restore_time']!r} must be a time like 2026-11-22T10:00:00Z"
        return
    earliest = max(origin["InstanceCreateTime"], now - timedelta(days=origin["BackupRetentionPeriod"]))
    if not earliest <= moment <= latest:
        yield (
            f"restore_time {moment:%Y-%m-%dT%H:%M:%SZ} lies outside of what can be restored of "
            f"{given['instance_identifier']}: {earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}"
        )
