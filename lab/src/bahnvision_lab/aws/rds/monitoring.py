"""Enhanced Monitoring: the interval, and a role that RDS can take to write what it measures."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from moto.iam.models import iam_backends
from moto.rds.models import RDSBackend

from bahnvision_lab.aws.refusals import AwsError

INTERVALS = (0, 1, 5, 10, 15, 30, 60)
SERVICE = "monitoring.rds.amazonaws.com"
POLICY = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"


def check_monitoring(params: dict[str, Any], backend: RDSBackend) -> None:
    """AWS wants interval and role together, and looks at the role at once."""
    interval, role = params.get("MonitoringInterval"), params.get("MonitoringRoleArn")
    if interval is not None and interval not in INTERVALS:
        raise AwsError(
            "InvalidParameterValue", f"Invalid value {interval} for MonitoringInterval. Valid values are {INTERVALS}."
        )
    if role and not interval:
        message = "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value."
        raise AwsError("InvalidParameterCombination", message)
    if interval and not role:
        message = "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        raise AwsError("InvalidParameterCombination", message)
    if interval and not _usable(role or "", backend):
        raise AwsError(
            "InvalidParameterValue",
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        )


def _usable(arn: str, backend: RDSBackend) -> bool:
    """True when the role exists, trusts RDS's monitoring and may write its logs."""
    roles = iam_backends[backend.account_id][backend.partition].roles.values()
    role = next((role for role in roles if role.arn == arn), None)
    if role is None or POLICY not in role.managed_policies:
        return False
    document = role.assume_role_policy_document
    trust = json.loads(unquote(document)) if isinstance(document, str) else document
    statements = trust["Statement"] if isinstance(trust["Statement"], list) else [trust["Statement"]]
    trusted = [entry.get("Principal", {}).get("Service", []) for entry in statements if entry["Effect"] == "Allow"]
    return any(SERVICE in ([names] if isinstance(names, str) else names) for names in trusted)
