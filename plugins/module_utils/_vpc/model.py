# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network as it is and as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

INTERNET = "0.0.0.0/0"
INTERNET6 = "::/0"
FULL_ACCESS: Mapping[str, Any] = {
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]
}  # fmt: skip


@dataclass(frozen=True)
class Subnet:
    """A subnet that should be there."""

    name: str
    cidr: str
    zone: str
    tier: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """A route to the whole internet. `exit` is the kind of object it leads to."""

    destination: str
    exit: str
    exit_name: str


@dataclass(frozen=True)
class Table:
    """A route table that should be there, with its routes to the internet."""

    name: str
    tier: str
    zone: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """An interface endpoint that should be there; `subnets` are names, one per zone."""

    name: str
    short: str
    service: str
    subnets: tuple[str, ...]
    private_dns: bool = True
    policy: Mapping[str, Any] = field(default_factory=lambda: FULL_ACCESS)


@dataclass(frozen=True)
class FlowLog:
    """What should be recorded of the traffic, and where it goes: a bucket, or a log group through a role."""

    name: str
    destination_type: str
    bucket_arn: str = ""
    log_group: str = ""
    role: str = ""
    retention: int = 0
    key_arn: str = ""
    traffic: str = "ALL"
    interval: int = 600
    format: str = ""

    @property
    def destination(self) -> str:
        return self.log_group if self.destination_type == "cloud-watch-logs" else self.bucket_arn


@dataclass(frozen=True)
class Desired:
    """The network as it should be. `nat_zones` are the zones that get a NAT gateway."""

    name: str
    cidr: str
    region: str
    tags: Mapping[str, str]
    subnets: tuple[Subnet, ...]
    nat_zones: tuple[str, ...] = ()
    s3_tiers: tuple[str, ...] = ()
    s3_policy: Mapping[str, Any] = field(default_factory=lambda: FULL_ACCESS)
    dns_support: bool = True
    dns_hostnames: bool = True
    secondary_cidrs: tuple[str, ...] = ()
    ipv6: bool = False
    endpoints: tuple[Endpoint, ...] = ()
    flow_log: FlowLog | None = None

    @property
    def zones(self) -> list[str]:
        return list(dict.fromkeys(subnet.zone for subnet in self.subnets))

    @property
    def gateway_name(self) -> str:
        return f"{self.name}-igw"

    @property
    def egress_gateway_name(self) -> str:
        return f"{self.name}-eigw"

    @property
    def endpoint_group_name(self) -> str:
        return f"{self.name}-endpoints"

    def nat_name(self, zone: str) -> str:
        return f"{self.name}-nat-{zone}"

    def tier(self, tier: str) -> list[Subnet]:
        return [subnet for subnet in self.subnets if subnet.tier == tier]

    def table_name(self, subnet: Subnet) -> str:
        """One table for all public subnets, one for all data subnets, one per zone for the private ones.

        Private tables are per zone whatever the NAT mode is: a change of the mode is then one replaced
        route per zone, and no subnet ever changes its table.
        """
        zone = f"-{subnet.zone}" if subnet.tier == "private" else ""
        return f"{self.name}-{subnet.tier}{zone}"

    def tables(self) -> list[Table]:
        found: dict[str, Table] = {}
        for subnet in self.subnets:
            name = self.table_name(subnet)
            zone = subnet.zone if subnet.tier == "private" else ""
            found.setdefault(name, Table(name, subnet.tier, zone, self._routes(subnet)))
        return list(found.values())

    def _routes(self, subnet: Subnet) -> tuple[Route, ...]:
        found = []
        if subnet.tier == "public":
            found.append(Route(INTERNET, "internet gateway", self.gateway_name))
            if self.ipv6:
                found.append(Route(INTERNET6, "internet gateway", self.gateway_name))
        elif subnet.tier == "private":
            if self.nat_zones:
                zone = subnet.zone if subnet.zone in self.nat_zones else self.nat_zones[0]
                found.append(Route(INTERNET, "NAT gateway", self.nat_name(zone)))
            if self.ipv6:
                found.append(Route(INTERNET6, "egress-only gateway", self.egress_gateway_name))
        return tuple(found)


@dataclass(frozen=True)
class Delivery:
    """What writes flow logs to CloudWatch: our log group and our role, or those of our names."""

    log_group: Mapping[str, Any] | None = None
    role: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Network:
    """The network as AWS describes it, in our words. Every item has id, name and tags; `ours` where others may be."""

    vpc: Mapping[str, Any] | None = None
    subnets: tuple[Mapping[str, Any], ...] = ()
    gateways: tuple[Mapping[str, Any], ...] = ()
    egress_gateways: tuple[Mapping[str, Any], ...] = ()
    nats: tuple[Mapping[str, Any], ...] = ()
    addresses: tuple[Mapping[str, Any], ...] = ()
    tables: tuple[Mapping[str, Any], ...] = ()
    endpoints: tuple[Mapping[str, Any], ...] = ()
    leaving: tuple[Mapping[str, Any], ...] = ()  # endpoints of ours that AWS is deleting
    groups: tuple[Mapping[str, Any], ...] = ()
    flow_logs: tuple[Mapping[str, Any], ...] = ()
    delivery: Delivery = Delivery()
    notes: tuple[str, ...] = ()

    def own(self, items: tuple[Mapping[str, Any], ...]) -> dict[str, Mapping[str, Any]]:
        """Return our items by name; of two with one name the first, the other is surplus."""
        named: dict[str, Mapping[str, Any]] = {}
        for item in items:
            if item["ours"]:
                named.setdefault(item["name"], item)
        return named

    def of_type(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(item for item in self.endpoints if item["type"] == kind)

    @property
    def default_group(self) -> Mapping[str, Any] | None:
        return next((item for item in self.groups if item["name"] == "default"), None)

    def own_interfaces(self) -> set[str]:
        """Return the network interfaces that go with our NAT gateways and endpoints."""
        items = [*self.nats, *(item for item in (*self.endpoints, *self.leaving) if item["ours"])]
        return {interface for item in items for interface in item["interface_ids"]}
