"""One replication group against a fake that remembers: four runs, a matrix of changes, refusals, waits."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.group import ensure_group
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from elasticache_fakes import OURS, ZONES, FakeCache, error, group_params


@pytest.fixture
def cache():
    return FakeCache()


class FakeKms:
    def describe_key(self, KeyId):
        return {"KeyMetadata": {"Arn": f"arn:aws:kms:eu-central-1:1:key/{KeyId.removeprefix('alias/')}"}}


def run(cache, check_mode=False, **given):
    return ensure_group({"elasticache": cache, "kms": FakeKms()}, group_params(**given), check_mode)


def names(cache):
    return [name for name, _params in cache.writes]


@pytest.mark.parametrize("mode", ["disabled", "enabled"])
def test_the_four_runs(cache, mode):
    foreseen = run(cache, check_mode=True, cluster_mode=mode)
    assert foreseen["changed"]
    assert cache.writes == []
    made = run(cache, cluster_mode=mode)
    assert made["diff"] == foreseen["diff"]
    for check_mode in (True, False):
        again = run(cache, check_mode, cluster_mode=mode)
        assert (again["changed"], again["actions"]) == (False, [])
    assert names(cache) == ["create_replication_group"]


def test_a_group_without_shards_is_laid_out_over_the_zones(cache):
    run(cache, replicas_per_node_group=3, kms_key_id="alias/cache")
    sent = cache.writes[0][1]
    assert sent["PreferredCacheClusterAZs"] == [*ZONES, ZONES[0]]
    assert (sent["NumCacheClusters"], sent["TransitEncryptionEnabled"], sent["AtRestEncryptionEnabled"]) == (
        4,
        True,
        True,
    )
    assert sent["KmsKeyId"] == "arn:aws:kms:eu-central-1:1:key/cache"
    assert (sent["Engine"], sent["EngineVersion"], sent["SnapshotRetentionLimit"]) == ("valkey", "9.0", 15)
    assert "ClusterMode" not in sent
    assert {tag["Key"]: tag["Value"] for tag in sent["Tags"]} == OURS


def test_primaries_of_shards_lie_in_different_zones(cache):
    run(cache, cluster_mode="enabled", num_node_groups=3)
    layout = cache.writes[0][1]["NodeGroupConfiguration"]
    assert [item["PrimaryAvailabilityZone"] for item in layout] == ZONES
    assert all(item["PrimaryAvailabilityZone"] not in item["ReplicaAvailabilityZones"] for item in layout)


def test_the_endpoint_fits_the_cluster_mode(cache):
    assert run(cache)["replication_group"]["endpoint"] == {"address": "primary", "port": 6379}
    cache.group["ClusterMode"] = "enabled"
    cache.group["ConfigurationEndpoint"] = {"Address": "clustercfg", "Port": 6379}
    made = run(cache, cluster_mode="enabled")
    assert made["replication_group"]["endpoint"] == {"address": "clustercfg", "port": 6379}
    assert made["replication_group"]["reader_endpoint"] == {"address": "clustercfg", "port": 6379}


LOG = {"log_type": "slow-log", "destination_type": "cloudwatch-logs", "destination": "/a", "log_format": "json"}
CHANGES = {
    "description": ({"description": "another"}, ["modify"]),
    "retention": ({"snapshot_retention_limit": 7}, ["modify"]),
    "windows": ({"snapshot_window": "02:00-03:00", "maintenance_window": "mon:04:00-mon:05:00"}, ["modify"]),
    "security groups": ({"security_group_ids": ["sg-2", "sg-1"]}, ["modify"]),
    "parameter group": ({"parameter_group_name": "Mine"}, ["modify"]),
    "user group": ({"user_group_ids": ["mine"]}, ["modify"]),
    "topic": ({"notification_topic_arn": "arn:aws:sns:eu-central-1:123456789012:cache"}, ["modify"]),
    "logs": ({"log_delivery": [LOG]}, ["modify"]),
    "minor upgrades": ({"auto_minor_version_upgrade": False}, ["modify"]),
    "version": ({"engine_version": "9", "allow_major_version_upgrade": True}, ["modify"]),
    "node type": ({"node_type": "cache.m7g.large"}, ["modify"]),
    "one more replica": ({"replicas_per_node_group": 2}, ["increase"]),
    "TLS": ({"transit_encryption_mode": "required"}, ["modify"]),
    "cluster mode": ({"cluster_mode": "compatible", "parameter_group_name": "c"}, ["modify"]),
    "no failover": ({"multi_az": False, "automatic_failover": False}, ["modify"]),
    "tag": ({"tags": {"team": "data"}}, ["tag"]),
}
BEFORE = {"engine_version": "8.2", "transit_encryption_mode": "preferred"}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_foreseen_made_in_place_and_made_once(cache, name):
    wish, verbs = CHANGES[name]
    run(cache, **BEFORE)
    former = copy.deepcopy(cache.group["ARN"])
    written = len(cache.writes)
    now = {**BEFORE, **wish}

    foreseen = run(cache, check_mode=True, **now)
    assert len(cache.writes) == written
    assert [action.split()[0] for action in foreseen["actions"]] == verbs
    made = run(cache, **now)
    assert (made["diff"], made["actions"]) == (foreseen["diff"], foreseen["actions"])
    assert not run(cache, **now)["changed"]
    assert cache.group["ARN"] == former


def test_many_changes_are_made_one_after_the_other_in_an_order_that_works(cache):
    run(cache, **BEFORE)
    cache.writes.clear()
    made = run(
        cache, engine_version="8.2", node_type="cache.m7g.large", replicas_per_node_group=2, tags={"team": "data"},
        snapshot_retention_limit=3, cluster_mode="compatible", parameter_group_name="c", apply_immediately=True,
    )  # fmt: skip
    assert names(cache) == [
        "add_tags", "modify_replication_group", "modify_replication_group", "increase_replica_count",
        "modify_replication_group", "modify_replication_group",
    ]  # fmt: skip
    sent = [
        set(params) - {"ReplicationGroupId", "ApplyImmediately"} for name, params in cache.writes[1:] if "mod" in name
    ]
    assert sent == [
        {"SnapshotRetentionLimit"}, {"CacheNodeType"}, {"TransitEncryptionMode", "TransitEncryptionEnabled"},
        {"ClusterMode", "CacheParameterGroupName"},
    ]  # fmt: skip
    assert not any("waits for the maintenance window" in note for note in made["notes"])


def test_shards_and_durability_come_in_steps(cache):
    base = {"cluster_mode": "enabled", "node_type": "cache.m7g.large", "num_node_groups": 2}
    run(cache, **base)
    cache.writes.clear()
    run(cache, **{**base, "num_node_groups": 3, "durability": "sync"})
    assert names(cache) == ["reshard", "modify_replication_group"]
    run(cache, **{**base, "num_node_groups": 1, "durability": "sync"})
    assert cache.writes[-1] == (
        "reshard",
        {"NodeGroupCount": 1, "ReplicationGroupId": "bahnvision-lab", "ApplyImmediately": True,
         "NodeGroupsToRemove": ["0002", "0003"]},
    )  # fmt: skip


def test_replicas_come_and_go_so_that_the_zones_stay_spread(cache):
    run(cache, replicas_per_node_group=1)
    run(cache, replicas_per_node_group=3)
    sent = next(params for name, params in cache.writes if name == "increase_replica_count")
    assert sent["ReplicaConfiguration"][0]["PreferredAvailabilityZones"] == [*ZONES, ZONES[0]]
    run(cache, replicas_per_node_group=2)
    assert cache.writes[-1][1]["ReplicasToRemove"] == ["n-004"]  # the second one of the primary's zone
    assert (
        len({member["PreferredAvailabilityZone"] for member in cache.group["NodeGroups"][0]["NodeGroupMembers"]}) == 3
    )


REFUSED = {
    "unknown version": ({"engine_version": "6.9"}, "does not offer Valkey 6.9 .* nearest offered is Valkey 7.2"),
    "redis version": ({"engine_version": "7.0"}, "7.0 is a version of Redis OSS and not of Valkey; .* Valkey 7.2"),
    "out of support": ({"engine": "redis", "engine_version": "5"}, "out of standard support"),
    "version in words": ({"engine_version": "redis 7.0"}, "is no engine version"),
    "endpoint for a name": ({"identifier": "x.clustercfg.euc1.cache.amazonaws.com"}, "looks like an endpoint"),
    "bad name": ({"identifier": "two--hyphens"}, "single hyphens"),
    "no replica": ({"replicas_per_node_group": 0}, "automatic_failover needs a replica"),
    "one zone": ({"availability_zones": ["a", "a"]}, "multi_az needs nodes in 2 zones"),
    "multi_az alone": ({"automatic_failover": False}, "multi_az needs automatic_failover"),
    "too many replicas": ({"replicas_per_node_group": 6}, "between 0 and 5"),
    "shards without cluster mode": ({"num_node_groups": 2}, "needs cluster_mode enabled"),
    "compatible from the start": ({"cluster_mode": "compatible"}, "a step of an existing group"),
    "no snapshots": ({"snapshot_retention_limit": 0}, "say so with allow_no_snapshots"),
    "too many days": ({"snapshot_retention_limit": 36}, "between 1 and 35"),
    "short window": ({"snapshot_window": "01:00-01:30"}, "at least 60 minutes"),
    "overlap": ({"snapshot_window": "04:30-05:30", "maintenance_window": "sun:05:00-sun:06:00"}, "lies within"),
    "unknown size": ({"node_type": "cache.t4g.mediun"}, "not offered .* cache.t4g.medium"),
    "unknown family": ({"node_type": "cache.t4h.small"}, "not offered .* cache.t4g.small"),
    "tiering": ({"node_type": "cache.r6gd.xlarge"}, "data tiering"),
    "durability": ({"durability": "sync"}, "durability sync needs cluster_mode enabled; .*not cache.t4g.small"),
    "durability of an old version": (
        {"durability": "async", "engine_version": "8", "cluster_mode": "enabled", "node_type": "cache.r7g.large"},
        r"needs Valkey 9.0 or later \(it has valkey 8.2\)$",
    ),
    "topic": ({"notification_topic_arn": "cache"}, "no ARN of an SNS topic"),
    "no description": ({"description": None}, "needs a description"),
    "missing snapshot": ({"snapshot_name": "nothing"}, "snapshot nothing does not exist"),
    "snapshot of shards": ({"snapshot_name": "sharded"}, "has 3 shards and needs cluster_mode enabled"),
    "newer snapshot": ({"snapshot_name": "new", "engine_version": "8.0"}, "cannot be restored into the older"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_before_the_first_write(cache, name):
    given, text = REFUSED[name]
    cache.snapshots = {
        "sharded": {"SnapshotStatus": "available", "Engine": "valkey", "EngineVersion": "8.0.1", "NumNodeGroups": 3},
        "new": {"SnapshotStatus": "available", "Engine": "valkey", "EngineVersion": "8.2.0"},
    }
    for check_mode in (True, False):
        with pytest.raises(ResourceError, match=text):
            run(cache, check_mode, **given)
    assert cache.writes == []


IMPOSSIBLE = {
    "downgrade": ({"engine_version": "7.2"}, "runs Valkey 8.2.1 and ElastiCache never goes back to 7.2"),
    "to redis": ({"engine": "redis", "engine_version": ""}, "never goes back to Redis OSS"),
    "major": ({"engine_version": "9"}, "major upgrade with no way back"),
    "straight to shards": (
        {"cluster_mode": "enabled"},
        "cannot go from disabled to enabled in place; first compatible",
    ),
    "key": ({"kms_key_id": "other"}, "kms_key_id is None and cannot become .* in place"),
    "subnets": ({"subnet_group_name": "other"}, "subnet_group_name is mine and cannot become other"),
    "port": ({"port": 6380}, "port is 6379 and cannot become 6380"),
    "node type": ({"node_type": "cache.r7g.large"}, "cannot be scaled to cache.r7g.large; the nearest it can"),
    "version and mode": (
        {"cluster_mode": "compatible", "engine_version": "9", "allow_major_version_upgrade": True},
        "cannot change in one run",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_change_in_place_is_refused(cache, name):
    given, text = IMPOSSIBLE[name]
    base = {"engine_version": "8.2", "subnet_group_name": "mine"}
    run(cache, **base)
    with pytest.raises(ResourceError, match=text):
        run(cache, **{**base, **given, "snapshot_retention_limit": 3})
    assert names(cache) == ["create_replication_group"]


def test_cluster_mode_never_goes_back(cache):
    run(cache, cluster_mode="enabled")
    with pytest.raises(ResourceError, match="from enabled to disabled in place; nothing goes back"):
        run(cache, cluster_mode="disabled")


def test_redis_becomes_valkey_in_place(cache):
    run(cache, engine="redis", engine_version="7.1")
    made = run(cache, allow_major_version_upgrade=True, apply_immediately=True, parameter_group_name="valkey9")
    sent = cache.writes[-1][1]
    assert (sent["Engine"], sent["EngineVersion"], sent["CacheParameterGroupName"]) == ("valkey", "9.0", "valkey9")
    assert sent["ApplyImmediately"] is True
    assert made["replication_group"]["engine"] == "valkey"


def test_values_of_an_older_guide_are_answered_with_what_replaces_them(cache):
    told = run(cache, engine="redis", engine_version="7.0", node_type="cache.t3.micro")["notes"]
    assert any("engine valkey takes over in place" in note for note in told)
    assert any("cache.t4g.micro gives more for less" in note for note in told)


def test_a_node_type_of_a_family_that_we_do_not_know_yet_is_looked_up(cache):
    cache.offered.add("cache.r9g.large")
    assert run(cache, node_type="cache.r9g.large")["changed"]


def test_keys_come_back_with_everything_else_as_wanted(cache):
    cache.snapshots["last"] = {"SnapshotStatus": "available", "Engine": "valkey", "EngineVersion": "8.2.0"}
    made = run(cache, snapshot_name="last", snapshot_retention_limit=5)
    sent = cache.writes[0][1]
    assert (sent["SnapshotName"], sent["SnapshotRetentionLimit"], sent["MultiAZEnabled"]) == ("last", 5, True)
    assert any("snapshot last" in note for note in made["notes"])
    assert not run(cache, snapshot_name="last", snapshot_retention_limit=5)["changed"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_is_not_ours_is_not_touched(cache, state):
    run(cache)
    cache.tags["arn:group"]["stage"] = "production"
    cache.writes.clear()
    with pytest.raises(ResourceError, match=r"is not ours \(stage=production\); nothing was touched"):
        run(cache, state=state, snapshot_retention_limit=1)
    assert cache.writes == []


def test_the_removal_keeps_a_last_snapshot_and_is_done_once(cache):
    run(cache)
    foreseen = run(cache, check_mode=True, state="absent")
    gone = run(cache, state="absent")
    assert (foreseen["changed"], gone["changed"]) == (True, True)
    sent = cache.writes[-1][1]
    assert sent["FinalSnapshotIdentifier"] == gone["final_snapshot_identifier"]
    assert gone["final_snapshot_identifier"].startswith("bahnvision-lab-final-20")
    again = run(cache, state="absent")
    assert (again["changed"], again["final_snapshot_identifier"]) == (False, "")


def test_a_group_that_is_being_deleted_is_waited_for_and_made_anew(cache):
    run(cache)
    cache.states = ["deleting", "deleting", "gone"]
    assert run(cache)["changed"]
    assert names(cache) == ["create_replication_group"] * 2


def test_a_run_that_was_killed_is_completed(cache):
    run(cache)
    cache.states = ["modifying", "modifying", "available"]
    run(cache, snapshot_retention_limit=3)
    assert cache.group["SnapshotRetentionLimit"] == 3


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_daily_snapshot_that_begins_between_two_looks_is_waited_for(cache, monkeypatch, state):
    """Until it ends ElastiCache tells no tags; the group is ours all the same."""
    run(cache)
    told, answers = cache.list_tags_for_resource, iter([error("InvalidReplicationGroupState")] * 2)

    def list_tags_for_resource(ResourceName):
        if problem := next(answers, None):
            cache.states = ["snapshotting", "available"]
            raise problem
        return told(ResourceName)

    monkeypatch.setattr(cache, "list_tags_for_resource", list_tags_for_resource)
    assert run(cache, state=state)["changed"] is (state == "absent")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_waits_for_no_snapshot_and_says_so(cache, monkeypatch, state):
    run(cache)

    def list_tags_for_resource(ResourceName):
        raise error("InvalidReplicationGroupState")

    monkeypatch.setattr(cache, "list_tags_for_resource", list_tags_for_resource)
    foreseen = run(cache, check_mode=True, state=state)
    assert (foreseen["changed"], "look again when it is available" in foreseen["notes"][0]) == (False, True)


def test_waiting_ends_at_the_deadline_and_tells_what_was_last_seen(cache):
    run(cache)
    cache.states = ["modifying"] * 1000
    with pytest.raises(ResourceError, match=r"last seen: modifying, 0001 available; last events: .*no address left"):
        run(cache, wait_timeout=0)


def test_a_failed_creation_is_told_with_its_events(cache):
    run(cache)
    cache.states = ["create-failed"] * 3
    with pytest.raises(ResourceError, match=r"status is create-failed; last events: .*no address left in the subnet"):
        run(cache)


def test_logs_that_are_no_longer_named_end(cache):
    run(cache, log_delivery=[LOG, {**LOG, "log_type": "engine-log"}])
    run(cache, log_delivery=[LOG])
    assert cache.writes[-1][1]["LogDeliveryConfigurations"] == [{"LogType": "engine-log", "Enabled": False}]
    assert not run(cache, log_delivery=[LOG])["changed"]
