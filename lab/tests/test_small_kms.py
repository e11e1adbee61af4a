"""KMS refuses what AWS refuses, and keeps what it was told."""

from __future__ import annotations

from typing import Any

import pytest
from aws_world import refused
from bahnvision_lab.testing import Lab
from policy_world import policy


@pytest.fixture
def kms(lab: Lab) -> Any:
    return lab.client("kms")


def test_a_key_is_what_its_state_says(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    with refused("DisabledException", key, 400):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("ValidationException", "pendingWindowInDays", 400):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=3)
    told = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (told["KeyState"], told["PendingWindowInDays"]) == ("PendingDeletion", 7)
    for operation in ("enable_key", "enable_key_rotation", "schedule_key_deletion"):
        with refused("KMSInvalidStateException", "pending deletion", 400):
            getattr(kms, operation)(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    with refused("KMSInvalidStateException", "not pending deletion", 400):
        kms.cancel_key_deletion(KeyId=key)


def test_policies_of_keys_are_read(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    root = {"AWS": "arn:aws:iam::123456789012:root"}
    with refused("MalformedPolicyDocumentException", "not valid", 400):
        kms.put_key_policy(KeyId=key, Policy="{}")
    with refused("MalformedPolicyDocumentException", "in the future", 400):
        kms.create_key(Policy=policy(Principal=root, Action="kms:Decrypt"))
    kms.put_key_policy(KeyId=key, Policy=policy(Principal=root, Action="kms:*", Sid="Sids of keys have blanks"))
    assert "have blanks" in kms.get_key_policy(KeyId=key)["Policy"]


def test_aliases_of_aws_are_there_and_cannot_be_made(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for service in ("rds", "secretsmanager", "elasticache"):
        assert kms.describe_key(KeyId=f"alias/aws/{service}")["KeyMetadata"]["KeyState"] == "Enabled"
    with refused("NotAuthorizedException", "", 400):
        kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key)
