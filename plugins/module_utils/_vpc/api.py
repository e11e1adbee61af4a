# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of EC2 that make a network: one per function, each says what it could not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_list
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import INTERNET

# EC2 is eventually consistent: what one call made, the next may not find for some seconds.
EVENTUAL = (
    "InvalidAllocationID.NotFound",
    "InvalidGatewayID.NotFound",
    "InvalidInternetGatewayID.NotFound",
    "InvalidNatGatewayID.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcID.NotFound",
    "NatGatewayNotFound",
)
# What uses an object goes some seconds after its deletion has been confirmed.
STILL_USED = ("DependencyViolation", "InvalidIPAddress.InUse", "AuthFailure")


def tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]


def _specification(resource: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": resource, "Tags": tags_to_list(tags)}]


def _one(ec2: Any, operation: str, key: str, tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the object that carries all these tags: what a creation made whose answer was lost."""
    found = pages(ec2, operation, key, "look for what was just made", Filters=tag_filters(tags))
    return found[0] if found else None


def create_vpc(ec2: Any, name: str, cidr: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_vpc", f"create VPC {name}", CidrBlock=cidr, TagSpecifications=_specification("vpc", tags),
        found=lambda: (made := _one(ec2, "describe_vpcs", "Vpcs", tags)) and {"Vpc": made},
    )  # fmt: skip
    return answer["Vpc"]["VpcId"]


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
        TagSpecifications=_specification("internet-gateway", tags),
        found=lambda: (
            (made := _one(ec2, "describe_internet_gateways", "InternetGateways", tags)) and {"InternetGateway": made}
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
        VpcId=vpc_id, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=_specification("subnet", tags),
        found=lambda: (made := _one(ec2, "describe_subnets", "Subnets", tags)) and {"Subnet": made},
    )  # fmt: skip
    return answer["Subnet"]["SubnetId"]


def create_table(ec2: Any, name: str, vpc_id: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_route_table", f"create route table {name}", eventual=EVENTUAL,
        VpcId=vpc_id, TagSpecifications=_specification("route-table", tags),
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


def set_default_route(ec2: Any, name: str, table_id: str, target: Mapping[str, Any], replace: bool) -> None:
    operation = "replace_route" if replace else "create_route"
    call(
        ec2, operation, f"route {INTERNET} of route table {name} to {next(iter(target.values()))}", eventual=EVENTUAL,
        repeatable=True, RouteTableId=table_id, DestinationCidrBlock=INTERNET, **target,
    )  # fmt: skip


def delete_default_route(ec2: Any, name: str, table_id: str) -> None:
    call(
        ec2, "delete_route", f"delete the default route of route table {name}", missing=("InvalidRoute.NotFound",),
        RouteTableId=table_id, DestinationCidrBlock=INTERNET,
    )  # fmt: skip


def allocate_address(ec2: Any, name: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "allocate_address", f"allocate elastic IP {name}", Domain="vpc",
        TagSpecifications=_specification("elastic-ip", tags),
        found=lambda: _one(ec2, "describe_addresses", "Addresses", tags),
    )  # fmt: skip
    return answer["AllocationId"]


def create_nat(ec2: Any, name: str, subnet_id: str, allocation_id: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_nat_gateway", f"create NAT gateway {name}", eventual=EVENTUAL, SubnetId=subnet_id,
        AllocationId=allocation_id, TagSpecifications=_specification("natgateway", tags),
    )  # fmt: skip
    return answer["NatGateway"]["NatGatewayId"]


def create_s3_endpoint(
    ec2: Any, name: str, vpc_id: str, service: str, table_ids: list[str], tags: Mapping[str, str]
) -> str:
    answer = call(
        ec2, "create_vpc_endpoint", f"create S3 endpoint {name}", eventual=EVENTUAL, VpcEndpointType="Gateway",
        VpcId=vpc_id, ServiceName=service, RouteTableIds=table_ids,
        TagSpecifications=_specification("vpc-endpoint", tags),
    )  # fmt: skip
    return answer["VpcEndpoint"]["VpcEndpointId"]


def change_endpoint_tables(ec2: Any, name: str, endpoint_id: str, add: list[str], remove: list[str]) -> None:
    lists: dict[str, Any] = {
        key: value for key, value in (("AddRouteTableIds", add), ("RemoveRouteTableIds", remove)) if value
    }
    call(
        ec2, "modify_vpc_endpoint", f"change the route tables of S3 endpoint {name}", eventual=EVENTUAL,
        VpcEndpointId=endpoint_id, **lists,
    )  # fmt: skip


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


def delete_endpoint(ec2: Any, name: str, endpoint_id: str) -> list[dict[str, Any]]:
    """Return what AWS could not do: this call answers with success even so."""
    answer = call(ec2, "delete_vpc_endpoints", f"delete S3 endpoint {name}", VpcEndpointIds=[endpoint_id])
    failures = (answer or {}).get("Unsuccessful", [])
    return [item for item in failures if item["Error"]["Code"] != "InvalidVpcEndpointId.NotFound"]


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
