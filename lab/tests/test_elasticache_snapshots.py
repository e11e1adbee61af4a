"""Snapshots hold real data, and a group that begins with one has them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from aws_world import fresh, refused
from bahnvision_lab.testing import Lab
from cache_world import Caches


@pytest.fixture(scope="module")
def caches(lab: Lab) -> Caches:
    return Caches(lab)


@pytest.fixture(scope="module")
def group(caches: Caches) -> Iterator[dict[str, Any]]:
    with caches.make() as made:
        with caches.primary(made) as primary:
            primary.mset({f"stop:{number}": "x" * 100 for number in range(500)})
        yield made


@pytest.fixture(scope="module")
def name(group: dict[str, Any]) -> str:
    return group["ReplicationGroupId"]


@pytest.fixture(scope="module")
def snapshot(caches: Caches, name: str) -> str:
    made = fresh("snapshot")
    caches.api.create_snapshot(SnapshotName=made, ReplicationGroupId=name)
    assert caches.told(name)["Status"] in ("snapshotting", "available")
    caches.wait(name)
    return made


def one(caches: Caches, name: str) -> dict[str, Any]:
    return caches.api.describe_snapshots(SnapshotName=name, ShowNodeGroupConfig=True)["Snapshots"][0]


def test_a_snapshot_tells_what_it_was_made_of(caches: Caches, snapshot: str, name: str) -> None:
    told = one(caches, snapshot)
    assert {key: told[key] for key in ("SnapshotStatus", "SnapshotSource", "ReplicationGroupId", "NumNodeGroups")} == {
        "SnapshotStatus": "available", "SnapshotSource": "manual", "ReplicationGroupId": name, "NumNodeGroups": 1,
    }  # fmt: skip
    assert told["NodeSnapshots"][0]["NodeGroupConfiguration"]["ReplicaCount"] == 1
    with refused("SnapshotAlreadyExistsFault", snapshot):
        caches.api.create_snapshot(SnapshotName=snapshot, ReplicationGroupId=name)
    with refused("SnapshotNotFoundFault", "not found", 404):
        caches.api.create_replication_group(**caches.arguments(SnapshotName="no-such-snapshot"))


def test_a_restore_brings_the_data_of_the_snapshot_and_not_of_later(
    caches: Caches, group: dict[str, Any], snapshot: str
) -> None:
    with caches.primary(group) as primary:
        primary.set("later", "1")
    with (
        caches.make(SnapshotName=snapshot, EngineVersion=None) as restored,
        caches.primary(restored) as primary,
        caches.reader(restored) as reader,
    ):
        assert primary.dbsize() == reader.dbsize() == 500
        assert primary.get("later") is None


def test_a_snapshot_opens_in_more_shards_than_it_has(caches: Caches, snapshot: str) -> None:
    with caches.sharded(SnapshotName=snapshot, ReplicasPerNodeGroup=0, MultiAZEnabled=False) as restored:
        assert [shard["Slots"] for shard in restored["NodeGroups"]] == ["0-8191", "8192-16383"]
        with caches.cluster(restored) as client:
            assert client.get("stop:499") == "x" * 100
            assert client.dbsize(target_nodes=client.PRIMARIES) == 500
        name = fresh("snapshot")
        caches.api.create_snapshot(SnapshotName=name, ReplicationGroupId=restored["ReplicationGroupId"])
        caches.wait(restored["ReplicationGroupId"])
        assert len(one(caches, name)["NodeSnapshots"]) == 2
        with refused("NotImplementedByLab", "fewer shards", 501):
            caches.api.create_replication_group(**caches.arguments(
                SnapshotName=name, NumCacheClusters=None, NumNodeGroups=1, ReplicasPerNodeGroup=1
            ))  # fmt: skip


def test_a_copy_outlives_its_source(caches: Caches, snapshot: str) -> None:
    copy = fresh("snapshot")
    caches.api.copy_snapshot(SourceSnapshotName=snapshot, TargetSnapshotName=copy)
    deadline = time.monotonic() + 60
    while one(caches, copy)["SnapshotStatus"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    caches.api.delete_snapshot(SnapshotName=snapshot)
    with refused("SnapshotNotFoundFault", snapshot, 404):
        one(caches, snapshot)
    with caches.make(
        SnapshotName=copy, NumCacheClusters=1, MultiAZEnabled=False, AutomaticFailoverEnabled=False
    ) as made:
        assert caches.primary(made).dbsize() == 500


def test_a_daily_snapshot_is_taken_in_its_window(caches: Caches, group: dict[str, Any], name: str) -> None:
    hour = time.gmtime().tm_hour
    caches.modify(
        name, SnapshotRetentionLimit=2, SnapshottingClusterId=f"{name}-001",
        SnapshotWindow=f"{hour:02}:00-{(hour + 2) % 24:02}:00",
        PreferredMaintenanceWindow=f"sun:{(hour + 6) % 24:02}:00-{'mon' if hour + 7 > 23 and hour + 6 < 24 else 'sun'}:"
                                   f"{(hour + 7) % 24:02}:00",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (found := caches.api.describe_snapshots(ReplicationGroupId=name, SnapshotSource="system")["Snapshots"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    caches.wait(name)
    assert len(found) == 1
    assert found[0]["SnapshotName"].startswith(f"automatic.{name}-")
    caches.modify(name, SnapshotRetentionLimit=0)


def test_the_final_snapshot_is_taken_before_the_end(caches: Caches) -> None:
    arguments, final = (
        caches.arguments(NumCacheClusters=1, MultiAZEnabled=False, AutomaticFailoverEnabled=False),
        fresh("s"),
    )
    name = arguments["ReplicationGroupId"]
    caches.api.create_replication_group(**arguments)
    with refused("InvalidReplicationGroupState", "creating"):
        caches.api.delete_replication_group(ReplicationGroupId=name)
    with caches.primary(caches.wait(name)) as primary:
        primary.set("last", "1")
    caches.api.delete_replication_group(ReplicationGroupId=name, FinalSnapshotIdentifier=final)
    deadline = time.monotonic() + 60
    while name in caches.lab.status()["caches"]:
        assert time.monotonic() < deadline
        time.sleep(0.03)
    with caches.make(**{**arguments, "SnapshotName": final}) as again:
        assert caches.primary(again).get("last") == "1"


def test_every_answer_fits_botocores_model(lab: Lab) -> None:
    """Last of all files on ElastiCache: the lab wrote down what did not fit."""
    log = lab.state.contract_log
    assert [line for line in (log.read_text().splitlines() if log.exists() else []) if '"elasticache"' in line] == []
