# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for flow logs, and for the log group and role that they write through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_list
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.api import one, specification
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import FlowLog
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_flow_logs import POLICY

# Parameters are checked before the first write: what AWS still refuses is a role that it does not know everywhere yet.
NEW_ROLE = ("InvalidParameter",)


def create_flow_log(ec2: Any, vpc_id: str, wanted: FlowLog, role_arn: str, tags: Mapping[str, str]) -> str:
    """Return its id. This call answers with success even when AWS made none."""
    place: dict[str, Any] = {"LogDestination": wanted.bucket_arn}
    if wanted.destination_type == "cloud-watch-logs":
        place = {"LogGroupName": wanted.log_group, "DeliverLogsPermissionArn": role_arn}
    if wanted.format:
        place["LogFormat"] = wanted.format
    answer = call(
        ec2, "create_flow_logs", f"create flow log {wanted.name}", eventual=NEW_ROLE, ResourceIds=[vpc_id],
        ResourceType="VPC", TrafficType=wanted.traffic, LogDestinationType=wanted.destination_type,
        MaxAggregationInterval=wanted.interval, TagSpecifications=specification("vpc-flow-log", tags),
        found=lambda: (made := _found(ec2, tags)) and {"FlowLogIds": [made["FlowLogId"]]}, **place,
    )  # fmt: skip
    for item in answer.get("Unsuccessful", []):
        raise ResourceError(f"cannot create flow log {wanted.name}: {item['Error'].get('Message', item['Error'])}")
    return answer["FlowLogIds"][0]


def _found(ec2: Any, tags: Mapping[str, str]) -> dict[str, Any] | None:
    return one(ec2, "describe_flow_logs", "FlowLogs", tags, "Filter")


def delete_flow_log(ec2: Any, name: str, flow_log_id: str) -> None:
    answer = call(
        ec2, "delete_flow_logs", f"delete flow log {name}", missing=("InvalidFlowLogId.NotFound",),
        FlowLogIds=[flow_log_id],
    )  # fmt: skip
    for item in (answer or {}).get("Unsuccessful", []):
        if item["Error"].get("Code") != "InvalidFlowLogId.NotFound":
            raise ResourceError(f"cannot delete flow log {name}: {item['Error'].get('Message', item['Error'])}")


def create_log_group(logs: Any, name: str, key_arn: str, tags: Mapping[str, str]) -> None:
    # Repeated after a lost answer, it says that the group is there. A stranger's was refused before.
    key: dict[str, Any] = {"kmsKeyId": key_arn} if key_arn else {}
    call(
        logs, "create_log_group", f"create log group {name}", missing=("ResourceAlreadyExistsException",),
        eventual=("OperationAbortedException",), repeatable=True, logGroupName=name, tags=dict(tags), **key,
    )  # fmt: skip


def set_retention(logs: Any, name: str, days: int) -> None:
    what = f"set how long log group {name} keeps what it holds"
    if days:
        call(logs, "put_retention_policy", what, logGroupName=name, retentionInDays=days)
    else:
        call(logs, "delete_retention_policy", what, logGroupName=name)


def set_key(logs: Any, name: str, key_arn: str) -> None:
    what = f"set the key of log group {name}"
    if key_arn:
        call(logs, "associate_kms_key", what, logGroupName=name, kmsKeyId=key_arn)
    else:
        call(logs, "disassociate_kms_key", what, logGroupName=name)


def tag_log_group(logs: Any, arn: str, to_set: Mapping[str, str], to_remove: list[str]) -> None:
    if to_set:
        call(logs, "tag_resource", f"tag log group {arn}", resourceArn=arn, tags=dict(to_set))
    if to_remove:
        call(logs, "untag_resource", f"remove tags of log group {arn}", resourceArn=arn, tagKeys=to_remove)


def delete_log_group(logs: Any, name: str) -> None:
    call(
        logs, "delete_log_group", f"delete log group {name}", missing=("ResourceNotFoundException",),
        eventual=("OperationAbortedException",), logGroupName=name,
    )  # fmt: skip


def create_role(iam: Any, name: str, trust: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    answer = call(
        iam, "create_role", f"create role {name}", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust),
        Description="VPC flow logs write to CloudWatch Logs through this role", Tags=tags_to_list(tags),
        found=lambda: call(iam, "get_role", f"look for role {name}", missing=("NoSuchEntity",), RoleName=name),
    )  # fmt: skip
    return answer["Role"]["Arn"]


def set_trust(iam: Any, name: str, trust: Mapping[str, Any]) -> None:
    call(
        iam, "update_assume_role_policy", f"set who may use role {name}", RoleName=name,
        PolicyDocument=json.dumps(trust),
    )  # fmt: skip


def set_policy(iam: Any, name: str, policy: Mapping[str, Any]) -> None:
    call(
        iam, "put_role_policy", f"set what role {name} may do", eventual=("NoSuchEntity",), RoleName=name,
        PolicyName=POLICY, PolicyDocument=json.dumps(policy),
    )  # fmt: skip


def tag_role(iam: Any, name: str, to_set: Mapping[str, str], to_remove: list[str]) -> None:
    if to_set:
        call(iam, "tag_role", f"tag role {name}", RoleName=name, Tags=tags_to_list(to_set))
    if to_remove:
        call(iam, "untag_role", f"remove tags of role {name}", RoleName=name, TagKeys=to_remove)


def delete_role(iam: Any, name: str, has_policy: bool) -> None:
    """IAM deletes a role only when its policy is gone."""
    if has_policy:
        call(
            iam, "delete_role_policy", f"delete the policy of role {name}", missing=("NoSuchEntity",), RoleName=name,
            PolicyName=POLICY,
        )  # fmt: skip
    call(iam, "delete_role", f"delete role {name}", missing=("NoSuchEntity",), RoleName=name)
