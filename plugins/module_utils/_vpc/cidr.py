# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Address arithmetic of one VPC: which ranges AWS takes, and how a range is shared out. Pure."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Mapping

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

Network = ipaddress.IPv4Network

TIERS = ("public", "private", "data")
# AWS keeps the first four addresses and the last one of every subnet.
RESERVED = 5
# The longest prefix we accept per tier, and why.
SMALLEST = {
    "public": (27, "an Application Load Balancer needs a /27 with 8 free addresses"),
    "private": (26, "every pod takes an address, and a small node already takes 18"),
    "data": (27, "RDS Proxy alone wants 10 free addresses, next to instances, caches and their replacements"),
}
FORBIDDEN = tuple(Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"))
# A quarter of the VPC per zone: three zones and a spare one, so that a zone added later moves nothing.
SLOTS = 4


def parse(text: str, what: str) -> Network:
    """Return the range, or say what is wrong with it."""
    try:
        return Network(text)
    except ValueError as problem:
        raise ResourceError(f"{what}: {text!r} is not an IPv4 range ({problem})") from problem


def parse_vpc(text: str) -> Network:
    """Return the range of a VPC that AWS would accept."""
    vpc = parse(text, "the range of the VPC")
    if not 16 <= vpc.prefixlen <= 28:
        raise ResourceError(f"the range of the VPC: {vpc} has /{vpc.prefixlen}; AWS takes /16 to /28")
    for forbidden in FORBIDDEN:
        if vpc.overlaps(forbidden):
            raise ResourceError(f"the range of the VPC: {vpc} overlaps {forbidden}, which AWS does not allow")
    return vpc


def parse_subnet(text: str, ranges: Iterable[Network], tier: str, name: str) -> Network:
    """Return the range of a subnet that lies in one range of the VPC and is large enough for its tier."""
    subnet = parse(text, f"subnet {name}")
    ranges = list(ranges)
    if not any(subnet.subnet_of(vpc) for vpc in ranges):
        raise ResourceError(
            f"subnet {name}: {subnet} is not inside {' or '.join(map(str, ranges))}, the range of the VPC"
        )
    longest, reason = SMALLEST[tier]
    if subnet.prefixlen > longest:
        usable = max(subnet.num_addresses - RESERVED, 0)
        raise ResourceError(
            f"subnet {name}: {subnet} is too small: it has {usable} usable addresses (AWS keeps {RESERVED}); "
            f"a {tier} subnet needs /{longest} or larger: {reason}"
        )
    return subnet


def refuse_overlaps(ranges: Iterable[tuple[str, Network]]) -> None:
    """Fail when two of the named ranges share an address."""
    ordered = sorted(ranges, key=lambda item: (item[1].network_address, item[1].prefixlen))
    for (name, first), (other, second) in itertools.pairwise(ordered):
        if first.overlaps(second):
            raise ResourceError(f"subnets {name} ({first}) and {other} ({second}) overlap")


def share_out(vpc: Network, slot: int) -> dict[str, Network]:
    """Return the ranges of the tiers in one zone: half a quarter private, then public and data.

    A /16 gives /19 private, /24 public and /24 data per zone; a zone is one /18 for who routes to it.
    """
    if vpc.prefixlen > 23:
        raise ResourceError(
            f"the range of the VPC: {vpc} is too small to be shared out (a /23 or larger is); "
            "name the subnets yourself or choose a larger range"
        )
    quarter = list(vpc.subnets(new_prefix=vpc.prefixlen + 2))[slot]
    private, rest = quarter.subnets(prefixlen_diff=1)
    small = rest.subnets(new_prefix=min(vpc.prefixlen + 8, SMALLEST["public"][0]))
    return {"private": private, "public": next(small), "data": next(small)}


def assign_slots(vpc: Network, zones: Iterable[str], existing: Mapping[str, Iterable[Network]]) -> dict[str, int]:
    """Give every zone a quarter of the VPC; a zone that already has subnets keeps theirs."""
    quarters = list(vpc.subnets(new_prefix=vpc.prefixlen + 2))
    taken: dict[str, int] = {}
    for zone, ranges in existing.items():
        for subnet in ranges:
            for slot, quarter in enumerate(quarters):
                if subnet.subnet_of(quarter) and slot not in taken.values():
                    taken.setdefault(zone, slot)
    slots = {}
    for zone in zones:
        free = (slot for slot in range(SLOTS) if slot not in taken.values())
        if zone not in taken:
            taken[zone] = next(free, -1)
        if taken[zone] < 0:
            raise ResourceError(
                f"zone {zone} finds no free quarter of {vpc}: {', '.join(sorted(existing))} still hold theirs; "
                "exchange one zone at a time"
            )
        slots[zone] = taken[zone]
    return slots
