"""What AWS does beside what it is asked for: pending changes, snapshots that begin, the way between cluster modes."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.checks import input_problems
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.user_groups import member_problems
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from elasticache_fakes import FakeCache, group_params
from test_elasticache_group import BEFORE, names, run

NEXT = {"engine_version": "9", "allow_major_version_upgrade": True}
UPGRADE = {**BEFORE, **NEXT, "parameter_group_name": "valkey9"}


@pytest.fixture
def cache():
    return FakeCache()


def sent(cache):
    return [params["ApplyImmediately"] for _name, params in cache.writes if "ApplyImmediately" in params]


def test_what_waits_comes_last_so_that_no_change_of_this_run_makes_it_now(cache):
    run(cache, **BEFORE)
    cache.writes.clear()
    run(cache, **UPGRADE, node_type="cache.m7g.large", replicas_per_node_group=2, description="another")
    assert sent(cache) == [True, True, False, False]
    assert names(cache)[1] == "increase_replica_count"


def pending(cache):
    run(cache, **BEFORE, parameter_group_name="valkey8")
    cache.member["PendingModifiedValues"] = {"EngineVersion": "9.0"}
    cache.writes.clear()


def test_a_later_change_that_needs_no_now_leaves_what_waits_alone(cache):
    pending(cache)
    told = run(cache, **UPGRADE, description="another", snapshot_retention_limit=7)
    assert sent(cache) == [False]
    assert "CacheParameterGroupName" not in cache.writes[0][1]  # which comes with the version
    assert not any("too, now" in note for note in told["notes"])


def test_what_waits_is_made_when_it_is_wanted_now(cache):
    pending(cache)
    run(cache, **UPGRADE, apply_immediately=True)
    assert [(params["EngineVersion"], params["ApplyImmediately"]) for _name, params in cache.writes] == [("9.0", True)]


def test_a_later_change_that_is_made_now_says_what_else_it_makes(cache):
    pending(cache)
    told = run(cache, **UPGRADE, replicas_per_node_group=2, check_mode=True)
    assert any("AWS makes what waits for the maintenance window too, now" in note for note in told["notes"])


@pytest.mark.parametrize(("mode", "node"), [("disabled", "bahnvision-lab-002"), ("enabled", None)])
def test_snapshots_begin_with_the_node_that_they_are_taken_of(cache, mode, node):
    run(cache, cluster_mode=mode, snapshot_retention_limit=0, allow_no_snapshots=True)
    run(cache, cluster_mode=mode, snapshot_retention_limit=7)
    run(cache, cluster_mode=mode, snapshot_retention_limit=5)
    assert [params.get("SnapshottingClusterId") for _name, params in cache.writes[1:]] == [node, None]


def test_another_user_group_takes_the_place_of_the_one_before(cache):
    run(cache, user_group_ids=["before"])
    run(cache, user_group_ids=["after"])
    sent = cache.writes[-1][1]
    assert (sent["UserGroupIdsToAdd"], sent["UserGroupIdsToRemove"]) == (["after"], ["before"])


def test_cluster_mode_goes_back_while_both_kinds_of_clients_are_served(cache):
    run(cache)
    run(cache, cluster_mode="compatible")
    told = run(cache, cluster_mode="disabled")
    assert cache.writes[-1][1]["ClusterMode"] == "disabled"
    assert any("clients for clusters fail" in note for note in told["notes"])


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("compatible", {"cluster_mode": "compatible", "node_type": "cache.m7g.large"}, "node_type cannot change while"),
        ("compatible", {"cluster_mode": "enabled", "replicas_per_node_group": 2}, "replicas_per_node_group cannot"),
        ("compatible", {"cluster_mode": "compatible", **NEXT}, "engine_version cannot change while"),
        ("disabled", {"cluster_mode": "compatible", "node_type": "cache.m7g.large"}, "in the run that makes"),
        ("disabled", {"cluster_mode": "compatible", "replicas_per_node_group": 1}, "in the run that makes"),
    ],
)
def test_between_the_modes_nodes_and_version_stay(cache, before, after, text):
    run(cache, engine_version="8.2", replicas_per_node_group=2 if after.get("replicas_per_node_group") == 1 else 1)
    cache.group["ClusterMode"] = before
    cache.writes.clear()
    with pytest.raises(ResourceError, match=text):
        run(cache, **{"engine_version": "8.2", **after})
    assert cache.writes == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"cluster_mode": "enabled", "automatic_failover": False, "multi_az": False}, "enabled needs automatic_failov"),
        ({"cluster_mode": "enabled", "num_node_groups": 101, "replicas_per_node_group": 4}, "more than the 500 nodes"),
        ({"cluster_mode": "enabled", "replicas_per_node_group": 0}, "multi_az needs a replica"),
    ],
)
def test_layouts_that_aws_refuses(given, text):
    assert text in " ".join(input_problems(group_params(**given)))


def test_shards_without_replicas_have_failover_nevertheless():
    assert input_problems(group_params(cluster_mode="enabled", replicas_per_node_group=0, multi_az=False)) == []


def test_a_group_of_ipv6_is_found_by_ipv6(cache):
    run(cache, network_type="ipv6")
    assert cache.writes[0][1]["IpDiscovery"] == "ipv6"


def test_a_group_that_never_was_leaves_no_last_snapshot(cache):
    run(cache)
    cache.group["Status"] = "create-failed"
    cache.states = []
    run(cache, state="absent")
    assert "FinalSnapshotIdentifier" not in cache.writes[-1][1]


def user(user_id, name="", engine="redis", kind="password"):
    return {"UserId": user_id, "UserName": name or user_id, "Engine": engine, "Authentication": {"Type": kind}}


@pytest.mark.parametrize(
    ("engine", "users", "texts"),
    [
        ("redis", [user("a"), user("off", "default")], []),
        ("valkey", [user("a"), user("b", engine="valkey")], []),
        ("redis", [user("a")], ["needs a user with the user_name default"]),
        ("redis", [user("a", engine="valkey"), user("off", "default")], ["user a is of Valkey"]),
        ("valkey", [user("a", kind="no-password")], ["user a needs no password"]),
        ("valkey", [user("a", "app"), user("b", "app")], ["a, b have the same user_name app"]),
    ],
)
def test_who_can_be_in_a_user_group(engine, users, texts):
    told = list(member_problems([item["UserId"] for item in users], engine, users))
    assert len(told) == len(texts)
    assert all(text in sentence for text, sentence in zip(texts, told, strict=True))


def test_of_users_that_are_yet_to_be_made_nothing_is_said():
    assert list(member_problems(["a", "off"], "redis", [user("a")])) == []
