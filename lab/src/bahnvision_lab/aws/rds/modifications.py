"""ModifyDBInstance and changed parameters: what they mean for the real cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend

from bahnvision_lab.aws.rds import facts, parameters, storage
from bahnvision_lab.aws.rds.changes import INTERRUPTS
from bahnvision_lab.aws.rds.events import tell
from bahnvision_lab.aws.rds.instances import Fleet, RealInstance
from bahnvision_lab.aws.rds.jobs import Job, Jobs, key_of
from bahnvision_lab.aws.rds.secret import master_password
from bahnvision_lab.aws.rds.snapshots import Snapshots

Step = Callable[[RealInstance], None]
CREDENTIALS = {"MasterUserPassword", "ManageMasterUserPassword", "RotateMasterUserPassword"}
# What a modification says before and after it.
TOLD = {
    "DBInstanceClass": (
        "Applying modification to database instance class", "Finished applying modification to DB instance class",
    ),
    "AllocatedStorage": (
        "Applying modification to allocated storage", "Finished applying modification to allocated storage",
    ),
}  # fmt: skip
TO_MULTI_AZ = (
    "Applying modification to convert to a Multi-AZ DB instance",
    "Finished applying modification to convert to a Multi-AZ DB instance",
)
TO_SINGLE_AZ = (
    "Applying modification to convert to a standard (Single-AZ) DB instance",
    "Finished applying modification to convert to a standard (Single-AZ) DB instance",
)


class Modifications:
    """moto has changed its books; this changes the servers."""

    def __init__(self, fleet: Fleet, jobs: Jobs, snapshots: Snapshots) -> None:
        self.fleet = fleet
        self.jobs = jobs
        self.snapshots = snapshots

    def modify(self, database: DBInstance, before: str, changed: set[str]) -> None:
        key = (database.account_id, database.region, before)
        if database.db_instance_identifier != before:
            self.fleet.rename(key, database.db_instance_identifier)
        instance = self.jobs.instance(database)
        if changed & {"StorageType", "AllocatedStorage"}:
            database.iops, database.storage_throughput = storage.delivered_speed(
                database.storage_type, database.allocated_storage, None, None
            )
        instance.wish.engine_version = database.engine_version
        instance.awaits_reboot = instance.awaits_reboot or "DBParameterGroupName" in changed
        facts.place(database)
        steps = self._steps(database, instance, changed)
        if steps:
            self.jobs.start(database, Job("modifying", lambda real: [step(real) for step in steps], pace="rds_modify"))
        self.fleet.on_change()

    def _steps(self, database: DBInstance, instance: RealInstance, changed: set[str]) -> list[Step]:
        """Return what there is to do beyond the books."""
        steps: list[Step] = []
        if changed & CREDENTIALS:
            steps.append(lambda real: self._set_password(database, real))
        for name, (before, after) in TOLD.items():
            if name in changed:
                steps.append(_telling(database, before, after))
        if bool(database.multi_az) != instance.wish.multi_az:
            steps.append(lambda real: self._set_multi_az(database, real))
        if bool(database.backup_retention_period) != (instance.archive.since is not None):
            steps.append(lambda real: self._set_backups(database, real))
        if changed & set(INTERRUPTS):
            steps.append(self.fleet.restart)
        return steps

    def _set_password(self, database: DBInstance, instance: RealInstance) -> None:
        self.fleet.set_password(instance, master_password(database))
        tell(database, "Reset master credentials")

    def _set_multi_az(self, database: DBInstance, instance: RealInstance) -> None:
        wanted = bool(database.multi_az)
        before, after = TO_MULTI_AZ if wanted else TO_SINGLE_AZ
        tell(database, before)
        instance.wish.multi_az = wanted
        instance.configure()
        if wanted:
            instance.cluster.ensure_standby()
        else:
            instance.cluster.drop_standby()
        tell(database, after)

    def _set_backups(self, database: DBInstance, instance: RealInstance) -> None:
        if not database.backup_retention_period:
            instance.archive.end()
            self.fleet.reload(instance)
            self.snapshots.forget_automatic(database)
            tell(database, "Disabled automated backups")
            return
        instance.archive.begin()
        self.fleet.reload(instance)
        tell(database, "Enabled automated backups")
        self.snapshots.automatic(database, instance)

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


def _telling(database: DBInstance, *messages: str) -> Step:
    def step(_instance: RealInstance) -> None:
        for message in messages:
            tell(database, message)

    return step
