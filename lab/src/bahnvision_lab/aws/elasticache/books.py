"""What ElastiCache remembers: one set of books per account and region. moto's are not used, they are too lax."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bahnvision_lab.aws.elasticache.catalogue import order


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Member:
    """One cache cluster of a replication group: with Valkey and Redis always one node."""

    identifier: str
    shard: str
    zone: str
    role: str  # primary, replica
    host: str = "127.0.0.1"
    port: int | None = None  # None until its server is there
    status: str = "creating"
    created: datetime = field(default_factory=now)
    awaits_reboot: bool = False


@dataclass
class Shard:
    """A node group."""

    identifier: str
    slots: str | None = None  # "0-8191", with cluster mode
    status: str = "creating"


@dataclass
class LogDelivery:
    kind: str
    destination_type: str
    destination: dict[str, Any]
    log_format: str


@dataclass
class Group:
    """A replication group, as the API tells it. `settings` holds what CreateReplicationGroup was asked for."""

    identifier: str
    description: str
    engine: str
    version: str
    node_type: str
    parameter_group: str
    subnet_group: str
    vpc: str
    security_groups: list[str]
    cluster_mode: str  # disabled, compatible, enabled
    automatic_failover: bool
    multi_az: bool
    port: int
    transit: bool
    transit_mode: str | None
    at_rest: bool
    kms_key: str | None
    user_groups: list[str]
    retention: int
    snapshot_window: str
    maintenance_window: str
    auto_minor: bool
    durability: str
    data_tiering: bool
    tokens: list[str] = field(default_factory=list, repr=False)  # SHA-256 of the AUTH tokens that open
    token_changed: datetime | None = None
    network_type: str = "ipv4"
    ip_discovery: str = "ipv4"
    topic: str | None = None
    topic_status: str = "active"
    snapshotting: str | None = None
    status: str = "creating"
    created: datetime = field(default_factory=now)
    shards: list[Shard] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    logs: list[LogDelivery] = field(default_factory=list)
    pending: dict[str, Any] = field(default_factory=dict)  # names of ModifyReplicationGroup's parameters
    resharding: bool = False
    endpoints: dict[str, int] = field(default_factory=dict)  # primary, reader, configuration -> port

    @property
    def clustered(self) -> bool:
        """As the API tells it: with a configuration endpoint, and without a primary endpoint."""
        return self.cluster_mode == "enabled"

    @property
    def sharded(self) -> bool:
        """As its servers are: `compatible` serves both kinds of clients with cluster servers."""
        return self.cluster_mode != "disabled"

    @property
    def effective_durability(self) -> str | None:
        """None where the engine knows no durability."""
        if self.engine != "valkey" or order(self.version) < (9, 0):
            return None
        return "disabled" if self.durability == "default" else self.durability

    def of_shard(self, identifier: str) -> list[Member]:
        return [member for member in self.members if member.shard == identifier]

    def primary_of(self, shard: str) -> Member:
        return next(member for member in self.of_shard(shard) if member.role == "primary")


@dataclass
class User:
    identifier: str
    name: str
    engine: str
    access: str
    authentication: str  # password, no-password, iam
    passwords: list[str] = field(default_factory=list, repr=False)  # SHA-256: all the servers need
    status: str = "creating"
    builtin: bool = False


@dataclass
class UserGroup:
    identifier: str
    engine: str
    users: list[str]
    status: str = "creating"
    adding: list[str] = field(default_factory=list)
    removing: list[str] = field(default_factory=list)


@dataclass
class ParameterGroup:
    name: str
    family: str
    description: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def builtin(self) -> bool:
        return self.name.startswith("default.")


@dataclass
class SubnetGroup:
    name: str
    description: str
    vpc: str
    subnets: list[tuple[str, str]]  # id, zone

    @property
    def zones(self) -> list[str]:
        return sorted({zone for _subnet, zone in self.subnets})


@dataclass
class Snapshot:
    """A backup. Its data are RDB files, one for each shard, below `folder`."""

    name: str
    source: str  # manual, automated
    group: Group  # as it was
    folder: Path
    shards: list[Shard]
    sizes: dict[str, int] = field(default_factory=dict)
    cluster: str | None = None  # made of one cache cluster
    kms_key: str | None = None
    status: str = "creating"
    created: datetime = field(default_factory=now)


class Books:
    """All of one account in one region. `lock` is held while an operation reads and changes them."""

    def __init__(self, account: str, region: str, partition: str = "aws") -> None:
        self.account, self.region, self.partition = account, region, partition
        self.lock = threading.RLock()
        self.groups: dict[str, Group] = {}
        self.users: dict[str, User] = {
            "default": User("default", "default", "redis", "on ~* +@all", "no-password", status="active", builtin=True)
        }
        self.user_groups: dict[str, UserGroup] = {}
        self.parameter_groups: dict[str, ParameterGroup] = {}
        self.subnet_groups: dict[str, SubnetGroup] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.tags: dict[str, dict[str, str]] = {}  # by ARN
        self.events: list[dict[str, Any]] = []
        self.failovers: list[datetime] = []

    def arn(self, kind: str, name: str) -> str:
        return f"arn:{self.partition}:elasticache:{self.region}:{self.account}:{kind}:{name}"

    def groups_where(self, matches: Callable[[Group], bool]) -> list[Group]:
        return [group for group in list(self.groups.values()) if matches(group)]

    def event(self, source_type: str, source: str, message: str) -> None:
        entry = {"SourceIdentifier": source, "SourceType": source_type, "Message": message, "Date": now()}
        self.events.append(entry)
