"""ModifyDBInstance: what it refuses, what happens at once and what waits for the maintenance window."""

from __future__ import annotations

from typing import Any

from moto.rds.models import DBInstance, RDSBackend

from bahnvision_lab.aws.rds import catalogue, identity, network, parameters, storage
from bahnvision_lab.aws.rds.checks import check_common, usable_key
from bahnvision_lab.aws.rds.monitoring import check_monitoring
from bahnvision_lab.aws.refusals import AwsError, LabLacks

# Without ApplyImmediately these wait; they show in PendingModifiedValues meanwhile.
DEFERRED = {
    "DBInstanceClass": "db_instance_class",
    "AllocatedStorage": "allocated_storage",
    "StorageType": "storage_type",
    "Iops": "iops",
    "StorageThroughput": "storage_throughput",
    "MultiAZ": "multi_az",
    "EngineVersion": "engine_version",
    "BackupRetentionPeriod": "backup_retention_period",  # only from or to 0: that interrupts
}
INTERRUPTS = ("DBInstanceClass", "EngineVersion")


def prepare_modify(params: dict[str, Any], database: DBInstance, backend: RDSBackend) -> set[str]:
    """Refuse what AWS refuses. Return the names of what changes now; what waits is taken out of params."""
    require_available(database)
    _check_lab(params)
    _check_version(params, database)
    if params.get("DBInstanceClass"):
        storage.check_class(params["DBInstanceClass"], params.get("EngineVersion") or database.engine_version)
    _check_storage(params, database)
    _check_password(params, database, backend)
    check_common(params, database.engine_version)
    check_monitoring(params, database.db_instance_identifier, backend)
    parameters.check_group(
        backend, params.get("DBParameterGroupName"), params.get("EngineVersion") or database.engine_version
    )
    if params.get("VpcSecurityGroupIds"):
        network.check_security_groups(backend, params["VpcSecurityGroupIds"], _vpc_of(database, backend))
    return _split(params, database)


def require_available(database: DBInstance) -> None:
    if database.status != "available":
        raise AwsError("InvalidDBInstanceState", "Database instance is not in available state.")


def _check_lab(params: dict[str, Any]) -> None:
    if params.get("DBPortNumber"):
        raise LabLacks("ports of the client's choice (DBPortNumber): its servers share 127.0.0.1")
    if params.get("DBSubnetGroupName"):
        raise LabLacks("moves to another subnet group (DBSubnetGroupName)")


def _check_version(params: dict[str, Any], database: DBInstance) -> None:
    wanted = params.get("EngineVersion")
    if not wanted:
        return
    version = catalogue.find(wanted)
    if version is None:
        raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for {catalogue.ENGINE}")
    current = database.engine_version
    if catalogue.order(version) < catalogue.order(current):
        message = f"Cannot upgrade {catalogue.ENGINE} from {current} to {version}"
        raise AwsError("InvalidParameterCombination", message)
    if catalogue.major_of(version) != catalogue.major_of(current):
        if not params.get("AllowMajorVersionUpgrade"):
            message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
            raise AwsError("InvalidParameterCombination", message)
        raise LabLacks(f"upgrades in place to another major version ({current} to {version})")
    params["EngineVersion"] = version


def _check_storage(params: dict[str, Any], database: DBInstance) -> None:
    size = params.get("AllocatedStorage") or database.allocated_storage
    kind = params.get("StorageType") or database.storage_type
    if size < database.allocated_storage:
        raise AwsError(
            "InvalidParameterCombination",
            f"Invalid storage size for engine name {catalogue.ENGINE} and storage type {kind}: {size}. "
            f"The storage of {database.allocated_storage} GiB can't be reduced.",
        )
    if kind == "gp3" and size < 400:
        # The baseline may be named, though not changed.
        for name, baseline in zip(("Iops", "StorageThroughput"), storage.GP3_SMALL, strict=True):
            if params.get(name) == baseline:
                del params[name]
    storage.check_storage(params, kind, size)


def _check_password(params: dict[str, Any], database: DBInstance, backend: RDSBackend) -> None:
    password, managed = params.get("MasterUserPassword"), params.get("ManageMasterUserPassword")
    stays_managed = database.manage_master_user_password and managed is not False
    if password is not None and (managed or stays_managed):
        message = "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        raise AwsError("InvalidParameterCombination", message)
    if password is not None:
        identity.check_password(password)
    if managed is False and database.manage_master_user_password and password is None:
        message = "You must specify MasterUserPassword when you turn off ManageMasterUserPassword."
        raise AwsError("InvalidParameterCombination", message)
    if params.get("RotateMasterUserPassword") and not stays_managed:
        message = "You can't rotate the master user password of an instance that doesn't manage it."
        raise AwsError("InvalidParameterCombination", message)
    if params.get("MasterUserSecretKmsKeyId"):
        params["MasterUserSecretKmsKeyId"] = usable_key(backend, params["MasterUserSecretKmsKeyId"])
    if managed and database.manage_master_user_password:
        del params["ManageMasterUserPassword"]  # it is so already; moto would make a second secret


def _vpc_of(database: DBInstance, backend: RDSBackend) -> str:
    group = network.subnet_group_of(database)
    return group.vpc_id if group else network.ec2_of(backend).default_vpc.id


def _may_wait(name: str, params: Any, database: DBInstance) -> bool:
    return name != "BackupRetentionPeriod" or bool(params[name]) != bool(database.backup_retention_period)


def _split(params: Any, database: DBInstance) -> set[str]:
    waiting = dict(getattr(database, "pending_modified_values", None) or {})
    now = bool(params.get("ApplyImmediately"))
    for name, attribute in DEFERRED.items():
        if now and name in waiting:
            params.setdefault(name, waiting.pop(name))
        if params.get(name) is None:
            continue
        if params[name] == getattr(database, attribute):
            waiting.pop(name, None)
            del params[name]
        elif not now and _may_wait(name, params, database):
            waiting[name] = params.pop(name)
    database.pending_modified_values = waiting
    return {name for name in params.original_dict() if name not in ("ApplyImmediately", "DBInstanceIdentifier")}
