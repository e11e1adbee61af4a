"""Cluster mode: real shards, slots that move, a failover of one shard, and the way from disabled to enabled."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from aws_world import refused
from bahnvision_lab.aws.elasticache import sharding
from bahnvision_lab.testing import Lab
from cache_world import Caches

KEYS = 200


@pytest.fixture(scope="module")
def caches(lab: Lab) -> Caches:
    return Caches(lab)


@pytest.fixture(scope="module")
def group(caches: Caches) -> Iterator[dict[str, Any]]:
    """Durable writes need just this: shards with a replica each, in two zones, on a node type that can."""
    with caches.sharded(EngineVersion="9.0", CacheNodeType="cache.r7g.large", Durability="sync") as made:
        with caches.cluster(made) as client:
            for number in range(KEYS):
                client.set(f"key:{number}", number)
        yield made


@pytest.fixture(scope="module")
def name(group: dict[str, Any]) -> str:
    return group["ReplicationGroupId"]


def all_keys(caches: Caches, group: dict[str, Any]) -> list[str | None]:
    with caches.cluster(group) as client:
        return [client.get(f"key:{number}") for number in range(KEYS)]


def test_a_cluster_has_a_configuration_endpoint_and_no_other(caches: Caches, group: dict[str, Any], name: str) -> None:
    assert (group["ClusterEnabled"], group["ClusterMode"], group["AutomaticFailover"]) == (True, "enabled", "enabled")
    assert (group["Durability"], group["EffectiveDurability"]) == ("sync", "sync")
    assert group["ConfigurationEndpoint"]["Address"] == "127.0.0.1"
    assert [shard["Slots"] for shard in group["NodeGroups"]] == ["0-8191", "8192-16383"]
    for shard in group["NodeGroups"]:
        assert not {"PrimaryEndpoint", "ReaderEndpoint"} & set(shard)
        assert len(shard["NodeGroupMembers"]) == 2
        assert len({member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]}) == 2
        assert not {"CurrentRole", "ReadEndpoint"} & set(shard["NodeGroupMembers"][0])
    assert group["MemberClusters"] == [f"{name}-000{shard}-00{node}" for shard in (1, 2) for node in (1, 2)]
    told = caches.lab.status()["caches"][name]
    assert (told["mode"], told["primary"], told["configuration"]["port"]) == (
        "cluster", None, group["ConfigurationEndpoint"]["Port"]
    )  # fmt: skip
    assert all_keys(caches, group) == [str(number) for number in range(KEYS)]
    with refused("InvalidParameterCombination", "Turning off automatic failover"):
        caches.api.modify_replication_group(ReplicationGroupId=name, AutomaticFailoverEnabled=False)
    with refused("InvalidParameterCombination", "enabled stays"):
        caches.api.modify_replication_group(ReplicationGroupId=name, ClusterMode="disabled")


def test_a_durable_shard_fails_over_without_loss(lab: Lab, caches: Caches, group: dict[str, Any], name: str) -> None:
    """Even with the fault that makes other caches lose writes."""
    with lab.faults(asynchronous=[name]):
        caches.api.test_failover(ReplicationGroupId=name, NodeGroupId="0002")
        after = caches.wait(name)
    roles = {node["id"]: node["role"] for node in lab.status()["caches"][name]["nodes"]}
    assert roles == {f"{name}-0001-001": "primary", f"{name}-0001-002": "replica",
                     f"{name}-0002-001": "replica", f"{name}-0002-002": "primary"}  # fmt: skip
    assert after["ConfigurationEndpoint"] == group["ConfigurationEndpoint"]
    assert all_keys(caches, after) == [str(number) for number in range(KEYS)]


@pytest.mark.full
def test_shards_come_and_go_with_their_keys(caches: Caches, group: dict[str, Any], name: str) -> None:
    def reshard(**arguments: Any) -> dict[str, Any]:
        caches.api.modify_replication_group_shard_configuration(
            ReplicationGroupId=name, ApplyImmediately=True, **arguments
        )
        return caches.wait(name)

    more = reshard(NodeGroupCount=3)
    assert [shard["NodeGroupId"] for shard in more["NodeGroups"]] == ["0001", "0002", "0003"]
    assert len(more["MemberClusters"]) == 6
    assert all_keys(caches, more) == [str(number) for number in range(KEYS)]
    with refused("InvalidParameterCombination", "NodeGroupsToRemove"):
        reshard(NodeGroupCount=2)
    fewer = reshard(NodeGroupCount=2, NodeGroupsToRetain=["0001", "0003"])
    assert [shard["NodeGroupId"] for shard in fewer["NodeGroups"]] == ["0001", "0003"]
    assert all_keys(caches, fewer) == [str(number) for number in range(KEYS)]


def test_cluster_mode_is_reached_in_two_steps_with_the_data(caches: Caches) -> None:
    with caches.make() as made:
        name = made["ReplicationGroupId"]
        with caches.primary(made) as primary:
            primary.set("kept", "1")
        with refused("InvalidParameterCombination", "disabled becomes compatible"):
            caches.api.modify_replication_group(ReplicationGroupId=name, ClusterMode="enabled")
        compatible = caches.modify(name, ClusterMode="compatible")
        assert compatible["NodeGroups"][0]["PrimaryEndpoint"] == made["NodeGroups"][0]["PrimaryEndpoint"]
        assert caches.primary(compatible).get("kept") == "1"
        with caches.cluster(compatible) as client:
            assert client.get("kept") == "1"
        named = {"ReplicationGroupId": name, "ApplyImmediately": True}
        for change in (
            lambda: caches.api.modify_replication_group(**named, CacheNodeType="cache.m7g.large"),
            lambda: caches.api.modify_replication_group(**named, EngineVersion="8.2"),
            lambda: caches.api.increase_replica_count(**named, NewReplicaCount=2),
            lambda: caches.api.decrease_replica_count(**named, NewReplicaCount=1),
        ):
            with refused("InvalidParameterCombination", "not supported while the cluster mode"):
                change()
        enabled = caches.modify(name, ClusterMode="enabled")
        assert "PrimaryEndpoint" not in enabled["NodeGroups"][0]
        assert enabled["ConfigurationEndpoint"] == compatible["ConfigurationEndpoint"]
        cluster = caches.api.describe_cache_clusters(CacheClusterId=f"{name}-001")["CacheClusters"][0]
        assert cluster["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey8.cluster.on"


def test_clients_go_on_while_a_shard_without_durability_dies(lab: Lab, caches: Caches) -> None:
    with caches.sharded() as made:
        name = made["ReplicationGroupId"]
        assert "EffectiveDurability" not in made
        with caches.cluster(made) as client:
            client.set("a", "1")
            caches.api.test_failover(ReplicationGroupId=name, NodeGroupId="0001")
            caches.wait(name)
            assert client.set("b", "2")
            assert client.get("a") in ("1", None)


class Node:
    """A node that lost its last slots by the new owner's news, before it was told."""

    def __init__(self, name: str) -> None:
        self.name, self.address, self.secret = name, ("127.0.0.1", 1), ""
        self.asked: list[tuple[Any, ...]] = []

    def run(self, *words: str) -> str:
        return f"{self.name} 127.0.0.1:1@2 myself,slave other 0 0 1 connected" if words[1] == "NODES" else self.name

    def pipeline(self, commands: list[tuple[Any, ...]], patient: bool = False) -> list[Any]:
        self.asked += commands
        return [redis.ResponseError("You can use SETSLOT only with masters") if patient else 0 for _each in commands]


def test_slots_that_left_by_themselves_are_not_moved_again() -> None:
    """The news of the new owner may overtake the lab on a machine with much to do."""
    source, target = Node("a"), Node("b")
    real = SimpleNamespace(primaries=lambda: [source, target])
    sharding.move_slots(real, [1, 2], source, target)
    assert [command[1:] for command in target.asked] == [("SETSLOT", 1, "NODE", "b"), ("SETSLOT", 2, "NODE", "b")]
    assert not [command for command in source.asked if "MIGRATING" in command]
