"""The role elasticache killed at random writes, and the deeper changes: each alone, cluster mode, shards, throttled."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from bahnvision_lab.testing import running_lab
from cache_stage import NOTHING, WHOLE, CacheStage
from stage import Stage
from test_elasticache_role import ABSENT, BEGIN, CHANGES, change

NAME = "killed"
MADE: dict[str, Any] = {"elasticache_identifier": NAME}
CHANGED = {
    **MADE, "elasticache_rotation": "leak", "elasticache_tags": {"team": "data"},
    "elasticache_snapshot_retention_limit": 3, "elasticache_parameters": {"timeout": 300},
}  # fmt: skip
REMOVED = {**MADE, **ABSENT, "elasticache_skip_final_snapshot": True}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CacheStage]:
    with running_lab(tmp_path_factory.mktemp("elasticache-kills") / "lab") as lab:
        made = Stage(lab, "vpc", "network.yml", vpc_nat="none").run()
        assert made.code == 0, made.errors
        yield CacheStage(lab)


def converge_through_kills(stage: CacheStage, dice: random.Random, inputs: dict[str, Any], most: int) -> None:
    """Kill every run at a random write and let the next go on, until one comes through; the next finds nothing."""
    for _attempt in range(40):
        writes = dice.randint(1, most)
        # A run that ends before that many writes is not killed.
        if stage.kill_at(writes, **inputs) < writes:
            break
    else:
        raise AssertionError("forty runs got nowhere")
    again = stage.run(**inputs)
    assert (again.code, again.changed, again.writes) == (0, [], []), again.errors


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_killed_at_twenty_random_writes_it_converges_and_never_locks_clients_out(network: CacheStage) -> None:
    """SIGKILL to the whole run with its children, while it makes the cache, changes it, rotates and removes it."""
    seed = random.randrange(10**6)
    dice, before = random.Random(seed), network.kills
    while network.kills - before < 20:
        converge_through_kills(network, dice, MADE, 3)
        assert network.living(NAME) == WHOLE, f"seed {seed}"
        assert network.client(NAME).set("kept", "1"), f"seed {seed}"
        converge_through_kills(network, dice, CHANGED, 2)
        assert network.client(NAME).get("kept") == b"1", f"seed {seed}"
        assert network.secret(NAME)["rotation"] == "leak", f"seed {seed}"
        converge_through_kills(network, dice, REMOVED, 3)
        assert network.living(NAME) == NOTHING, f"seed {seed}"


@pytest.mark.full
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_alone_is_foreseen_made_and_made_once(network: CacheStage, name: str) -> None:
    base = {"elasticache_identifier": "alone", **BEGIN}
    assert network.run(**base).code == 0
    born = network.group("alone")["ReplicationGroupCreateTime"]
    made = change(network, {**base, **CHANGES[name]})
    assert made.changed
    assert network.group("alone")["ReplicationGroupCreateTime"] == born
    # The version stays: nothing goes back. All else does, which is a change of its own.
    if name == "version":
        assert network.run(**{**base, **ABSENT}).code == 0
    else:
        assert network.run(**base).code == 0


@pytest.mark.full
def test_cluster_mode_goes_forward_in_two_steps_and_shards_come_and_go(network: CacheStage) -> None:
    base = {"elasticache_identifier": "forward"}
    assert network.run(**base).code == 0
    network.client("forward").set("kept", "1")
    refused = network.run(**base, elasticache_cluster_mode="enabled")
    assert "first compatible" in refused.errors[0]
    for mode in ("compatible", "enabled"):
        change(network, {**base, "elasticache_cluster_mode": mode})
        assert network.group("forward")["ClusterMode"] == mode
    refused = network.run(**base)
    assert "nothing goes back" in refused.errors[0]
    bundle = network.lab.status()["ca_bundle"]
    for shards in (3, 2):
        inputs = {**base, "elasticache_cluster_mode": "enabled", "elasticache_num_node_groups": shards}
        change(network, inputs)
        client = redis.RedisCluster.from_url(network.secret("forward")["url"], ssl_ca_certs=bundle)
        assert client.get("kept") == b"1"
        assert len(network.group("forward")["NodeGroups"]) == shards


@pytest.mark.full
def test_with_three_calls_of_ten_throttled_it_is_made_changed_and_removed(network: CacheStage) -> None:
    base = {"elasticache_identifier": "throttled"}
    with network.lab.faults(throttle=0.3):
        for inputs in (base, {**base, "elasticache_rotation": "now"}, {**base, **ABSENT}):
            made = network.run(**inputs)
            assert made.code == 0, made.errors
            assert [entry for entry in made.requests if entry["error"] == "Throttling"]
    assert network.living("throttled") == NOTHING
