"""What tests of the lab's ElastiCache need again and again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from aws_world import fresh, vpc_with_subnets
from bahnvision_lab.testing import Lab
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

# The lab keeps to its windows, and its tests must not depend on the hour: neither a daily snapshot nor maintenance may
# begin in the middle of them.
NOW = datetime.now(UTC)
PASSWORD = "a-password:of%24characters"
ZONES = ["eu-central-1a", "eu-central-1b"]


def daily(hours: int) -> str:
    """Return the hour that begins so much later: '09:00-10:00'."""
    start = NOW + timedelta(hours=hours)
    return f"{start:%H}:00-{start + timedelta(hours=1):%H}:00"


def weekly(days: int) -> str:
    """Return an hour of another day, away from those of daily(): 'sun:15:00-sun:16:00'."""
    start = NOW + timedelta(days=days, hours=14)
    return f"{start:%a:%H}:00-{start + timedelta(hours=1):%a:%H}:00".lower()


class Caches:
    """An account with a network and a user: `make` adds replication groups to it."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.api = lab, lab.client("elasticache")
        self.ec2 = lab.client("ec2")
        self.vpc, subnets = vpc_with_subnets(self.ec2)
        self.subnet_group, self.user, self.user_group = fresh("cache-net"), fresh("app"), fresh("app-users")
        self.api.create_cache_subnet_group(
            CacheSubnetGroupName=self.subnet_group, CacheSubnetGroupDescription="data", SubnetIds=subnets
        )
        self.api.create_user(
            UserId=self.user, UserName=self.user, Engine="valkey", AccessString="on ~* +@all", Passwords=[PASSWORD]
        )
        self.api.create_user_group(UserGroupId=self.user_group, Engine="valkey", UserIds=[self.user])
        self.wait_user_group()

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """Return arguments of CreateReplicationGroup that are accepted, with changes; None takes one out."""
        arguments = {
            "ReplicationGroupId": fresh("cache"), "ReplicationGroupDescription": "for a test", "Engine": "valkey",
            "EngineVersion": "8.1", "CacheNodeType": "cache.t4g.micro", "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True, "MultiAZEnabled": True, "TransitEncryptionEnabled": True,
            "CacheSubnetGroupName": self.subnet_group, "UserGroupIds": [self.user_group], **changes,
        }  # fmt: skip
        return {name: value for name, value in arguments.items() if value is not None}

    @contextlib.contextmanager
    def make(self, **changes: Any) -> Iterator[dict[str, Any]]:
        arguments = self.arguments(**changes)
        self.api.create_replication_group(**arguments)
        try:
            yield self.wait(arguments["ReplicationGroupId"])
        finally:
            self.wait(arguments["ReplicationGroupId"])
            self.api.delete_replication_group(ReplicationGroupId=arguments["ReplicationGroupId"])

    def sharded(self, **changes: Any) -> Any:
        """Two shards with a replica each."""
        return self.make(**{"NumCacheClusters": None, "NumNodeGroups": 2, "ReplicasPerNodeGroup": 1, **changes})

    def told(self, name: str) -> dict[str, Any]:
        return self.api.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]

    def wait(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 240
        while (group := self.told(name))["Status"] != "available":
            assert group["Status"] != "create-failed", self.lab.state.log.read_text()
            assert time.monotonic() < deadline, group
            time.sleep(0.03)
        return group

    def modify(self, name: str, **changes: Any) -> dict[str, Any]:
        self.api.modify_replication_group(ReplicationGroupId=name, ApplyImmediately=True, **changes)
        return self.wait(name)

    def wait_user_group(self) -> None:
        deadline = time.monotonic() + 120
        while self.api.describe_user_groups(UserGroupId=self.user_group)["UserGroups"][0]["Status"] != "active":
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def connect(self, endpoint: dict[str, Any], **changes: Any) -> redis.Redis:
        options = {
            "username": self.user, "password": PASSWORD, "ssl": True, "ssl_ca_certs": self.lab.status()["ca_bundle"],
            "ssl_check_hostname": True, "socket_timeout": 30, "retry": Retry(NoBackoff(), 0), "decode_responses": True,
            **changes,
        }  # fmt: skip
        return redis.Redis(host=endpoint["Address"], port=endpoint["Port"], **options)

    def primary(self, group: dict[str, Any], **changes: Any) -> redis.Redis:
        return self.connect(group["NodeGroups"][0]["PrimaryEndpoint"], **changes)

    def reader(self, group: dict[str, Any], **changes: Any) -> redis.Redis:
        return self.connect(group["NodeGroups"][0]["ReaderEndpoint"], **changes)

    def cluster(self, group: dict[str, Any]) -> RedisCluster:
        endpoint = group["ConfigurationEndpoint"]
        return RedisCluster(
            host=endpoint["Address"], port=endpoint["Port"], username=self.user, password=PASSWORD, ssl=True,
            ssl_ca_certs=self.lab.status()["ca_bundle"], decode_responses=True,
        )  # fmt: skip


def roles(group: dict[str, Any]) -> dict[str, str]:
    return {member["CacheClusterId"]: member["CurrentRole"] for member in group["NodeGroups"][0]["NodeGroupMembers"]}


def in_step(primary: redis.Redis) -> None:
    """Everything written through this client is on a replica too."""
    assert primary.wait(1, 25_000) >= 1
