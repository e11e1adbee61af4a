"""Secrets Manager, IAM, KMS and CloudWatch Logs refuse what AWS refuses, and keep what they were told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_world import fresh, refused
from bahnvision_lab.testing import Lab
from walks.small import rotation_function

ACCOUNT_KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:none"
Secret = tuple[Any, str]


def policy(**changes: Any) -> str:
    """Return a document with one statement that is accepted, with changes; None takes a part out."""
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **changes}
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{key: value for key, value in statement.items() if value is not None}],
    })  # fmt: skip


def trust(**changes: Any) -> str:
    return policy(
        **{"Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": None, **changes}
    )


@pytest.fixture
def manager(lab: Lab) -> Any:
    return lab.client("secretsmanager")


@pytest.fixture
def iam(lab: Lab) -> Any:
    return lab.client("iam")


@pytest.fixture
def kms(lab: Lab) -> Any:
    return lab.client("kms")


@pytest.fixture
def logs(lab: Lab) -> Any:
    return lab.client("logs")


@pytest.fixture
def secret(manager: Any) -> str:
    name = fresh("app/secret")
    manager.create_secret(Name=name, SecretString="one", ClientRequestToken="1" * 32)
    return name


@pytest.fixture
def role(iam: Any) -> str:
    name = fresh("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust())
    return name


# Secrets Manager


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


def test_keys_of_tags_are_not_those_of_aws(manager: Any, iam: Any, secret: str, role: str) -> None:
    with refused("InvalidParameterException", "aws:", 400):
        manager.tag_resource(SecretId=secret, Tags=[{"Key": "aws:x", "Value": "y"}])
    with refused("InvalidInput", "aws:", 400):
        iam.tag_role(RoleName=role, Tags=[{"Key": "aws:x", "Value": "y"}])


# IAM


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "invalid Json"),
        ("[]", "Syntax errors"),
        (trust(Resource="*"), "prohibited field Resource"),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Action="s3:GetObject"), "STS AssumeRole actions"),
        (trust(Principal={"Service": "nope.amazonaws.com"}), '"SERVICE":"nope.amazonaws.com"'),
        (trust(Principal={"Service": "rds.amazonaws.de"}), '"SERVICE":"rds.amazonaws.de"'),
        (trust(Principal={"Services": "rds.amazonaws.com"}), "Invalid principal"),
        (trust(Principal={"AWS": "arn:aws:iam::123456789012:role/nobody"}), "role/nobody"),
        (trust(Condition={"StringEqual": {"aws:SourceAccount": "1"}}), "Syntax errors"),
        (trust(Effect="allow"), "policy"),
        (trust(Sid="with-dash"), "alpha-numeric"),
    ],
)
def test_who_may_assume_a_role_is_read(iam: Any, role: str, document: str, words: str) -> None:
    with refused("MalformedPolicyDocument", words, 400):
        iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)
    with refused("MalformedPolicyDocument", words, 400):
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)


@pytest.mark.parametrize("service", ["rds", "monitoring.rds", "vpc-flow-logs", "delivery.logs", "lambda", "export.rds"])
def test_services_of_the_roles_are_known(iam: Any, service: str) -> None:
    document = trust(Principal={"Service": f"{service}.amazonaws.com"})
    iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (policy(Action="decrypt"), "prefaced by a vendor"),
        (policy(Resource=None), "must contain resources"),
        (policy(Resource="a secret"), "ARN format"),
        (policy(Principal="*"), "should not specify a principal"),
        (policy(Conditions={}), "Syntax errors"),
        (policy(Sid="with-dash"), "alpha-numeric"),
    ],
)
def test_what_a_role_may_do_is_read(iam: Any, role: str, document: str, words: str) -> None:
    with refused("MalformedPolicyDocument", words, 400):
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document)


def test_names_of_roles(iam: Any, role: str) -> None:
    with refused("EntityAlreadyExists", "already exists", 409):
        iam.create_role(RoleName=role.upper(), AssumeRolePolicyDocument=trust())
    with refused("ValidationError", "regular expression", 400):
        iam.create_role(RoleName="with blank", AssumeRolePolicyDocument=trust())
    with refused("ValidationError", "less than or equal to 64", 400):
        iam.create_role(RoleName="r" * 65, AssumeRolePolicyDocument=trust())
    with refused("NoSuchEntity", "Scope ARN", 404):
        iam.create_role(
            RoleName=fresh("role"), AssumeRolePolicyDocument=trust(),
            PermissionsBoundary="arn:aws:iam::123456789012:policy/none",
        )  # fmt: skip


def test_a_role_is_deleted_when_nothing_hangs_on_it(iam: Any, role: str) -> None:
    monitoring = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy())
    iam.attach_role_policy(RoleName=role, PolicyArn=monitoring)
    with refused("DeleteConflict", "", 409):
        iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName="p")
    with refused("DeleteConflict", "", 409):
        iam.delete_role(RoleName=role)
    iam.detach_role_policy(RoleName=role, PolicyArn=monitoring)
    iam.delete_role(RoleName=role)


def test_roles_of_services_are_theirs(iam: Any) -> None:
    made = iam.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForElastiCache"
    with refused("InvalidInput", "has been taken", 400):
        iam.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")
    with refused("UnmodifiableEntity", "only modifiable by AWS", 400):
        iam.delete_role(RoleName=made["RoleName"])


# KMS


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


# CloudWatch Logs


def test_a_log_group_keeps_its_events_for_one_of_the_offered_times(logs: Any) -> None:
    name = fresh("/aws/vpc/flow")
    logs.create_log_group(logGroupName=name)
    with refused("InvalidParameterException", "enum value set: [1, 3, 5", 400):
        logs.put_retention_policy(logGroupName=name, retentionInDays=31)
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    group = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    assert (group["retentionInDays"], group["arn"][-2:]) == (30, ":*")
    with refused("ResourceAlreadyExistsException", "already exists", 400):
        logs.create_log_group(logGroupName=name)


@pytest.mark.parametrize(
    ("name", "words"), [("with blank", "regular expression"), ("aws/mine", "reserved for AWS"), ("x" * 513, "512")]
)
def test_names_of_log_groups(logs: Any, name: str, words: str) -> None:
    with refused("InvalidParameterException", words, 400):
        logs.create_log_group(logGroupName=name)


def test_a_key_must_let_the_service_in(logs: Any, kms: Any) -> None:
    name = fresh("/encrypted")
    key = kms.create_key()["KeyMetadata"]
    for arn in (ACCOUNT_KEY, key["Arn"], key["KeyId"]):
        with refused("InvalidParameterException", "is not allowed to be used with LogGroup", 400):
            logs.create_log_group(logGroupName=name, kmsKeyId=arn)
    logs.create_log_group(logGroupName=name)
    root = json.loads(policy(Principal={"AWS": "arn:aws:iam::123456789012:root"}, Action="kms:*"))
    service = json.loads(policy(Principal={"Service": "logs.eu-central-1.amazonaws.com"}, Action=["kms:Encrypt*"]))
    both = {**root, "Statement": root["Statement"] + service["Statement"]}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(both))
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key["Arn"])
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["kmsKeyId"] == key["Arn"]
    logs.disassociate_kms_key(logGroupName=name)
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]


@pytest.mark.parametrize("document", ["{", '{"a": 1}', policy(), policy(Principal={"Service": "nope.amazonaws.com"})])
def test_policies_of_logs_are_read(logs: Any, document: str) -> None:
    with refused("InvalidParameterException", "Invalid policy document", 400):
        logs.put_resource_policy(policyName="p", policyDocument=document)
