"""CloudWatch Logs: retention, keys and resource policies."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse

from bahnvision_lab.aws.refusals import AwsError
from bahnvision_lab.aws.small import kms, policies

INVALID = "InvalidParameterException"
RETENTION = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


class LabLogs(LogsResponse):
    """moto's CloudWatch Logs, stricter, and with keys that can be changed."""

    def create_log_group(self) -> str:
        name, key_id = self._get_param("logGroupName"), self._get_param("kmsKeyId")
        if name.lower().startswith("aws/"):
            raise AwsError(INVALID, "Log groups starting with AWS/ are reserved for AWS.")
        if key_id:
            self._check_key(key_id)
        return super().create_log_group()

    def put_retention_policy(self) -> str:
        days = self._get_param("retentionInDays")
        if days not in RETENTION:
            raise AwsError(
                INVALID,
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
                f"Member must satisfy enum value set: {list(RETENTION)}",
            )
        return super().put_retention_policy()

    def put_resource_policy(self) -> str:
        policies.check_resource(
            self._get_param("policyDocument"), self.current_account, INVALID, "Invalid policy document"
        )
        return super().put_resource_policy()

    def associate_kms_key(self) -> str:
        group = self._group()
        self._check_key(self._get_param("kmsKeyId"))
        group.kms_key_id = self._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(self) -> str:
        self._group().kms_key_id = None
        return ""

    def _group(self) -> LogGroup:
        name = self._get_param("logGroupName")
        if name not in self.logs_backend.groups:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return self.logs_backend.groups[name]

    def _check_key(self, key_id: str) -> None:
        key = kms.find_key(self.current_account, self.region, key_id) if key_id.startswith("arn:") else None
        if key is None or key.key_state != "Enabled" or not _lets_logs_in(key.policy, self.region):
            name = self._get_param("logGroupName")
            raise AwsError(
                INVALID,
                "The specified KMS key does not exist or is not allowed to be used with LogGroup "
                f"'arn:aws:logs:{self.region}:{self.current_account}:log-group:{name}'",
            )


def _lets_logs_in(policy: str | None, region: str) -> bool:
    """True when the key's policy lets the service encrypt; that the account may is not enough."""
    for statement in _as_list(json.loads(policy or "{}").get("Statement", [])):
        principal = statement.get("Principal", {})
        services = _as_list(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
        actions = _as_list(statement.get("Action", []))
        named = any(fnmatchcase(f"logs.{region}.amazonaws.com", name) for name in services)
        named = named or "logs.amazonaws.com" in services
        if statement.get("Effect") == "Allow" and named and any(fnmatchcase("kms:Encrypt", one) for one in actions):
            return True
    return False


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
