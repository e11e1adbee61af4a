"""RDS's operations around snapshots, restores and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.rds.models import DBInstance
from moto.rds.responses import RDSResponse

from bahnvision_lab.aws.rds import changes, events, lifecycle, paging, restores
from bahnvision_lab.aws.rds.views import View


class SnapshotOperations(RDSResponse):
    """A part of LabRDS."""

    life: lifecycle.Lifecycle
    view: View

    def create_db_snapshot(self) -> ActionResult:
        name = self.params["DBSnapshotIdentifier"]
        self.backend.validate_db_snapshot_identifier(name, parameter_name="DBSnapshotIdentifier")
        database = self._database()
        changes.require_available(database)
        return ActionResult({"DBSnapshot": self.life.snapshots.create(database, self.params)})

    def copy_db_snapshot(self) -> ActionResult:
        source = self.life.snapshots.check_copy(self.backend, self.params)
        self.params["TargetDBSnapshotIdentifier"] = self.params["TargetDBSnapshotIdentifier"].lower()
        result = super().copy_db_snapshot()
        target = self.backend.database_snapshots[self.params["TargetDBSnapshotIdentifier"]]
        self.life.snapshots.copy(source, target)
        return result

    def delete_db_snapshot(self) -> ActionResult:
        snapshot = self.life.snapshots.delete(self.backend, self.params["DBSnapshotIdentifier"])
        return ActionResult({"DBSnapshot": snapshot})

    def describe_db_snapshots(self) -> ActionResult:
        filters = {entry["Name"]: list(entry["Values"]) for entry in self.params.get("Filters", [])}
        if self.params.get("DbiResourceId"):
            filters["dbi-resource-id"] = [self.params["DbiResourceId"]]
        found = self.backend.describe_db_snapshots(
            self.params.get("DBInstanceIdentifier"), self.params.get("DBSnapshotIdentifier"),
            self.params.get("SnapshotType"), filters or None,
        )  # fmt: skip
        return self._page("DBSnapshots", sorted(found, key=lambda snapshot: snapshot.created))

    def restore_db_instance_from_db_snapshot(self) -> ActionResult:
        return self._restore(restores.from_snapshot(self.params, self.backend, self.life.fleet))

    def restore_db_instance_to_point_in_time(self) -> ActionResult:
        return self._restore(restores.to_point_in_time(self.params, self.backend, self.life.fleet, self.view))

    def _restore(self, restore: restores.Restore) -> ActionResult:
        """Its params are those of a creation by now."""
        database = self.backend.create_db_instance(self.params)
        self.life.restore(database, self.params, restore)
        return ActionResult({"DBInstance": database})

    def describe_db_instance_automated_backups(self) -> ActionResult:
        return self._page("DBInstanceAutomatedBackups", self.view.automated_backups(self.params, self.backend))

    def describe_events(self) -> ActionResult:
        return self._page("Events", events.describe(self.params, self.backend))

    def describe_pending_maintenance_actions(self) -> ActionResult:
        """The lab keeps its servers' programs up to date itself: nothing is ever pending."""
        return ActionResult({"PendingMaintenanceActions": []})

    def _page(self, key: str, rows: list[Any], **more: Any) -> ActionResult:
        """moto's own paginator wants objects with an identifier; these rows are tables."""
        some, marker = paging.page(self.params, rows)
        return ActionResult({key: some, "Marker": marker, **more})

    if TYPE_CHECKING:  # the service that mixes this in has it

        def _database(self) -> DBInstance: ...
