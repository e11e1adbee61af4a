"""RDS Proxy: a real pooler lets in whom the secrets name, and the target's health is the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from aws_world import PASSWORD as MASTER_PASSWORD
from aws_world import fresh, refused, vpc_with_subnets, wait_available
from bahnvision_lab import truth
from bahnvision_lab.testing import Lab
from proxy_world import PASSWORD, World, policy, wait_for


@pytest.fixture(scope="module")
def world(lab: Lab, ec2: Any) -> Iterator[World]:
    made = World.make(lab, *vpc_with_subnets(ec2), MultiAZ=True)
    yield made
    made.rds.delete_db_instance(DBInstanceIdentifier=made.instance, SkipFinalSnapshot=True)


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
        "MaxConnectionsPercent": 2, "MaxIdleConnectionsPercent": 1, "ConnectionBorrowTimeout": 4,
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
    wait_for(lambda: world.logs_in(proxy), "the new password to be taken over")


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
    assert not world.logs_in(proxy)
    wide = {"GroupId": world.database_group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 5000, "ToPort": 6000, "IpRanges": [{"CidrIp": "10.60.0.0/23"}]}]}  # fmt: skip
    world.ec2.authorize_security_group_ingress(**wide)
    world.wait_health(proxy, "AVAILABLE")
    world.wait_login(proxy)
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
    world.wait_login(proxy)


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
            if words:
                assert not world.logs_in(proxy)
            else:
                world.wait_login(proxy)
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
                with world.connect(proxy, connect_timeout=120) as client:
                    client.execute("SELECT 1")
            except psycopg.Error as problem:
                errors.append(str(problem))
            longest = max(longest, time.monotonic() - began)

    client = threading.Thread(target=ask)
    client.start()
    with world.connect(proxy) as idle, world.lab.faults(endpoint_flip_seconds={"*": 2}):
        idle.execute("SELECT 1")
        world.rds.reboot_db_instance(DBInstanceIdentifier=world.instance, ForceFailover=True)
        wait_available(world.rds, world.instance)
        assert zone() != before
        assert idle.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    stop.set()
    client.join(150)
    assert errors == []
    assert longest > 0.4, "nobody waited: the failover cannot have happened"
    world.wait_health(proxy, "AVAILABLE")
    told = wait_for(lambda: "proxy serves" in (events := _journal(world)) and events, "the journal's last word")
    assert [event for event in told if event in ORDER] == ORDER


ORDER = ["proxy held", "kill", "dead", "promoted", "flipped", "proxy released", "proxy serves"]


def _journal(world: World) -> list[str]:
    return [line["event"] for line in truth.read(world.lab.state.truth) if line["id"] == world.instance]
