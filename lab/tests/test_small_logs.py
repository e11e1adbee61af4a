"""CloudWatch Logs refuses what AWS refuses, and keeps what it was told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_world import fresh, refused
from bahnvision_lab.testing import Lab
from policy_world import policy

ACCOUNT_KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111"


@pytest.fixture
def logs(lab: Lab) -> Any:
    return lab.client("logs")


@pytest.fixture
def kms(lab: Lab) -> Any:
    return lab.client("kms")


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
