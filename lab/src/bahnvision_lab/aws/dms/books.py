"""What the lab keeps on endpoints, subnet groups and replications, and the shapes in which the API tells it."""

from __future__ import annotations

import json
import secrets
import string
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

CREATED, RUNNING, STOPPING, STOPPED, FAILED = "created", "running", "stopping", "stopped", "failed"
RESTING = (CREATED, STOPPED, FAILED)
_CHARACTERS = string.ascii_uppercase + string.digits


def now() -> datetime:
    return datetime.now(UTC)


def make_arn(account: str, region: str, partition: str, kind: str, name: str = "") -> str:
    """Most of DMS's ARNs end with 26 characters that have nothing to do with the name."""
    resource = name or "".join(secrets.choice(_CHARACTERS) for _count in range(26))
    return f"arn:{partition}:dms:{region}:{account}:{kind}:{resource}"


@dataclass
class Certificate:
    """An authority's certificate that was imported, to verify servers by."""

    arn: str
    identifier: str
    pem: str
    owner: str
    tags: dict[str, str] = field(default_factory=dict)
    imported: datetime = field(default_factory=now)

    def describe(self) -> dict[str, Any]:
        first = x509.load_pem_x509_certificates(self.pem.encode())[0]
        return {
            "CertificateIdentifier": self.identifier,
            "CertificateCreationDate": self.imported,
            "CertificatePem": self.pem,
            "CertificateArn": self.arn,
            "CertificateOwner": self.owner,
            "ValidFromDate": first.not_valid_before_utc,
            "ValidToDate": first.not_valid_after_utc,
            "SigningAlgorithm": first.signature_algorithm_oid._name,
            "KeyLength": getattr(first.public_key(), "key_size", 0),
        }


@dataclass
class Endpoint:
    """One endpoint for PostgreSQL that logs in with a secret."""

    arn: str
    identifier: str
    kind: str  # source or target
    settings: dict[str, Any]
    ssl_mode: str = "none"
    extra: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    certificate: Certificate | None = None

    def describe(self, status: str = "active") -> dict[str, Any]:
        certificate = {"CertificateArn": self.certificate.arn} if self.certificate else {}
        return {
            **certificate,
            "EndpointIdentifier": self.identifier,
            "EndpointType": self.kind.upper(),
            "EngineName": "postgres",
            "EngineDisplayName": "PostgreSQL",
            "ExtraConnectionAttributes": self.extra,
            "Status": status,
            "EndpointArn": self.arn,
            "SslMode": self.ssl_mode,
            "PostgreSQLSettings": self.settings,
            "IsReadOnly": False,
        }


@dataclass
class SubnetGroup:
    arn: str
    identifier: str
    description: str
    vpc_id: str
    subnets: list[tuple[str, str]]  # (id, zone)
    tags: dict[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        return {
            "ReplicationSubnetGroupIdentifier": self.identifier,
            "ReplicationSubnetGroupDescription": self.description,
            "VpcId": self.vpc_id,
            "SubnetGroupStatus": "Complete",
            "Subnets": [
                {"SubnetIdentifier": name, "SubnetAvailabilityZone": {"Name": zone}, "SubnetStatus": "Active"}
                for name, zone in self.subnets
            ],
            "SupportedNetworkTypes": ["IPV4"],
            "IsReadOnly": False,
        }


@dataclass
class Table:
    """The statistics of one table."""

    schema: str
    name: str
    state: str = "Before load"
    rows: int = 0
    error_rows: int = 0
    began: datetime | None = None
    ended: datetime | None = None
    validation: str = "Not enabled"
    mismatched: int = 0

    def describe(self) -> dict[str, Any]:
        zero = dict.fromkeys(("Inserts", "Deletes", "Updates", "Ddls"), 0)
        told = {
            "SchemaName": self.schema,
            "TableName": self.name,
            **zero,
            "FullLoadRows": self.rows,
            "FullLoadCondtnlChkFailedRows": 0,
            "FullLoadErrorRows": self.error_rows,
            "FullLoadStartTime": self.began,
            "FullLoadEndTime": self.ended,
            "FullLoadReloaded": False,
            "LastUpdateTime": self.ended or self.began or now(),
            "TableState": self.state,
            "ValidationPendingRecords": 0,
            "ValidationFailedRecords": self.mismatched,
            "ValidationSuspendedRecords": 0,
            "ValidationState": self.validation,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass
class Replication:
    """One configuration and the replication that it makes: AWS keeps one for each."""

    arn: str
    identifier: str
    source: Endpoint
    target: Endpoint
    mappings: str
    settings: dict[str, Any]
    compute: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    status: str = CREATED
    provision: str = ""
    stop_reason: str = ""
    failures: list[str] = field(default_factory=list)
    start_type: str = ""
    assessments: list[dict[str, Any]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    started: datetime | None = None
    loading: datetime | None = None
    loaded: datetime | None = None
    stopped: datetime | None = None
    began: float = 0.0  # time.monotonic()
    stop_asked: bool = False

    def describe_config(self) -> dict[str, Any]:
        return {
            **self._names(),
            "ComputeConfig": self.compute,
            "ReplicationSettings": json.dumps(self.settings),
            "TableMappings": self.mappings,
            "ReplicationConfigCreateTime": self.created,
            "ReplicationConfigUpdateTime": self.created,
            "IsReadOnly": False,
        }

    def describe(self) -> dict[str, Any]:
        provision = {"ProvisionState": self.provision, "ProvisionedCapacityUnits": self.compute["MaxCapacityUnits"]}
        told = {
            **self._names(),
            "Status": self.status,
            "ProvisionData": provision if self.provision else None,
            "StopReason": self.stop_reason or None,
            "FailureMessages": self.failures or None,
            "PremigrationAssessmentStatuses": self.assessments or None,
            "ReplicationStats": self._stats() if self.started else None,
            "StartReplicationType": self.start_type or None,
            "ReplicationCreateTime": self.created,
            "ReplicationUpdateTime": self.updated,
            "ReplicationLastStopTime": self.stopped,
            "IsReadOnly": False,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _names(self) -> dict[str, Any]:
        return {
            "ReplicationConfigIdentifier": self.identifier,
            "ReplicationConfigArn": self.arn,
            "SourceEndpointArn": self.source.arn,
            "TargetEndpointArn": self.target.arn,
            "ReplicationType": "full-load",
        }

    def _stats(self) -> dict[str, Any]:
        states = [table.state for table in self.tables]
        done = states.count("Table completed")
        told = {
            "FullLoadProgressPercent": 100 * done // len(states) if states else 0,
            "ElapsedTimeMillis": int((time.monotonic() - self.began) * 1000),
            "TablesLoaded": done,
            "TablesLoading": states.count("Full load"),
            "TablesQueued": states.count("Before load"),
            "TablesErrored": states.count("Table error"),
            "FreshStartDate": self.started,
            "StartDate": self.started,
            "StopDate": self.stopped,
            "FullLoadStartDate": self.loading,
            "FullLoadFinishDate": self.loaded,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass
class Books:
    """One account in one region."""

    account: str
    region: str
    partition: str
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    groups: dict[str, SubnetGroup] = field(default_factory=dict)
    replications: dict[str, Replication] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)

    def new_arn(self, kind: str, name: str = "") -> str:
        return make_arn(self.account, self.region, self.partition, kind, name)

    def tagged(self, arn: str) -> dict[str, str] | None:
        every: list[Endpoint | SubnetGroup | Replication | Certificate] = [
            *self.endpoints.values(), *self.groups.values(), *self.replications.values(), *self.certificates.values(),
        ]  # fmt: skip
        return next((one.tags for one in every if one.arn == arn), None)
