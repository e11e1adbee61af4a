"""Subnet groups, zones and security groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.rds.models import DBInstance, DBSubnetGroup, RDSBackend

from bahnvision_lab.aws.refusals import AwsError


def ec2_of(backend: RDSBackend) -> EC2Backend:
    return ec2_backends[backend.account_id][backend.region_name]


def find_subnet_group(backend: RDSBackend, name: str) -> DBSubnetGroup:
    group = backend.subnet_groups.get(name)
    if group is None:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")
    return group


def subnet_group_of(database: DBInstance) -> DBSubnetGroup | None:
    return getattr(database, "db_subnet_group", None)  # moto's property db_subnet_group_name can only be written


def check_subnets(backend: RDSBackend, subnet_ids: list[str]) -> None:
    """A group covers two zones at least, all in one VPC."""
    ec2 = ec2_of(backend)
    subnets, unknown = [], []
    for subnet_id in subnet_ids:
        try:
            subnets.append(ec2.get_subnet(subnet_id))
        except InvalidSubnetIdError:
            unknown.append(subnet_id)
    if unknown:
        raise AwsError("InvalidParameterValue", f"Some input subnets in :[{', '.join(unknown)}] are invalid.")
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise AwsError("InvalidSubnet", "The DB subnet group must consist of subnets of the same VPC.")
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < 2:
        raise AwsError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.",
        )


def zones_of(group: DBSubnetGroup) -> list[str]:
    return sorted({subnet.availability_zone for subnet in group._subnets})


def zones_of_region(backend: RDSBackend) -> list[str]:
    return sorted(zone.name for zone in ec2_of(backend).describe_availability_zones())


def check_unused(backend: RDSBackend, name: str) -> None:
    for database in backend.databases.values():
        group = subnet_group_of(database)
        if group is not None and group.name == name.lower():
            raise AwsError(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database instance: "
                f"{database.db_instance_identifier} is still using it.",
            )


def check_security_groups(backend: RDSBackend, group_ids: Iterable[str], vpc_id: str) -> None:
    ec2 = ec2_of(backend)
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise AwsError("InvalidParameterValue", f"Invalid security group , groupId= {group_id}, groupName=.")
        if group.vpc_id != vpc_id:
            raise AwsError(
                "InvalidParameterCombination",
                "The DB instance and EC2 security group are in different VPCs. "
                f"The DB instance is in {vpc_id} and the EC2 security group is in {group.vpc_id}",
            )


def prepare_network(params: dict[str, Any], backend: RDSBackend) -> None:
    """Check where a new instance is to live, and fill in what AWS would choose."""
    ec2 = ec2_of(backend)
    name = params.get("DBSubnetGroupName")
    if name is not None:
        group = find_subnet_group(backend, name)
        vpc_id, zones = group.vpc_id, zones_of(group)
    elif ec2.default_vpc is not None:
        vpc_id = ec2.default_vpc.id
        zones = zones_of_region(backend)
    else:
        raise AwsError(
            "InvalidSubnet",
            "No default subnet detected in VPC. Please contact AWS Support to recreate default Subnets.",
        )
    if not params.get("VpcSecurityGroupIds"):
        params["VpcSecurityGroupIds"] = [ec2.get_default_security_group(vpc_id).id]
    check_security_groups(backend, params["VpcSecurityGroupIds"], vpc_id)
    _choose_zone(params, zones)


def _choose_zone(params: dict[str, Any], zones: list[str]) -> None:
    zone = params.get("AvailabilityZone")
    if zone is not None and params.get("MultiAZ"):
        message = "Requesting a specific availability zone is not valid for Multi-AZ instances."
        raise AwsError("InvalidParameterCombination", message)
    if zone is not None and zone not in zones:
        message = f"The requested zone {zone} is not among those of the DB subnet group: {', '.join(zones)}."
        raise AwsError("InvalidVPCNetworkStateFault", message)
    params["AvailabilityZone"] = zone or zones[0]


def second_zone(zones: list[str], first: str) -> str:
    return next(zone for zone in zones if zone != first)
