"""Launch templates of node groups: which may be named, and what they must leave to EKS.

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from bahnvision_lab.aws.eks.books import Told
from bahnvision_lab.aws.eks.checks import bad

# What belongs to the node group, and what managed nodes cannot have.
FOREIGN = ("IamInstanceProfile", "InstanceMarketOptions", "HibernationOptions")


def named(account: str, region: str, params: Mapping[str, Any]) -> Told:
    """Return the template that a new node group names, as EKS shows it; {} without one."""
    asked = params.get("launchTemplate")
    if not asked:
        return {}
    if params.get("diskSize"):
        raise bad("Disk size must be specified within the launch template.")
    return _resolved(account, region, asked, bool(params.get("instanceTypes")))


def renewed(account: str, region: str, params: Mapping[str, Any], before: Told | None) -> Told:
    """Return what an update changes: another version of the same template."""
    asked = params.get("launchTemplate")
    if not asked:
        return {}
    if not before:
        raise bad("Nodegroup was not created with a launch template and cannot be updated to one.")
    found = _resolved(account, region, {"id": before["id"], **asked}, True)
    if found["id"] != before["id"]:
        raise bad("You cannot specify a different launch template for the nodegroup.")
    return {"launchTemplate": found}


def _resolved(account: str, region: str, asked: Mapping[str, Any], has_types: bool) -> Told:
    backend = ec2_backends[account][region]
    if bool(asked.get("id")) == bool(asked.get("name")):
        raise bad("Either provide launch template ID or launch template name in the request.")
    try:
        template = (
            backend.get_launch_template(asked["id"])
            if asked.get("id")
            else backend.get_launch_template_by_name(asked["name"])
        )
        number = asked.get("version") or str(template.default_version_number)
        data = template.get_version(int(number)).data
    except (KeyError, IndexError, ValueError, EC2ClientError):
        raise bad(f"Launch template {asked} does not exist, or has no such version") from None
    for name in FOREIGN:
        if data.get(name):
            raise bad(f"Launch template {template.id} should not specify {name}.")
    if has_types and data.get("InstanceType"):
        raise bad("Instance types cannot be specified in both the launch template and the node group.")
    for group_id in data.get("SecurityGroupIds") or ():
        if backend.get_security_group_from_id(group_id) is None:
            raise bad(f"The security group '{group_id}' does not exist (launch template {template.id})")
    return {"id": template.id, "name": template.name, "version": number}
