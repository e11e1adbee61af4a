"""What the lab keeps on clusters, node groups, add-ons and access, in the shapes in which the API tells it."""

from __future__ import annotations

import secrets
import string
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bahnvision_lab.kubernetes.cluster import Cluster as Kubernetes

Told = dict[str, Any]
CHARACTERS = string.ascii_lowercase + string.digits


def now() -> datetime:
    return datetime.now(UTC)


def random_id(length: int = 17) -> str:
    return "".join(secrets.choice(CHARACTERS) for _count in range(length))


@dataclass
class Update:
    """One change that takes time."""

    kind: str
    params: dict[str, str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    created: datetime = field(default_factory=now)
    errors: list[Told] = field(default_factory=list)
    owner: tuple[str, str] = ("", "")  # ("nodegroup", "addon" or "capability", name); the cluster's own has none

    def describe(self) -> Told:
        return {
            "id": self.id, "status": self.status, "type": self.kind, "createdAt": self.created, "errors": self.errors,
            "params": [{"type": key, "value": value} for key, value in self.params.items()],
        }  # fmt: skip


@dataclass
class Entry:
    """An access entry with the policies that are associated with it."""

    arn: str
    principal: str
    username: str
    groups: list[str]
    kind: str
    tags: dict[str, str]
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    policies: dict[str, Told] = field(default_factory=dict)

    def describe(self, cluster: str) -> Told:
        return {
            "clusterName": cluster, "principalArn": self.principal, "kubernetesGroups": self.groups,
            "accessEntryArn": self.arn, "createdAt": self.created, "modifiedAt": self.modified, "tags": self.tags,
            "username": self.username, "type": self.kind,
        }  # fmt: skip


@dataclass
class Nodegroup:
    arn: str
    told: Told  # what the API tells, but for status and health
    status: str = "CREATING"
    issues: list[Told] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.told["nodegroupName"])

    def describe(self) -> Told:
        return {**self.told, "nodegroupArn": self.arn, "status": self.status, "health": {"issues": self.issues}}


@dataclass
class Addon:
    arn: str
    told: Told
    status: str = "CREATING"
    issues: list[Told] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.told["addonName"])

    def describe(self) -> Told:
        return {**self.told, "addonArn": self.arn, "status": self.status, "health": {"issues": self.issues}}


@dataclass
class Capability:
    """Argo CD, ACK or kro, as AWS runs them beside a cluster."""

    arn: str
    told: Told
    status: str = "CREATING"
    issues: list[Told] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.told["capabilityName"])

    def describe(self) -> Told:
        return {**self.told, "arn": self.arn, "status": self.status, "health": {"issues": self.issues}}


@dataclass
class Cluster:
    """One cluster; `kubernetes` is its API once it is there."""

    account: str
    region: str
    partition: str
    name: str
    told: Told  # what the API tells, but for what changes by itself
    creator: str
    status: str = "CREATING"
    created: datetime = field(default_factory=now)
    oidc: str = field(default_factory=lambda: secrets.token_hex(16).upper())
    kubernetes: Kubernetes | None = None
    security_group: str = ""
    bootstrap_addons: bool = True
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)
    addons: dict[str, Addon] = field(default_factory=dict)
    capabilities: dict[str, Capability] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    associations: dict[str, Told] = field(default_factory=dict)
    updates: list[Update] = field(default_factory=list)
    authority: str = ""  # base64

    @property
    def version(self) -> str:
        return str(self.told["version"])

    def arn(self, kind: str = "cluster", *names: str) -> str:
        path = "/".join((kind, self.name, *names))
        return f"arn:{self.partition}:eks:{self.region}:{self.account}:{path}"

    @property
    def issuer(self) -> str:
        return f"https://oidc.eks.{self.region}.amazonaws.com/id/{self.oidc}"

    def describe(self) -> Told:
        ready: Told = {}
        if self.kubernetes is not None:
            ready = {"endpoint": self.kubernetes.address, "certificateAuthority": {"data": self.authority},
                     "identity": {"oidc": {"issuer": self.issuer}}}  # fmt: skip
        config = {**self.told["resourcesVpcConfig"], "clusterSecurityGroupId": self.security_group}
        return {**self.told, "name": self.name, "arn": self.arn(), "createdAt": self.created, "status": self.status,
                "health": {"issues": []}, **ready, "resourcesVpcConfig": config}  # fmt: skip

    def tagged(self, arn: str) -> dict[str, str] | None:
        """The tags of whatever of this cluster has the ARN."""
        if arn == self.arn():
            return dict_of(self.told)
        members: list[Nodegroup | Addon | Capability] = [
            *self.nodegroups.values(), *self.addons.values(), *self.capabilities.values(),
        ]  # fmt: skip
        for one in members:
            if one.arn == arn:
                return dict_of(one.told)
        for entry in self.entries.values():
            if entry.arn == arn:
                return entry.tags
        for told in self.associations.values():
            if told["associationArn"] == arn:
                return dict_of(told)
        return None


def dict_of(told: Told) -> dict[str, str]:
    tags: dict[str, str] = told.setdefault("tags", {})
    return tags
