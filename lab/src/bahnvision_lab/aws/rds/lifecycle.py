"""From the API's DB instance to the real cluster and back: create, restore, stop, start, delete."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.rds.models import DBInstance

from bahnvision_lab import pace
from bahnvision_lab.aws.rds import facts, parameters
from bahnvision_lab.aws.rds.backups import Base, complete_archive
from bahnvision_lab.aws.rds.events import tell
from bahnvision_lab.aws.rds.instances import Fleet, RealInstance, Wish
from bahnvision_lab.aws.rds.jobs import Job, Jobs, key_of
from bahnvision_lab.aws.rds.modifications import Modifications
from bahnvision_lab.aws.rds.reboots import Reboots
from bahnvision_lab.aws.rds.restores import Restore
from bahnvision_lab.aws.rds.secret import master_password
from bahnvision_lab.aws.rds.snapshots import Snapshots
from bahnvision_lab.aws.refusals import AwsError, LabLacks
from bahnvision_lab.errors import LabError
from bahnvision_lab.faults import Faults


def check_delete(params: dict[str, Any], database: DBInstance) -> None:
    """moto checks the snapshot's name."""
    final, skip = params.get("FinalDBSnapshotIdentifier"), params.get("SkipFinalSnapshot")
    name = database.db_instance_identifier
    if database.status == "deleting":
        raise AwsError("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
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
        raise AwsError("InvalidDBInstanceState", f"Instance {name} is not in available state.")
    if params.get("DeleteAutomatedBackups") is False and database.backup_retention_period:
        raise LabLacks("backups that outlive their instance (DeleteAutomatedBackups=false)")


class Lifecycle:
    """What happens to the real cluster of a DB instance. Status changes are made by the work itself."""

    def __init__(self, fleet: Fleet, faults: Faults) -> None:
        self.fleet = fleet
        self.jobs = Jobs(fleet)
        self.snapshots = Snapshots(fleet, self.jobs)
        self.modifications = Modifications(fleet, self.jobs, self.snapshots)
        self.reboots = Reboots(fleet, self.jobs, faults)

    def create(self, database: DBInstance, params: dict[str, Any]) -> None:
        def work(instance: RealInstance) -> None:
            began = time.monotonic()
            self.fleet.build(instance)
            pace.at_least("rds_multi_az" if database.multi_az else "rds_single", began)
            tell(database, "DB instance created")

        self._begin(database, params, work)

    def restore(self, database: DBInstance, params: dict[str, Any], restore: Restore) -> None:
        """Make the instance of a base backup and, when there is a source, of the WAL that it archived since."""

        def work(instance: RealInstance) -> None:
            began = time.monotonic()
            self.fleet.restore(instance, restore.base, self._recovery(restore))
            pace.at_least("rds_restore", began)
            tell(database, *restore.told)

        self._begin(database, params, work, restore.base)

    def _recovery(self, restore: Restore) -> dict[str, str]:
        source = restore.source
        if source is None:
            return {}
        with source.lock:  # not in the middle of its failover
            if source.archive.since is None:
                raise LabError(f"{source.name} has given up its backups meanwhile")
            if source.archive.until is None:
                complete_archive(source.cluster, source.archive)
        return source.archive.settings_to(restore.moment)

    def _begin(self, database: DBInstance, params: dict[str, Any], work: Callable[[RealInstance], None],
               base: Base | None = None) -> None:  # fmt: skip
        facts.complete(database, params)
        group = database.db_parameter_groups()[0]
        wish = Wish(
            engine_version=database.engine_version,
            master_username=database.master_username,
            master_password=master_password(database),
            database=database.db_name,
            settings=parameters.settings(group, dict(group.parameters)),
            multi_az=bool(database.multi_az),
        )
        secrets = base.secrets if base is not None else None
        self.fleet.create(key_of(database), database.dbi_resource_id, wish, secrets)

        def do(instance: RealInstance) -> None:
            if database.backup_retention_period:
                instance.archive.begin()
            work(instance)
            if database.backup_retention_period:
                self.snapshots.automatic(database, instance)

        self.jobs.start(database, Job("creating", do))

    def stop(self, database: DBInstance, snapshot: str | None) -> None:
        taken = self.snapshots.enter(database, snapshot, "manual", []) if snapshot else None

        def work(instance: RealInstance) -> None:
            if taken is not None:
                self.snapshots.take(taken, instance)
            self.fleet.stop(instance)
            tell(database, "DB instance stopped")

        self.jobs.start(database, Job("stopping", work, then="stopped"))

    def start(self, database: DBInstance) -> None:
        def work(instance: RealInstance) -> None:
            self.fleet.start(instance)
            tell(database, "DB instance started")

        self.jobs.start(database, Job("starting", work))

    def delete(self, database: DBInstance, final_snapshot: str | None) -> None:
        """The servers are gone when this returns; the API still tells of the instance for as long as the pace says."""
        key, books = key_of(database), database.backend.databases
        self.fleet.destroy(key, lambda instance: self.snapshots.last(database, final_snapshot, instance))
        self.snapshots.forget_automatic(database)
        if pace.seconds("rds_delete"):
            books[key[2]] = database
            began = time.monotonic()

            def leave() -> None:
                pace.at_least("rds_delete", began)
                books.pop(key[2], None)
                tell(database, "DB instance deleted")

            self.fleet.in_background(f"deleting {key[2]}", leave, lambda: None)
        else:
            tell(database, "DB instance deleted")
        self.fleet.on_change()
