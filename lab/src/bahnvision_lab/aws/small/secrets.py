"""Secrets Manager: names, keys, versions and their labels, and what a secret marked for deletion refuses."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.secretsmanager.models import FakeSecret
from moto.secretsmanager.responses import SecretsManagerResponse

from bahnvision_lab.aws.refusals import AwsError, LabLacks
from bahnvision_lab.aws.small import kms, policies

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
MARKED = "You can't perform this operation on the secret because it was marked for deletion."
# Refused for a secret that is marked for deletion; the second kind also for one that another service manages.
LIVING = (
    "get_secret_value", "put_secret_value", "update_secret", "update_secret_version_stage", "tag_resource",
    "untag_resource", "put_resource_policy", "delete_resource_policy", "get_resource_policy", "rotate_secret",
    "cancel_rotate_secret",
)  # fmt: skip
OWN = ("put_secret_value", "update_secret", "update_secret_version_stage", "delete_secret", "cancel_rotate_secret")


class LabSecretsManager(SecretsManagerResponse):
    """moto's Secrets Manager, stricter."""

    def call_action(self) -> Any:
        status, headers, body = super().call_action()
        # Its protocol has no 404: what is not there is a 400 with a code.
        return 400 if status == 404 else status, headers, body

    def secret(self) -> FakeSecret:
        found = self.backend.secrets.get(self._get_param("SecretId"))
        if found is None:
            raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return found

    def create_secret(self) -> str:
        name = self._get_param("Name")
        if not _NAME.fullmatch(name):
            raise AwsError(
                "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: "
                "-/_+=.@!",
            )
        same = self.backend.secrets.get(name)
        if same is not None and same.name == name and same.is_deleted():
            raise AwsError(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )
        _check_tags(self._get_param("Tags") or [])
        self._check_key()
        return super().create_secret()

    def update_secret(self) -> str:
        self._check_key()
        return super().update_secret()

    def delete_secret(self) -> str:
        days, force = self._get_param("RecoveryWindowInDays"), self._get_param("ForceDeleteWithoutRecovery")
        if days is not None and force:
            raise AwsError(
                "InvalidParameterException",
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            )
        if days is not None and not 7 <= days <= 30:
            raise AwsError(
                "InvalidParameterException",
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            )
        found = self.backend.secrets.get(self._get_param("SecretId"))
        if found is not None and found.is_deleted() and not force:
            raise AwsError("InvalidRequestException", MARKED)
        return super().delete_secret()

    def describe_secret(self) -> str:
        told = json.loads(super().describe_secret())
        told.pop("SecretVersionsToStages", None)
        return json.dumps({**told, **_labelled(told, "VersionIdsToStages")})

    def list_secrets(self) -> str:
        told = json.loads(super().list_secrets())
        for entry in told["SecretList"]:
            entry.pop("VersionIdsToStages", None)
            entry.update(_labelled(entry, "SecretVersionsToStages"))
        return json.dumps(told)

    def list_secret_version_ids(self) -> str:
        secret, everything = self.secret(), self._get_param("IncludeDeprecated", False)
        versions = [
            {
                "VersionId": version_id,
                "VersionStages": version["version_stages"],
                "CreatedDate": version["createdate"],
            }
            for version_id, version in secret.versions.items()
            if version["version_stages"] or everything
        ]
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})

    def get_secret_value(self) -> str:
        stage = self._get_param("VersionStage")
        stages = [label for version in self.secret().versions.values() for label in version["version_stages"]]
        if stage and not self._get_param("VersionId") and stage not in stages:
            raise AwsError(
                "ResourceNotFoundException",
                f"Secrets Manager can't find the specified secret value for staging label: {stage}",
            )
        return super().get_secret_value()

    def update_secret_version_stage(self) -> str:
        """Check all before anything moves: moto moves first, and does not move what is read by default."""
        secret, stage = self.secret(), self._get_param("VersionStage")
        source, target = self._get_param("RemoveFromVersionId"), self._get_param("MoveToVersionId")
        holder = next((key for key, one in secret.versions.items() if stage in one["version_stages"]), None)
        for version in (source, target):
            if version and version not in secret.versions:
                raise AwsError("ResourceNotFoundException", f"Can't find the version {version} of the secret.")
        if source and source != holder:
            raise AwsError(
                "InvalidParameterException", f"Staging label {stage} isn't currently attached to version {source}."
            )
        if target and holder not in (None, target) and not source:
            raise AwsError(
                "InvalidParameterException",
                f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to "
                f"version {holder}, so you must explicitly reference that version in RemoveFromVersionId.",
            )
        if stage == "AWSCURRENT" and not target:
            raise AwsError("InvalidParameterException", "You can't remove the staging label AWSCURRENT, only move it.")
        _move(secret, stage, holder, target)
        return json.dumps({"ARN": secret.arn, "Name": secret.name})

    def put_resource_policy(self) -> str:
        policies.check_resource(
            self._get_param("ResourcePolicy"), self.current_account,
            "MalformedPolicyDocumentException", "This resource policy contains a syntax error.",
        )  # fmt: skip
        return super().put_resource_policy()

    def tag_resource(self) -> str:
        _check_tags(self._get_param("Tags") or [])
        return super().tag_resource()

    def rotate_secret(self) -> str:
        secret = self.secret()
        if secret.owning_service is not None:
            return super().rotate_secret()
        function = self._get_param("RotationLambdaARN") or secret.rotation_lambda_arn
        if not function:
            raise AwsError("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
        self._check_function(function)
        if self._get_param("RotateImmediately", True):
            raise LabLacks("it runs no Lambda functions; RotateImmediately=false keeps the schedule in the books")
        rules = self._get_param("RotationRules") or {}
        secret.rotation_requested = secret.rotation_enabled = True
        secret.rotation_lambda_arn = function
        secret.auto_rotate_after_days = rules.get("AutomaticallyAfterDays", secret.auto_rotate_after_days)
        return json.dumps({"ARN": secret.arn, "Name": secret.name})

    def _check_function(self, arn: str) -> None:
        functions = lambda_backends[self.current_account][self.region]
        found = next((one for one in functions.list_functions() if one.function_arn == arn), None)
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Lambda does not have a function {arn}.")
        if "secretsmanager.amazonaws.com" not in json.dumps(found.policy.statements):
            raise AwsError(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                "access to the principal secretsmanager.amazonaws.com.",
            )

    def _check_key(self) -> None:
        key_id = self._get_param("KmsKeyId")
        if key_id and not kms.is_usable(self.current_account, self.region, key_id):
            raise AwsError(
                "EncryptionFailure",
                f"Secrets Manager can't encrypt the secret with the KMS key {key_id}. Check that the key is "
                "available, enabled, and not in an invalid state.",
            )


def _move(secret: FakeSecret, stage: str, holder: str | None, target: str | None) -> None:
    if holder:
        secret.versions[holder]["version_stages"].remove(stage)
    if not target:
        return
    secret.versions[target]["version_stages"].append(stage)
    if stage != "AWSCURRENT" or holder == target:
        return
    secret.set_default_version_id(target)
    for version in secret.versions.values():
        version["version_stages"] = [label for label in version["version_stages"] if label != "AWSPREVIOUS"]
    if holder:
        secret.versions[holder]["version_stages"].append("AWSPREVIOUS")


def _labelled(told: dict[str, Any], key: str) -> dict[str, Any]:
    """Versions without any label are deprecated, and told only to who asks for them."""
    return {key: {version: labels for version, labels in told[key].items() if labels}} if key in told else {}


def _check_tags(tags: list[dict[str, str]]) -> None:
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise AwsError("InvalidParameterException", "Tag keys that start with 'aws:' are reserved for AWS.")


def _guarded(operation: str) -> Any:
    inner = getattr(LabSecretsManager, operation)

    def guarded(self: LabSecretsManager) -> str:
        found = self.backend.secrets.get(self._get_param("SecretId"))
        if found is not None and operation in LIVING and found.is_deleted():
            raise AwsError("InvalidRequestException", MARKED)
        if found is not None and operation in OWN and found.owning_service is not None:
            raise AwsError(
                "InvalidRequestException",
                f"You can't perform this operation on the secret because it is managed by {found.owning_service}.",
            )
        return inner(self)

    guarded.__name__ = operation
    return guarded


for _operation in sorted({*LIVING, *OWN}):
    setattr(LabSecretsManager, _operation, _guarded(_operation))
