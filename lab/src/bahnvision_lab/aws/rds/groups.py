"""What RDS refuses about subnet groups and parameter groups."""

from __future__ import annotations

import re
from typing import Any

from moto.rds.models import DBParameterGroup, DBSubnetGroup, RDSBackend

from bahnvision_lab.aws.rds import network
from bahnvision_lab.aws.refusals import AwsError


def check_new_subnet_group(params: dict[str, Any], backend: RDSBackend) -> None:
    name = params["DBSubnetGroupName"]
    if not re.fullmatch(r"[A-Za-z0-9._ -]{1,255}", name) or name.lower() == "default":
        raise AwsError("InvalidParameterValue", f"The parameter DBSubnetGroupName {name} is not a valid identifier.")
    if name in backend.subnet_groups:
        raise AwsError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    network.check_subnets(backend, list(params.get("SubnetIds", [])))


def check_subnet_group_change(params: dict[str, Any], backend: RDSBackend) -> DBSubnetGroup:
    group = network.find_subnet_group(backend, params["DBSubnetGroupName"])
    wanted = list(params.get("SubnetIds", []))
    network.check_subnets(backend, wanted)
    used = {
        zone
        for database in backend.databases.values()
        if network.subnet_group_of(database) is group
        for zone in (database.availability_zone, getattr(database, "secondary_availability_zone", None))
    }
    for subnet in group._subnets:
        if subnet.id not in wanted and subnet.availability_zone in used:
            raise AwsError("SubnetAlreadyInUse", f"The subnet {subnet.id} is already in use in the DB subnet group.")
    return group


def check_new_parameter_group(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", name) or len(name) > 255:
        raise AwsError(
            "InvalidParameterValue",
            "The parameter DBParameterGroupName is not a valid identifier. Identifiers must begin with a letter; must "
            "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens.",
        )


def check_parameter_group_unused(backend: RDSBackend, group: DBParameterGroup) -> None:
    if group.name.startswith("default."):
        message = f"The default DB parameter group {group.name} cannot be deleted."
        raise AwsError("InvalidDBParameterGroupState", message)
    if any((database.db_parameter_group_name or "").lower() == group.name for database in backend.databases.values()):
        raise AwsError(
            "InvalidDBParameterGroupState",
            f"One or more database instances are still members of this parameter group {group.name}, "
            "so the group cannot be deleted",
        )
