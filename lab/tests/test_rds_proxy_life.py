"""RDS Proxy: how a proxy and its targets come and go, and what the API refuses meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_world import fresh, instance_arguments, refused, vpc_with_subnets
from bahnvision_lab.processes import ProcessId
from bahnvision_lab.testing import Lab
from proxy_world import TRUST, World, wait_for


@pytest.fixture(scope="module")
def world(lab: Lab, ec2: Any) -> Iterator[World]:
    made = World.make(lab, *vpc_with_subnets(ec2))
    yield made
    made.rds.delete_db_instance(DBInstanceIdentifier=made.instance, SkipFinalSnapshot=True)


def process_of(world: World, name: str) -> ProcessId:
    arn = world.rds.describe_db_proxies(DBProxyName=name)["DBProxies"][0]["DBProxyArn"]
    return world.lab.state.registry.all()[f"proxy:{arn.rpartition(':')[2]}"]


def test_the_target_comes_and_goes_with_its_instance(world: World, secret: str, role: str) -> None:
    name, known = fresh("proxy"), world.instance
    world.rds.create_db_proxy(**world.arguments(secret, role, DBProxyName=name))
    world.wait_status(name, "available")
    found = world.rds.describe_db_instances(DBInstanceIdentifier=known)["DBInstances"][0]
    arguments = instance_arguments(
        DBSubnetGroupName=found["DBSubnetGroup"]["DBSubnetGroupName"], VpcSecurityGroupIds=[world.database_group]
    )
    other = {"DBInstanceIdentifier": arguments["DBInstanceIdentifier"]}
    with world.lab.held():
        world.rds.create_db_instance(**arguments)
        world.rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=list(other.values()))
        assert world.health(name)["Reason"] == "PENDING_PROXY_CAPACITY"
    # The application's user is not known there.
    health = world.wait_health(name, "AUTH_FAILURE")
    assert world.user in health["Description"]
    world.rds.delete_db_instance(**other, SkipFinalSnapshot=True)
    health = world.wait_health(name, "UNREACHABLE")
    assert other["DBInstanceIdentifier"] in health["Description"]
    assert not world.logs_in(name)
    wait_for(lambda: "does not exist any more" in world.health(name)["Description"], "the instance to be gone")
    world.rds.deregister_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=list(other.values()))
    world.rds.delete_db_proxy(DBProxyName=name)


def test_what_registration_refuses(world: World, proxy: str) -> None:
    register, instances = world.rds.register_db_proxy_targets, [world.instance]
    with refused("DBProxyTargetAlreadyRegisteredFault", world.instance):
        register(DBProxyName=proxy, DBInstanceIdentifiers=instances)
    with refused("DBInstanceNotFound", "nobody"):
        register(DBProxyName=proxy, DBInstanceIdentifiers=["nobody"])
    with refused("DBProxyNotFoundFault", "nobody"):
        register(DBProxyName="nobody", DBInstanceIdentifiers=instances)
    with refused("DBProxyTargetGroupNotFoundFault", "other"):
        register(DBProxyName=proxy, TargetGroupName="other", DBInstanceIdentifiers=instances)
    with refused("DBProxyTargetNotFoundFault", "nobody"):
        world.rds.deregister_db_proxy_targets(DBProxyName=proxy, DBInstanceIdentifiers=["nobody"])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"MaxConnectionsPercent": 0}, "between 1 and 100"),
        ({"MaxConnectionsPercent": 101}, "between 1 and 100"),
        ({"MaxConnectionsPercent": 40, "MaxIdleConnectionsPercent": 41}, "between 0 and 40"),
        ({"MaxIdleConnectionsPercent": 10}, "must specify MaxConnectionsPercent"),
        ({"ConnectionBorrowTimeout": 301}, "between 0 and 300"),
        ({"SessionPinningFilters": ["EXCLUDE_VARIABLE_SETS"]}, "only supported for engine family MYSQL"),
    ],
)
def test_what_the_target_group_refuses(world: World, proxy: str, config: dict[str, Any], words: str) -> None:
    with refused("InvalidParameterValue", words):
        world.rds.modify_db_proxy_target_group(
            DBProxyName=proxy, TargetGroupName="default", ConnectionPoolConfig=config
        )


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"DBProxyName": "a--b"}, "ValidationError", "dBProxyName"),
        ({"DBProxyName": "ab-"}, "ValidationError", "dBProxyName"),
        ({"EngineFamily": "ORACLE"}, "ValidationError", "[MYSQL, POSTGRESQL, SQLSERVER]"),
        ({"EngineFamily": "MYSQL"}, "NotImplementedByLab", "only of POSTGRESQL"),
        ({"DefaultAuthScheme": "IAM_AUTH"}, "NotImplementedByLab", "IAM"),
        ({"Auth": None}, "InvalidParameterValue", "items in Auth"),
        ({"Auth": [{"AuthScheme": "SECRETS"}]}, "InvalidParameterValue", "SecretArn must be specified"),
        ({"Auth": [{"SecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:nobody-abcdef"}]},
         "InvalidParameterValue", "doesn't exist"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "InvalidParameterValue", "doesn't exist"),
        ({"IdleClientTimeout": 0}, "InvalidParameterValue", "between 1 and 28800"),
        ({"IdleClientTimeout": 28801}, "InvalidParameterValue", "between 1 and 28800"),
        ({"VpcSubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidSubnet", "don't exist"),
        ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidParameterValue", "Invalid security group"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "InvalidParameterValue", "Invalid tag key"),
    ],
)  # fmt: skip
def test_what_creation_refuses(
    world: World, secret: str, role: str, changes: dict[str, Any], code: str, words: str
) -> None:
    with refused(code, words):
        world.rds.create_db_proxy(**world.arguments(secret, role, **changes))


def test_what_creation_refuses_of_what_exists(world: World, proxy: str, secret: str, role: str, ec2: Any) -> None:
    def refuse(code: str, words: str, **changes: Any) -> None:
        with refused(code, words):
            world.rds.create_db_proxy(**world.arguments(secret, role, **changes))

    refuse("DBProxyAlreadyExistsFault", proxy, DBProxyName=proxy)
    refuse("InvalidSubnet", "at least 2 Availability Zones", VpcSubnetIds=world.subnets[:1])
    vpc, subnets = vpc_with_subnets(ec2)
    refuse("InvalidSubnet", "same VPC", VpcSubnetIds=[world.subnets[0], subnets[1]])
    refuse("InvalidParameterValue", f"DB proxy is in {vpc}", VpcSubnetIds=subnets)
    lambdas = json.loads(json.dumps(TRUST).replace("rds.", "lambda."))
    refuse("InvalidParameterValue", "not authorized to assume", RoleArn=world.make_role(None, lambdas))
    refuse("InvalidParameterValue", "whole ARN", Auth=[{"SecretArn": secret[:-7]}])
    refuse("InvalidParameterValue", "twice", Auth=[{"SecretArn": secret}] * 2)
    refuse("InvalidParameterValue", "IAMAuth", Auth=[{"SecretArn": secret, "IAMAuth": "ENABLED"}])
    refuse("NotImplementedByLab", "IAM", Auth=[{"SecretArn": secret, "IAMAuth": "REQUIRED"}])

    foreign = world.arguments(secret, role, VpcSubnetIds=subnets, VpcSecurityGroupIds=None)
    world.rds.create_db_proxy(**foreign)
    name = foreign["DBProxyName"]
    world.wait_status(name, "available")
    with refused("InvalidParameterValue", f"DB proxy {name} is in {vpc}"):
        world.rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[world.instance])
    world.rds.delete_db_proxy(DBProxyName=name)


def test_a_proxy_comes_and_goes(world: World, secret: str, role: str) -> None:
    arguments = world.arguments(secret, role)
    name = arguments["DBProxyName"]
    with world.lab.held():
        assert world.rds.create_db_proxy(**arguments)["DBProxy"]["Status"] == "creating"
        for change in (
            lambda: world.rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[world.instance]),
            lambda: world.rds.modify_db_proxy(DBProxyName=name, DebugLogging=True),
        ):
            with refused("InvalidDBProxyStateFault", "CREATING"):
                change()
    world.wait_status(name, "available")
    assert world.rds.describe_db_proxy_targets(DBProxyName=name)["Targets"] == []
    process = process_of(world, name)
    assert process.alive
    told = world.rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[world.instance])
    assert told["DBProxyTargets"][0]["TargetHealth"]["State"] == "REGISTERING"
    world.wait_health(name, "AVAILABLE")
    world.rds.deregister_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=[world.instance])
    assert world.rds.describe_db_proxy_targets(DBProxyName=name)["Targets"] == []
    assert not world.logs_in(name)

    with world.lab.held():
        assert world.rds.delete_db_proxy(DBProxyName=name)["DBProxy"]["Status"] == "deleting"
        with refused("InvalidDBProxyStateFault", "DELETING"):
            world.rds.delete_db_proxy(DBProxyName=name)
    wait_for(lambda: name not in world.lab.status()["proxies"], "the proxy to be gone")
    assert not process.alive
    with refused("DBProxyNotFoundFault", name):
        world.rds.describe_db_proxies(DBProxyName=name)
