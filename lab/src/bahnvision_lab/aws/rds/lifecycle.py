"""From the API's DB instance to the real server and back: create, modify, reboot, stop, start, delete."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend, rds_backends

from bahnvision_lab.aws.rds import catalogue, network, parameters, storage
from bahnvision_lab.aws.rds.changes import INTERRUPTS
from bahnvision_lab.aws.rds.checks import AUTHORITIES, LIFECYCLES
from bahnvision_lab.aws.rds.instances import Fleet, Key, RealInstance, Wish
from bahnvision_lab.aws.rds.secret import master_password
from bahnvision_lab.aws.refusals import AwsError, LabLacks


def key_of(database: DBInstance) -> Key:
    return (database.account_id, database.region, database.db_instance_identifier)


def check_delete(params: dict[str, Any], database: DBInstance) -> None:
    """moto checks the deletion protection, and the snapshot's name."""
    final, skip = params.get("FinalDBSnapshotIdentifier"), params.get("SkipFinalSnapshot")
    if database.deletion_protection:
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise AwsError("InvalidParameterCombination", message)
    if final and skip:
        message = "FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is enabled."
        raise AwsError("InvalidParameterCombination", message)
    if not final and not skip:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise AwsError("InvalidParameterCombination", message)
    if final and database.status not in ("available", "stopped"):
        raise AwsError(
            "InvalidDBInstanceState", f"Instance {database.db_instance_identifier} is not in available state."
        )


class Lifecycle:
    """What happens to the real server of a DB instance. Status changes are made by the work itself."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def create(self, database: DBInstance, params: dict[str, Any]) -> None:
        _complete(database, params)
        group = database.db_parameter_groups()[0]
        wish = Wish(
            engine_version=database.engine_version,
            master_username=database.master_username,
            master_password=master_password(database),
            database=database.db_name,
            settings=parameters.settings(group, dict(group.parameters)),
        )
        instance = self.fleet.create(key_of(database), wish)
        self._work(database, instance, "creating", self.fleet.build, failed="failed")

    def modify(self, database: DBInstance, before: str, changed: set[str]) -> None:
        key = (database.account_id, database.region, before)
        if database.db_instance_identifier != before:
            self.fleet.rename(key, database.db_instance_identifier)
        instance = self._instance(database)
        _place(database)
        database.iops, database.storage_throughput = (
            storage.delivered_speed(database.storage_type, database.allocated_storage, None, None)
            if changed & {"StorageType", "AllocatedStorage"}
            else (database.iops, database.storage_throughput)
        )
        instance.wish.engine_version = database.engine_version
        if "DBParameterGroupName" in changed:
            instance.awaits_reboot = True
        steps: list[Callable[[RealInstance], None]] = []
        if changed & {"MasterUserPassword", "ManageMasterUserPassword", "RotateMasterUserPassword"}:
            steps.append(lambda real: self.fleet.set_password(real, master_password(database)))
        if changed & set(INTERRUPTS):
            steps.append(self.fleet.restart)
        if steps:
            self._work(database, instance, "modifying", lambda real: [step(real) for step in steps])
        self.fleet.on_change()

    def reboot(self, database: DBInstance, failover: bool) -> None:
        if failover and not database.multi_az:
            raise AwsError(
                "InvalidParameterCombination",
                "ForceFailover cannot be specified since the instance is not configured for MultiAZ.",
            )
        if failover:
            raise LabLacks("a standby to fail over to")
        group = database.db_parameter_groups()[0]
        instance = self._instance(database)
        instance.wish.settings = parameters.settings(group, dict(group.parameters))
        self._work(database, instance, "rebooting", self.fleet.restart, failed="incompatible-parameters")

    def stop(self, database: DBInstance) -> None:
        self._work(database, self._instance(database), "stopping", self.fleet.stop, then="stopped")

    def start(self, database: DBInstance) -> None:
        self._work(database, self._instance(database), "starting", self.fleet.restart)

    def delete(self, database: DBInstance) -> None:
        self.fleet.destroy(key_of(database))
        self.fleet.on_change()

    def parameters_changed(self, backend: RDSBackend, group: DBParameterGroup, asked: list[dict[str, Any]]) -> None:
        """Dynamic parameters that were asked for at once take effect now, the others with the next reboot."""
        known = parameters.catalogue_of(group.family)
        now = {entry["ParameterName"] for entry in asked if entry.get("ApplyMethod") == "immediate"
               and known[entry["ParameterName"]].apply == "dynamic"}  # fmt: skip
        wanted = parameters.settings(group, dict(group.parameters))
        for database in list(backend.databases.values()):
            instance = self.fleet.find(key_of(database))
            if instance is None or database.db_parameter_groups()[0] is not group:
                continue
            settings = instance.wish.settings
            for name in now:
                settings.pop(name, None)
            settings.update({name: value for name, value in wanted.items() if name in now})
            instance.awaits_reboot = instance.awaits_reboot or settings != wanted
            if instance.ready and now:
                self.fleet.reload(instance)

    def endpoint(self, database: DBInstance) -> dict[str, Any] | None:
        """None while the instance is made: DescribeDBInstances has no Endpoint then."""
        instance = self.fleet.find(key_of(database))
        if instance is None or instance.endpoint is None:
            return None
        address, port = instance.endpoint
        return {"Address": address, "Port": port, "HostedZoneId": "Z1RLNUO7B9Q6NB"}

    def parameter_group_status(self, database: DBInstance) -> list[dict[str, str]]:
        instance = self.fleet.find(key_of(database))
        status = "pending-reboot" if instance is not None and instance.awaits_reboot else "in-sync"
        name = database.db_parameter_groups()[0].name
        return [{"DBParameterGroupName": name, "ParameterApplyStatus": status}]

    def statuses(self) -> dict[Key, dict[str, Any]]:
        """What the API says of each real instance, for the lab's status."""
        found = {}
        for key in self.fleet.all():
            database = rds_backends[key[0]][key[1]].databases.get(key[2])
            if database is not None:
                found[key] = {"status": database.status, "engine_version": database.engine_version}
        return found

    def _instance(self, database: DBInstance) -> RealInstance:
        instance = self.fleet.find(key_of(database))
        if instance is None:
            raise LabLacks(f"a server behind {database.db_instance_identifier}")
        return instance

    def _work(
        self, database: DBInstance, instance: RealInstance, status: str, work: Callable[[RealInstance], Any],
        then: str = "available", failed: str = "failed",
    ) -> None:  # fmt: skip
        """Set the status, do the work beside the API, and set the status that follows from it."""
        database.status = status

        def do() -> None:
            with instance.lock:
                work(instance)
            # Before the API says so: who sees the new status finds the way in, in the lab's own status.
            self.fleet.on_change()
            database.status = then

        self.fleet.in_background(
            f"{status} {database.db_instance_identifier}", do, lambda: setattr(database, "status", failed)
        )
        self.fleet.on_change()


def _complete(database: DBInstance, params: dict[str, Any]) -> None:
    """Give the instance what RDS tells of every instance and moto leaves out."""
    letters = string.ascii_uppercase + string.digits
    database.dbi_resource_id = "db-" + "".join(secrets.choice(letters) for _count in range(26))
    database.license_model = catalogue.LICENSE
    database.publicly_accessible = bool(params.get("PubliclyAccessible"))
    database.engine_lifecycle_support = params.get("EngineLifecycleSupport") or LIFECYCLES[0]
    database.database_insights_mode = params.get("DatabaseInsightsMode") or "standard"
    database.enable_performance_insights = bool(params.get("EnablePerformanceInsights"))
    insights_days = params.get("PerformanceInsightsRetentionPeriod") or (
        7 if params.get("EnablePerformanceInsights") else None
    )
    database.performance_insights_retention_period = insights_days
    database.network_type = params.get("NetworkType") or "IPV4"
    database.backup_target = "region"
    database.dedicated_log_volume = bool(params.get("DedicatedLogVolume"))
    database.customer_owned_ip_enabled = False
    database.activity_stream_status = "stopped"
    database.ca_certificate_identifier = params.get("CACertificateIdentifier") or AUTHORITIES[0]
    database.certificate_details = {
        "CAIdentifier": database.ca_certificate_identifier,
        "ValidTill": datetime(2061, 5, 21, tzinfo=UTC),
    }
    database.pending_modified_values = {}
    if params.get("MaxAllocatedStorage"):
        database.max_allocated_storage = params["MaxAllocatedStorage"]
    _place(database)


def _place(database: DBInstance) -> None:
    """A Multi-AZ instance has its standby's zone, others have none."""
    database.secondary_availability_zone = None
    if database.multi_az:
        group = network.subnet_group_of(database)
        zones = network.zones_of(group) if group else network.zones_of_region(database.backend)
        database.secondary_availability_zone = network.second_zone(zones, database.availability_zone)
