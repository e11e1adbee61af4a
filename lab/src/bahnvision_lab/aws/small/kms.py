"""KMS: the states of a key, which moto keeps and does not obey, and the policies of keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.kms import models, utils
from moto.kms.models import Key, kms_backends
from moto.kms.responses import KmsResponse

from bahnvision_lab.aws.refusals import AwsError
from bahnvision_lab.aws.small import policies

# Keys that AWS makes for a service when they are first asked for, and moto does not know.
MORE_ALIASES = {"alias/aws/elasticache": "52f2f4b5-6d3c-4a42-9b8b-7f9e2a0c1d3e"}
# What a disabled key refuses, and what a key that waits for its deletion refuses besides.
CRYPTOGRAPHY = (
    "encrypt", "decrypt", "re_encrypt", "generate_data_key", "generate_data_key_without_plaintext", "create_grant",
    "enable_key_rotation", "disable_key_rotation",
)  # fmt: skip
CHANGES = (
    "enable_key", "disable_key", "schedule_key_deletion", "update_key_description", "tag_resource", "untag_resource",
)  # fmt: skip


def know_more_aliases() -> None:
    utils.RESERVED_ALIASE_TARGET_KEY_IDS.update(MORE_ALIASES)
    for known in {
        id(utils.RESERVED_ALIASES): utils.RESERVED_ALIASES,
        id(models.RESERVED_ALIASES): models.RESERVED_ALIASES,
    }.values():
        known.extend(alias for alias in MORE_ALIASES if alias not in known)


def find_key(account: str, region: str, key_id: str) -> Key | None:
    """Return the key that an id, an ARN or an alias means; None when there is none."""
    backend = kms_backends[account][region]
    try:
        return backend.keys.get(backend.any_id_to_key_id(key_id))
    except (KeyError, AttributeError):  # moto's answer to an alias it does not know
        return None


def is_usable(account: str, region: str, key_id: str) -> bool:
    key = find_key(account, region, key_id)
    return key is not None and key.key_state == "Enabled"


class LabKms(KmsResponse):
    """moto's KMS, whose keys are what their state says."""

    def create_key(self) -> str:
        self._check_policy()
        return super().create_key()

    def put_key_policy(self) -> str:
        """The name of the policy may be left out: there is only one."""
        self._check_policy()
        self._validate_cmk_id(self._get_param("KeyId"))
        self.kms_backend.put_key_policy(self._get_param("KeyId"), self._get_param("Policy"))
        return json.dumps(None)

    def get_key_policy(self) -> str:
        self._validate_cmk_id(self._get_param("KeyId"))
        policy = self.kms_backend.get_key_policy(self._get_param("KeyId"))
        return json.dumps({"Policy": policy, "PolicyName": "default"})

    def create_alias(self) -> str:
        self._check_alias()
        return super().create_alias()

    def delete_alias(self) -> str:
        self._check_alias()
        return super().delete_alias()

    def enable_key(self) -> str:
        return self._switch(self.kms_backend.enable_key)

    def disable_key(self) -> str:
        return self._switch(self.kms_backend.disable_key)

    def _switch(self, change: Callable[[str], None]) -> str:
        """By ARN too: moto knows the id only."""
        self._validate_cmk_id(self._get_param("KeyId"))
        change(self._key().id)
        return json.dumps(None)

    def schedule_key_deletion(self) -> str:
        days = self._get_param("PendingWindowInDays") or 30
        if not 7 <= days <= 30:
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: "
                f"Member must have value {'greater' if days < 7 else 'less'} than or equal to {7 if days < 7 else 30}",
            )
        self._validate_cmk_id(self._get_param("KeyId"))
        key = self._key()
        answer = json.loads(super().schedule_key_deletion())
        return json.dumps({**answer, "KeyId": key.arn, "KeyState": key.key_state, "PendingWindowInDays": days})

    def cancel_key_deletion(self) -> str:
        self._validate_cmk_id(self._get_param("KeyId"))
        key = self._key()
        if key.key_state != "PendingDeletion":
            raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
        super().cancel_key_deletion()
        return json.dumps({"KeyId": key.arn})

    def _key(self) -> Any:
        """Return the key that the request names; None when there is none."""
        return find_key(self.current_account, self.region, self._get_param("KeyId") or "")

    def _check_alias(self) -> None:
        if self._get_param("AliasName").startswith("alias/aws/"):
            raise AwsError("NotAuthorizedException", "")

    def _check_policy(self) -> None:
        policy = self._get_param("Policy")
        if policy is None:
            return
        code = "MalformedPolicyDocumentException"
        policies.check_resource(policy, self.current_account, code, "Policy contains a statement that is not valid.")
        if not self._get_param("BypassPolicyLockoutSafetyCheck", False) and not _keeps_door_open(policy):
            raise AwsError(code, "The new key policy will not allow you to update the key policy in the future.")


def _keeps_door_open(policy: str) -> bool:
    """True when somebody of the account may still change the policy."""
    statements = json.loads(policy)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", [])
        allowed = {"*", "kms:*", "kms:Put*", "kms:PutKeyPolicy"} & {
            *([actions] if isinstance(actions, str) else actions)
        }
        principal = statement.get("Principal", {})
        if statement.get("Effect") == "Allow" and allowed and (principal == "*" or "AWS" in principal):
            return True
    return False


def _guarded(operation: str) -> Any:
    inner = getattr(LabKms, operation)

    def guarded(self: LabKms) -> str:
        key = self._key()
        if key is not None and key.key_state == "PendingDeletion":
            raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key is not None and operation in CRYPTOGRAPHY and key.key_state == "Disabled":
            raise AwsError("DisabledException", f"{key.arn} is disabled.")
        return inner(self)

    guarded.__name__ = operation
    return guarded


for _operation in (*CRYPTOGRAPHY, *CHANGES):
    setattr(LabKms, _operation, _guarded(_operation))
