# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the network of one app and stage, in few calls, into our own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.api import tag_filters
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import INTERNET, Network

TARGETS = (
    "GatewayId", "NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "VpcPeeringConnectionId", "CarrierGatewayId",
    "LocalGatewayId", "CoreNetworkArn",
)  # fmt: skip


def read_network(ec2: Any, name: str, identity: Mapping[str, str], cidr: str | None) -> Network:
    """Return everything of ours, and what of others lies in our VPC."""
    vpcs = pages(ec2, "describe_vpcs", "Vpcs", "list the VPCs of the region")
    vpc, notes = find_vpc([_item(entry, "VpcId", identity) for entry in vpcs], vpcs, name, cidr)
    nats = [
        _nat(entry, identity) for entry in pages(
            ec2, "describe_nat_gateways", "NatGateways", "list NAT gateways", Filter=tag_filters(identity)
        )
    ]  # fmt: skip
    addresses = pages(ec2, "describe_addresses", "Addresses", "list elastic IPs", Filters=tag_filters(identity))
    gateways = [
        {**_item(entry, "InternetGatewayId", identity), "vpc_id": _attached_to(entry)}
        for entry in pages(ec2, "describe_internet_gateways", "InternetGateways", "list internet gateways")
    ]
    inside = _read_inside(ec2, vpc["id"], identity) if vpc else {}
    return Network(
        vpc={**vpc, **_dns(ec2, vpc["id"])} if vpc else None,
        nats=tuple(nats),
        addresses=tuple(
            {**_item(entry, "AllocationId", identity), "public_ip": entry.get("PublicIp", "")} for entry in addresses
        ),
        gateways=tuple(item for item in gateways if item["ours"] or (vpc and item["vpc_id"] == vpc["id"])),
        notes=tuple(notes),
        **inside,
    )


def find_vpc(
    items: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]], name: str, cidr: str | None
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Return our VPC, or None; refuse two of ours, and a stranger that has our name."""
    items = [{**item, "cidr": entry["CidrBlock"]} for item, entry in zip(items, entries, strict=True)]
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


def foreign_interfaces(
    ec2: Any, vpc_id: str, subnet_ids: Sequence[str], nats: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Describe the network interfaces in the subnets, but for those of our NAT gateways."""
    own = {interface for nat in nats for interface in nat["interface_ids"]}
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


def security_groups(ec2: Any, vpc_id: str) -> list[str]:
    """Return the security groups in the VPC that AWS does not delete with it."""
    found = pages(
        ec2, "describe_security_groups", "SecurityGroups", f"list the security groups of {vpc_id}",
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}],
    )  # fmt: skip
    return [
        f"security group {item['GroupName']} ({item['GroupId']})" for item in found if item["GroupName"] != "default"
    ]


def nat_states(ec2: Any, nat_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return {id: (state, failure message)}; a gateway that AWS has forgotten counts as deleted."""
    found = pages(
        ec2, "describe_nat_gateways", "NatGateways", "read the state of NAT gateways",
        Filter=[{"Name": "nat-gateway-id", "Values": list(nat_ids)}],
    )  # fmt: skip
    states = {item["NatGatewayId"]: (item["State"], item.get("FailureMessage", "")) for item in found}
    return {nat_id: states.get(nat_id, ("deleted", "")) for nat_id in nat_ids}


def _item(entry: Mapping[str, Any], key: str, identity: Mapping[str, str]) -> dict[str, Any]:
    tags = tags_to_dict(entry.get("Tags"))
    return {
        "id": entry[key],
        "name": tags.get("Name", ""),
        "tags": {name: value for name, value in tags.items() if not name.startswith("aws:")},
        "ours": identity.items() <= tags.items(),
    }


def _nat(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    addresses = entry.get("NatGatewayAddresses", [])
    return {
        **_item(entry, "NatGatewayId", identity),
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
    endpoints = pages(ec2, "describe_vpc_endpoints", "VpcEndpoints", f"list the endpoints of {vpc_id}", Filters=within)
    return {
        "subnets": tuple(
            {**_item(entry, "SubnetId", identity), "cidr": entry["CidrBlock"], "zone": entry["AvailabilityZone"]}
            for entry in subnets
        ),
        "tables": tuple(_table(entry, identity) for entry in tables),
        "endpoints": tuple(
            {**_item(entry, "VpcEndpointId", identity), "route_table_ids": entry.get("RouteTableIds", [])}
            for entry in endpoints
            if entry.get("State", "").lower() not in ("deleting", "deleted")
        ),
    }


def _table(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    links = [
        link
        for link in entry.get("Associations", [])
        if link.get("AssociationState", {}).get("State") != "disassociated"
    ]
    default = next((route for route in entry.get("Routes", []) if route.get("DestinationCidrBlock") == INTERNET), None)
    target = next((default[key] for key in TARGETS if default.get(key)), "") if default else ""
    return {
        **_item(entry, "RouteTableId", identity),
        "main": any(link.get("Main") for link in links),
        "associations": [
            {"id": link["RouteTableAssociationId"], "subnet_id": link.get("SubnetId", "")} for link in links
        ],
        "default_route": {"target": target, "state": default.get("State", "active")} if default else None,
    }


def _dns(ec2: Any, vpc_id: str) -> dict[str, bool]:
    values = {}
    for key, attribute in (("dns_support", "enableDnsSupport"), ("dns_hostnames", "enableDnsHostnames")):
        answer = call(
            ec2, "describe_vpc_attribute", f"read {attribute} of {vpc_id}", VpcId=vpc_id, Attribute=attribute
        )  # fmt: skip
        values[key] = bool((answer or {}).get(attribute[0].upper() + attribute[1:], {}).get("Value"))
    return values
