"""What the API and `lab status` tell of an instance that only its servers know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from moto.rds.models import DBInstance, RDSBackend, rds_backends

from bahnvision_lab import pace
from bahnvision_lab.aws.rds import facts
from bahnvision_lab.aws.rds.backups import Base, now
from bahnvision_lab.aws.rds.instances import Fleet, Key
from bahnvision_lab.aws.rds.jobs import key_of
from bahnvision_lab.aws.refusals import AwsError

ARCHIVED_EVERY = 300.0  # seconds between two looks of RDS at the WAL, at AWS's pace


class View:
    """Reads, and changes nothing."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def endpoint(self, database: DBInstance) -> dict[str, Any] | None:
        """None while the instance is made: DescribeDBInstances has no Endpoint then. A stopped one keeps its own."""
        instance = self.fleet.find(key_of(database))
        if instance is None or instance.cluster.port is None:
            return None
        return {"Address": "127.0.0.1", "Port": instance.cluster.port, "HostedZoneId": "Z1RLNUO7B9Q6NB"}

    def parameter_group_status(self, database: DBInstance) -> list[dict[str, str]]:
        instance = self.fleet.find(key_of(database))
        status = "pending-reboot" if instance is not None and instance.awaits_reboot else "in-sync"
        name = database.db_parameter_groups()[0].name
        return [{"DBParameterGroupName": name, "ParameterApplyStatus": status}]

    def bases(self, database: DBInstance) -> list[Base]:
        """Return what a restore to a point in time can begin with, oldest first."""
        instance = self.fleet.find(key_of(database))
        if instance is None or instance.archive.since is None:
            return []
        return self.fleet.vault.bases_since(database.dbi_resource_id, instance.archive.since)

    def earliest_restorable(self, database: DBInstance) -> datetime | None:
        bases = self.bases(database)
        return bases[0].ended if bases else None

    def latest_restorable(self, database: DBInstance) -> datetime | None:
        """None without backups. At AWS's pace it lags five minutes behind, at the lab's not at all."""
        instance = self.fleet.find(key_of(database))
        earliest = self.earliest_restorable(database)
        if instance is None or earliest is None:
            return None
        latest = instance.archive.until or now() - timedelta(seconds=ARCHIVED_EVERY * pace.factor)
        return max(earliest, latest)

    def automated_backups(self, params: Any, backend: RDSBackend) -> list[dict[str, Any]]:
        """Return DescribeDBInstanceAutomatedBackups: one row for each instance that keeps backups."""
        name, resource = params.get("DBInstanceIdentifier"), params.get("DbiResourceId")
        rows = [
            self._automated_backup(database)
            for database in list(backend.databases.values())
            if database.backup_retention_period
            and name in (None, database.db_instance_identifier)
            and resource in (None, database.dbi_resource_id)
        ]
        if resource is not None and not rows:
            message = f"The automated backup for the DB instance with resource ID {resource} wasn't found."
            raise AwsError("DBInstanceAutomatedBackupNotFound", message)
        return rows

    def _automated_backup(self, database: DBInstance) -> dict[str, Any]:
        earliest, latest = self.earliest_restorable(database), self.latest_restorable(database)
        window = {"EarliestTime": earliest, "LatestTime": latest} if earliest else {}
        return {
            "DBInstanceArn": database.db_instance_arn,
            "DbiResourceId": database.dbi_resource_id,
            "Region": database.region,
            "DBInstanceIdentifier": database.db_instance_identifier,
            "RestoreWindow": window,
            "AllocatedStorage": database.allocated_storage,
            "Status": "active" if earliest else "creating",
            "Port": database.port,
            "AvailabilityZone": database.availability_zone,
            "VpcId": facts.vpc_of(database),
            "InstanceCreateTime": database.instance_create_time,
            "MasterUsername": database.master_username,
            "Engine": database.engine,
            "EngineVersion": database.engine_version,
            "LicenseModel": database.license_model,
            "OptionGroupName": database.option_group_name,
            "Encrypted": bool(database.storage_encrypted),
            "StorageType": database.storage_type,
            "KmsKeyId": database.kms_key_id,
            "IAMDatabaseAuthenticationEnabled": bool(database.enable_iam_database_authentication),
            "BackupRetentionPeriod": database.backup_retention_period,
            "BackupTarget": "region",
        }

    def statuses(self) -> dict[Key, dict[str, Any]]:
        """What the API says of each real instance, for the lab's status."""
        found = {}
        for key in self.fleet.all():
            database = rds_backends[key[0]][key[1]].databases.get(key[2])
            if database is not None:
                found[key] = {
                    "status": database.status,
                    "engine_version": database.engine_version,
                    "multi_az": bool(database.multi_az),
                    "zone": database.availability_zone,
                    "standby_zone": database.secondary_availability_zone,
                }
        return found
