"""Enhanced Monitoring: the interval, and a role that RDS can take to write what it measures."""

from __future__ import annotations

from typing import Any

from moto.rds.models import RDSBackend

from bahnvision_lab.aws.rds_proxy import access
from bahnvision_lab.aws.refusals import AwsError

INTERVALS = (0, 1, 5, 10, 15, 30, 60)
SERVICE = "monitoring.rds.amazonaws.com"
POLICY = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"


def check_monitoring(params: dict[str, Any], name: str, backend: RDSBackend) -> None:
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
    if interval and not _usable(role or "", name, backend):
        raise AwsError(
            "InvalidParameterValue",
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        )


def _usable(arn: str, name: str, backend: RDSBackend) -> bool:
    """True when the role exists, trusts RDS's monitoring of this instance and may write its logs."""
    role = access.find_role(backend.account_id, backend.partition, arn)
    if role is None or POLICY not in role.managed_policies:
        return False
    instance = f"arn:{backend.partition}:rds:{backend.region_name}:{backend.account_id}:db:{name}"
    source = {"aws:SourceAccount": backend.account_id, "aws:SourceArn": instance}
    return access.trusts(role, SERVICE, source)
