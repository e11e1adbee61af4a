"""Secrets Manager refuses what AWS refuses, and keeps what it was told."""

from __future__ import annotations

from typing import Any

import pytest
from aws_world import fresh, refused
from bahnvision_lab.testing import Lab
from policy_world import policy
from walks.small import rotation_function

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:none"


@pytest.fixture
def manager(lab: Lab) -> Any:
    return lab.client("secretsmanager")


@pytest.fixture
def kms(lab: Lab) -> Any:
    return lab.client("kms")


@pytest.fixture
def secret(manager: Any) -> str:
    name = fresh("app/secret")
    manager.create_secret(Name=name, SecretString="one", ClientRequestToken="1" * 32)
    return name


@pytest.mark.parametrize("name", ["with blank", "with:colon", "with'quote"])
def test_a_secret_has_a_name_of_allowed_characters(manager: Any, name: str) -> None:
    with refused("ValidationException", "Invalid name", 400):
        manager.create_secret(Name=name, SecretString="x")


def test_a_creation_repeated_with_its_token_finds_its_secret(manager: Any, secret: str) -> None:
    again = manager.create_secret(Name=secret, SecretString="one", ClientRequestToken="1" * 32)
    assert again["VersionId"] == "1" * 32
    with refused("ResourceExistsException", secret, 400):
        manager.create_secret(Name=secret, SecretString="one")


def test_a_key_must_be_there_and_enabled(manager: Any, kms: Any, secret: str) -> None:
    with refused("EncryptionFailure", "alias/none", 400):
        manager.create_secret(Name=fresh("secret"), SecretString="x", KmsKeyId="alias/none")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    manager.update_secret(SecretId=secret, KmsKeyId=key)
    assert manager.describe_secret(SecretId=secret)["KmsKeyId"] == key
    kms.disable_key(KeyId=key)
    with refused("EncryptionFailure", key, 400):
        manager.update_secret(SecretId=secret, KmsKeyId=key)


def test_labels_move_as_in_a_rotation(manager: Any, secret: str) -> None:
    for label, version in (("AWSPENDING", "2" * 32),):
        manager.put_secret_value(SecretId=secret, SecretString="two", ClientRequestToken=version, VersionStages=[label])
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "one"
    assert manager.get_secret_value(SecretId=secret, VersionStage="AWSPENDING")["SecretString"] == "two"
    current = {"SecretId": secret, "VersionStage": "AWSCURRENT"}
    with refused("InvalidParameterException", "RemoveFromVersionId can't be empty", 400):
        manager.update_secret_version_stage(**current, MoveToVersionId="2" * 32)
    with refused("InvalidParameterException", "isn't currently attached", 400):
        manager.update_secret_version_stage(**current, MoveToVersionId="2" * 32, RemoveFromVersionId="2" * 32)
    with refused("ResourceNotFoundException", "3" * 32, 400):
        manager.update_secret_version_stage(**current, MoveToVersionId="3" * 32, RemoveFromVersionId="1" * 32)
    manager.update_secret_version_stage(**current, MoveToVersionId="2" * 32, RemoveFromVersionId="1" * 32)
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "two"
    told = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert {key: sorted(labels) for key, labels in told.items()} == {
        "1" * 32: ["AWSPREVIOUS"], "2" * 32: ["AWSCURRENT", "AWSPENDING"],
    }  # fmt: skip


def test_versions_without_a_label_are_not_told(manager: Any, secret: str) -> None:
    for number in "23":
        manager.put_secret_value(SecretId=secret, SecretString=number, ClientRequestToken=number * 32)
    assert sorted(manager.describe_secret(SecretId=secret)["VersionIdsToStages"]) == ["2" * 32, "3" * 32]
    listed = manager.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True)["Versions"]
    assert len(listed) == 3


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        ({"VersionStage": "NONE"}, "ResourceNotFoundException", "staging label: NONE"),
        ({"VersionId": "9" * 32}, "ResourceNotFoundException", "9" * 32),
        ({"VersionId": "1" * 32, "VersionStage": "AWSPENDING"}, "InvalidRequestException", "not associated"),
    ],
)
def test_versions_that_are_not_there(
    manager: Any, secret: str, question: dict[str, str], code: str, words: str
) -> None:
    with refused(code, words, 400):
        manager.get_secret_value(SecretId=secret, **question)


def test_a_token_belongs_to_one_content(manager: Any, secret: str) -> None:
    manager.put_secret_value(SecretId=secret, SecretString="one", ClientRequestToken="1" * 32)
    with refused("ResourceExistsException", "already in use", 400):
        manager.put_secret_value(SecretId=secret, SecretString="other", ClientRequestToken="1" * 32)


def test_a_secret_marked_for_deletion_refuses_until_it_is_restored(manager: Any, secret: str) -> None:
    for wrong in ({"RecoveryWindowInDays": 3}, {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}):
        with refused("InvalidParameterException", "RecoveryWindowInDays", 400):
            manager.delete_secret(SecretId=secret, **wrong)
    manager.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    with refused("InvalidRequestException", "already scheduled for deletion", 400):
        manager.create_secret(Name=secret, SecretString="x")
    for operation, arguments in (
        ("get_secret_value", {}), ("put_secret_value", {"SecretString": "x"}), ("update_secret", {"Description": "x"}),
        ("tag_resource", {"Tags": [{"Key": "a", "Value": "b"}]}), ("rotate_secret", {}), ("delete_secret", {}),
    ):  # fmt: skip
        with refused("InvalidRequestException", "marked for deletion", 400):
            getattr(manager, operation)(SecretId=secret, **arguments)
    names = [entry["Name"] for page in manager.get_paginator("list_secrets").paginate() for entry in page["SecretList"]]
    assert secret not in names
    manager.restore_secret(SecretId=secret)
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "one"
    manager.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    manager.create_secret(Name=secret, SecretString="x")


def test_rotation_needs_a_function_that_may_be_called(lab: Lab, manager: Any, secret: str) -> None:
    with refused("InvalidRequestException", "No Lambda rotation function", 400):
        manager.rotate_secret(SecretId=secret)
    with refused("ResourceNotFoundException", FUNCTION, 400):
        manager.rotate_secret(SecretId=secret, RotationLambdaARN=FUNCTION)
    with refused("AccessDeniedException", "function policy grants access", 400):
        manager.rotate_secret(SecretId=secret, RotationLambdaARN=rotation_function(lab, permitted=False))
    assert "RotationEnabled" not in manager.describe_secret(SecretId=secret)
    function, rules = rotation_function(lab), {"AutomaticallyAfterDays": 30}
    with refused("NotImplementedByLab", "runs no Lambda functions", 501):
        manager.rotate_secret(SecretId=secret, RotationLambdaARN=function, RotationRules=rules)
    manager.rotate_secret(SecretId=secret, RotationLambdaARN=function, RotationRules=rules, RotateImmediately=False)
    told = manager.describe_secret(SecretId=secret)
    assert (told["RotationEnabled"], told["RotationLambdaARN"], told["RotationRules"]) == (True, function, rules)
    assert list(told["VersionIdsToStages"]) == ["1" * 32]


@pytest.mark.parametrize("document", ["{", '{"a": 1}', policy(), policy(Principal="*", Effect="allow")])
def test_policies_of_secrets_are_read(manager: Any, secret: str, document: str) -> None:
    with refused("MalformedPolicyDocumentException", "syntax error", 400):
        manager.put_resource_policy(SecretId=secret, ResourcePolicy=document)


def test_keys_of_tags_are_not_those_of_aws(manager: Any, secret: str) -> None:
    with refused("InvalidParameterException", "aws:", 400):
        manager.tag_resource(SecretId=secret, Tags=[{"Key": "aws:x", "Value": "y"}])
