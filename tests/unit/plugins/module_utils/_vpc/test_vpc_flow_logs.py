"""Flow logs, their log group and their role against an EC2 in this process."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from vpc_account import LOG_GROUP, ROLE, TO_CLOUDWATCH, Account

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


def flow_logs(account: Account) -> list[dict[str, Any]]:
    return account.ec2.describe_flow_logs()["FlowLogs"]


def test_a_flow_log_through_a_role_that_may_write_to_one_group_only(account: Account) -> None:
    account.ensure(flow_logs=TO_CLOUDWATCH)

    (log,) = flow_logs(account)
    assert (log["LogGroupName"], log["TrafficType"], log["DeliverLogsStatus"]) == (LOG_GROUP, "ALL", "SUCCESS")
    group = account.clients["logs"].describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"][0]
    assert group["retentionInDays"] == 90
    iam = account.clients["iam"]
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    policy = iam.get_role_policy(RoleName=ROLE, PolicyName="deliver")["PolicyDocument"]
    assert "*" not in [statement["Resource"] for statement in policy["Statement"]]
    assert "CreateLogGroup" not in json.dumps(policy)


def test_a_stage_in_two_regions_has_a_role_in_each(account: Account) -> None:
    account.ensure(flow_logs=TO_CLOUDWATCH)
    there = {service: boto3.client(service, "eu-west-1", **KEYS) for service in ("ec2", "logs")}
    other = Account({**account.clients, **there})

    other.ensure(flow_logs=TO_CLOUDWATCH)
    assert not account.ensure(flow_logs=TO_CLOUDWATCH)["changed"]
    other.ensure(state="absent")

    roles = [role["RoleName"] for role in account.clients["iam"].list_roles()["Roles"]]
    assert roles == [ROLE]
    assert not account.ensure(flow_logs=TO_CLOUDWATCH)["changed"]


FLOW_CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "retention": ({"retention_days": 30}, ["change log group"]),
    "no end": ({"retention_days": 0}, ["change log group"]),
    "traffic": ({"traffic": "REJECT"}, ["delete flow log", "create flow log"]),
    "interval": ({"interval": 60}, ["delete flow log", "create flow log"]),
    "format": ({"format": "${srcaddr} ${dstaddr}"}, ["delete flow log", "create flow log"]),
    "bucket": (
        {"destination": "s3", "bucket_arn": "arn:aws:s3:::traffic"},
        ["create flow log", "delete role", "delete flow log"],
    ),
    "off": ({"destination": "none"}, ["delete role", "delete flow log"]),
}


@pytest.mark.parametrize("change", FLOW_CHANGES)
def test_a_change_of_the_flow_log_is_told_beforehand_and_taken_back(account: Account, change: str) -> None:
    account.clients["s3"].create_bucket(
        Bucket="traffic", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    changes, steps = FLOW_CHANGES[change]
    wanted = {**TO_CLOUDWATCH, **changes}
    account.ensure(flow_logs=TO_CLOUDWATCH)

    foreseen = account.ensure(check_mode=True, flow_logs=wanted)
    done = account.ensure(flow_logs=wanted)

    assert done["actions"] == foreseen["actions"]
    assert [action.rpartition(" ")[0] for action in done["actions"]] == steps
    assert done["notes"] == foreseen["notes"]
    assert not account.ensure(flow_logs=wanted)["changed"]
    account.ensure(flow_logs=TO_CLOUDWATCH)
    assert not account.ensure(flow_logs=TO_CLOUDWATCH)["changed"]
    assert len(flow_logs(account)) == 1


def test_a_role_that_was_widened_is_put_right(account: Account) -> None:
    account.ensure(flow_logs=TO_CLOUDWATCH)
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.clients["iam"].put_role_policy(RoleName=ROLE, PolicyName="deliver", PolicyDocument=json.dumps(wide))

    assert account.ensure(flow_logs=TO_CLOUDWATCH)["actions"] == [f"allow role {ROLE}"]
    assert not account.ensure(flow_logs=TO_CLOUDWATCH)["changed"]


def test_a_log_group_and_a_role_of_others_stay(account: Account) -> None:
    account.clients["logs"].create_log_group(logGroupName=LOG_GROUP)

    with pytest.raises(ResourceError, match=r"log group .* does not carry our tags"):
        account.ensure(flow_logs=TO_CLOUDWATCH)
    assert account.writes == []
    account.ensure()
    notes = account.ensure(state="absent")["notes"]

    assert notes == [f"log group {LOG_GROUP} is not ours and stays"]
    assert account.clients["logs"].describe_log_groups()["logGroups"]
