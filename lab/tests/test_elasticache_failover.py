"""TestFailover: a primary that really dies, a replica that really takes over, writes that are really lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from aws_world import refused
from bahnvision_lab import truth
from bahnvision_lab.testing import Lab
from cache_world import Caches, in_step, roles


@pytest.fixture(scope="module")
def caches(lab: Lab) -> Caches:
    return Caches(lab)


@pytest.fixture(scope="module")
def group(caches: Caches) -> Iterator[dict[str, Any]]:
    with caches.make() as made:
        yield made


@pytest.fixture(scope="module")
def name(group: dict[str, Any]) -> str:
    return group["ReplicationGroupId"]


def fail_over(caches: Caches, name: str) -> dict[str, Any]:
    begun = caches.api.test_failover(ReplicationGroupId=name, NodeGroupId="0001")["ReplicationGroup"]
    assert begun["Status"] == "modifying"
    return caches.wait(name)


def run_id(caches: Caches, group: dict[str, Any]) -> str:
    with caches.primary(group) as primary:
        return primary.info("server")["run_id"]


def journal(lab: Lab, name: str) -> list[dict[str, Any]]:
    return [line for line in truth.read(lab.state.truth) if line["id"] == name]


def test_the_replica_takes_over_and_the_endpoint_stays(
    lab: Lab, caches: Caches, group: dict[str, Any], name: str
) -> None:
    primary = caches.primary(group, single_connection_client=True)
    primary.set("before", "1")
    in_step(primary)
    identity = run_id(caches, group)
    with lab.faults(endpoint_flip_seconds={name: 0.8}):
        after = fail_over(caches, name)
    assert roles(after) == {f"{name}-001": "replica", f"{name}-002": "primary"}
    assert after["NodeGroups"][0]["PrimaryEndpoint"] == group["NodeGroups"][0]["PrimaryEndpoint"]
    assert run_id(caches, after) != identity
    with pytest.raises(redis.ConnectionError):  # the old connection led to the dead server
        primary.get("before")
    with caches.primary(after) as new:
        assert new.get("before") == "1"
        new.set("after", "2")
        in_step(new)
    assert caches.reader(after).get("after") == "2"  # the old primary, come back as a replica
    moments = {line["event"]: line["monotonic_ns"] for line in journal(lab, name)}
    order = ["primary.kill", "primary.dead", "replica.promoted", "endpoint.flipped", "replica.rebuilt"]
    assert sorted(order, key=moments.__getitem__) == order
    assert (moments["endpoint.flipped"] - moments["primary.dead"]) / 1e9 > 0.75
    told = [event["Message"] for event in caches.api.describe_events()["Events"]
            if event["SourceIdentifier"].startswith(name)]  # fmt: skip
    done = f"Failover from primary node {name}-001 to replica node {name}-002 completed"
    assert told[-5:] == ["Test Failover API called for node group 0001", done, done, "Recovering cache nodes 0001",
                         "Finished recovery for cache nodes 0001"]  # fmt: skip


def test_a_primary_that_is_not_followed_loses_what_it_acknowledged(
    lab: Lab, caches: Caches, group: dict[str, Any], name: str
) -> None:
    acknowledged: list[int] = []

    def write() -> None:
        with caches.primary(group) as primary:
            try:
                while True:
                    number = len(acknowledged)
                    primary.set(f"n:{number}", "x")
                    acknowledged.append(number)
                    time.sleep(0.01)
            except redis.RedisError:
                return

    with lab.faults(asynchronous=[name]):
        writer = threading.Thread(target=write)
        writer.start()
        deadline = time.monotonic() + 60
        while len(acknowledged) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        after = fail_over(caches, name)
        writer.join(60)
    with caches.primary(after) as primary:
        missing = [number for number in acknowledged if not primary.exists(f"n:{number}")]
    assert missing
    assert missing == acknowledged[-len(missing) :]  # the last ones, none in between
    assert any(line["event"] == "replication.cut" for line in journal(lab, name))


def test_a_failover_that_does_nothing_changes_nothing(
    lab: Lab, caches: Caches, group: dict[str, Any], name: str
) -> None:
    before, identity = roles(caches.told(name)), run_id(caches, group)
    with lab.faults(failover_does_nothing=[name], endpoint_flip_seconds={name: 0.1}):
        after = fail_over(caches, name)
    assert (roles(after), run_id(caches, after)) == (before, identity)
    assert journal(lab, name)[-1]["event"] == "failover.nothing"


def test_failovers_are_refused_where_aws_refuses_them(caches: Caches, name: str) -> None:
    with refused("NodeGroupNotFoundFault", "0007", 404):
        caches.api.test_failover(ReplicationGroupId=name, NodeGroupId="0007")
    with refused("ReplicationGroupNotFoundFault", "not found", 404):
        caches.api.test_failover(ReplicationGroupId="no-such-group", NodeGroupId="0001")
    with (
        caches.make(NumCacheClusters=1, AutomaticFailoverEnabled=False, MultiAZEnabled=False) as alone,
        refused("TestFailoverNotAvailableFault", "replica"),
    ):
        caches.api.test_failover(ReplicationGroupId=alone["ReplicationGroupId"], NodeGroupId="0001")
    with caches.lab.held():
        caches.api.test_failover(ReplicationGroupId=name, NodeGroupId="0001")
        with refused("InvalidReplicationGroupState", "modifying"):
            caches.api.test_failover(ReplicationGroupId=name, NodeGroupId="0001")
    caches.wait(name)


def test_fifteen_failovers_a_day(lab: Lab, caches: Caches, name: str) -> None:
    """In another region, where no other test counts; failovers that do nothing count too."""
    far = Caches.__new__(Caches)
    far.lab, far.api = lab, lab.client("elasticache", region_name="eu-west-1")
    region = lab.client("ec2", region_name="eu-west-1")
    vpc = region.create_vpc(CidrBlock="10.61.0.0/16")["Vpc"]["VpcId"]
    subnets = [region.create_subnet(VpcId=vpc, CidrBlock=f"10.61.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}")
               ["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]  # fmt: skip
    far.subnet_group = "far"
    far.api.create_cache_subnet_group(CacheSubnetGroupName="far", CacheSubnetGroupDescription="data", SubnetIds=subnets)
    far.user_group = ""
    with far.make(UserGroupIds=None) as made, lab.faults(
        failover_does_nothing=["*", made["ReplicationGroupId"]], endpoint_flip_seconds={"*": 0}
    ):  # fmt: skip
        there = made["ReplicationGroupId"]
        for _count in range(15):
            far.api.test_failover(ReplicationGroupId=there, NodeGroupId="0001")
            far.wait(there)
        with refused("APICallRateForCustomerExceeded", "15"):
            far.api.test_failover(ReplicationGroupId=there, NodeGroupId="0001")
