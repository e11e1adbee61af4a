# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of EC2 that make a network: one per function, each says what it could not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_list

# EC2 is eventually consistent: what one call made, the next may not find for some seconds.
EVENTUAL = (
    "InvalidAllocationID.NotFound",
    "InvalidEgressOnlyInternetGatewayId.NotFound",
    "InvalidGatewayID.NotFound",
    "InvalidGroup.NotFound",
    "InvalidInternetGatewayID.NotFound",
    "InvalidNatGatewayID.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcEndpointId.NotFound",
    "InvalidVpcID.NotFound",
    "NatGatewayNotFound",
)
# What uses an object goes some seconds after its deletion has been confirmed.
STILL_USED = ("DependencyViolation", "InvalidIPAddress.InUse", "AuthFailure")


def tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]


def specification(resource: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": resource, "Tags": tags_to_list(tags)}]


def one(ec2: Any, operation: str, key: str, tags: Mapping[str, str], member: str = "Filters") -> dict[str, Any] | None:
    """Return the object that carries all these tags: what a creation made whose answer was lost."""
    filters: dict[str, Any] = {member: tag_filters(tags)}
    found = pages(ec2, operation, key, "look for what was just made", **filters)
    living = [item for item in found if item.get("State") not in ("deleting", "deleted")]
    return living[0] if living else None


def create_vpc(ec2: Any, name: str, cidr: str, tags: Mapping[str, str]) -> tuple[str, str]:
    """Return its id and the account that owns it."""
    answer = call(
        ec2, "create_vpc", f"create VPC {name}", CidrBlock=cidr, TagSpecifications=specification("vpc", tags),
        found=lambda: (made := one(ec2, "describe_vpcs", "Vpcs", tags)) and {"Vpc": made},
    )  # fmt: skip
    return answer["Vpc"]["VpcId"], answer["Vpc"]["OwnerId"]


def set_dns(ec2: Any, name: str, vpc_id: str, attribute: str, value: bool) -> None:
    name_in_aws = {"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"}[attribute]
    change: dict[str, Any] = {name_in_aws: {"Value": value}}
    call(
        ec2, "modify_vpc_attribute", f"set {attribute} of VPC {name}", eventual=EVENTUAL,
        VpcId=vpc_id, **change,
    )  # fmt: skip


def create_gateway(ec2: Any, name: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_internet_gateway", f"create internet gateway {name}",
        TagSpecifications=specification("internet-gateway", tags),
        found=lambda: (
            (made := one(ec2, "describe_internet_gateways", "InternetGateways", tags)) and {"InternetGateway": made}
        ),
    )  # fmt: skip
    return answer["InternetGateway"]["InternetGatewayId"]


def attach_gateway(ec2: Any, name: str, gateway_id: str, vpc_id: str) -> None:
    # An attachment whose answer was lost is reported as there already when it is repeated.
    call(
        ec2, "attach_internet_gateway", f"attach internet gateway {name} to {vpc_id}", eventual=EVENTUAL,
        missing=("Resource.AlreadyAssociated",), InternetGatewayId=gateway_id, VpcId=vpc_id,
    )  # fmt: skip


def create_subnet(ec2: Any, name: str, vpc_id: str, cidr: str, zone: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_subnet", f"create subnet {name} ({cidr} in {zone})", eventual=EVENTUAL,
        VpcId=vpc_id, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=specification("subnet", tags),
        found=lambda: (made := one(ec2, "describe_subnets", "Subnets", tags)) and {"Subnet": made},
    )  # fmt: skip
    return answer["Subnet"]["SubnetId"]


def create_table(ec2: Any, name: str, vpc_id: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_route_table", f"create route table {name}", eventual=EVENTUAL,
        VpcId=vpc_id, TagSpecifications=specification("route-table", tags),
    )  # fmt: skip
    return answer["RouteTable"]["RouteTableId"]


def associate(ec2: Any, name: str, subnet_id: str, table_id: str, link: str) -> None:
    """Put the subnet under the table; an association it has already is moved, so that it is never without."""
    what = f"associate subnet {name} with route table {table_id}"
    if link:
        call(ec2, "replace_route_table_association", what, eventual=EVENTUAL, AssociationId=link, RouteTableId=table_id)
    else:
        call(
            ec2, "associate_route_table", what, eventual=EVENTUAL, missing=("Resource.AlreadyAssociated",),
            SubnetId=subnet_id, RouteTableId=table_id,
        )  # fmt: skip


def set_route(
    ec2: Any, name: str, table_id: str, destination: str, target: Mapping[str, Any], replace: bool
) -> None:  # fmt: skip
    operation = "replace_route" if replace else "create_route"
    call(
        ec2, operation, f"route {destination} of route table {name} to {next(iter(target.values()))}",
        eventual=EVENTUAL, repeatable=True, RouteTableId=table_id, **_destination(destination), **target,
    )  # fmt: skip


def delete_route(ec2: Any, name: str, table_id: str, destination: str) -> None:
    call(
        ec2, "delete_route", f"delete the route of route table {name} to {destination}",
        missing=("InvalidRoute.NotFound",), RouteTableId=table_id, **_destination(destination),
    )  # fmt: skip


def _destination(destination: str) -> dict[str, Any]:
    return {"DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock": destination}


def allocate_address(ec2: Any, name: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "allocate_address", f"allocate elastic IP {name}", Domain="vpc",
        TagSpecifications=specification("elastic-ip", tags),
        found=lambda: one(ec2, "describe_addresses", "Addresses", tags),
    )  # fmt: skip
    return answer["AllocationId"]


def create_nat(ec2: Any, name: str, subnet_id: str, allocation_id: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_nat_gateway", f"create NAT gateway {name}", eventual=EVENTUAL, SubnetId=subnet_id,
        AllocationId=allocation_id, TagSpecifications=specification("natgateway", tags),
    )  # fmt: skip
    return answer["NatGateway"]["NatGatewayId"]


def set_tags(ec2: Any, name: str, resource_id: str, tags: Mapping[str, str]) -> None:
    call(ec2, "create_tags", f"tag {name}", repeatable=True, Resources=[resource_id], Tags=tags_to_list(tags))


def remove_tags(ec2: Any, name: str, resource_id: str, keys: list[str]) -> None:
    call(ec2, "delete_tags", f"remove tags of {name}", Resources=[resource_id], Tags=[{"Key": key} for key in keys])


def delete_nat(ec2: Any, name: str, nat_id: str) -> None:
    call(ec2, "delete_nat_gateway", f"delete NAT gateway {name}", missing=("NatGatewayNotFound",), NatGatewayId=nat_id)


def release_address(ec2: Any, name: str, allocation_id: str) -> None:
    # AuthFailure is EC2's answer for an address that is still mapped inside AWS.
    call(
        ec2, "release_address", f"release elastic IP {name}", eventual=STILL_USED,
        missing=("InvalidAllocationID.NotFound",), AllocationId=allocation_id,
    )  # fmt: skip


def disassociate(ec2: Any, name: str, link: str) -> None:
    call(
        ec2, "disassociate_route_table", f"disassociate route table {name}",
        missing=("InvalidAssociationID.NotFound",), AssociationId=link,
    )  # fmt: skip


def delete_table(ec2: Any, name: str, table_id: str) -> None:
    call(
        ec2, "delete_route_table", f"delete route table {name}", eventual=STILL_USED,
        missing=("InvalidRouteTableID.NotFound",), RouteTableId=table_id,
    )  # fmt: skip


def detach_gateway(ec2: Any, name: str, gateway_id: str, vpc_id: str) -> None:
    call(
        ec2, "detach_internet_gateway", f"detach internet gateway {name}", eventual=STILL_USED,
        missing=("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"),
        InternetGatewayId=gateway_id, VpcId=vpc_id,
    )  # fmt: skip


def delete_gateway(ec2: Any, name: str, gateway_id: str) -> None:
    call(
        ec2, "delete_internet_gateway", f"delete internet gateway {name}", eventual=STILL_USED,
        missing=("InvalidInternetGatewayID.NotFound",), InternetGatewayId=gateway_id,
    )  # fmt: skip


def delete_subnet(ec2: Any, name: str, subnet_id: str) -> None:
    call(
        ec2, "delete_subnet", f"delete subnet {name}", eventual=STILL_USED, missing=("InvalidSubnetID.NotFound",),
        SubnetId=subnet_id,
    )  # fmt: skip


def delete_vpc(ec2: Any, name: str, vpc_id: str) -> None:
    call(ec2, "delete_vpc", f"delete VPC {name}", eventual=STILL_USED, missing=("InvalidVpcID.NotFound",), VpcId=vpc_id)
