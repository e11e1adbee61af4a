# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the network of one app and stage, in few calls, into our own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.api import tag_filters
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.items import item_of
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import INTERNET, INTERNET6, Network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_endpoints import read_endpoints
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_groups import read_groups

TARGETS = (
    "GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId", "TransitGatewayId", "NetworkInterfaceId",
    "VpcPeeringConnectionId", "CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn",
)  # fmt: skip


def read_network(ec2: Any, name: str, identity: Mapping[str, str], params: Mapping[str, Any]) -> Network:
    """Return everything of ours, and what of others lies in our VPC."""
    vpcs = pages(ec2, "describe_vpcs", "Vpcs", "list the VPCs of the region")
    vpc, notes = find_vpc([_vpc(entry, identity) for entry in vpcs], name, params["cidr"])
    nats = [
        _nat(entry, identity) for entry in pages(
            ec2, "describe_nat_gateways", "NatGateways", "list NAT gateways", Filter=tag_filters(identity)
        )
    ]  # fmt: skip
    addresses = pages(ec2, "describe_addresses", "Addresses", "list elastic IPs", Filters=tag_filters(identity))
    gateways = [
        {**item_of(entry, "InternetGatewayId", identity), "vpc_id": _attached_to(entry)}
        for entry in pages(ec2, "describe_internet_gateways", "InternetGateways", "list internet gateways")
    ]
    inside = _read_inside(ec2, vpc["id"], identity) if vpc else {}
    # Without IPv6 there is none: one read less. A gateway of ours goes before the VPC that it belongs to.
    if vpc and (vpc["ipv6"] or params["ipv6"] or params["state"] == "absent"):
        inside["egress_gateways"] = read_egress_gateways(ec2, vpc["id"], identity)
    return Network(
        vpc={**vpc, **_dns(ec2, vpc["id"])} if vpc else None,
        nats=tuple(nats),
        addresses=tuple(
            {**item_of(entry, "AllocationId", identity), "public_ip": entry.get("PublicIp", "")} for entry in addresses
        ),
        gateways=tuple(item for item in gateways if item["ours"] or (vpc and item["vpc_id"] == vpc["id"])),
        notes=tuple(notes),
        **inside,
    )


def find_vpc(
    items: Sequence[Mapping[str, Any]], name: str, cidr: str | None
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Return our VPC, or None; refuse two of ours, and a stranger that has our name."""
    ours = [item for item in items if item["ours"]]
    if len(ours) > 1:
        raise ResourceError(
            f"several VPCs carry the tags of {name}: {', '.join(item['id'] for item in ours)}; "
            "remove the tags of the one that is not meant, or the VPC itself"
        )
    for item in items:
        if item["name"] == name and not item["ours"]:
            raise ResourceError(
                f"VPC {item['id']} ({item['cidr']}) is called {name}, but does not carry our tags "
                f"(its tags: {item['tags']}); it belongs to somebody else: choose another app, stage or name"
            )
    notes = [
        f"VPC {item['id']} {item['name']} has the same range {cidr}: the two can never be connected"
        for item in items
        if item["cidr"] == cidr and not item["ours"]
    ]
    return (ours[0] if ours else None), notes


def offered_zones(ec2: Any) -> dict[str, str]:
    """Return {zone: its id} of the availability zones (no local zones) that take new subnets."""
    answer = call(ec2, "describe_availability_zones", "list the zones of the region")
    return {
        zone["ZoneName"]: zone.get("ZoneId", "")
        for zone in (answer or {})["AvailabilityZones"]
        if zone.get("State") == "available" and zone.get("ZoneType", "availability-zone") == "availability-zone"
    }


def foreign_interfaces(ec2: Any, network: Network, subnet_ids: Sequence[str]) -> list[str]:
    """Describe the network interfaces in the subnets, but for those of our NAT gateways and endpoints."""
    vpc_id = (network.vpc or {})["id"]
    own = network.own_interfaces()
    found = pages(
        ec2, "describe_network_interfaces", "NetworkInterfaces", f"list the network interfaces of {vpc_id}",
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}],
    )  # fmt: skip
    return [
        f"{item['NetworkInterfaceId']} ({item.get('Description') or 'no description'}, {item['Status']}, "
        f"{item['SubnetId']})"
        for item in found
        if item["SubnetId"] in subnet_ids and item["NetworkInterfaceId"] not in own
    ]


def read_egress_gateways(ec2: Any, vpc_id: str, identity: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    found = pages(
        ec2, "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways", "list egress-only gateways"
    )  # fmt: skip
    return tuple(
        item_of(entry, "EgressOnlyInternetGatewayId", identity) for entry in found if _attached_to(entry) == vpc_id
    )


def vpc_ranges(ec2: Any, vpc_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return {IPv4 range: state} and {IPv6 range: state} of the VPC, to wait for one."""
    answer = call(ec2, "describe_vpcs", f"read the ranges of {vpc_id}", VpcIds=[vpc_id])
    entry = answer["Vpcs"][0]
    return (
        {item["cidr"]: item["state"] for item in _ranges(entry, "")},
        {item["cidr"]: item["state"] for item in _ranges(entry, "Ipv6")},
    )


def nat_states(ec2: Any, nat_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return {id: (state, failure message)}; a gateway that AWS has forgotten counts as deleted."""
    found = pages(
        ec2, "describe_nat_gateways", "NatGateways", "read the state of NAT gateways",
        Filter=[{"Name": "nat-gateway-id", "Values": list(nat_ids)}],
    )  # fmt: skip
    states = {item["NatGatewayId"]: (item["State"], item.get("FailureMessage", "")) for item in found}
    return {nat_id: states.get(nat_id, ("deleted", "")) for nat_id in nat_ids}


def _vpc(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    living = ("associating", "associated")
    ipv6 = [item for item in _ranges(entry, "Ipv6") if item["state"] in living]
    return {
        **item_of(entry, "VpcId", identity),
        "cidr": entry["CidrBlock"],
        "owner": entry.get("OwnerId", ""),
        "ranges": [
            item for item in _ranges(entry, "") if item["state"] in living and item["cidr"] != entry["CidrBlock"]
        ],
        "ipv6": ipv6[0] if ipv6 else None,
    }


def _ranges(entry: Mapping[str, Any], prefix: str) -> list[dict[str, str]]:
    block = f"{prefix}CidrBlock"
    return [
        {"id": item["AssociationId"], "cidr": item.get(block, ""), "state": item[f"{block}State"]["State"]}
        for item in entry.get(f"{block}AssociationSet", [])
    ]


def _nat(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    addresses = entry.get("NatGatewayAddresses", [])
    return {
        **item_of(entry, "NatGatewayId", identity),
        "state": entry["State"],
        "usable": entry["State"] in ("pending", "available"),
        "subnet_id": entry.get("SubnetId", ""),
        "allocation_ids": [item["AllocationId"] for item in addresses if item.get("AllocationId")],
        "interface_ids": [item["NetworkInterfaceId"] for item in addresses if item.get("NetworkInterfaceId")],
    }


def _attached_to(entry: Mapping[str, Any]) -> str:
    return next((item["VpcId"] for item in entry.get("Attachments", []) if item.get("State") != "detached"), "")


def _read_inside(ec2: Any, vpc_id: str, identity: Mapping[str, str]) -> dict[str, Any]:
    within = [{"Name": "vpc-id", "Values": [vpc_id]}]
    subnets = pages(ec2, "describe_subnets", "Subnets", f"list the subnets of {vpc_id}", Filters=within)
    tables = pages(ec2, "describe_route_tables", "RouteTables", f"list the route tables of {vpc_id}", Filters=within)
    endpoints, leaving = read_endpoints(ec2, vpc_id, identity)
    return {
        "subnets": tuple(_subnet(entry, identity) for entry in subnets),
        "tables": tuple(_table(entry, identity) for entry in tables),
        "endpoints": endpoints,
        "leaving": leaving,
        "groups": read_groups(ec2, vpc_id, identity),
    }


def _subnet(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    living = [item["cidr"] for item in _ranges(entry, "Ipv6") if item["state"] in ("associating", "associated")]
    return {
        **item_of(entry, "SubnetId", identity),
        "cidr": entry["CidrBlock"],
        "zone": entry["AvailabilityZone"],
        "ipv6": living[0] if living else "",
        "assign_ipv6": bool(entry.get("AssignIpv6AddressOnCreation")),
    }


def _table(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    links = [
        link
        for link in entry.get("Associations", [])
        if link.get("AssociationState", {}).get("State") != "disassociated"
    ]
    routes = {}
    for route in entry.get("Routes", []):
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        if destination in (INTERNET, INTERNET6):
            target = next((route[key] for key in TARGETS if route.get(key)), "")
            routes[destination] = {"target": target, "state": route.get("State", "active")}
    return {
        **item_of(entry, "RouteTableId", identity),
        "main": any(link.get("Main") for link in links),
        "associations": [
            {"id": link["RouteTableAssociationId"], "subnet_id": link.get("SubnetId", "")} for link in links
        ],
        "routes": routes,
    }


def _dns(ec2: Any, vpc_id: str) -> dict[str, bool]:
    values = {}
    for key, attribute in (("dns_support", "enableDnsSupport"), ("dns_hostnames", "enableDnsHostnames")):
        answer = call(
            ec2, "describe_vpc_attribute", f"read {attribute} of {vpc_id}", VpcId=vpc_id, Attribute=attribute
        )  # fmt: skip
        values[key] = bool((answer or {}).get(attribute[0].upper() + attribute[1:], {}).get("Value"))
    return values
