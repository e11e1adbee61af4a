"""The role elasticache against a lab with real servers: made as foreseen, changed in place, rotated, removed, restored.

The tests of this file share one lab and follow each other: an empty account, a network, a cache, its changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from bahnvision_lab.testing import running_lab
from cache_stage import NOTHING, WHOLE, CacheStage
from stage import ROOT, Outcome, Stage, assert_four_runs

NAME = "bahnvision-lab"
GROUP = "cache | Ensure the replication group and wait for it"
PARAMETERS = "groups | Ensure the parameter group"
ABSENT = {"elasticache_state": "absent", "elasticache_confirm_absent": "lab"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CacheStage]:
    with running_lab(tmp_path_factory.mktemp("elasticache-role") / "lab") as lab:
        yield CacheStage(lab)


@pytest.fixture(scope="module")
def network(stage: CacheStage) -> CacheStage:
    made = Stage(stage.lab, "vpc", "network.yml", vpc_nat="none").run()
    assert made.code == 0, made.errors
    return stage


@pytest.fixture(scope="module")
def four_runs(network: CacheStage) -> tuple[Outcome, Outcome]:
    return assert_four_runs(network)


@pytest.mark.full  # test_playbooks does so with all components, and the four runs see these settings
def test_an_empty_account_is_predicted_as_a_whole_and_not_written_to(stage: CacheStage) -> None:
    foreseen = stage.run("--check", "--diff")

    assert (foreseen.code, foreseen.errors, foreseen.writes) == (0, [], [])
    assert_safe(foreseen)


def assert_safe(foreseen: Outcome) -> None:
    group = foreseen.after(GROUP)[f"replication_group {NAME}"]
    assert (group["multi_az"], group["automatic_failover"], group["at_rest_encryption"]) == (True, True, True)
    assert (group["transit_encryption_mode"], group["snapshot_retention_limit"]) == ("required", 15)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "many at once": (
        {
            "elasticache_replicas_per_node_group": 0, "elasticache_snapshot_retention_limit": 0,
            "elasticache_snapshot_window": "04:30-05:30", "elasticache_node_type": "cache.t4g.mini",
            "elasticache_num_node_groups": 2, "elasticache_durability": "sync",
        },
        "automatic_failover needs a replica: replicas_per_node_group 1 or more; num_node_groups 2 needs cluster_mode",
    ),
    "unknown version": ({"elasticache_engine_version": "8.7"}, "does not offer Valkey 8.7 (any more); the nearest"),
    "the guide's version": ({"elasticache_engine_version": "7.0"}, "7.0 is a version of Redis OSS and not of Valkey"),
    "no failover": ({"elasticache_replicas_per_node_group": 0}, "automatic_failover needs a replica"),
    "no snapshots": ({"elasticache_snapshot_retention_limit": 0}, "say so with allow_no_snapshots"),
    "windows": ({"elasticache_snapshot_window": "04:30-05:30"}, "lies within maintenance_window"),
    "node type": ({"elasticache_node_type": "cache.t4g.mini"}, "is not offered by ElastiCache; the nearest offered"),
    "durability": ({"elasticache_durability": "sync"}, "durability sync needs cluster_mode enabled"),
    "endpoint": ({"elasticache_identifier": "x.clustercfg.euc1"}, "looks like an endpoint"),
    "parameter": ({"elasticache_parameters": {"maxmemory-policy": "lru"}}, "maxmemory-policy cannot be lru"),
    "access": ({"elasticache_access_string": "on ~* +@all"}, "+@all without -@dangerous"),
    "password": ({"elasticache_password": "short"}, "password 1 must have 16 to 128 characters; it has 5"),
    "snapshot": ({"elasticache_restore_from": "nothing"}, "the snapshot nothing does not exist"),
}  # fmt: skip
QUICK = ("many at once", "password")  # versions are refused without a lab too (test_elasticache_parts)


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in REFUSED]
)
def test_what_cannot_work_is_one_error_and_no_write(network: CacheStage, case: str) -> None:
    inputs, text = REFUSED[case]
    refused = network.run(**inputs)
    assert (refused.code, refused.writes, len(refused.errors)) == (2, [], 1)
    assert text in refused.errors[0] + json.dumps(refused.tasks)


def test_the_run_makes_what_was_foreseen_and_the_next_ones_nothing(
    network: CacheStage, four_runs: tuple[Outcome, Outcome]
) -> None:
    foreseen, made = four_runs
    assert_safe(foreseen)
    assert network.living(NAME) == WHOLE
    facts = made.tasks["cache | Hand the facts to the roles that follow"]["ansible_facts"]["elasticache_result"]
    shard = network.group(NAME)["NodeGroups"][0]
    assert (facts["host"], facts["port"]) == tuple(shard["PrimaryEndpoint"].values())
    assert (facts["reader_host"], facts["reader_port"]) == tuple(shard["ReaderEndpoint"].values())
    assert facts["url"]["cluster_mode"] is False
    assert len({member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]}) == 2
    password = network.secret(NAME)["password"]
    assert password not in json.dumps(made.tasks)


@pytest.mark.usefixtures("four_runs")
def test_a_client_with_tls_and_user_gets_in_and_nobody_else(network: CacheStage) -> None:
    client, place = network.client(NAME), network.secret(NAME)
    assert client.set("made", "before any change")
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.flushall()
    where = {"host": place["host"], "port": place["port"], "socket_timeout": 5}
    login = {"username": place["username"], "password": place["password"]}
    with pytest.raises(redis.ConnectionError):
        redis.Redis(**where, **login).ping()  # without TLS
    tls = {"ssl": True, "ssl_ca_certs": network.lab.status()["ca_bundle"]}
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(**where, **tls).ping()  # without a name
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(**where, **tls, username=place["username"], password="wrong").ping()
    reader = redis.Redis(**{**where, "port": place["reader_port"]}, **tls, **login)
    assert reader.get("made") == b"before any change"


@pytest.mark.usefixtures("four_runs")
def test_only_the_group_of_the_clients_gets_in_and_nothing_gets_out(network: CacheStage) -> None:
    ours = [{"Name": "tag:app", "Values": ["bahnvision"]}, {"Name": "tag:component", "Values": ["elasticache"]}]
    found = network.lab.client("ec2").describe_security_groups(Filters=ours)["SecurityGroups"]
    server, clients = sorted(found, key=lambda group: group["GroupName"])
    assert server["IpPermissionsEgress"] == clients["IpPermissions"] == clients["IpPermissionsEgress"] == []
    assert {rule["FromPort"] for rule in server["IpPermissions"]} == {6379}
    pairs = [pair["GroupId"] for rule in server["IpPermissions"] for pair in rule["UserIdGroupPairs"]]
    assert pairs == [clients["GroupId"]]
    logs = network.lab.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/elasticache/{NAME}/")["logGroups"]
    assert [group["retentionInDays"] for group in logs] == [30, 30]


CHANGES: dict[str, dict[str, Any]] = {
    "retention": {"elasticache_snapshot_retention_limit": 7},
    "windows": {"elasticache_snapshot_window": "02:00-03:00", "elasticache_maintenance_window": "mon:04:00-mon:05:00"},
    "minor upgrades": {"elasticache_auto_minor_version_upgrade": False},
    "topic": {"elasticache_notification_topic_arn": "arn:aws:sns:eu-central-1:123456789012:cache"},
    "logs": {"elasticache_logs": ["slow-log"]},
    "log format": {"elasticache_log_format": "text"},
    "log retention": {"elasticache_log_retention_days": 14},
    "parameter": {"elasticache_parameters": {"maxmemory-policy": "allkeys-lru"}},
    "node type": {"elasticache_node_type": "cache.t4g.medium"},
    "one more replica": {"elasticache_replicas_per_node_group": 2},
    "tag": {"elasticache_tags": {"team": "data"}},
    "user": {"elasticache_users": [{"name": "reader", "access_string": "on ~* -@all +@read +@connection"}]},
    "access": {"elasticache_access_string": "on ~* &* +@all -@dangerous +info"},
    "client": {"elasticache_client_cidrs": ["10.8.0.0/16"]},
    "version": {"elasticache_engine_version": "9.1"},
}
BEGIN = {"elasticache_engine_version": "9.0"}
WISH = {key: value for inputs in CHANGES.values() for key, value in inputs.items()}


def change(stage: CacheStage, inputs: dict[str, Any], again: bool = True) -> Outcome:
    """Foresee a change, make it as foreseen, and see that nothing is left to do; return what was foreseen."""
    foreseen = stage.run("--check", "--diff", **inputs)
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    made = stage.run("--diff", **inputs)
    assert (made.code, made.changed) == (0, foreseen.changed), made.errors
    for name in (GROUP, PARAMETERS, "users | Ensure the user group"):
        assert made.tasks[name].get("diff") == foreseen.tasks[name].get("diff")
    left = stage.run(**inputs) if again else made
    assert (left.code, left.writes if again else []) == (0, []), left.errors
    return foreseen


@pytest.mark.full
@pytest.mark.usefixtures("four_runs")
def test_fourteen_changes_at_once_are_foreseen_made_in_place_and_made_once(network: CacheStage) -> None:
    before = network.group(NAME)
    foreseen = change(network, WISH)

    assert foreseen.after(GROUP)[f"replication_group {NAME}"] == {
        "auto_minor_version_upgrade": False, "maintenance_window": "mon:04:00-mon:05:00",
        "node_type": "cache.t4g.medium", "replicas_per_node_group": 2, "snapshot_retention_limit": 7,
        "snapshot_window": "02:00-03:00", "tags": {"team": "data"},
        "notification_topic_arn": "arn:aws:sns:eu-central-1:123456789012:cache",
        "log_delivery": [{"log_type": "slow-log", "log_format": "text", "destination_type": "cloudwatch-logs",
                          "destination": f"/aws/elasticache/{NAME}/slow-log"}],
    }  # fmt: skip
    assert any("replaces the nodes one after the other" in note for note in foreseen.tasks[GROUP]["notes"])
    now = network.group(NAME)
    assert (now["ReplicationGroupCreateTime"], now["ARN"]) == (before["ReplicationGroupCreateTime"], before["ARN"])
    members = now["NodeGroups"][0]["NodeGroupMembers"]
    assert len({member["PreferredAvailabilityZone"] for member in members}) == len(members) == 3
    assert network.client(NAME).get("made") == b"before any change"
    assert "redis_version" in network.client(NAME).info()
    with pytest.raises(redis.exceptions.NoPermissionError):
        network.client(NAME, "reader").set("a", "b")


@pytest.mark.usefixtures("four_runs")
@pytest.mark.full
def test_fewer_nodes_and_users_and_a_rotation_in_one_run(network: CacheStage) -> None:
    """The zones stay spread, the user is gone, and clients with either password go on."""
    old, held = network.secret(NAME), network.client(NAME)
    wish = {**WISH, **CHANGES["client"], "elasticache_replicas_per_node_group": 1, "elasticache_users": []}
    made = network.run("--diff", **wish, elasticache_rotation="leak")
    assert made.code == 0, made.errors

    assert network.living(NAME) == {**WHOLE, "log groups": 2}
    members = network.group(NAME)["NodeGroups"][0]["NodeGroupMembers"]
    assert len({member["PreferredAvailabilityZone"] for member in members}) == len(members) == 2
    new = network.secret(NAME)
    assert new["password"] != old["password"]
    assert held.get("made") == network.client(NAME).get("made") == b"before any change"
    tls = {"ssl": True, "ssl_ca_certs": network.lab.status()["ca_bundle"]}
    late = redis.Redis(host=new["host"], port=new["port"], username=old["username"], password=old["password"], **tls)
    assert late.ping()  # a client that has not read the secret again
    left = network.run(**wish, elasticache_rotation="leak")
    assert (left.code, left.changed, left.writes) == (0, [], []), left.errors


@pytest.mark.usefixtures("four_runs")
def test_removal_wants_the_name_of_the_stage(network: CacheStage) -> None:
    refused = network.run(elasticache_state="absent")
    assert (len(refused.errors), refused.writes) == (1, [])
    assert "Set elasticache_confirm_absent" in refused.errors[0]


@pytest.fixture(scope="module")
def removed(network: CacheStage, four_runs: tuple[Outcome, Outcome]) -> tuple[str, str]:
    """Remove the cache; return the password that its secret had, and the name of its last snapshot."""
    login = network.secret(NAME)["password"]
    foreseen = network.run("--check", **ABSENT)
    gone = network.run(**ABSENT)
    assert (gone.code, gone.changed) == (0, foreseen.changed), gone.errors
    kept = gone.tasks["absent_rest | Forget the facts, keep the name of the last snapshot"]["ansible_facts"]
    return login, kept["elasticache_result"]["final_snapshot_identifier"]


def test_removal_takes_what_is_ours_and_keeps_the_keys(network: CacheStage, removed: tuple[str, str]) -> None:
    assert network.living(NAME) == NOTHING
    assert re.fullmatch(rf"{NAME}-final-\d{{14}}", removed[1])
    again = network.run(**ABSENT)
    assert (again.code, again.changed, again.writes) == (0, [], [])


@pytest.mark.full
def test_what_is_removed_comes_back_with_its_keys_and_its_password(
    network: CacheStage, removed: tuple[str, str]
) -> None:
    login, snapshot = removed

    back = network.run(elasticache_restore_from=snapshot)

    assert back.code == 0, back.errors
    assert network.client(NAME).get("made") == b"before any change"
    assert network.secret(NAME)["password"] == login
    group = network.group(NAME)
    assert (group["MultiAZ"], group["SnapshotRetentionLimit"], group["UserGroupIds"]) == ("enabled", 15, [NAME])
    assert (group["TransitEncryptionMode"], network.member(NAME)["CacheSubnetGroupName"]) == ("required", NAME)


@pytest.mark.full
def test_cluster_mode_hands_on_the_configuration_endpoint(network: CacheStage) -> None:
    inputs = {
        "elasticache_identifier": "sharded", "elasticache_cluster_mode": "enabled", "elasticache_num_node_groups": 2,
    }  # fmt: skip
    with network.lab.faults(throttle=0.3):
        made = network.run(**inputs)
    assert made.code == 0, made.errors
    assert any(entry["error"] == "Throttling" for entry in made.requests)
    facts = made.tasks["cache | Hand the facts to the roles that follow"]["ansible_facts"]["elasticache_result"]
    assert (facts["host"], facts["port"]) == tuple(network.group("sharded")["ConfigurationEndpoint"].values())
    assert facts["url"]["cluster_mode"] is True
    client = redis.RedisCluster.from_url(
        network.secret("sharded")["url"], ssl_ca_certs=network.lab.status()["ca_bundle"]
    )  # fmt: skip
    for number in range(50):
        client.set(f"key-{number}", number)
    assert client.dbsize(target_nodes="primaries") == 50
    left = network.run(**inputs)
    assert (left.code, left.changed, left.writes) == (0, [], []), left.errors


# What no run of these tests asks for, and why the README names it nevertheless.
UNSEEN = {
    "elasticache:DescribeEvents",  # when waiting fails
    "elasticache:DescribeReservedCacheNodesOfferings",  # a family of node types that is new to us
    "elasticache:ModifyReplicationGroupShardConfiguration",  # test_elasticache_kills.py
    "elasticache:ModifyCacheSubnetGroup",  # the network has other subnets
    "elasticache:ResetCacheParameterGroup", "elasticache:RemoveTagsFromResource",  # what is no longer named
    "secretsmanager:TagResource", "secretsmanager:UntagResource", "logs:TagLogGroup", "logs:UntagLogGroup",
    "elasticache:CreateSnapshot",  # no call of its own: AWS asks for it when the last snapshot is taken
    "ec2:CreateTags", "ec2:DeleteTags", "ec2:RevokeSecurityGroupIngress", "ec2:DescribeVpcAttribute",
    "ec2:DescribeTags",
    "sts:GetCallerIdentity",
    "kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "iam:CreateServiceLinkedRole",
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies",  # of AWS on our behalf
}  # fmt: skip


def test_the_readme_lists_the_actions_that_the_runs_above_used(network: CacheStage) -> None:
    text = (ROOT / "roles" / "elasticache" / "README.md").read_text()
    listed = {
        f"{service}:{name}"
        for service, names in re.findall(r"^- `([a-z0-9]+)`[^:]*:((?:.*\n)(?:  .*\n)*)", text, re.M)
        for name in re.findall(r"`([A-Z][A-Za-z0-9]+)`", names)
    }
    assert network.used, "the tests above have not run"
    assert network.used - listed == set(), "the README lacks them"
    if {"elasticache:DeleteReplicationGroup", "elasticache:DecreaseReplicaCount"} <= network.used:  # all have run
        assert listed - network.used - UNSEEN == set(), "the README names more than is needed"
