# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a task's parameters into the network that should be there; refuse what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import identity_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import cidr as ranges
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.desired_endpoints import (
    desire_endpoints,
    desire_policy,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.desired_flow_logs import desire_flow_log
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired, Network, Subnet
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.ranges import parse_secondary, refuse_forbidden
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_endpoints import Offer

# EKS puts no control plane into these (by zone id): never chosen, but accepted when named.
WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
FEWEST_ZONES = 2


def identity(params: Mapping[str, Any]) -> dict[str, str]:
    return identity_tags(params["app"], params["stage"], params["component"])


def vpc_name(params: Mapping[str, Any]) -> str:
    return params["name"] or f"{params['app']}-{params['stage']}"


def zones_in_use(network: Network) -> list[str]:
    """Return the zones of our subnets, in the order of their addresses."""
    ordered = sorted((item for item in network.subnets if item["ours"]), key=_address)
    return list(dict.fromkeys(item["zone"] for item in ordered))


def needs_offered_zones(params: Mapping[str, Any], network: Network) -> bool:
    """False when every zone asked for already has a subnet of ours: then AWS need not be asked."""
    used = zones_in_use(network)
    if params["subnets"]:
        return not {subnet["zone"] for subnet in params["subnets"]} <= set(used)
    if params["zones"]:
        return not set(params["zones"]) <= set(used)
    return len(used) < params["zone_count"]


def desire_subnets(
    params: Mapping[str, Any], network: Network, offered: Mapping[str, str] | None
) -> tuple[Subnet, ...]:  # fmt: skip
    """Return the wanted subnets. `offered` maps the region's zones to their ids, or is None when not needed."""
    name = vpc_name(params)
    vpc = ranges.parse_vpc(params["cidr"])
    secondary = parse_secondary(params["secondary_cidrs"], vpc)
    refuse_forbidden([vpc, *secondary], params["forbidden_cidrs"])
    if params["subnets"]:
        subnets = _named_subnets(params, [vpc, *secondary], name)
    else:
        zones = _choose_zones(params, network, offered)
        subnets = _computed_subnets(params, vpc, name, zones, network)
    _refuse_zones(subnets, offered)
    return subnets


def desire(
    params: Mapping[str, Any], network: Network, subnets: tuple[Subnet, ...],
    services: Mapping[str, Offer] | None, region: str,
) -> Desired:  # fmt: skip
    """Return the wanted network. `services` is what has endpoints in the region, or None when not needed."""
    name = vpc_name(params)
    vpc = ranges.parse_vpc(params["cidr"])
    if params["dns_hostnames"] and not params["dns_support"]:
        raise ResourceError("dns_hostnames needs dns_support: AWS gives no host names without its resolver")
    return Desired(
        name=name,
        cidr=str(vpc),
        region=region,
        tags={**params["tags"], **identity(params)},
        subnets=subnets,
        nat_zones=_nat_zones(params["nat"], subnets, network),
        s3_tiers=tuple(params["s3_endpoint"]),
        s3_policy=desire_policy(params, "s3"),
        dns_support=params["dns_support"],
        dns_hostnames=params["dns_hostnames"],
        secondary_cidrs=tuple(map(str, parse_secondary(params["secondary_cidrs"], vpc))),
        ipv6=params["ipv6"],
        endpoints=desire_endpoints(params, name, region, subnets, services),
        flow_log=desire_flow_log(params, name),
    )


def _address(item: Mapping[str, Any]) -> Any:
    return ranges.Network(item["cidr"]).network_address


def _choose_zones(params: Mapping[str, Any], network: Network, offered: Mapping[str, str] | None) -> list[str]:
    if params["zones"]:
        return list(params["zones"])
    used = zones_in_use(network)
    others = sorted(zone for zone, number in (offered or {}).items() if number not in WITHOUT_EKS and zone not in used)
    zones = (used + others)[: params["zone_count"]]
    if len(zones) < params["zone_count"]:
        raise ResourceError(
            f"{params['zone_count']} zones are asked for, the region offers {len(zones)}: {', '.join(zones)}"
        )
    return zones


def _computed_subnets(
    params: Mapping[str, Any], vpc: ranges.Network, name: str, zones: list[str], network: Network
) -> tuple[Subnet, ...]:
    held: dict[str, list[ranges.Network]] = {}
    for item in network.subnets:
        if item["ours"]:
            held.setdefault(item["zone"], []).append(ranges.Network(item["cidr"]))
    if len(zones) > ranges.SLOTS:
        raise ResourceError(f"{len(zones)} zones are asked for; a range is shared out over {ranges.SLOTS} at most")
    slots = ranges.assign_slots(vpc, zones, held)
    made = []
    for tier in ranges.TIERS:
        for zone in zones:
            cidr = ranges.share_out(vpc, slots[zone])[tier]
            made.append(Subnet(f"{name}-{tier}-{zone}", str(cidr), zone, tier, _tier_tags(params, tier)))
    return tuple(made)


def _named_subnets(params: Mapping[str, Any], blocks: list[ranges.Network], name: str) -> tuple[Subnet, ...]:
    made, checked = [], []
    for entry in params["subnets"]:
        tier = entry["tier"]
        own = entry.get("name") or f"{name}-{tier}-{entry['zone']}"
        cidr = ranges.parse_subnet(entry["cidr"], blocks, tier, own)
        checked.append((own, cidr))
        tags = {**_tier_tags(params, tier), **(entry.get("tags") or {})}
        made.append(Subnet(own, str(cidr), entry["zone"], tier, tags))
    ranges.refuse_overlaps(checked)
    names = [subnet.name for subnet in made]
    for own in names:
        if names.count(own) > 1:
            raise ResourceError(f"two subnets are called {own}: a tier has one subnet per zone, and names are unique")
    return tuple(made)


def _tier_tags(params: Mapping[str, Any], tier: str) -> dict[str, str]:
    return {**(params["subnet_tags"].get(tier) or {}), "tier": tier}


def _refuse_zones(subnets: tuple[Subnet, ...], offered: Mapping[str, str] | None) -> None:
    for tier in ranges.TIERS:
        zones = [subnet.zone for subnet in subnets if subnet.tier == tier]
        for zone in zones:
            if zones.count(zone) > 1:
                raise ResourceError(f"zone {zone} is listed twice for the {tier} subnets; a tier has one per zone")
            if offered is not None and zone not in offered:
                raise ResourceError(f"zone {zone} is not offered in this region: {', '.join(sorted(offered))} are")
        if zones and len(zones) < FEWEST_ZONES:
            raise ResourceError(
                f"the {tier} subnets lie in one zone ({zones[0]}); load balancers, EKS and Multi-AZ databases need two"
            )


def _nat_zones(mode: str, subnets: tuple[Subnet, ...], network: Network) -> tuple[str, ...]:
    if mode == "none":
        return ()
    public = [subnet.zone for subnet in subnets if subnet.tier == "public"]
    private = [subnet.zone for subnet in subnets if subnet.tier == "private"]
    if not public:
        raise ResourceError(f"nat is {mode}, but there is no public subnet to put a NAT gateway into")
    if mode == "per_az":
        missing = [zone for zone in private if zone not in public]
        if missing:
            raise ResourceError(f"nat is per_az, but {', '.join(missing)} has no public subnet for its NAT gateway")
        return tuple(private)
    # A NAT gateway that runs keeps its place: moving it would change the address that others may have allowed.
    zone_of = {item["id"]: item["zone"] for item in network.subnets}
    running = {zone_of.get(nat["subnet_id"]) for nat in network.nats if nat["usable"]}
    return (next((zone for zone in public if zone in running), public[0]),)
