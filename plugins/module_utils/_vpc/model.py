# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network as it is and as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

INTERNET = "0.0.0.0/0"


@dataclass(frozen=True)
class Subnet:
    """A subnet that should be there."""

    name: str
    cidr: str
    zone: str
    tier: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A route table that should be there. `exit` is the kind of its default route, or ""."""

    name: str
    tier: str
    zone: str
    exit: str
    exit_name: str = ""


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
    dns_support: bool = True
    dns_hostnames: bool = True

    @property
    def zones(self) -> list[str]:
        return list(dict.fromkeys(subnet.zone for subnet in self.subnets))

    @property
    def gateway_name(self) -> str:
        return f"{self.name}-igw"

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
            zone, way, target = "", "", ""
            if subnet.tier == "public":
                way, target = "internet gateway", self.gateway_name
            elif subnet.tier == "private":
                zone = subnet.zone
                if self.nat_zones:
                    way = "NAT gateway"
                    target = self.nat_name(zone if zone in self.nat_zones else self.nat_zones[0])
            found.setdefault(name, Table(name, subnet.tier, zone, way, target))
        return list(found.values())


@dataclass(frozen=True)
class Network:
    """The network as AWS describes it, in our words. Every item has id, name and tags; `ours` where others may be."""

    vpc: Mapping[str, Any] | None = None
    subnets: tuple[Mapping[str, Any], ...] = ()
    gateways: tuple[Mapping[str, Any], ...] = ()
    nats: tuple[Mapping[str, Any], ...] = ()
    addresses: tuple[Mapping[str, Any], ...] = ()
    tables: tuple[Mapping[str, Any], ...] = ()
    endpoints: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def own(self, items: tuple[Mapping[str, Any], ...]) -> dict[str, Mapping[str, Any]]:
        """Return our items by name; of two with one name the first, the other is surplus."""
        named: dict[str, Mapping[str, Any]] = {}
        for item in items:
            if item["ours"]:
                named.setdefault(item["name"], item)
        return named
