"""Cache subnet groups, and the networks of EC2 that they stand on."""

from __future__ import annotations

from collections.abc import Iterable

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import EC2Backend, ec2_backends

from bahnvision_lab.aws.elasticache.books import Books, Group, SubnetGroup
from bahnvision_lab.aws.elasticache.names import identifier, invalid, text
from bahnvision_lab.aws.refusals import AwsError


def ec2_of(books: Books) -> EC2Backend:
    return ec2_backends[books.account][books.region]


def find(books: Books, name: str) -> SubnetGroup:
    group = books.subnet_groups.get(name.lower())
    if group is None and name.lower() == "default":
        group = _default(books)
    if group is None:
        raise AwsError("CacheSubnetGroupNotFoundFault", f"Cache Subnet Group {name} does not exist.")
    return group


def _default(books: Books) -> SubnetGroup | None:
    """An account that has its default VPC has this group too."""
    ec2 = ec2_of(books)
    if ec2.default_vpc is None:
        return None
    subnets = [(subnet.id, subnet.availability_zone) for subnet in ec2.describe_subnets()
               if subnet.vpc_id == ec2.default_vpc.id]  # fmt: skip
    books.subnet_groups["default"] = SubnetGroup("default", "Default CacheSubnetGroup", ec2.default_vpc.id, subnets)
    return books.subnet_groups["default"]


def create(books: Books, name: str, description: str, subnet_ids: list[str]) -> SubnetGroup:
    name = identifier("CacheSubnetGroupName", name, 255)
    text("CacheSubnetGroupDescription", description)
    if name in books.subnet_groups or name == "default":
        raise AwsError("CacheSubnetGroupAlreadyExists", f"Cache Subnet Group {name} already exists.")
    vpc, subnets = _look_up(books, subnet_ids)
    books.subnet_groups[name] = SubnetGroup(name, description, vpc, subnets)
    return books.subnet_groups[name]


def modify(books: Books, group: SubnetGroup, description: str | None, subnet_ids: list[str] | None) -> None:
    if subnet_ids:
        vpc, subnets = _look_up(books, subnet_ids)
        if vpc != group.vpc:
            message = f"The subnets are not in the VPC {group.vpc} of the cache subnet group {group.name}."
            raise AwsError("InvalidSubnet", message)
        left = {zone for _subnet, zone in subnets}
        for used in users_of(books, group.name):
            for member in used.members:
                if member.zone not in left:
                    raise AwsError("SubnetInUse", f"A subnet in zone {member.zone} is in use by {member.identifier}.")
        group.subnets = subnets
    if description is not None:
        group.description = text("CacheSubnetGroupDescription", description)


def delete(books: Books, name: str) -> None:
    group = find(books, name)
    if name.lower() == "default":
        raise invalid("The default cache subnet group cannot be deleted.")
    used = users_of(books, group.name)
    if used:
        raise AwsError(
            "CacheSubnetGroupInUse",
            f"Cache subnet group {group.name} is currently in use by a cache cluster: "
            f"{', '.join(entry.identifier for entry in used)}.",
        )
    del books.subnet_groups[group.name]


def users_of(books: Books, name: str) -> list[Group]:
    return books.groups_where(lambda group: group.subnet_group == name)


def _look_up(books: Books, subnet_ids: list[str]) -> tuple[str, list[tuple[str, str]]]:
    ec2, found, unknown = ec2_of(books), [], []
    for subnet_id in dict.fromkeys(subnet_ids):
        try:
            found.append(ec2.get_subnet(subnet_id))
        except InvalidSubnetIdError:
            unknown.append(subnet_id)
    if unknown or not found:
        raise AwsError("InvalidSubnet", f"Some input subnets in :[{', '.join(unknown)}] are invalid.")
    vpcs = {subnet.vpc_id for subnet in found}
    if len(vpcs) > 1:
        raise AwsError("InvalidSubnet", "The cache subnet group must consist of subnets of the same VPC.")
    return vpcs.pop(), [(subnet.id, subnet.availability_zone) for subnet in found]


def check_security_groups(books: Books, group_ids: Iterable[str], vpc: str) -> None:
    ec2 = ec2_of(books)
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise invalid(f"Invalid security group provided: {group_id}")
        if group.vpc_id != vpc:
            raise invalid(
                f"Security group {group_id} is in VPC {group.vpc_id}, the cache subnet group is in VPC {vpc}: they "
                "must be in the same VPC."
            )


def default_security_group(books: Books, vpc: str) -> str:
    return ec2_of(books).get_default_security_group(vpc).id
