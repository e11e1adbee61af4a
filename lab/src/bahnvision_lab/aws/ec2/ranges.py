"""Ranges of VPCs and subnets: what EC2 refuses and moto accepts."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC

from bahnvision_lab.aws.refusals import AwsError

_BLOCK_10, _BLOCK_172, _BLOCK_192 = (
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)  # fmt: skip
# What AWS restricts beside a first range of the block on the left (VPC user guide, VPC CIDR blocks).
_RESTRICTED = {
    _BLOCK_10: (_BLOCK_172, _BLOCK_192),
    _BLOCK_172: (_BLOCK_10, _BLOCK_192),
    _BLOCK_192: (_BLOCK_10, _BLOCK_172),
}
_ALWAYS = tuple(
    ipaddress.ip_network(text) for text in ("198.19.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")
)  # fmt: skip
_FURTHER = {
    ipaddress.ip_network("10.0.0.0/15"): ipaddress.ip_network("10.0.0.0/16"),
    _BLOCK_172: ipaddress.ip_network("172.31.0.0/16"),
}


def check_vpc_range(vpc: VPC, text: str) -> None:
    """Refuse what cannot be a further range of the VPC."""
    cidr = ipaddress.ip_network(text)
    if not 16 <= cidr.prefixlen <= 28:
        raise AwsError("InvalidVpc.Range", f"The CIDR '{text}' is invalid.")
    for held in living(vpc, ipv6=False):
        if cidr.overlaps(ipaddress.ip_network(held)):
            message = f"The CIDR '{text}' overlaps with pre-existing CIDR block '{held}' from this vpc."
            raise AwsError("InvalidVpc.Range", message)
    first: Any = ipaddress.ip_network(vpc.cidr_block)
    home: Any = next((block for block in _RESTRICTED if first.subnet_of(block)), None)
    restricted: list[Any] = [*_ALWAYS, *_RESTRICTED.get(home, (_BLOCK_10, _BLOCK_172, _BLOCK_192))]
    restricted += [block for block_of, block in _FURTHER.items() if first.subnet_of(block_of)]
    if any(cidr.overlaps(block) for block in restricted):
        raise AwsError(
            "InvalidVpc.Range", f"The CIDR '{text}' is restricted for the CIDR '{vpc.cidr_block}' of this vpc."
        )


def check_unused(backend: EC2Backend, association_id: str) -> None:
    """A range that subnets lie in stays."""
    for vpc in backend.vpcs.values():
        entry = vpc._cidr_block_association_set.get(association_id)
        if entry is None:
            continue
        cidr = entry["cidr_block"]
        for subnet in backend.describe_subnets(filters={"vpc-id": [vpc.id]}):
            inside = [subnet.cidr_block, *(item["ipv6CidrBlock"] for item in subnet.ipv6_cidr_block_association_set)]
            if any(_is_inside(text, cidr) for text in inside):
                message = f"The vpc currently has a subnet within CIDR block {cidr}"
                raise AwsError("InvalidCidrBlock.InUse", message)


def check_subnet_ipv6(backend: EC2Backend, subnet: Subnet, text: str) -> None:
    """A subnet has one /64 of its VPC's range that no other subnet has."""
    cidr = ipaddress.ip_network(text)
    ranges = living(backend.get_vpc(subnet.vpc_id), ipv6=True)
    if cidr.prefixlen != 64 or not any(_is_inside(text, held) for held in ranges):
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{text}' is invalid.")
    if subnet.ipv6_cidr_block_association_set:
        message = f"The subnet {subnet.id} has met its maximum number of allowed CIDRs: 1"
        raise AwsError("SubnetCidrLimitExceeded", message)
    for other in backend.describe_subnets(filters={"vpc-id": [subnet.vpc_id]}):
        if text in [item["ipv6CidrBlock"] for item in other.ipv6_cidr_block_association_set]:
            raise AwsError("InvalidSubnet.Conflict", f"The CIDR '{text}' conflicts with another subnet")


def check_assign_ipv6(subnet: Subnet) -> None:
    if not subnet.ipv6_cidr_block_association_set:
        message = (
            "Invalid value 'true' for assignIpv6AddressOnCreation. The subnet must have an IPv6 CIDR block "
            "associated with it."
        )
        raise AwsError("InvalidParameterValue", message)


def living(vpc: VPC, ipv6: bool) -> list[str]:
    entries = vpc.get_cidr_block_association_set(ipv6=ipv6)
    return [entry["cidr_block"] for entry in entries if entry["cidr_block_state"]["state"] != "disassociated"]


def told_ipv6(subnet: Subnet) -> list[dict[str, Any]]:
    """What a subnet tells of its IPv6; moto's own words do not fit EC2's model."""
    return [
        {
            "associationId": entry["associationId"],
            "ipv6CidrBlock": entry["ipv6CidrBlock"],
            "ipv6CidrBlockState": {"state": entry["ipv6CidrBlockState"]["State"]},
        }
        for entry in subnet.ipv6_cidr_block_associations.values()
        if entry["ipv6CidrBlockState"]["State"] == "associated"
    ]


def _is_inside(text: str, outer: str) -> bool:
    inner, around = ipaddress.ip_network(text), ipaddress.ip_network(outer)
    return inner.version == around.version and inner.subnet_of(around)  # type: ignore[arg-type]
