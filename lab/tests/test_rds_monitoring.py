"""Enhanced Monitoring is refused without a role that RDS can take, and kept with one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_world import available_instance, fresh, instance_arguments, refused
from bahnvision_lab.testing import Lab

POLICY = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"


def role(lab: Lab, service: str, policy: str | None = POLICY, **more: Any) -> str:
    iam, name = lab.client("iam"), fresh("monitoring")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    if policy:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return made["Arn"]


@pytest.mark.parametrize(
    ("service", "policy"),
    [("rds.amazonaws.com", POLICY), ("monitoring.rds.amazonaws.com", None), ("", None)],
    ids=["wrong trust", "no policy", "no role"],
)
def test_a_role_that_rds_cannot_use_is_refused(lab: Lab, service: str, policy: str | None) -> None:
    arn = role(lab, service, policy) if service else "arn:aws:iam::123456789012:role/absent"
    with refused("InvalidParameterValue", "ENHANCED_MONITORING"):
        lab.client("rds").create_db_instance(**instance_arguments(MonitoringInterval=60, MonitoringRoleArn=arn))


@pytest.mark.parametrize("interval", [0, 7])
def test_an_interval_that_does_not_go_with_a_role_is_refused(lab: Lab, interval: int) -> None:
    arn = role(lab, "monitoring.rds.amazonaws.com")
    code = "InvalidParameterValue" if interval else "InvalidParameterCombination"
    with refused(code, "MonitoringInterval"):
        lab.client("rds").create_db_instance(**instance_arguments(MonitoringInterval=interval, MonitoringRoleArn=arn))


def test_a_role_that_trusts_for_another_account_only_is_refused_and_for_this_one_taken(lab: Lab) -> None:
    service = "monitoring.rds.amazonaws.com"

    def condition(account: str, source: str) -> dict[str, Any]:
        return {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": source}}

    ours, source = "123456789012", "arn:aws:rds:eu-central-1:123456789012:db:*"
    for wrong in (condition("999999999999", source), condition(ours, source.replace("central", "west"))):
        arn = role(lab, service, Condition=wrong)
        with refused("InvalidParameterValue", "ENHANCED_MONITORING"):
            lab.client("rds").create_db_instance(**instance_arguments(MonitoringInterval=60, MonitoringRoleArn=arn))
    arn = role(lab, service, Condition=condition(ours, source))
    dry = instance_arguments(MonitoringInterval=60, MonitoringRoleArn=arn, DBParameterGroupName="absent")
    with refused("DBParameterGroupNotFound", "absent"):  # looked at after the role
        lab.client("rds").create_db_instance(**dry)


def test_monitoring_is_told_and_changed_in_place(lab: Lab) -> None:
    rds, arn = lab.client("rds"), role(lab, "monitoring.rds.amazonaws.com")
    with available_instance(rds, MonitoringInterval=60, MonitoringRoleArn=arn) as made:
        name = made["DBInstanceIdentifier"]
        assert (made["MonitoringInterval"], made["MonitoringRoleArn"]) == (60, arn)
        with refused("InvalidParameterCombination", "MonitoringRoleARN"):
            rds.modify_db_instance(DBInstanceIdentifier=name, MonitoringInterval=15)
        rds.modify_db_instance(DBInstanceIdentifier=name, MonitoringInterval=15, MonitoringRoleArn=arn)
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        assert found["MonitoringInterval"] == 15
        rds.modify_db_instance(DBInstanceIdentifier=name, MonitoringInterval=0)
        assert rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["MonitoringInterval"] == 0
