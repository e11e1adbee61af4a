# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for further ranges, and for IPv6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.api import EVENTUAL, STILL_USED, one, specification


def associate_range(ec2: Any, name: str, vpc_id: str, cidr: str) -> None:
    """Add a range to the VPC; without one, a /56 of IPv6 that Amazon chooses."""
    what = f"give VPC {name} the range {cidr or 'of IPv6'}"
    params: dict[str, Any] = {"CidrBlock": cidr} if cidr else {"AmazonProvidedIpv6CidrBlock": True}
    call(ec2, "associate_vpc_cidr_block", what, eventual=EVENTUAL, VpcId=vpc_id, **params)


def disassociate_range(ec2: Any, name: str, cidr: str, association_id: str) -> None:
    call(
        ec2, "disassociate_vpc_cidr_block", f"take the range {cidr} from VPC {name}",
        eventual=(*STILL_USED, "InvalidCidrBlock.InUse"),
        missing=("InvalidVpcCidrBlockAssociationID.NotFound", "InvalidVpcCidrBlockAssociationIdError.NotFound"),
        AssociationId=association_id,
    )  # fmt: skip


def number_subnet(ec2: Any, name: str, subnet_id: str, cidr: str) -> None:
    call(
        ec2, "associate_subnet_cidr_block", f"give subnet {name} the range {cidr}", eventual=EVENTUAL,
        SubnetId=subnet_id, Ipv6CidrBlock=cidr,
    )  # fmt: skip


def assign_ipv6(ec2: Any, name: str, subnet_id: str, value: bool) -> None:
    call(
        ec2, "modify_subnet_attribute", f"set whether subnet {name} gives addresses of IPv6", eventual=EVENTUAL,
        SubnetId=subnet_id, AssignIpv6AddressOnCreation={"Value": value},
    )  # fmt: skip


def create_egress_gateway(ec2: Any, name: str, vpc_id: str, tags: Mapping[str, str]) -> str:
    def found() -> dict[str, Any] | None:
        made = one(ec2, "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways", tags)
        return {"EgressOnlyInternetGateway": made} if made else None

    answer = call(
        ec2, "create_egress_only_internet_gateway", f"create egress-only gateway {name}", eventual=EVENTUAL,
        VpcId=vpc_id, TagSpecifications=specification("egress-only-internet-gateway", tags), found=found,
    )  # fmt: skip
    return answer["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]


def delete_egress_gateway(ec2: Any, name: str, gateway_id: str) -> None:
    call(
        ec2, "delete_egress_only_internet_gateway", f"delete egress-only gateway {name}", eventual=STILL_USED,
        missing=("InvalidGatewayID.NotFound", "InvalidEgressOnlyInternetGatewayId.NotFound"),
        EgressOnlyInternetGatewayId=gateway_id,
    )  # fmt: skip
