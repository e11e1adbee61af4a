# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the flow logs of a VPC, and the log group and role that they write through."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.items import item_of
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Delivery

POLICY = "deliver"  # the name of the role's one policy


def read_flow_logs(ec2: Any, vpc_id: str, identity: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    found = pages(
        ec2, "describe_flow_logs", "FlowLogs", f"list the flow logs of {vpc_id}",
        Filter=[{"Name": "resource-id", "Values": [vpc_id]}],
    )  # fmt: skip
    return tuple(
        {
            **item_of(entry, "FlowLogId", identity),
            "destination_type": entry.get("LogDestinationType", "cloud-watch-logs"),
            "destination": entry.get("LogGroupName") or entry.get("LogDestination", ""),
            "role_arn": entry.get("DeliverLogsPermissionArn", ""),
            "traffic": entry.get("TrafficType", ""),
            "interval": entry.get("MaxAggregationInterval", 600),
            "format": entry.get("LogFormat", ""),
            "error": entry.get("DeliverLogsErrorMessage", ""),
        }
        for entry in found
    )


def read_delivery(clients: Mapping[str, Any], group: str, role: str, identity: Mapping[str, str]) -> Delivery:
    return Delivery(_log_group(clients["logs"], group, identity), _role(clients["iam"], role, identity))


def refuse_missing_bucket(s3: Any, arn: str) -> None:
    """A bucket of another account may refuse to be looked at and still take flow logs: only its absence counts."""
    bucket = arn.split(":::", 1)[1].split("/", 1)[0]
    try:
        found = call(s3, "head_bucket", f"look for bucket {bucket}", missing=("404", "NoSuchBucket"), Bucket=bucket)
    except ResourceError as problem:
        if problem.details.get("error_code") == "403":
            return
        raise
    if found is None:
        raise ResourceError(f"bucket {bucket} for the flow logs does not exist: make it first, or correct its name")


def _log_group(logs: Any, name: str, identity: Mapping[str, str]) -> dict[str, Any] | None:
    found = pages(logs, "describe_log_groups", "logGroups", f"look for log group {name}", logGroupNamePrefix=name)
    entry = next((item for item in found if item["logGroupName"] == name), None)
    if entry is None:
        return None
    arn = entry["arn"].removesuffix(":*")
    tags = call(logs, "list_tags_for_resource", f"read the tags of log group {name}", resourceArn=arn)["tags"]
    return {
        "id": arn,
        "name": name,
        "tags": {key: value for key, value in tags.items() if not key.startswith("aws:")},
        "ours": identity.items() <= tags.items(),
        "retention": entry.get("retentionInDays", 0),
        "key_arn": entry.get("kmsKeyId", ""),
    }


def _role(iam: Any, name: str, identity: Mapping[str, str]) -> dict[str, Any] | None:
    answer = call(iam, "get_role", f"look for role {name}", missing=("NoSuchEntity",), RoleName=name)
    if answer is None:
        return None
    policy = call(
        iam, "get_role_policy", f"read the policy of role {name}", missing=("NoSuchEntity",),
        RoleName=name, PolicyName=POLICY,
    )  # fmt: skip
    entry = answer["Role"]
    return {
        **item_of(entry, "Arn", identity),
        "name": name,
        "trust": _document(entry.get("AssumeRolePolicyDocument")),
        "policy": _document(policy["PolicyDocument"]) if policy else {},
    }


def _document(value: Any) -> dict[str, Any]:
    """Botocore decodes IAM's documents; a plain text is decoded here."""
    return json.loads(urllib.parse.unquote(value)) if isinstance(value, str) else dict(value or {})
