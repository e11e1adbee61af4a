"""IAM, KMS, Secrets Manager, CloudWatch Logs, S3."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from aws_world import fresh
from bahnvision_lab.testing import Lab

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})  # fmt: skip
POLICY = json.dumps({
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}],
})  # fmt: skip
KEY_POLICY = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": "logs.eu-central-1.amazonaws.com"}, "Action": "kms:*",
         "Resource": "*"},
    ],
})  # fmt: skip
TAGS = [{"Key": "a", "Value": "b"}]


def walk(lab: Lab) -> None:
    key = _keys(lab.client("kms"))
    _roles(lab.client("iam"))
    _provider(lab.client("iam"))
    _secrets(lab.client("secretsmanager"), key)
    _rotation(lab)
    _log_groups(lab.client("logs"), key)
    s3, bucket = lab.client("s3"), fresh("bucket")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.head_bucket(Bucket=bucket)
    s3.get_bucket_location(Bucket=bucket)
    lab.client("sts").get_caller_identity()


def _provider(iam: Any) -> None:
    """An identity provider, as IRSA has one for its cluster."""
    url = f"https://oidc.eks.eu-central-1.amazonaws.com/id/{fresh('walked')}"
    arn = iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"], Tags=TAGS)[
        "OpenIDConnectProviderArn"
    ]
    one = {"OpenIDConnectProviderArn": arn}
    iam.add_client_id_to_open_id_connect_provider(**one, ClientID="other")
    iam.remove_client_id_from_open_id_connect_provider(**one, ClientID="other")
    iam.tag_open_id_connect_provider(**one, Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_open_id_connect_provider(**one, TagKeys=["c"])
    iam.get_open_id_connect_provider(**one)
    iam.delete_open_id_connect_provider(**one)


def _keys(kms: Any) -> str:
    arn = kms.create_key(Description="d", Policy=KEY_POLICY, Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"][
        "Arn"
    ]
    alias = f"alias/{fresh('key')}"
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    kms.describe_key(KeyId=alias)
    kms.list_aliases(KeyId=arn)
    kms.list_keys()
    kms.list_resource_tags(KeyId=arn)
    kms.enable_key_rotation(KeyId=arn)
    kms.enable_key(KeyId=arn)
    kms.tag_resource(KeyId=arn, Tags=[{"TagKey": "c", "TagValue": "d"}])
    kms.untag_resource(KeyId=arn, TagKeys=["c"])
    kms.get_key_rotation_status(KeyId=arn)
    kms.get_key_policy(KeyId=arn, PolicyName="default")
    kms.delete_alias(AliasName=alias)
    gone = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    kms.describe_key(KeyId=gone)
    kms.cancel_key_deletion(KeyId=gone)
    return arn


def _roles(iam: Any) -> None:
    name, managed = fresh("role"), "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Description="d", Tags=TAGS)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=POLICY)
    iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=managed)
    iam.tag_role(RoleName=name, Tags=TAGS)
    iam.get_role(RoleName=name)
    iam.get_role_policy(RoleName=name, PolicyName="p")
    iam.list_roles()
    iam.list_role_tags(RoleName=name)
    iam.list_role_policies(RoleName=name)
    iam.list_attached_role_policies(RoleName=name)
    iam.list_instance_profiles_for_role(RoleName=name)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=TRUST)
    iam.update_role(RoleName=name, Description="e")
    iam.untag_role(RoleName=name, TagKeys=["a"])
    iam.detach_role_policy(RoleName=name, PolicyArn=managed)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


def _secrets(manager: Any, key: str) -> None:
    name = fresh("walked")
    secret = {"SecretId": name}
    manager.create_secret(Name=name, SecretString="x", KmsKeyId=key, Tags=TAGS, ClientRequestToken="1" * 32)
    manager.put_secret_value(**secret, SecretString="y", ClientRequestToken="2" * 32, VersionStages=["AWSPENDING"])
    manager.update_secret_version_stage(
        **secret, VersionStage="AWSCURRENT", MoveToVersionId="2" * 32, RemoveFromVersionId="1" * 32
    )
    manager.update_secret(**secret, Description="d")
    manager.get_secret_value(**secret)
    manager.describe_secret(**secret)
    manager.list_secrets(Filters=[{"Key": "name", "Values": [name]}])
    manager.list_secret_version_ids(**secret)
    manager.get_random_password(PasswordLength=20)
    manager.tag_resource(**secret, Tags=TAGS)
    manager.untag_resource(**secret, TagKeys=["a"])
    manager.delete_secret(**secret, RecoveryWindowInDays=7)
    manager.describe_secret(**secret)
    manager.restore_secret(**secret)
    manager.delete_secret(**secret, ForceDeleteWithoutRecovery=True)


def rotation_function(lab: Lab, permitted: bool = True) -> str:
    """Make a Lambda function that Secrets Manager may call, and return its ARN. The lab never runs it."""
    functions, name, code = lab.client("lambda"), fresh("rotation"), io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("rotation.py", "def handler(event, context): ...")
    role = lab.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=TRUST.replace("rds.amazonaws.com", "lambda.amazonaws.com")
    )["Role"]["Arn"]
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="rotation.handler",
        Code={"ZipFile": code.getvalue()},
    )
    if permitted:
        functions.add_permission(
            FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com"
        )
    return str(made["FunctionArn"])


def _rotation(lab: Lab) -> None:
    manager, name = lab.client("secretsmanager"), fresh("rotated")
    manager.create_secret(Name=name, SecretString="x")
    manager.rotate_secret(
        SecretId=name, RotationLambdaARN=rotation_function(lab), RotationRules={"AutomaticallyAfterDays": 30},
        RotateImmediately=False,
    )  # fmt: skip
    manager.describe_secret(SecretId=name)
    manager.cancel_rotate_secret(SecretId=name)


def _log_groups(logs: Any, key: str) -> None:
    name = f"/walked/{fresh('group')}"
    logs.create_log_group(logGroupName=name, tags={"a": "b"})
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"c": "d"})
    logs.list_tags_for_resource(resourceArn=arn)
    logs.untag_resource(resourceArn=arn, tagKeys=["c"])
    logs.tag_log_group(logGroupName=name, tags={"e": "f"})  # the former names, which upstream's module calls
    logs.list_tags_log_group(logGroupName=name)
    logs.untag_log_group(logGroupName=name, tags=["e"])
    logs.disassociate_kms_key(logGroupName=name)
    logs.delete_retention_policy(logGroupName=name)
    logs.put_resource_policy(policyName=fresh("policy"), policyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"},
                       "Action": "logs:PutLogEvents", "Resource": "*"}],
    }))  # fmt: skip
    logs.describe_resource_policies()
    logs.delete_log_group(logGroupName=name)
