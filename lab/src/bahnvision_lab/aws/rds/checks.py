"""What RDS refuses when an instance is made, with its codes and words, and what it fills in."""

from __future__ import annotations

from typing import Any

from moto.kms.models import kms_backends
from moto.rds.exceptions import DBInstanceAlreadyExists
from moto.rds.models import RDSBackend

from bahnvision_lab.aws.rds import catalogue, identity, network, parameters, storage
from bahnvision_lab.aws.rds.monitoring import check_monitoring
from bahnvision_lab.aws.refusals import AwsError, LabLacks

LOG_TYPES = {"postgresql", "upgrade", "iam-db-auth-error"}
AUTHORITIES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
INSIGHTS_DAYS = (7, *(31 * months for months in range(1, 24)), 731)
LIFECYCLES = ("open-source-rds-extended-support", "open-source-rds-extended-support-disabled")


def prepare_create(params: dict[str, Any], backend: RDSBackend) -> None:
    """Refuse what AWS refuses, before anything is made; then fill in what AWS fills in."""
    identity.check_identifier(params["DBInstanceIdentifier"])
    params["DBInstanceIdentifier"] = params["DBInstanceIdentifier"].lower()
    if params["Engine"] != catalogue.ENGINE:
        raise LabLacks(f"servers of engine {params['Engine']}, only of {catalogue.ENGINE}")
    if params["DBInstanceIdentifier"] in backend.databases:
        raise DBInstanceAlreadyExists
    params["EngineVersion"] = _version(params.get("EngineVersion"))
    storage.check_class(params["DBInstanceClass"], params["EngineVersion"])
    params["StorageType"] = params.get("StorageType") or ("io1" if params.get("Iops") else "gp3")
    storage.check_storage(params, params["StorageType"], params.get("AllocatedStorage"))
    identity.check_credentials(params)
    check_common(params, params["EngineVersion"])
    check_monitoring(params, params["DBInstanceIdentifier"], backend)
    parameters.check_group(backend, params.get("DBParameterGroupName"), params["EngineVersion"])
    network.prepare_network(params, backend)
    _prepare_encryption(params, backend)
    params["Iops"], params["StorageThroughput"] = storage.delivered_speed(
        params["StorageType"], params["AllocatedStorage"], params.get("Iops"), params.get("StorageThroughput")
    )


def _version(wanted: str | None) -> str:
    wanted = wanted or catalogue.default_version()
    version = catalogue.find(wanted)
    if version is None:
        raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for {catalogue.ENGINE}")
    return version


def check_common(params: dict[str, Any], version: str) -> None:
    """What CreateDBInstance and ModifyDBInstance check alike."""
    days = params.get("BackupRetentionPeriod")
    if days is not None and not 0 <= days <= 35:
        message = f"Invalid backup retention period: {days}. The retention period must be between 0 and 35 days."
        raise AwsError("InvalidParameterValue", message)
    port = params.get("Port") or params.get("DBPortNumber")
    if port is not None and not 1150 <= port <= 65535:
        raise AwsError("InvalidParameterValue", f"Invalid value {port} for Port. Must be between 1150 and 65535.")
    authority = params.get("CACertificateIdentifier")
    if authority is not None and authority not in AUTHORITIES:
        raise AwsError("CertificateNotFound", f"Certificate {authority} not found.")
    lifecycle = params.get("EngineLifecycleSupport")
    if lifecycle is not None and lifecycle not in LIFECYCLES:
        raise AwsError("InvalidParameterValue", f"Invalid value {lifecycle} for EngineLifecycleSupport.")
    days = params.get("PerformanceInsightsRetentionPeriod")
    if days is not None and days not in INSIGHTS_DAYS:
        message = f"Invalid Performance Insights retention period. Valid values are: {list(INSIGHTS_DAYS)}"
        raise AwsError("InvalidParameterValue", message)
    _check_logs(params, version)


def _check_logs(params: dict[str, Any], version: str) -> None:
    change = params.get("CloudwatchLogsExportConfiguration") or {}
    asked = [*params.get("EnableCloudwatchLogsExports", []), *change.get("EnableLogTypes", [])]
    unknown = [kind for kind in asked if kind not in LOG_TYPES]
    if unknown:
        raise AwsError(
            "InvalidParameterCombination",
            f"You cannot use the log types '{', '.join(unknown)}' with engine version {catalogue.ENGINE} {version}. "
            "For supported log types, see the documentation.",
        )


def _prepare_encryption(params: dict[str, Any], backend: RDSBackend) -> None:
    key = params.get("KmsKeyId")
    if key and not params.get("StorageEncrypted"):
        message = "You can't specify a KMS key when StorageEncrypted is false."
        raise AwsError("InvalidParameterCombination", message)
    if params.get("StorageEncrypted"):
        params["KmsKeyId"] = usable_key(backend, key or "alias/aws/rds")
    secret_key = params.get("MasterUserSecretKmsKeyId")
    if secret_key:
        params["MasterUserSecretKmsKeyId"] = usable_key(backend, secret_key)


def usable_key(backend: RDSBackend, key_id: str) -> str:
    """Return the key's ARN. A key that does not exist, or is disabled or going, opens nothing."""
    kms = kms_backends[backend.account_id][backend.region_name]
    alias = kms.get_alias_name(key_id)
    known = kms.get_key_id_from_alias(alias) if alias.startswith("alias/") else kms.get_key_id(key_id)
    key = kms.keys.get(known)
    if key is None or not key.enabled or key.deletion_date:
        raise AwsError(
            "KMSKeyNotAccessibleFault",
            f"The specified KMS key [{key_id}] does not exist, is not enabled or you do not have permissions to access "
            "it.",
        )
    return key.arn
