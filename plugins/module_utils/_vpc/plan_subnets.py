# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets, their addresses of IPv6, and the route tables they are under. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Subnet
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import Steps


def subnets(steps: Steps) -> None:
    numbers = _numbers(steps)
    for subnet in steps.desired.subnets:
        tags = steps.tags(subnet.name, subnet.tags)
        item = steps.subnets.get(subnet.cidr)
        if item is None:
            facts = {"cidr": subnet.cidr, "zone": subnet.zone}
            steps.create("subnet", subnet.name, facts, tags, **facts)
        else:
            steps.retag("subnet", subnet.name, item, tags)
        if steps.desired.ipv6:
            _ipv6(steps, subnet, item, numbers)


def _ipv6(steps: Steps, subnet: Subnet, item: Mapping[str, Any] | None, numbers: Mapping[str, int]) -> None:
    current = item or {"ipv6": "", "assign_ipv6": False}
    if not current["ipv6"]:
        base = _base(steps)
        number = numbers[subnet.cidr]
        shown = nth_range(base, number) if base else f"the /64 number {number} of the VPC"
        before = {"ipv6": ""} if item else None
        steps.add("number", "subnet", subnet.name, before, {"ipv6": shown}, number=number)
    # Databases and caches are reached by the addresses that their service chooses.
    wanted = subnet.tier != "data"
    if current["assign_ipv6"] != wanted:
        before = {"assign_ipv6": current["assign_ipv6"]} if item else None
        steps.add("change", "subnet", subnet.name, before, {"assign_ipv6": wanted}, value=wanted)


def nth_range(base: str, number: int) -> str:
    """Return the /64 with this number in the VPC's /56."""
    first = ipaddress.IPv6Network(base).network_address
    return str(ipaddress.IPv6Network((int(first) + (number << 64), 64)))


def _base(steps: Steps) -> str:
    found = steps.network.vpc
    return found["ipv6"]["cidr"] if found and found["ipv6"] else ""


def _numbers(steps: Steps) -> dict[str, int]:
    """Give each subnet without a /64 the lowest number that no subnet of the VPC has."""
    base, taken = _base(steps), set()
    if base:
        first = int(ipaddress.IPv6Network(base).network_address)
        for item in steps.network.subnets:
            if item["ipv6"]:
                taken.add((int(ipaddress.IPv6Network(item["ipv6"]).network_address) - first) >> 64)
    free = (number for number in range(256) if number not in taken)
    without = [subnet for subnet in steps.desired.subnets if not steps.subnets.get(subnet.cidr, {}).get("ipv6")]
    return {subnet.cidr: next(free) for subnet in without}


def associations(steps: Steps) -> None:
    current = {
        link["subnet_id"]: (link["id"], table)
        for table in steps.network.tables
        for link in table["associations"]
        if link["subnet_id"]
    }
    for subnet in steps.desired.subnets:
        wanted = steps.desired.table_name(subnet)
        item = steps.subnets.get(subnet.cidr)
        link, table = current.get(item["id"], ("", None)) if item else ("", None)
        if table is not None and wanted in steps.tables and table["id"] == steps.tables[wanted]["id"]:
            continue
        before = {"route_table": table["name"] or table["id"]} if table else None
        steps.add("associate", "subnet", subnet.name, before, {"route_table": wanted}, table=wanted, link=link)


def surplus(steps: Steps) -> None:
    cidrs = {subnet.cidr for subnet in steps.desired.subnets}
    steps.drop("subnet", [item for item in steps.network.subnets if item["cidr"] not in cidrs])
    tables = {table.name for table in steps.desired.tables()}
    steps.drop("route table", [item for item in steps.network.tables if item["name"] not in tables])
