"""A replication group and its real servers: who gets in, and what the API's changes do to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from aws_world import fresh, refused
from bahnvision_lab.certificates import Authority
from bahnvision_lab.testing import Lab
from cache_world import PASSWORD, ZONES, Caches, daily, in_step, roles, weekly


@pytest.fixture(scope="module")
def caches(lab: Lab) -> Caches:
    return Caches(lab)


@pytest.fixture(scope="module")
def parameters(caches: Caches) -> str:
    name = fresh("cache-parameters")
    caches.api.create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="valkey8", Description="x"
    )
    return name


@pytest.fixture(scope="module")
def group(caches: Caches, parameters: str) -> Iterator[dict[str, Any]]:
    with caches.make(
        CacheParameterGroupName=parameters, PreferredCacheClusterAZs=ZONES[::-1], SnapshotRetentionLimit=15,
        SnapshotWindow=daily(8), PreferredMaintenanceWindow=weekly(3),
        Tags=[{"Key": "stage", "Value": "test"}],
    ) as made:  # fmt: skip
        yield made


@pytest.fixture(scope="module")
def name(group: dict[str, Any]) -> str:
    return group["ReplicationGroupId"]


def test_the_answer_has_what_clients_read(caches: Caches, group: dict[str, Any], name: str) -> None:
    told = {key: group[key] for key in (
        "AutomaticFailover", "MultiAZ", "ClusterEnabled", "ClusterMode", "TransitEncryptionMode", "SnapshotWindow",
        "AtRestEncryptionEnabled", "UserGroupIds", "SnapshottingClusterId", "MemberClusters", "Engine",
    )}  # fmt: skip
    assert told == {
        "AutomaticFailover": "enabled", "MultiAZ": "enabled", "ClusterEnabled": False, "ClusterMode": "disabled",
        "TransitEncryptionMode": "required", "SnapshotWindow": daily(8), "AtRestEncryptionEnabled": True,
        "UserGroupIds": [caches.user_group], "SnapshottingClusterId": f"{name}-002",
        "MemberClusters": [f"{name}-001", f"{name}-002"], "Engine": "valkey",
    }  # fmt: skip
    assert "ConfigurationEndpoint" not in group
    members = group["NodeGroups"][0]["NodeGroupMembers"]
    assert [member["PreferredAvailabilityZone"] for member in members] == ZONES[::-1]
    assert roles(group) == {f"{name}-001": "primary", f"{name}-002": "replica"}
    nodes = [entry for entry in caches.api.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
             if entry["ReplicationGroupId"] == name]  # fmt: skip
    assert [node["EngineVersion"] for node in nodes] == ["8.1.0", "8.1.0"]
    assert [node["CacheNodes"][0]["Endpoint"] for node in nodes] == [member["ReadEndpoint"] for member in members]
    assert caches.api.list_tags_for_resource(ResourceName=group["ARN"])["TagList"] == [
        {"Key": "stage", "Value": "test"}
    ]
    told_by_the_lab = caches.lab.status()["caches"][name]
    assert told_by_the_lab["primary"]["port"] == group["NodeGroups"][0]["PrimaryEndpoint"]["Port"]
    assert [node["role"] for node in told_by_the_lab["nodes"]] == ["primary", "replica"]
    assert PASSWORD not in caches.lab.state.status_file.read_text()


def test_the_reader_sees_what_is_written_and_takes_no_writes(caches: Caches, group: dict[str, Any]) -> None:
    with caches.primary(group) as primary, caches.reader(group) as reader:
        primary.set("line", "S1")
        in_step(primary)
        assert reader.get("line") == "S1"
        assert (primary.info("replication")["role"], reader.info("replication")["role"]) == ("master", "slave")
        with pytest.raises(redis.ReadOnlyError):
            reader.set("line", "S2")


def test_only_encrypted_connections_of_known_users_get_in(caches: Caches, group: dict[str, Any], tmp_path: Any) -> None:
    with pytest.raises(redis.ConnectionError):
        caches.primary(group, ssl=False, ssl_ca_certs=None, ssl_check_hostname=None).ping()
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        caches.primary(group, ssl_ca_certs=str(Authority(tmp_path / "other").bundle)).ping()
    for change in ({"password": PASSWORD + "x"}, {"username": "somebody"}, {"username": "default"}):
        with pytest.raises(redis.AuthenticationError):
            caches.primary(group, **change).ping()
    with pytest.raises(redis.AuthenticationError, match="already authenticated"):
        caches.primary(group, username=None, password=None).ping()


def test_what_a_managed_service_keeps_for_itself_is_refused(caches: Caches, group: dict[str, Any]) -> None:
    with caches.primary(group) as primary:
        for command in (["CONFIG", "GET", "*"], ["BGREWRITEAOF"], ["REPLICAOF", "NO", "ONE"], ["ACL", "SETUSER", "x"],
                        ["SHUTDOWN"], ["SAVE"], ["CLUSTER", "RESET"]):  # fmt: skip
            with pytest.raises(redis.exceptions.NoPermissionError):
                primary.execute_command(*command)


def test_parameters_take_effect_when_elasticache_says_so(
    caches: Caches, group: dict[str, Any], name: str, parameters: str
) -> None:
    def state() -> tuple[str, str]:
        cluster = caches.api.describe_cache_clusters(CacheClusterId=f"{name}-002")["CacheClusters"][0]
        return cluster["CacheClusterStatus"], cluster["CacheParameterGroup"]["ParameterApplyStatus"]

    def settle(wanted: Any, actual: Any) -> None:
        deadline = time.monotonic() + 60
        while actual() != wanted:
            assert time.monotonic() < deadline, actual()
            time.sleep(0.02)

    def set_parameter(parameter: str, value: str) -> None:
        caches.api.modify_cache_parameter_group(
            CacheParameterGroupName=parameters,
            ParameterNameValues=[{"ParameterName": parameter, "ParameterValue": value}],
        )

    # Which the server of this machine may be unable to do: the group must stand nevertheless.
    set_parameter("activedefrag", "yes")
    with caches.primary(group) as primary:
        assert primary.info("memory")["maxmemory_policy"] == "volatile-lru"
        set_parameter("maxmemory-policy", "allkeys-lfu")
        settle("allkeys-lfu", lambda: primary.info("memory")["maxmemory_policy"])
    assert state() == ("available", "in-sync")
    set_parameter("databases", "3")
    assert state() == ("available", "pending-reboot")
    with caches.reader(group) as reader:
        reader.execute_command("SELECT", 5)
    caches.api.reboot_cache_cluster(CacheClusterId=f"{name}-002", CacheNodeIdsToReboot=["0001"])
    settle(("available", "in-sync"), state)
    with caches.reader(group) as reader, pytest.raises(redis.ResponseError, match="out of range"):
        reader.execute_command("SELECT", 5)
    chosen = caches.api.describe_cache_parameters(CacheParameterGroupName=parameters, Source="user")["Parameters"]
    assert {entry["ParameterName"]: entry["ParameterValue"] for entry in chosen} == {
        "activedefrag": "yes", "maxmemory-policy": "allkeys-lfu", "databases": "3",
    }  # fmt: skip
    caches.api.reset_cache_parameter_group(CacheParameterGroupName=parameters, ResetAllParameters=True)
    assert not caches.api.describe_cache_parameters(CacheParameterGroupName=parameters, Source="user")["Parameters"]


def test_a_new_password_opens_and_a_user_keeps_two(caches: Caches, group: dict[str, Any]) -> None:
    new = "another-password-of-some-length"

    def change(**fields: Any) -> None:
        caches.api.modify_user(UserId=caches.user, **fields)
        deadline = time.monotonic() + 60
        while caches.api.describe_users(UserId=caches.user)["Users"][0]["Status"] != "active":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        caches.wait_user_group()

    change(Passwords=[PASSWORD, new])
    for password in (PASSWORD, new):
        assert caches.primary(group, password=password).ping()
        assert caches.reader(group, password=password).ping()
    change(Passwords=[new])
    with pytest.raises(redis.AuthenticationError):
        caches.primary(group).ping()
    change(Passwords=[PASSWORD], AccessString="on ~app:* +@read")
    told = caches.api.describe_users(UserId=caches.user)["Users"][0]
    assert told["AccessString"] == "on ~app:* -@all +@read"  # as AWS tells it
    with caches.primary(group) as primary:
        assert primary.get("app:x") is None
        with pytest.raises(redis.exceptions.NoPermissionError):
            primary.get("other")
        with pytest.raises(redis.exceptions.NoPermissionError):
            primary.set("app:x", "1")
    change(AccessString="on allkeys allcommands")
    assert caches.api.describe_users(UserId=caches.user)["Users"][0]["AccessString"] == "on ~* +@all"


def test_users_come_and_go(caches: Caches, group: dict[str, Any]) -> None:
    guest = fresh("guest")
    caches.api.create_user(
        UserId=guest, UserName="guest", Engine="valkey", AccessString="on ~* +get", Passwords=[PASSWORD]
    )
    caches.api.modify_user_group(UserGroupId=caches.user_group, UserIdsToAdd=[guest])
    caches.wait_user_group()
    with caches.primary(group, username="guest") as connection:
        assert connection.get("nothing") is None
        caches.api.delete_user(UserId=guest)  # as AWS: out of its groups, and so out of the caches
        caches.wait_user_group()
        with pytest.raises(redis.RedisError):
            connection.get("nothing")
    assert caches.api.describe_user_groups(UserGroupId=caches.user_group)["UserGroups"][0]["UserIds"] == [caches.user]


def test_replicas_are_added_and_removed_in_place(caches: Caches, group: dict[str, Any], name: str) -> None:
    with caches.primary(group) as primary:
        primary.set("kept", "5")
        caches.api.increase_replica_count(ReplicationGroupId=name, NewReplicaCount=2, ApplyImmediately=True)
        more = caches.wait(name)
        assert roles(more) == {f"{name}-001": "primary", f"{name}-002": "replica", f"{name}-003": "replica"}
        assert caches.connect(more["NodeGroups"][0]["NodeGroupMembers"][2]["ReadEndpoint"]).get("kept") == "5"
        caches.api.decrease_replica_count(
            ReplicationGroupId=name, ReplicasToRemove=[f"{name}-002"], ApplyImmediately=True
        )
        fewer = caches.wait(name)
        assert roles(fewer) == {f"{name}-001": "primary", f"{name}-003": "replica"}
        assert fewer["SnapshottingClusterId"] == f"{name}-003"
        assert fewer["NodeGroups"][0]["ReaderEndpoint"] == group["NodeGroups"][0]["ReaderEndpoint"]
        assert caches.reader(fewer).get("kept") == "5"
        assert primary.get("kept") == "5"  # the same connection as before
        assert not [key for key in caches.lab.state.registry.all() if key.endswith(f"-{name}-002")]


def test_modifications_are_made_in_place(caches: Caches, group: dict[str, Any], name: str) -> None:
    with caches.primary(group) as primary:
        primary.set("kept", "6")
    logs = fresh("logs")
    caches.lab.client("logs").create_log_group(logGroupName=logs)
    delivery = {"LogType": "slow-log", "DestinationType": "cloudwatch-logs", "LogFormat": "json",
                "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": logs}}}  # fmt: skip
    changed = caches.modify(
        name, ReplicationGroupDescription="new", SnapshotRetentionLimit=3, SnapshotWindow=daily(10),
        PreferredMaintenanceWindow=weekly(4), CacheNodeType="cache.t4g.small", EngineVersion="8.2",
        LogDeliveryConfigurations=[delivery],
    )  # fmt: skip
    told = {key: changed[key] for key in ("Description", "SnapshotRetentionLimit", "SnapshotWindow", "CacheNodeType")}
    assert told == {"Description": "new", "SnapshotRetentionLimit": 3, "SnapshotWindow": daily(10),
                    "CacheNodeType": "cache.t4g.small"}  # fmt: skip
    assert changed["LogDeliveryConfigurations"] == [{**delivery, "Status": "active"}]
    cluster = caches.api.describe_cache_clusters(CacheClusterId=f"{name}-001")["CacheClusters"][0]
    assert (cluster["EngineVersion"], cluster["PreferredMaintenanceWindow"]) == ("8.2.0", weekly(4))
    with caches.primary(changed) as primary:
        assert primary.get("kept") == "6"
        assert primary.info("memory")["maxmemory"] == int(1.37 * 2**30 * 0.75)
    with refused("InvalidParameterCombination", "downgraded"):
        caches.api.modify_replication_group(ReplicationGroupId=name, EngineVersion="8.0")


def test_what_needs_a_maintenance_window_waits_for_it(caches: Caches, group: dict[str, Any], name: str) -> None:
    caches.api.modify_replication_group(ReplicationGroupId=name, CacheNodeType="cache.t4g.medium")
    assert caches.told(name)["CacheNodeType"] == "cache.t4g.small"
    cluster = caches.api.describe_cache_clusters(CacheClusterId=f"{name}-001")["CacheClusters"][0]
    assert cluster["PendingModifiedValues"] == {"CacheNodeType": "cache.t4g.medium"}
    now = time.gmtime()
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    window = f"{day[now.tm_wday]}:{now.tm_hour:02}:00-{day[(now.tm_wday + (now.tm_hour > 21)) % 7]}:" \
             f"{(now.tm_hour + 2) % 24:02}:00"  # fmt: skip
    snapshots = f"{(now.tm_hour + 8) % 24:02}:00-{(now.tm_hour + 9) % 24:02}:00"
    caches.api.modify_replication_group(
        ReplicationGroupId=name, PreferredMaintenanceWindow=window, SnapshotWindow=snapshots
    )
    deadline = time.monotonic() + 60
    while caches.told(name)["CacheNodeType"] != "cache.t4g.medium":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    caches.wait(name)


def test_without_users_the_default_user_and_its_token_open(caches: Caches) -> None:
    token, other = "a-token-of-16-or-more", "another-token-of-16-or-more"
    with caches.make(UserGroupIds=None, AuthToken=token, NumCacheClusters=1, MultiAZEnabled=None,
                     AutomaticFailoverEnabled=None, Engine="redis", EngineVersion="7.1") as made:  # fmt: skip
        name = made["ReplicationGroupId"]
        assert made["AuthTokenEnabled"]
        assert caches.primary(made, username=None, password=token).set("a", "1")
        assert caches.reader(made, username=None, password=token).get("a") == "1"  # no replica: the primary
        caches.modify(name, AuthToken=other, AuthTokenUpdateStrategy="ROTATE")
        for password in (token, other):
            assert caches.primary(made, username=None, password=password).ping()
        caches.modify(name, AuthToken=other, AuthTokenUpdateStrategy="SET")
        with pytest.raises(redis.AuthenticationError):
            caches.primary(made, username=None, password=token).ping()
        upgraded = caches.modify(name, Engine="valkey", EngineVersion="8.0")
        assert upgraded["Engine"] == "valkey"
        assert caches.primary(made, username=None, password=other).get("a") == "1"
        with refused("InvalidParameterCombination", "valkey cannot be changed"):
            caches.api.modify_replication_group(ReplicationGroupId=name, Engine="redis", EngineVersion="7.1")


def test_deletion_takes_the_servers_and_their_files(lab: Lab, caches: Caches) -> None:
    with caches.make() as made:
        name = made["ReplicationGroupId"]
        records = {key: process for key, process in lab.state.registry.all().items() if f"-{name}-" in key}
        assert len(records) == 2
    deadline = time.monotonic() + 60
    while name in lab.status()["caches"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not any(process.alive for process in records.values())
    assert not set(records) & set(lab.state.registry.all())
    assert not list(lab.state.caches.glob(f"*-{name}-*"))
    with refused("ReplicationGroupNotFoundFault", name, 404):
        caches.told(name)
