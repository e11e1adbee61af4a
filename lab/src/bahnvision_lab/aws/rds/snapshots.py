"""Snapshots with real data: made on demand, when an instance begins to keep backups, and when it is deleted."""

from __future__ import annotations

import time
from typing import Any

from moto.core.utils import utcnow
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from bahnvision_lab import pace
from bahnvision_lab.aws.rds import facts
from bahnvision_lab.aws.rds.events import tell
from bahnvision_lab.aws.rds.instances import Fleet, RealInstance
from bahnvision_lab.aws.rds.jobs import Job, Jobs
from bahnvision_lab.aws.refusals import AwsError, LabLacks

Name = tuple[str, str, str]
TOLD = {
    "manual": ("Creating manual snapshot", "Manual snapshot created"),
    "automated": ("Creating automated snapshot", "Automated snapshot created"),
}


def install() -> None:
    """There is no SnapshotCreateTime before the snapshot is there."""
    DBSnapshot.snapshot_create_time = property(lambda snapshot: getattr(snapshot, "taken", None))


def find(backend: RDSBackend, identifier: str) -> DBSnapshot:
    """Return the snapshot of this name or ARN."""
    region = identifier.split(":")[3] if identifier.startswith("arn:") else backend.region_name
    # An automated snapshot's own name has a colon: rds:<instance>-<time>.
    name = identifier.partition(":snapshot:")[2] if identifier.startswith("arn:") else identifier
    books = backend.get_backend("rds", region=region).database_snapshots
    if name.lower() not in books:
        raise AwsError("DBSnapshotNotFound", f"DBSnapshot {identifier} not found.")
    return books[name.lower()]


def require_available(snapshot: DBSnapshot) -> None:
    if snapshot.status != "available":
        message = f"Snapshot {snapshot.db_snapshot_identifier} is not in available state (it is {snapshot.status})."
        raise AwsError("InvalidDBSnapshotState", message)


def name_of(snapshot: DBSnapshot) -> Name:
    return (snapshot.account_id, snapshot.region, snapshot.db_snapshot_identifier)


class Snapshots:
    """moto's books say which there are, the vault has their data."""

    def __init__(self, fleet: Fleet, jobs: Jobs) -> None:
        self.fleet = fleet
        self.jobs = jobs

    def enter(self, database: DBInstance, identifier: str, kind: str, tags: list[dict[str, str]]) -> DBSnapshot:
        """Write a snapshot that is yet to be taken into the books."""
        backend = database.backend
        if identifier.lower() in backend.database_snapshots:
            message = f"Cannot create the snapshot because a snapshot with the identifier {identifier} already exists."
            raise AwsError("DBSnapshotAlreadyExists", message)
        snapshot = DBSnapshot(backend, database, identifier, kind, tags)
        self._complete(snapshot, database)
        backend.database_snapshots[snapshot.db_snapshot_identifier] = snapshot
        return snapshot

    def create(self, database: DBInstance, params: dict[str, Any]) -> DBSnapshot:
        snapshot = self.enter(database, params["DBSnapshotIdentifier"], "manual", list(params.get("Tags") or []))

        def work(instance: RealInstance) -> None:
            tell(database, "Backing up DB instance")
            self.take(snapshot, instance)
            tell(database, "Finished DB instance backup")

        self.jobs.start(database, Job("backing-up", work))
        return snapshot

    def automatic(self, database: DBInstance, instance: RealInstance) -> None:
        """Take the backup that RDS takes by itself. To be called by work that holds the instance's lock."""
        if not instance.gone:
            database.status = "backing-up"
        self.fleet.on_change()
        tell(database, "Backing up DB instance")
        stem = f"rds:{database.db_instance_identifier}-{utcnow():%Y-%m-%d-%H-%M}"
        books = database.backend.database_snapshots
        names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
        free = next(name for name in names if name not in books)  # the instance's name may have been another's
        self.take(self.enter(database, free, "automated", []), instance)
        tell(database, "Finished DB instance backup")

    def take(self, snapshot: DBSnapshot, instance: RealInstance) -> None:
        """Copy the data. To be called by work that holds the instance's lock."""
        before, after = TOLD[snapshot.snapshot_type]
        tell(snapshot, before)
        began = time.monotonic()
        self.fleet.vault.take(
            name_of(snapshot), instance.cluster, snapshot.dbi_resource_id, instance.wish.master_password
        )
        pace.at_least("rds_snapshot", began)
        self._finish(snapshot)
        tell(snapshot, after)

    def last(self, database: DBInstance, identifier: str | None, instance: RealInstance) -> None:
        """Keep the data of an instance that ends as its final snapshot, which moto has in its books already."""
        if identifier is None:
            return
        snapshot = database.backend.database_snapshots[identifier]
        self._complete(snapshot, database)
        self.fleet.vault.take_over(
            name_of(snapshot), instance.cluster, snapshot.dbi_resource_id, instance.wish.master_password
        )
        self._finish(snapshot)
        tell(snapshot, TOLD["manual"][1])

    def forget_automatic(self, database: DBInstance) -> None:
        """Automated backups end with their instance, or with its retention."""
        books = database.backend.database_snapshots
        for snapshot in list(books.values()):
            if snapshot.snapshot_type == "automated" and snapshot.dbi_resource_id == database.dbi_resource_id:
                books.pop(snapshot.db_snapshot_identifier, None)
                self.fleet.vault.drop(name_of(snapshot))

    def delete(self, backend: RDSBackend, identifier: str) -> DBSnapshot:
        snapshot = find(backend, identifier)
        if snapshot.snapshot_type != "manual":
            raise AwsError("InvalidDBSnapshotState", "Only manual snapshots may be deleted.")
        require_available(snapshot)
        del backend.database_snapshots[snapshot.db_snapshot_identifier]
        self.fleet.vault.drop(name_of(snapshot))
        snapshot.status = "deleted"
        tell(snapshot, "Deleted user snapshot")
        return snapshot

    def check_copy(self, backend: RDSBackend, params: dict[str, Any]) -> DBSnapshot:
        """Refuse what AWS refuses; return the source."""
        source = find(backend, params["SourceDBSnapshotIdentifier"])
        require_available(source)
        if self.fleet.vault.find(name_of(source)) is None:
            raise LabLacks(f"the data of snapshot {source.db_snapshot_identifier}")
        if params.get("KmsKeyId") is None and source.encrypted and source.region != backend.region_name:
            message = "You must specify a KMS key of the destination region to copy an encrypted snapshot."
            raise AwsError("InvalidParameterCombination", message)
        return source

    def copy(self, source: DBSnapshot, target: DBSnapshot) -> None:
        """Complete a copy that moto has in its books. What a base has is never changed: there is nothing to move."""
        self._complete(target, source.database)
        target.source_db_snapshot_identifier = source.db_snapshot_arn
        target.source_region = source.region if source.region != target.region else None
        target.dbi_resource_id = source.dbi_resource_id
        self.fleet.vault.copy(name_of(source), name_of(target))
        self._finish(target)
        tell(target, "Finished copy of snapshot {}", source.db_snapshot_identifier)

    @staticmethod
    def _complete(snapshot: DBSnapshot, database: DBInstance) -> None:
        snapshot.status, snapshot.percent_progress = "creating", 0
        for name in ("availability_zone", "license_model", "iops", "storage_throughput", "option_group_name",
                     "storage_type", "dedicated_log_volume", "backup_retention_period", "preferred_backup_window",
                     "instance_create_time"):  # fmt: skip
            setattr(snapshot, name, getattr(database, name))
        snapshot.vpc_id = facts.vpc_of(database)
        snapshot.snapshot_target = "region"
        snapshot.multi_tenant = False

    @staticmethod
    def _finish(snapshot: DBSnapshot) -> None:
        snapshot.taken = utcnow()
        snapshot.original_snapshot_create_time = snapshot.taken
        snapshot.percent_progress, snapshot.status = 100, "available"
