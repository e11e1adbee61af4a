# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for endpoints and security groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.api import EVENTUAL, STILL_USED, one, specification

# An endpoint that is being changed takes no other change; a zone is free when its old interface has gone.
CHANGING = (*EVENTUAL, "DuplicateSubnetsInSameZone", "IncorrectState")


def create_s3_endpoint(
    ec2: Any, name: str, vpc_id: str, service: str, table_ids: list[str], policy: Mapping[str, Any],
    tags: Mapping[str, str],
) -> str:  # fmt: skip
    return _create(
        ec2, f"create S3 endpoint {name}", tags, VpcEndpointType="Gateway", VpcId=vpc_id, ServiceName=service,
        RouteTableIds=table_ids, PolicyDocument=json.dumps(policy),
    )  # fmt: skip


def create_interface_endpoint(
    ec2: Any, name: str, vpc_id: str, service: str, subnet_ids: list[str], group_id: str, private_dns: bool,
    policy: Mapping[str, Any] | None, tags: Mapping[str, str],
) -> str:  # fmt: skip
    document = {"PolicyDocument": json.dumps(policy)} if policy else {}
    return _create(
        ec2, f"create interface endpoint {name}", tags, VpcEndpointType="Interface", VpcId=vpc_id,
        ServiceName=service, SubnetIds=subnet_ids, SecurityGroupIds=[group_id], PrivateDnsEnabled=private_dns,
        **document,
    )  # fmt: skip


def _create(ec2: Any, what: str, tags: Mapping[str, str], **params: Any) -> str:
    answer = call(
        ec2, "create_vpc_endpoint", what, eventual=EVENTUAL, TagSpecifications=specification("vpc-endpoint", tags),
        found=lambda: (made := one(ec2, "describe_vpc_endpoints", "VpcEndpoints", tags)) and {"VpcEndpoint": made},
        **params,
    )  # fmt: skip
    return answer["VpcEndpoint"]["VpcEndpointId"]


def change_endpoint(ec2: Any, name: str, endpoint_id: str, **change: Any) -> None:
    change = {key: value for key, value in change.items() if value not in ([], None)}
    if change:
        call(
            ec2, "modify_vpc_endpoint", f"change endpoint {name}", eventual=CHANGING, VpcEndpointId=endpoint_id,
            **change,
        )  # fmt: skip


def set_policy(ec2: Any, name: str, endpoint_id: str, policy: Mapping[str, Any]) -> None:
    change_endpoint(ec2, name, endpoint_id, PolicyDocument=json.dumps(policy))


def delete_endpoint(ec2: Any, name: str, endpoint_id: str) -> None:
    """This call answers with success even when AWS could not do it."""
    answer = call(ec2, "delete_vpc_endpoints", f"delete endpoint {name}", VpcEndpointIds=[endpoint_id])
    for item in answer.get("Unsuccessful", []):
        error = item["Error"]
        if error["Code"] not in ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"):
            raise ResourceError(f"cannot delete endpoint {name}: {error['Code']}: {error.get('Message', '')}")


def create_group(ec2: Any, name: str, vpc_id: str, tags: Mapping[str, str]) -> str:
    answer = call(
        ec2, "create_security_group", f"create security group {name}", eventual=EVENTUAL, GroupName=name,
        Description=f"Interface endpoints of {name.removesuffix('-endpoints')}", VpcId=vpc_id,
        TagSpecifications=specification("security-group", tags),
        found=lambda: one(ec2, "describe_security_groups", "SecurityGroups", tags),
    )  # fmt: skip
    return answer["GroupId"]


def admit(ec2: Any, name: str, group_id: str, rules: Sequence[Mapping[str, Any]]) -> None:
    # A rule whose answer was lost is reported as a duplicate when it is repeated.
    for rule in rules:
        call(
            ec2, "authorize_security_group_ingress", f"admit TLS to security group {name}", eventual=EVENTUAL,
            missing=("InvalidPermission.Duplicate",), GroupId=group_id, IpPermissions=[rule],
        )  # fmt: skip


def revoke(ec2: Any, name: str, group_id: str, direction: str, rules: Sequence[Mapping[str, Any]]) -> None:
    if rules:
        call(
            ec2, f"revoke_security_group_{direction}", f"revoke {direction} rules of security group {name}",
            eventual=EVENTUAL, missing=("InvalidPermission.NotFound",), GroupId=group_id, IpPermissions=list(rules),
        )  # fmt: skip


def delete_group(ec2: Any, name: str, group_id: str) -> None:
    call(
        ec2, "delete_security_group", f"delete security group {name}", eventual=STILL_USED,
        missing=("InvalidGroup.NotFound",), GroupId=group_id,
    )  # fmt: skip
