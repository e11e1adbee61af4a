"""RestoreDBInstanceFromDBSnapshot and -ToPointInTime: what they refuse, and what a restored instance is.

It gets what the call says and little of its source: Single-AZ, default groups, no managed secret, no protection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.rds.exceptions import DBInstanceAlreadyExists
from moto.rds.models import DBInstance, RDSBackend

from bahnvision_lab.aws.rds import catalogue, identity, network, parameters, snapshots, storage
from bahnvision_lab.aws.rds.backups import Base
from bahnvision_lab.aws.rds.checks import check_common
from bahnvision_lab.aws.rds.instances import Fleet, RealInstance
from bahnvision_lab.aws.rds.views import View
from bahnvision_lab.aws.refusals import AwsError, LabLacks

# What only these calls have; the rest goes the way of CreateDBInstance.
OWN = ("DBSnapshotIdentifier", "SourceDBInstanceIdentifier", "TargetDBInstanceIdentifier", "RestoreTime",
       "UseLatestRestorableTime", "SourceDbiResourceId", "ManageMasterUserPassword")  # fmt: skip
LACKING = ("SourceDBInstanceAutomatedBackupsArn", "DBClusterSnapshotIdentifier")
# What a restored instance has of its source unless the call says otherwise.
INHERITED = {
    "DBInstanceClass": "db_instance_class",
    "AllocatedStorage": "allocated_storage",
    "StorageType": "storage_type",
    "DBName": "db_name",
    "BackupRetentionPeriod": "backup_retention_period",
    "PreferredBackupWindow": "preferred_backup_window",
    "PreferredMaintenanceWindow": "preferred_maintenance_window",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
}


@dataclass(frozen=True)
class Restore:
    """What the data of a new instance are made of."""

    base: Base
    told: tuple[str, ...]  # the event that tells of it
    source: RealInstance | None = None  # whose archived WAL is replayed on top
    moment: datetime | None = None  # None: all of it


def from_snapshot(params: Any, backend: RDSBackend, fleet: Fleet) -> Restore:
    """Refuse what AWS refuses; turn params into those of CreateDBInstance."""
    _check(params, params["DBInstanceIdentifier"], backend)
    if not params.get("DBSnapshotIdentifier"):
        raise AwsError("InvalidParameterValue", "The parameter DBSnapshotIdentifier must be provided.")
    snapshot = snapshots.find(backend, params["DBSnapshotIdentifier"])
    snapshots.require_available(snapshot)
    base = fleet.vault.find(snapshots.name_of(snapshot))
    if base is None:
        raise LabLacks(f"the data of snapshot {snapshot.db_snapshot_identifier}")
    params["MasterUserPassword"] = base.master_password
    _fill_in(params, backend, snapshot.database, snapshot.kms_key_id if snapshot.encrypted else None)
    return Restore(base, ("Restored from snapshot {}", snapshot.db_snapshot_identifier))


def to_point_in_time(params: Any, backend: RDSBackend, fleet: Fleet, view: View) -> Restore:
    """Refuse what AWS refuses; turn params into those of CreateDBInstance."""
    target = params["TargetDBInstanceIdentifier"]
    _check(params, target, backend)
    source = _source(params, backend)
    real = fleet.find((source.account_id, source.region, source.db_instance_identifier))
    if real is None:
        raise LabLacks(f"a server behind {source.db_instance_identifier}")
    if not source.backup_retention_period:
        message = f"Point in time restore is not enabled for {source.db_instance_identifier}: it keeps no backups."
        raise AwsError("PointInTimeRestoreNotEnabled", message)
    moment = _moment(params, source, view)
    bases = view.bases(source)
    if not bases:
        message = f"DB instance {source.db_instance_identifier} has no automated backup yet."
        raise AwsError("InvalidDBInstanceState", message)
    base = [candidate for candidate in bases if moment is None or candidate.ended <= moment][-1]
    params["MasterUserPassword"] = real.password_at(moment or datetime.now(UTC))
    params["DBInstanceIdentifier"] = target
    _fill_in(params, backend, source, source.kms_key_id if source.storage_encrypted else None)
    return Restore(base, ("Restored from DB instance {} to {}", source.db_instance_identifier, target), real, moment)


def _check(params: Any, target: str, backend: RDSBackend) -> None:
    identity.check_identifier(target)
    if target.lower() in backend.databases:
        raise DBInstanceAlreadyExists
    for name in LACKING:
        if params.get(name):
            raise LabLacks(f"restores by {name}")
    if params.get("ManageMasterUserPassword") or params.get("MasterUserSecretKmsKeyId"):
        message = f"ManageMasterUserPassword isn't supported when restoring a DB instance of engine {catalogue.ENGINE}."
        raise AwsError("InvalidParameterCombination", message)
    if params.get("Engine") not in (None, catalogue.ENGINE):
        message = f"The engine {params['Engine']} is not compatible with the source's engine {catalogue.ENGINE}."
        raise AwsError("InvalidParameterCombination", message)


def _source(params: Any, backend: RDSBackend) -> DBInstance:
    name, resource = params.get("SourceDBInstanceIdentifier"), params.get("SourceDbiResourceId")
    if bool(name) == bool(resource):
        message = "Exactly one of SourceDBInstanceIdentifier and SourceDbiResourceId must be specified."
        raise AwsError("InvalidParameterCombination", message)
    for database in list(backend.databases.values()):
        if name and database.db_instance_identifier == name.lower():
            return database
        if resource and database.dbi_resource_id == resource:
            return database
    raise AwsError("DBInstanceNotFound", f"DBInstance {name or resource} not found.")


def _moment(params: Any, source: DBInstance, view: View) -> datetime | None:
    wanted = params.get("RestoreTime")
    if bool(wanted) == bool(params.get("UseLatestRestorableTime")):
        message = "Specify either RestoreTime or UseLatestRestorableTime, and not both."
        raise AwsError("InvalidParameterCombination", message)
    if wanted is None:
        return None
    moment = wanted.replace(tzinfo=UTC)
    earliest, latest = view.earliest_restorable(source), view.latest_restorable(source)
    if earliest is not None and latest is not None and not earliest <= moment <= latest:
        raise AwsError(
            "InvalidParameterValue",
            f"The specified time {moment:%Y-%m-%dT%H:%M:%SZ} is not within the restore window of "
            f"{source.db_instance_identifier}: {earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}.",
        )
    return moment


def _fill_in(params: Any, backend: RDSBackend, source: DBInstance, key: str | None) -> None:
    """Make the call a complete CreateDBInstance, and check that as such."""
    for name in OWN:
        params.pop(name, None)
    asked_size = params.get("AllocatedStorage")
    if asked_size is not None and asked_size < source.allocated_storage:
        message = "The allocated storage size can't be less than the source snapshot or backup size."
        raise AwsError("InvalidParameterValue", message)
    for name, attribute in INHERITED.items():
        if params.get(name) is None and getattr(source, attribute) is not None:
            params[name] = getattr(source, attribute)
    params["DBInstanceIdentifier"] = params["DBInstanceIdentifier"].lower()
    params["Engine"], params["EngineVersion"] = catalogue.ENGINE, source.engine_version
    params["MasterUsername"] = source.master_username
    params["StorageEncrypted"], params["KmsKeyId"] = key is not None, key
    storage.check_class(params["DBInstanceClass"], params["EngineVersion"])
    _storage(params, source)
    check_common(params, params["EngineVersion"])
    parameters.check_group(backend, params.get("DBParameterGroupName"), params["EngineVersion"])
    network.prepare_network(params, backend)


def _storage(params: Any, source: DBInstance) -> None:
    kind, size = params["StorageType"], params["AllocatedStorage"]
    if kind == source.storage_type and (kind != "gp3" or size >= 400):
        for name in ("Iops", "StorageThroughput"):
            inherited = getattr(source, "iops" if name == "Iops" else "storage_throughput")
            if params.get(name) is None and inherited is not None:
                params[name] = inherited
    storage.check_storage(params, kind, size)
    params["Iops"], params["StorageThroughput"] = storage.delivered_speed(
        kind, size, params.get("Iops"), params.get("StorageThroughput")
    )
