"""What the lab keeps on each proxy, and the shapes in which the API tells it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.rds.models import DBInstance

from bahnvision_lab.aws.rds.instances import Key

DEFAULT = "default"  # the one target group and the one endpoint that AWS makes with each proxy


def now() -> datetime:
    return datetime.now(UTC)


def resource_id(kind: str) -> str:
    """Return an id such as prx-0123456789abcdef0: the ARNs of proxies end with it, not with the name."""
    return f"{kind}-{secrets.token_hex(9)[:17]}"


@dataclass
class Pool:
    """ConnectionPoolConfig."""

    max_connections_percent: int = 100
    max_idle_connections_percent: int = 50
    borrow_timeout: int = 120
    init_query: str = ""

    def describe(self) -> dict[str, Any]:
        return {
            "MaxConnectionsPercent": self.max_connections_percent,
            "MaxIdleConnectionsPercent": self.max_idle_connections_percent,
            "ConnectionBorrowTimeout": self.borrow_timeout,
            "SessionPinningFilters": [],
            **({"InitQuery": self.init_query} if self.init_query else {}),
        }


@dataclass(frozen=True)
class Health:
    """TargetHealth. An available target has neither reason nor description."""

    state: str
    reason: str = ""
    description: str = ""

    def describe(self) -> dict[str, str]:
        told = {"State": self.state, "Reason": self.reason, "Description": self.description}
        return {name: value for name, value in told.items() if value}


AVAILABLE = Health("AVAILABLE")
WAITS = "DBProxy Target is waiting for proxy to scale to desired capacity"


def unavailable(reason: str, description: str) -> Health:
    return Health("UNAVAILABLE", reason, description)


@dataclass
class Target:
    """One registered instance. It stays registered when the instance is renamed, and when it is deleted."""

    database: DBInstance
    health: Health = Health("REGISTERING", "PENDING_PROXY_CAPACITY", WAITS)
    registered: float = 0.0  # time.monotonic()

    @property
    def exists(self) -> bool:
        return self.database.backend.databases.get(self.database.db_instance_identifier) is self.database

    @property
    def key(self) -> Key:
        return (self.database.account_id, self.database.region, self.database.db_instance_identifier)

    def describe(self, endpoint: tuple[str, int] | None) -> dict[str, Any]:
        where = {"Endpoint": endpoint[0], "Port": endpoint[1]} if endpoint else {"Port": port_of(self.database)}
        return {
            "TargetArn": self.database.arn,
            "RdsResourceId": self.database.db_instance_identifier,
            "Type": "RDS_INSTANCE",
            "Role": "READ_WRITE",
            "TargetHealth": self.health.describe(),
            **where,
        }


def port_of(database: DBInstance) -> int:
    """Return the port the instance was asked to have: security groups speak of it, the lab's servers do not."""
    return int(database.port or 5432)


@dataclass
class Proxy:
    """One proxy with its target group, of which AWS allows one, with one instance in it."""

    account: str
    region: str
    partition: str
    name: str
    auth: list[dict[str, str]]
    role_arn: str
    vpc_id: str
    subnet_ids: list[str]
    group_ids: list[str]
    address: str
    require_tls: bool = False
    idle_client_timeout: int = 1800
    debug_logging: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "creating"
    pool: Pool = field(default_factory=Pool)
    target: Target | None = None
    id: str = field(default_factory=lambda: resource_id("prx"))
    group_id: str = field(default_factory=lambda: resource_id("prx-tg"))
    endpoint_id: str = field(default_factory=lambda: resource_id("prx-endpoint"))
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    pool_updated: datetime = field(default_factory=now)

    @property
    def key(self) -> Key:
        return (self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        return self._arn("db-proxy", self.id)

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:{self.partition}:rds:{self.region}:{self.account}:{kind}:{name}"

    def describe(self) -> dict[str, Any]:
        return {
            "DBProxyName": self.name,
            "DBProxyArn": self.arn,
            "Status": self.status,
            "EngineFamily": "POSTGRESQL",
            "VpcId": self.vpc_id,
            "VpcSecurityGroupIds": self.group_ids,
            "VpcSubnetIds": self.subnet_ids,
            "DefaultAuthScheme": "NONE",
            "Auth": self.auth,
            "RoleArn": self.role_arn,
            "Endpoint": self.address,
            "RequireTLS": self.require_tls,
            "IdleClientTimeout": self.idle_client_timeout,
            "DebugLogging": self.debug_logging,
            "CreatedDate": self.created,
            "UpdatedDate": self.updated,
            "EndpointNetworkType": "IPV4",
            "TargetConnectionNetworkType": "IPV4",
        }

    def describe_group(self) -> dict[str, Any]:
        return {
            "DBProxyName": self.name,
            "TargetGroupName": DEFAULT,
            "TargetGroupArn": self._arn("target-group", self.group_id),
            "IsDefault": True,
            "Status": "available",
            "ConnectionPoolConfig": self.pool.describe(),
            "CreatedDate": self.created,
            "UpdatedDate": self.pool_updated,
        }

    def describe_endpoint(self) -> dict[str, Any]:
        return {
            "DBProxyEndpointName": DEFAULT,
            "DBProxyEndpointArn": self._arn("db-proxy-endpoint", self.endpoint_id),
            "DBProxyName": self.name,
            "Status": self.status if self.status in ("creating", "deleting", "modifying") else "available",
            "VpcId": self.vpc_id,
            "VpcSecurityGroupIds": self.group_ids,
            "VpcSubnetIds": self.subnet_ids,
            "Endpoint": self.address,
            "CreatedDate": self.created,
            "TargetRole": "READ_WRITE",
            "IsDefault": True,
            "EndpointNetworkType": "IPV4",
        }
