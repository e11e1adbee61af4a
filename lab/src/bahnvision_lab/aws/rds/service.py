"""RDS's operations: moto keeps the books, the checks refuse what AWS refuses, real servers do the work."""

from __future__ import annotations

from typing import Any

import moto.rds.urls
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.rds.models import DBInstance

from bahnvision_lab.aws.rds import (
    changes,
    checks,
    events,
    groups,
    lifecycle,
    network,
    offers,
    parameters,
    secret,
    snapshots,
)
from bahnvision_lab.aws.rds.instances import Fleet
from bahnvision_lab.aws.rds.snapshot_operations import SnapshotOperations
from bahnvision_lab.aws.rds.views import View
from bahnvision_lab.aws.rds_proxy.operations import ProxyOperations
from bahnvision_lab.aws.refusals import AwsError, LabLacks
from bahnvision_lab.faults import Faults

# moto would keep books on these without anything behind them.
LACKING = (
    "create_db_instance_read_replica",
    "promote_read_replica", "create_db_cluster", "restore_db_cluster_from_snapshot",
    "restore_db_cluster_to_point_in_time", "create_blue_green_deployment", "start_export_task",
    "create_global_cluster", "create_db_shard_group",
)  # fmt: skip


def install(fleet: Fleet, faults: Faults) -> View:
    """Put this module's operations in the place of moto's. Before the first request."""
    moto.rds.urls.url_paths["{0}/$"] = LabRDS.dispatch
    LabRDS.life = lifecycle.Lifecycle(fleet, faults)
    LabRDS.view = view = View(fleet)
    DBInstance.endpoint = property(view.endpoint)
    DBInstance.db_parameter_group_status_list = property(view.parameter_group_status)
    DBInstance.latest_restorable_time = property(view.latest_restorable)
    DBInstance.save_automated_backup = lambda _database: None  # a real one follows when there is a server
    # Asked for and told under two names, of which moto keeps the first.
    DBInstance.performance_insights_enabled = property(lambda database: database.enable_performance_insights)
    DBInstance.db_instance_port = 0  # as RDS: the port is in the endpoint
    secret.install()
    events.install()
    snapshots.install()
    return view


class LabRDS(SnapshotOperations, ProxyOperations):
    """moto's RDS with the lab's checks before and real servers behind."""

    def create_db_instance(self) -> ActionResult:
        checks.prepare_create(self.params, self.backend)
        result = super().create_db_instance()
        self.life.create(self._database(), self.params)
        return result

    def modify_db_instance(self) -> ActionResult:
        database = self._database()
        changed = changes.prepare_modify(self.params, database, self.backend)
        before = database.db_instance_identifier
        result = super().modify_db_instance()
        self.life.modifications.modify(database, before, changed)
        return result

    def reboot_db_instance(self) -> ActionResult:
        database = self._database()
        changes.require_available(database)
        self.life.reboots.reboot(database, bool(self.params.get("ForceFailover")))
        return ActionResult({"DBInstance": database})

    def stop_db_instance(self) -> ActionResult:
        database, snapshot = self._database(), self.params.pop("DBSnapshotIdentifier", None)
        changes.require_available(database)
        self.life.stop(database, snapshot)
        return ActionResult({"DBInstance": database})

    def start_db_instance(self) -> ActionResult:
        database = self._database()
        if database.status != "stopped":
            message = f"Instance {database.db_instance_identifier} is not stopped."
            raise AwsError("InvalidDBInstanceState", message)
        self.life.start(database)
        return ActionResult({"DBInstance": database})

    def delete_db_instance(self) -> ActionResult:
        database = self._database()
        lifecycle.check_delete(self.params, database)
        if self.params.get("FinalDBSnapshotIdentifier"):
            self.params["FinalDBSnapshotIdentifier"] = self.params["FinalDBSnapshotIdentifier"].lower()
        result = super().delete_db_instance()
        self.life.delete(database, self.params.get("FinalDBSnapshotIdentifier"))
        return result

    def describe_db_engine_versions(self) -> ActionResult:
        return self._page("DBEngineVersions", offers.engine_versions(self.params))

    def describe_orderable_db_instance_options(self) -> ActionResult:
        zones = network.zones_of_region(self.backend)
        return self._page("OrderableDBInstanceOptions", offers.orderable_options(self.params, zones))

    def describe_certificates(self) -> ActionResult:
        wanted = self.params.get("CertificateIdentifier")
        found = offers.certificates(wanted, self.backend.partition, self.region)
        return self._page("Certificates", found, DefaultCertificateForNewLaunches=checks.AUTHORITIES[0])

    def create_db_subnet_group(self) -> ActionResult:
        groups.check_new_subnet_group(self.params, self.backend)
        return super().create_db_subnet_group()

    def modify_db_subnet_group(self) -> ActionResult:
        group = groups.check_subnet_group_change(self.params, self.backend)
        tags = group.tags
        result = super().modify_db_subnet_group()
        # moto takes the group out of its books and forgets to put it back.
        self.backend.subnet_groups[group.name] = group
        group.tags = tags
        return result

    def describe_db_subnet_groups(self) -> ActionResult:
        name = self.params.get("DBSubnetGroupName")
        found = [network.find_subnet_group(self.backend, name)] if name else list(self.backend.subnet_groups.values())
        return PaginatedResult({"DBSubnetGroups": found})

    def delete_db_subnet_group(self) -> ActionResult:
        name = self.params["DBSubnetGroupName"]
        network.find_subnet_group(self.backend, name)
        network.check_unused(self.backend, name)
        super().delete_db_subnet_group()
        return EmptyResult()

    def create_db_parameter_group(self) -> ActionResult:
        parameters.check_family(self.params["DBParameterGroupFamily"])
        groups.check_new_parameter_group(self.params["DBParameterGroupName"])
        return super().create_db_parameter_group()

    def describe_db_parameter_groups(self) -> ActionResult:
        if self.params.get("DBParameterGroupName"):
            parameters.find_group(self.backend, self.params["DBParameterGroupName"])
        return super().describe_db_parameter_groups()

    def delete_db_parameter_group(self) -> ActionResult:
        group = parameters.find_group(self.backend, self.params["DBParameterGroupName"])
        groups.check_parameter_group_unused(self.backend, group)
        super().delete_db_parameter_group()
        return EmptyResult()

    def describe_db_parameters(self) -> ActionResult:
        group = parameters.find_group(self.backend, self.params["DBParameterGroupName"])
        known = parameters.catalogue_of(group.family)
        rows = [parameter.describe(group.parameters.get(name)) for name, parameter in known.items()]
        source = self.params.get("Source")
        return self._page("Parameters", [row for row in rows if source in (None, row["Source"])])

    def describe_engine_default_parameters(self) -> ActionResult:
        family = self.params["DBParameterGroupFamily"]
        parameters.check_family(family)
        rows = [parameter.describe(None) for parameter in parameters.catalogue_of(family).values()]
        # In one page: moto's paginator finds no key for rows that lie one level down.
        return ActionResult({"EngineDefaults": {"DBParameterGroupFamily": family, "Parameters": rows}})

    def modify_db_parameter_group(self) -> ActionResult:
        group = parameters.find_group(self.backend, self.params["DBParameterGroupName"])
        asked = [entry.original_dict() for entry in self.params.get("Parameters", [])]
        parameters.check_change(group, asked)
        result = super().modify_db_parameter_group()
        self.life.modifications.parameters_changed(self.backend, group, asked)
        return result

    def reset_db_parameter_group(self) -> ActionResult:
        group = parameters.find_group(self.backend, self.params["DBParameterGroupName"])
        named = [entry.original_dict() for entry in self.params.get("Parameters", [])]
        if self.params.get("ResetAllParameters"):
            named = [{"ParameterName": name, "ApplyMethod": "pending-reboot"} for name in group.parameters]
        for entry in named:
            group.parameters.pop(entry["ParameterName"], None)
        self.life.modifications.parameters_changed(self.backend, group, named)
        return ActionResult({"DBParameterGroupName": group.name})

    def _database(self) -> DBInstance:
        name = self.params["DBInstanceIdentifier"].lower()
        database = self.backend.databases.get(self.params.get("NewDBInstanceIdentifier") or name)
        database = self.backend.databases.get(name) or database
        if database is None:
            raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.")
        return database


def _lacking(operation: str) -> Any:
    def refuse(_self: LabRDS) -> ActionResult:
        raise LabLacks("nothing real behind it yet")

    refuse.__name__ = operation
    return refuse


for _operation in LACKING:
    setattr(LabRDS, _operation, _lacking(_operation))
