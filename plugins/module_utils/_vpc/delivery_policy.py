# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two documents of the role by which flow logs reach CloudWatch: least privilege, for one log group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies


def trust(role_arn: str, region: str) -> dict[str, Any]:
    """Only flow logs of this account and region may use the role: others cannot lend it (confused deputy)."""
    partition, account = _account(role_arn)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnLike": {"aws:SourceArn": f"arn:{partition}:ec2:{region}:{account}:vpc-flow-log/*"},
                },
            }
        ],
    }


def policy(role_arn: str, region: str, log_group: str) -> dict[str, Any]:
    """It may not make log groups: one that a removal has deleted would come back."""
    partition, account = _account(role_arn)
    logs = f"arn:{partition}:logs:{region}:{account}:log-group"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": f"{logs}:{log_group}:*",
            },
            {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": f"{logs}:*"},
        ],
    }


def same_documents(part: str, current: Mapping[str, Any], role_arn: str, region: str, log_group: str) -> bool:
    wanted = trust(role_arn, region) if part == "trust" else policy(role_arn, region, log_group)
    return not compare_policies(dict(current), wanted, default_version=None)


def _account(arn: str) -> tuple[str, str]:
    parts = arn.split(":")
    return parts[1], parts[4]
