"""Flow logs: the role that writes them is tried when one is made, and is not known everywhere at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import EC2Backend
from moto.iam.models import iam_backends

from bahnvision_lab.aws.refusals import AwsError

# IAM tells other services of a new role within some ten seconds. Long enough here that nobody relies on it.
SECONDS_UNKNOWN = 0.4
SERVICE = "vpc-flow-logs.amazonaws.com"


def check_create(backend: EC2Backend, params: dict[str, Any]) -> None:
    kind = params.get("LogDestinationType") or "cloud-watch-logs"
    arn = params.get("DeliverLogsPermissionArn")
    if kind == "s3":
        if arn:
            message = "DeliverLogsPermissionArn is not applicable for s3 delivery"
            raise AwsError("InvalidParameter", message)
        if not str(params.get("LogDestination", "")).startswith("arn:aws:s3:::"):
            raise AwsError("InvalidParameter", f"LogDestination: {params.get('LogDestination')} is not an S3 ARN")
        return
    if arn and not _can_be_assumed(backend, arn):
        raise AwsError("InvalidParameter", f"Unable to assume given IAM role: '{arn}'")


def _can_be_assumed(backend: EC2Backend, arn: str) -> bool:
    for role in iam_backends[backend.account_id][backend.partition].roles.values():
        if role.arn == arn:
            made = role.create_date.replace(tzinfo=role.create_date.tzinfo or UTC)
            known = (datetime.now(UTC) - made).total_seconds() >= SECONDS_UNKNOWN
            return known and SERVICE in str(role.assume_role_policy_document)
    return False
