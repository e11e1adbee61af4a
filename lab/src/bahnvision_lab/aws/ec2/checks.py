"""What EC2 refuses and moto accepts, for networks."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroup
from moto.rds.models import rds_backends

from bahnvision_lab.aws.elasticache import usage as caches
from bahnvision_lab.aws.rds.network import subnet_group_of
from bahnvision_lab.aws.refusals import AwsError

VPC_ATTRIBUTES = ("EnableDnsHostnames", "EnableDnsSupport", "EnableNetworkAddressUsageMetrics")


def canonical(cidr: str | None) -> str | None:
    """AWS takes 10.0.0.5/16 and makes 10.0.0.0/16 of it. What is no CIDR at all is left for moto to refuse."""
    try:
        return str(ipaddress.ip_network(cidr, strict=False)) if cidr and "/" in cidr else cidr
    except ValueError:
        return cidr


def check_subnet_size(cidr: str | None) -> None:
    try:
        length = ipaddress.ip_network(cidr or "").prefixlen
    except ValueError:
        return
    if not 16 <= length <= 28:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")


def check_one_attribute(params: dict[str, Any]) -> None:
    given = [name[0].lower() + name[1:] for name in VPC_ATTRIBUTES if params.get(name) is not None]
    if len(given) > 1:
        message = f"Fields for multiple attribute types specified: {', '.join(given)}"
        raise AwsError("InvalidParameterCombination", message)


def check_subnet_unused(backend: EC2Backend, subnet_id: str) -> None:
    """A database or a cache node has its network interface in the subnet; moto does not know of it."""
    if subnet_id in caches.subnets_in_use(backend.account_id, backend.region_name):
        raise AwsError("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    zone = backend.get_subnet(subnet_id).availability_zone
    for database in rds_backends[backend.account_id][backend.region_name].databases.values():
        group = subnet_group_of(database)
        zones = {database.availability_zone, getattr(database, "secondary_availability_zone", None)}
        if group and zone in zones and subnet_id in {entry.id for entry in group._subnets}:
            message = f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
            raise AwsError("DependencyViolation", message)


def check_security_group_unused(backend: EC2Backend, group: SecurityGroup | None) -> None:
    if group is None:
        return  # moto says that it does not exist
    if group.name == "default":
        message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        raise AwsError("CannotDelete", message)
    databases = rds_backends[backend.account_id][backend.region_name].databases.values()
    used = any(group.id in database.vpc_security_group_ids for database in databases)
    used = used or group.id in caches.security_groups_in_use(backend.account_id, backend.region_name)
    interfaces = [interface for interface in backend.enis.values() if group in interface.group_set]
    if used or interfaces or group.id in _referenced(backend, group):
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")


def _referenced(backend: EC2Backend, target: SecurityGroup) -> set[str]:
    """The ids of the groups that rules of other groups name."""
    found = set()
    for groups in list(backend.groups.values()):
        for group in list(groups.values()):
            if group.id != target.id:
                rules = [*group.ingress_rules, *group.egress_rules]
                found |= {rule.source_group["GroupId"] for rule in rules if rule.source_group}
    return found


def check_address_unused(backend: EC2Backend, allocation_id: str | None) -> None:
    for address in backend.addresses:
        if allocation_id and address.allocation_id == allocation_id and address.association_id:
            message = f"Address with allocation id [{allocation_id}] cannot be released because it is in use."
            raise AwsError("InvalidIPAddress.InUse", message)


def check_no_public_addresses(backend: EC2Backend, vpc_id: str) -> None:
    """An internet gateway stays as long as somebody in its VPC has a public address."""
    for gateway in backend.nat_gateways.values():
        if (
            gateway.vpc_id == vpc_id
            and gateway.connectivity_type != "private"
            and gateway.state in ("pending", "available")
        ):
            raise AwsError(
                "DependencyViolation",
                f"Network {vpc_id} has some mapped public address(es). "
                "Please unmap those public address(es) before detaching the gateway.",
            )


def check_gateway_attachment(backend: EC2Backend, params: dict[str, Any]) -> None:
    """A VPC has one internet gateway."""
    vpc_id = params["VpcId"]
    for gateway in backend.internet_gateways.values():
        if gateway.vpc and gateway.vpc.id == vpc_id and gateway.id != params["InternetGatewayId"]:
            message = f"Network {vpc_id} already has an internet gateway attached"
            raise AwsError("InvalidParameterValue", message)


def check_vpc_empty(backend: EC2Backend, vpc_id: str) -> None:
    """AWS deletes a VPC with its default group, table and ACL, and with nothing else in it."""
    inside = [gateway.id for gateway in backend.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
    inside += [item.id for item in backend.egress_only_internet_gateways.values() if item.vpc_id == vpc_id]
    inside += [item.id for item in backend.vpc_end_points.values() if item.vpc_id == vpc_id and item.state != "deleted"]
    inside += [item.id for item in backend.enis.values() if item.subnet.vpc_id == vpc_id]
    inside += [group.id for group in backend.groups[vpc_id].values() if group.name != "default"]
    if inside:
        message = f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
        raise AwsError("DependencyViolation", message)
