"""RDS Proxy: a real pooler lets in whom the secrets name, and the target's health is the truth."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from aws_world import PASSWORD as MASTER_PASSWORD
from aws_world import fresh, instance_arguments, refused, vpc_with_subnets, wait_available
from bahnvision_lab import truth
from bahnvision_lab.processes import ProcessId
from bahnvision_lab.testing import Lab
from proxy_world import PASSWORD, TRUST, World, policy, wait_for


@pytest.fixture(scope="module")
def world(lab: Lab, ec2: Any) -> Iterator[World]:
    made = World.make(lab, *vpc_with_subnets(ec2), MultiAZ=True)
    yield made
    made.rds.delete_db_instance(DBInstanceIdentifier=made.instance, SkipFinalSnapshot=True)


@pytest.fixture(scope="module")
def secret(world: World) -> str:
    return world.make_secret()


@pytest.fixture(scope="module")
def role(world: World, secret: str) -> str:
    return world.make_role(policy(secret))


@pytest.fixture(scope="module")
def proxy(world: World, secret: str, role: str) -> Iterator[str]:
    name = world.make_proxy(secret, role, Tags=[{"Key": "stage", "Value": "lab"}])
    world.wait_health(name, "AVAILABLE")
    yield name
    world.rds.delete_db_proxy(DBProxyName=name)


def process_of(world: World, name: str) -> ProcessId:
    arn = world.rds.describe_db_proxies(DBProxyName=name)["DBProxies"][0]["DBProxyArn"]
    return world.lab.state.registry.all()[f"proxy:{arn.rpartition(':')[2]}"]


def test_the_answers_have_aws_s_shape_and_defaults(world: World, proxy: str, secret: str, role: str) -> None:
    told = world.rds.describe_db_proxies(DBProxyName=proxy)["DBProxies"][0]
    assert told["DBProxyArn"].startswith("arn:aws:rds:eu-central-1:123456789012:db-proxy:prx-")
    assert {key: told[key] for key in (
        "Status", "EngineFamily", "VpcId", "VpcSecurityGroupIds", "VpcSubnetIds", "RoleArn", "RequireTLS",
        "IdleClientTimeout", "DebugLogging", "DefaultAuthScheme", "Auth",
    )} == {
        "Status": "available", "EngineFamily": "POSTGRESQL", "VpcId": world.vpc,
        "VpcSecurityGroupIds": [world.proxy_group], "VpcSubnetIds": world.subnets, "RoleArn": role, "RequireTLS": True,
        "IdleClientTimeout": 1800, "DebugLogging": False, "DefaultAuthScheme": "NONE",
        "Auth": [{"AuthScheme": "SECRETS", "SecretArn": secret, "IAMAuth": "DISABLED",
                  "ClientPasswordAuthType": "POSTGRES_SCRAM_SHA_256"}],
    }  # fmt: skip
    group = world.rds.describe_db_proxy_target_groups(DBProxyName=proxy)["TargetGroups"][0]
    assert (group["TargetGroupName"], group["IsDefault"], group["Status"]) == ("default", True, "available")
    assert group["ConnectionPoolConfig"] == {
        "MaxConnectionsPercent": 100, "MaxIdleConnectionsPercent": 50, "ConnectionBorrowTimeout": 120,
        "SessionPinningFilters": [],
    }  # fmt: skip
    target = world.rds.describe_db_proxy_targets(DBProxyName=proxy)["Targets"][0]
    assert (target["RdsResourceId"], target["Type"]) == (world.instance, "RDS_INSTANCE")
    assert target["TargetHealth"] == {"State": "AVAILABLE"}
    endpoint = world.rds.describe_db_proxy_endpoints(DBProxyName=proxy)["DBProxyEndpoints"][0]
    assert (endpoint["IsDefault"], endpoint["Endpoint"]) == (True, told["Endpoint"])
    assert world.lab.status()["proxies"][proxy] == {"status": "available", "host": told["Endpoint"], "port": 5432}


def test_the_application_connects_with_its_certificate_checked(world: World, proxy: str) -> None:
    with world.connect(proxy) as client:
        assert client.pgconn.ssl_in_use
        assert client.execute("SELECT current_user, current_database()").fetchone() == (world.user, "app")
        behind = client.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert behind == (True,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sslmode": "disable"}, "SSL required"),
        ({"password": "another"}, "authentication failed"),
        ({"user": "master", "password": MASTER_PASSWORD}, "authentication failed"),
        ({"options": "-c search_path=public"}, "unsupported startup parameter"),
    ],
)
def test_everybody_else_is_refused(world: World, proxy: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=words):
        world.connect(proxy, **options)


def test_the_pool_shares_connections_and_its_share_is_obeyed(world: World, proxy: str) -> None:
    world.rds.modify_db_proxy_target_group(DBProxyName=proxy, TargetGroupName="default", ConnectionPoolConfig={
        "MaxConnectionsPercent": 2, "MaxIdleConnectionsPercent": 1, "ConnectionBorrowTimeout": 1,
        "InitQuery": "SET application_name = 'pooled'",
    })  # fmt: skip
    try:
        config = world.rds.describe_db_proxy_target_groups(DBProxyName=proxy)["TargetGroups"][0]["ConnectionPoolConfig"]
        assert (config["MaxConnectionsPercent"], config["InitQuery"]) == (2, "SET application_name = 'pooled'")
        # The connections made before keep what they have; clients that hold a transaction each take one of two.
        holders = [world.connect(proxy) for _number in range(3)]
        for holder in holders[:2]:
            holder.execute("BEGIN")
            holder.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="query_wait_timeout"):
            holders[2].execute("SELECT 1")
        holders[0].execute("ROLLBACK")
        with world.connect(proxy) as another:
            assert another.execute("SELECT 1").fetchone() == (1,)
        for holder in holders:
            holder.close()
    finally:
        world.rds.modify_db_proxy_target_group(DBProxyName=proxy, TargetGroupName="default", ConnectionPoolConfig={
            "MaxConnectionsPercent": 100, "ConnectionBorrowTimeout": 120, "InitQuery": "",
        })  # fmt: skip
    world.wait_health(proxy, "AVAILABLE")


def test_a_changed_secret_is_picked_up(world: World, proxy: str, secret: str) -> None:
    world.set_password("a new one")
    world.secrets.put_secret_value(SecretId=secret, SecretString=world.content("a new one"))
    world.wait_health(proxy, "AVAILABLE")
    with world.connect(proxy, "a new one") as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        world.connect(proxy)
    # Nobody asks the API now: the lab sees by itself that the secret was changed back.
    world.set_password(PASSWORD)
    world.secrets.put_secret_value(SecretId=secret, SecretString=world.content())
    wait_for(lambda: _logs_in(world, proxy), "the new password to be taken over")


def _logs_in(world: World, proxy: str) -> bool:
    try:
        world.connect(proxy, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_database_refuses_the_password_of_the_secret(world: World, proxy: str) -> None:
    world.set_password("not in the secret")
    health = world.wait_health(proxy, "AUTH_FAILURE")
    assert f'password authentication failed for user "{world.user}"' in health["Description"]
    assert PASSWORD not in str(health)
    world.set_password(PASSWORD)
    assert world.wait_health(proxy, "AVAILABLE") == {"State": "AVAILABLE"}


def test_without_a_rule_the_target_is_unreachable(world: World, proxy: str) -> None:
    world.forbid()
    health = world.wait_health(proxy, "UNREACHABLE")
    assert f"no inbound rule of {world.database_group} allows port 5432" in health["Description"]
    assert not _logs_in(world, proxy)
    wide = {"GroupId": world.database_group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 5000, "ToPort": 6000, "IpRanges": [{"CidrIp": "10.60.0.0/23"}]}]}  # fmt: skip
    world.ec2.authorize_security_group_ingress(**wide)
    world.wait_health(proxy, "AVAILABLE")
    assert _logs_in(world, proxy)
    world.ec2.revoke_security_group_ingress(**wide)
    world.wait_health(proxy, "UNREACHABLE")
    world.allow()
    world.wait_health(proxy, "AVAILABLE")


def test_changes_in_place(world: World, proxy: str) -> None:
    world.rds.modify_db_proxy(DBProxyName=proxy, RequireTLS=False, IdleClientTimeout=60, DebugLogging=True)
    world.wait_status(proxy, "available")
    told = world.rds.describe_db_proxies(DBProxyName=proxy)["DBProxies"][0]
    assert (told["RequireTLS"], told["IdleClientTimeout"], told["DebugLogging"]) == (False, 60, True)
    with world.connect(proxy, sslmode="disable") as client:
        assert not client.pgconn.ssl_in_use
    world.rds.modify_db_proxy(DBProxyName=proxy, RequireTLS=True, IdleClientTimeout=1800, DebugLogging=False)
    world.wait_status(proxy, "available")
    with pytest.raises(psycopg.OperationalError, match="SSL required"):
        world.connect(proxy, sslmode="disable")


def test_tags_and_names(world: World, proxy: str) -> None:
    arn = world.rds.describe_db_proxies(DBProxyName=proxy)["DBProxies"][0]["DBProxyArn"]
    world.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "app", "Value": "x"}])
    world.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["stage"])
    assert world.rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "app", "Value": "x"}]
    with refused("DBProxyNotFoundFault", "doesn't correspond"):
        world.rds.list_tags_for_resource(ResourceName=arn[:-3] + "abc")
    renamed = fresh("renamed")
    world.rds.modify_db_proxy(DBProxyName=proxy, NewDBProxyName=renamed)
    world.wait_status(renamed, "available")
    with refused("DBProxyNotFoundFault", proxy):
        world.rds.describe_db_proxies(DBProxyName=proxy)
    world.rds.modify_db_proxy(DBProxyName=renamed, NewDBProxyName=proxy)
    world.wait_status(proxy, "available")
    assert _logs_in(world, proxy)


def test_the_role_must_be_allowed_to_read_the_secret(world: World, proxy: str, secret: str, role: str) -> None:
    key = world.lab.client("kms").create_key()["KeyMetadata"]
    locked = world.make_secret(KmsKeyId=key["KeyId"])
    region = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}}
    decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key["Arn"], "Condition": region}
    elsewhere = {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
    denial = {"Effect": "Deny", "Action": "secretsmanager:*", "Resource": "*"}
    cases = [
        (secret, None, "GetSecretValue"),
        (secret, policy(secret[:-6] + "??????"), ""),
        (secret, policy(secret, denial), "GetSecretValue"),
        (locked, policy(locked), "kms:Decrypt"),
        (locked, policy(locked, {**decrypt, "Condition": elsewhere}), "kms:Decrypt"),
        (locked, policy(locked, decrypt), ""),
        (world.make_secret(SecretString='{"username": "x"}'), policy("*"), "no JSON with username and password"),
    ]
    try:
        for arn, document, words in cases:
            world.rds.modify_db_proxy(DBProxyName=proxy, RoleArn=world.make_role(document), Auth=[{"SecretArn": arn}])
            world.wait_status(proxy, "available")
            health = world.wait_health(proxy, "AUTH_FAILURE" if words else "AVAILABLE")
            assert words in health.get("Description", "")
            assert _logs_in(world, proxy) is not bool(words)
    finally:
        world.rds.modify_db_proxy(DBProxyName=proxy, RoleArn=role, Auth=[{"SecretArn": secret}])
        world.wait_status(proxy, "available")
        world.wait_health(proxy, "AVAILABLE")


def test_clients_wait_through_a_failover_and_lose_nothing(world: World, proxy: str) -> None:
    def zone() -> str:
        return world.rds.describe_db_instances(DBInstanceIdentifier=world.instance)["DBInstances"][0][
            "AvailabilityZone"
        ]

    before, longest, stop = zone(), 0.0, threading.Event()
    errors: list[str] = []

    def ask() -> None:
        nonlocal longest
        while not stop.is_set():
            began = time.monotonic()
            try:
                with world.connect(proxy, connect_timeout=20) as client:
                    client.execute("SELECT 1")
            except psycopg.Error as problem:
                errors.append(str(problem))
            longest = max(longest, time.monotonic() - began)

    client = threading.Thread(target=ask)
    client.start()
    with world.connect(proxy) as idle:
        idle.execute("SELECT 1")
        world.rds.reboot_db_instance(DBInstanceIdentifier=world.instance, ForceFailover=True)
        wait_available(world.rds, world.instance)
        assert zone() != before
        assert idle.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    stop.set()
    client.join(20)
    assert errors == []
    assert longest > 0.4, "nobody waited: the failover cannot have happened"
    world.wait_health(proxy, "AVAILABLE")
    told = wait_for(lambda: "proxy serves" in (events := _journal(world)) and events, "the journal's last word")
    assert [event for event in told if event in ORDER] == ORDER


ORDER = ["proxy held", "kill", "dead", "promoted", "flipped", "proxy released", "proxy serves"]


def _journal(world: World) -> list[str]:
    return [line["event"] for line in truth.read(world.lab.state.truth) if line["id"] == world.instance]


def test_the_target_comes_and_goes_with_its_instance(world: World, secret: str, role: str) -> None:
    name, known = fresh("proxy"), world.instance
    world.rds.create_db_proxy(**world.arguments(secret, role, DBProxyName=name))
    world.wait_status(name, "available")
    found = world.rds.describe_db_instances(DBInstanceIdentifier=known)["DBInstances"][0]
    arguments = instance_arguments(
        DBSubnetGroupName=found["DBSubnetGroup"]["DBSubnetGroupName"], VpcSecurityGroupIds=[world.database_group]
    )
    other = {"DBInstanceIdentifier": arguments["DBInstanceIdentifier"]}
    world.rds.create_db_instance(**arguments)
    world.rds.register_db_proxy_targets(DBProxyName=name, DBInstanceIdentifiers=list(other.values()))
    assert world.health(name)["Reason"] == "PENDING_PROXY_CAPACITY"
    # The application's user is not known there.
    health = world.wait_health(name, "AUTH_FAILURE")
    assert world.user in health["Description"]
    world.rds.delete_db_instance(**other, SkipFinalSnapshot=True)
    health = world.wait_health(name, "UNREACHABLE")
    assert other["DBInstanceIdentifier"] in health["Description"]
    assert not _logs_in(world, name)
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
    assert not _logs_in(world, name)

    assert world.rds.delete_db_proxy(DBProxyName=name)["DBProxy"]["Status"] == "deleting"
    with refused("InvalidDBProxyStateFault", "DELETING"):
        world.rds.delete_db_proxy(DBProxyName=name)
    wait_for(lambda: name not in world.lab.status()["proxies"], "the proxy to be gone")
    assert not process.alive
    with refused("DBProxyNotFoundFault", name):
        world.rds.describe_db_proxies(DBProxyName=name)
