"""Our ElastiCache modules against a lab with real servers: each change in check mode, for real, and once more.

What a module does is called without Ansible around it, so that every change is tried alone in a second. The tests of
this file share one replication group and follow each other: it becomes Valkey, gets shards, is removed and restored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import spec
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.group import ensure_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.groups import ensure_subnet_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.parameters import ensure_parameter_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.user_groups import ensure_user_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.users import ensure_user
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import GROUP_SPEC
from bahnvision_lab.testing import Lab, running_lab
from botocore.config import Config

ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
NAME = "modules"
Ensure = Callable[[Mapping[str, Any], Mapping[str, Any], bool], dict[str, Any]]


# The lab keeps to its windows, and its tests must not depend on the hour: neither a daily snapshot nor maintenance may
# begin in the middle of them.
NOW = datetime.now(UTC)


def daily(hours: int) -> str:
    """Return the hour that begins so much later: '09:00-10:00'."""
    start = NOW + timedelta(hours=hours)
    return f"{start:%H}:00-{start + timedelta(hours=1):%H}:00"


def weekly(days: int) -> str:
    """Return an hour of another day, away from those of daily(): 'sun:15:00-sun:16:00'."""
    start = NOW + timedelta(days=days, hours=14)
    return f"{start:%a:%H}:00-{start + timedelta(hours=1):%a:%H}:00".lower()


class World:
    """A lab, the modules' clients (without retries of their own, as the modules have them), and the wish so far."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        once = Config(retries={"total_max_attempts": 1})
        services = ("elasticache", "secretsmanager", "kms", "ec2", "logs")
        self.clients = {service: lab.client(service, config=once) for service in services}
        self.secret: dict[str, Any] = {
            "name": f"{NAME}-elasticache-app", "kms_key_id": None, "rotation_days": 0, "rotation": "", "grace_days": 7,
            "recovery_days": 30, "connection": None,
        }  # fmt: skip
        self.wish: dict[str, Any] = {
            "identifier": NAME, "description": "of the tests", "availability_zones": ZONES, "subnet_group_name": NAME,
            "user_group_ids": [NAME], "apply_immediately": True, "snapshot_window": daily(8),
            "maintenance_window": weekly(days=3), "engine": "redis", "engine_version": "7.0",
            "parameter_group_name": f"{NAME}-redis7",
        }  # fmt: skip

    def write(self, ensure: Ensure, options: Mapping[str, Any], **given: Any) -> dict[str, Any]:
        """Do it, in check mode first: what was foreseen is done, and then nothing is left to do."""
        defaults = {name: option.get("default") for name, option in options.items()}
        params = {**defaults, "app": "tests", "stage": "lab", "wait_pause": 0.1, **given}
        foreseen = ensure(self.clients, params, True)
        made = ensure(self.clients, params, False)
        again = ensure(self.clients, params, False)
        assert foreseen["changed"]
        assert made["actions"] == foreseen["actions"]
        assert (again["changed"], again["actions"]) == (False, [])
        return made

    def group(self, **wish: Any) -> list[str]:
        self.wish |= wish
        made = self.write(ensure_group, spec.GROUP_SPEC, **self.wish)
        return [action.split()[0] for action in made["actions"]]

    def user(self, name: str, **given: Any) -> dict[str, Any]:
        return self.write(ensure_user, spec.USER_SPEC, user_id=f"{NAME}-{name}", engine="redis", **given)

    def parameters(self, family: str, suffix: str = "", **parameters: Any) -> None:
        self.write(
            ensure_parameter_group, {**GROUP_SPEC, "family": {}, "parameters": {}}, name=f"{NAME}-{family}{suffix}",
            description="of the tests", family=family, parameters=parameters,
        )  # fmt: skip

    def login(self) -> dict[str, Any]:
        told = self.clients["secretsmanager"].get_secret_value(SecretId=self.secret["name"])
        return json.loads(told["SecretString"])

    def told(self) -> dict[str, Any]:
        return self.clients["elasticache"].describe_replication_groups()["ReplicationGroups"][0]

    def client(self) -> Any:
        login, shard = self.login(), self.told()["NodeGroups"][0]
        sharded = self.told()["ClusterMode"] == "enabled"
        place = self.told()["ConfigurationEndpoint"] if sharded else shard["PrimaryEndpoint"]
        return (redis.RedisCluster if sharded else redis.Redis)(
            host=place["Address"], port=place["Port"], username=login["username"], password=login["password"], ssl=True,
            ssl_ca_certs=self.lab.status()["ca_bundle"], socket_timeout=60,
        )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("elasticache-modules") / "lab") as lab:
        yield World(lab)


@pytest.fixture(scope="module")
def made(world: World) -> World:
    """One after the other, every kind of object that a replication group stands on, and the group."""
    ec2 = world.clients["ec2"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(ZONES)
    ]
    world.clients["logs"].create_log_group(logGroupName="/tests/slow-log")
    options = {**GROUP_SPEC, "subnet_ids": {}}
    world.write(ensure_subnet_group, options, name=NAME, description="of the tests", subnet_ids=subnets)
    for family in ("valkey8", "valkey9"):
        world.parameters(family, timeout=100)
    world.parameters("valkey9", "-cluster", **{"cluster-enabled": True})
    world.parameters("redis7", timeout=0, **{"maxmemory-policy": "allkeys-lru"})
    world.user("default", user_name="default", access_string="off -@all")
    world.user("app", secret=world.secret)
    members = {"user_group_id": NAME, "engine": "redis"}
    world.write(ensure_user_group, spec.USER_GROUP_SPEC, **members, user_ids=[f"{NAME}-app", f"{NAME}-default"])
    assert world.group() == ["create"]
    assert world.client().set("kept", "1")
    return world


LOG = {
    "log_type": "slow-log", "destination_type": "cloudwatch-logs", "destination": "/tests/slow-log",
    "log_format": "json",
}  # fmt: skip
CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a version that waits": ({"engine_version": "7.1", "apply_immediately": False}, ["modify"]),
    "a retention beside it": ({"snapshot_retention_limit": 5}, ["modify"]),
    "the version now": ({"apply_immediately": True}, ["modify"]),
    "from Redis OSS to Valkey": (
        {"engine": "valkey", "engine_version": "8.0", "allow_major_version_upgrade": True,
         "parameter_group_name": f"{NAME}-valkey8"}, ["modify"],
    ),
    "node type": ({"node_type": "cache.m7g.large"}, ["modify"]),
    "more replicas": ({"replicas_per_node_group": 3}, ["increase"]),
    "fewer replicas": ({"replicas_per_node_group": 1}, ["decrease"]),
    "a log": ({"log_delivery": [LOG]}, ["modify"]),
    "no log": ({"log_delivery": []}, ["modify"]),
    "retention": ({"snapshot_retention_limit": 3}, ["modify"]),
    "description": ({"description": "another"}, ["modify"]),
    "windows": ({"snapshot_window": daily(10), "maintenance_window": weekly(days=4)}, ["modify"]),
    "no minor upgrades": ({"auto_minor_version_upgrade": False}, ["modify"]),
    "topic": ({"notification_topic_arn": "arn:aws:sns:eu-central-1:123456789012:cache"}, ["modify"]),
    "no topic": ({"notification_topic_arn": ""}, ["modify"]),
    "tag": ({"tags": {"team": "data"}}, ["tag"]),
    "no tag": ({"tags": {}}, ["untag"]),
    "no failover": ({"multi_az": False, "automatic_failover": False}, ["modify"]),
    "failover": ({"multi_az": True, "automatic_failover": True}, ["modify"]),
    "a major version": ({"engine_version": "9", "parameter_group_name": f"{NAME}-valkey9"}, ["modify"]),
    "cluster mode compatible": (
        {"cluster_mode": "compatible", "parameter_group_name": f"{NAME}-valkey9-cluster"}, ["modify"],
    ),
    "cluster mode": ({"cluster_mode": "enabled"}, ["modify"]),
    "two shards": ({"num_node_groups": 2}, ["reshard"]),
    "replicas of all shards": ({"replicas_per_node_group": 2}, ["increase"]),
    "fewer of all shards": ({"replicas_per_node_group": 1}, ["decrease"]),
    "one shard": ({"num_node_groups": 1}, ["reshard"]),
    "durability": ({"durability": "sync"}, ["modify"]),
    "no durability": ({"durability": "disabled"}, ["modify"]),
}  # fmt: skip


def test_users_rotate_and_change_while_a_client_stays(made: World) -> None:
    client = made.client()
    old = made.login()["password"]
    made.secret["rotation"] = "one"
    assert len(made.user("app", secret=made.secret)["actions"]) == 3
    assert made.login()["password"] != old
    assert client.get("kept") == made.client().get("kept") == b"1"
    made.user("app", secret=made.secret, access_string="on ~* &* +@all -@dangerous +info")
    assert made.client().info()
    made.user("reader", access_string="on ~* -@all +@read +@connection")
    users = [f"{NAME}-{name}" for name in ("app", "default", "reader")]
    made.write(ensure_user_group, spec.USER_GROUP_SPEC, user_group_id=NAME, engine="redis", user_ids=users)


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_foreseen_made_in_place_and_made_once(made: World, name: str) -> None:
    born = made.told()["ReplicationGroupCreateTime"]
    wish, verbs = CHANGES[name]
    assert made.group(**wish) == verbs
    assert made.told()["ReplicationGroupCreateTime"] == born
    for shard in made.told()["NodeGroups"]:
        zones = [member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]]
        assert len(set(zones)) == min(len(zones), len(ZONES))
    member = made.clients["elasticache"].describe_cache_clusters(CacheClusterId=f"{NAME}-001")["CacheClusters"][:1]
    waits = not made.wish["apply_immediately"]
    assert [node["EngineVersion"].startswith(made.wish["engine_version"]) for node in member] == [not waits]
    assert made.client().get("kept") == b"1"


def test_with_three_calls_of_ten_throttled_it_is_removed_and_restored_with_its_keys(made: World) -> None:
    """And the removal leaves nothing behind."""
    with made.lab.faults(throttle=0.3):
        gone = made.write(ensure_group, spec.GROUP_SPEC, **{**made.wish, "state": "absent"})
        [kept] = made.lab.client("elasticache").describe_snapshots(SnapshotSource="user")["Snapshots"]
        assert gone["actions"] == [f"delete replication_group {NAME}"]
        assert made.group(snapshot_name=kept["SnapshotName"]) == ["create"]
    assert made.client().get("kept") == b"1"
    absent = {"state": "absent"}
    made.write(ensure_group, spec.GROUP_SPEC, **{**made.wish, **absent, "skip_final_snapshot": True})
    made.write(ensure_user_group, spec.USER_GROUP_SPEC, user_group_id=NAME, **absent)
    gone = made.user("*", secret={**made.secret, "name": f"{NAME}-elasticache-*"}, **absent)
    assert len(gone["actions"]) == 4
    made.write(
        ensure_parameter_group, {**GROUP_SPEC, "family": {}, "parameters": {}}, name=f"{NAME}-*", family=None,
        parameters={}, **absent,
    )  # fmt: skip
    made.write(ensure_subnet_group, {**GROUP_SPEC, "subnet_ids": {}}, name=NAME, **absent)
