"""Users, user groups and parameters: what AWS refuses of them, and what is on offer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aws_world import fresh, refused
from bahnvision_lab.testing import Lab
from cache_world import PASSWORD, Caches

VALUE, CLASH = "InvalidParameterValue", "InvalidParameterCombination"


@pytest.fixture(scope="module")
def caches(lab: Lab) -> Caches:
    return Caches(lab)


def test_users_that_aws_refuses(caches: Caches) -> None:
    def user(**changes: Any) -> None:
        arguments = {"UserId": fresh("user"), "UserName": "somebody", "Engine": "valkey", "Passwords": [PASSWORD],
                     "AccessString": "on ~* +@all", **changes}  # fmt: skip
        caches.api.create_user(**{key: value for key, value in arguments.items() if value is not None})

    for changes, code, words in (
        ({"UserId": "a--b"}, VALUE, "valid identifier"),
        ({"UserId": caches.user}, "UserAlreadyExists", caches.user),
        ({"Engine": "memcached"}, VALUE, "memcached"),
        ({"Passwords": ["short"]}, VALUE, "between 16-128 characters"),
        ({"Passwords": [PASSWORD] * 3}, VALUE, "one or two"),
        ({"Passwords": None}, VALUE, "No password was provided"),
        ({"NoPasswordRequired": True}, CLASH, "Passwords cannot be specified"),
        ({"NoPasswordRequired": True, "Passwords": None}, CLASH, "no password is not supported"),
        ({"AuthenticationMode": {"Type": "password", "Passwords": [PASSWORD]}}, CLASH, "multiple arguments"),
        ({"AccessString": "on ~* +@nothing"}, VALUE, "+@nothing"),
        ({"AccessString": "on ~* +fly"}, VALUE, "+fly"),
        ({"AccessString": "on ~* +@all >secret"}, VALUE, "passwords cannot be specified"),
        ({"AccessString": "on ~* +@all nopass"}, VALUE, "passwords cannot be specified"),
    ):  # fmt: skip
        with refused(code, words):
            user(**changes)
    with refused(VALUE, "default user cannot be modified"):
        caches.api.modify_user(UserId="default", AccessString="off")
    with refused("UserNotFound", "nope", 404):
        caches.api.modify_user(UserId="nope", AccessString="off")
    with refused("NotImplementedByLab", "tokens of IAM", 501):
        user(AuthenticationMode={"Type": "iam"}, Passwords=None)


def test_user_groups_that_aws_refuses(caches: Caches) -> None:
    old, twin = fresh("user"), fresh("user")
    caches.api.create_user(UserId=old, UserName=old, Engine="redis", AccessString="on ~* +@all", Passwords=[PASSWORD])
    caches.api.create_user(
        UserId=twin, UserName=caches.user, Engine="valkey", AccessString="on ~* +@all", Passwords=[PASSWORD]
    )

    def group(engine: str, *users: str) -> None:
        caches.api.create_user_group(UserGroupId=fresh("group"), Engine=engine, UserIds=list(users))

    with refused("DefaultUserRequired", "default"):
        group("redis", old)
    with refused(CLASH, "engine valkey cannot be in a user group of engine redis"):
        group("redis", "default", caches.user)
    with refused(CLASH, "needs no password"):
        group("valkey", "default", caches.user)
    with refused("DuplicateUserName", caches.user):
        group("valkey", caches.user, twin)
    with refused("UserNotFound", "nope", 404):
        group("valkey", "nope")
    redis_group = fresh("group")
    caches.api.create_user_group(UserGroupId=redis_group, Engine="redis", UserIds=["default", old])
    with refused("DefaultUserRequired", "default"):
        deadline = time.monotonic() + 60
        while caches.api.describe_user_groups(UserGroupId=redis_group)["UserGroups"][0]["Status"] != "active":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        caches.api.modify_user_group(UserGroupId=redis_group, UserIdsToRemove=["default"])
    with refused("UserGroupNotFound", "nope", 404):
        caches.api.delete_user_group(UserGroupId="nope")
    with refused(CLASH, "engine valkey cannot be used with a cache of engine redis"):
        caches.api.create_replication_group(**caches.arguments(Engine="redis", EngineVersion="7.1"))


def test_parameters_that_aws_refuses(caches: Caches) -> None:
    name = fresh("cache-parameters")
    with refused(VALUE, "valkey6"):
        caches.api.create_cache_parameter_group(
            CacheParameterGroupName=name, CacheParameterGroupFamily="valkey6", Description="x"
        )
    caches.api.create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="redis6.x", Description="x"
    )

    def set_parameter(parameter: str, value: str, group: str = name) -> None:
        caches.api.modify_cache_parameter_group(CacheParameterGroupName=group, ParameterNameValues=[
            {"ParameterName": parameter, "ParameterValue": value}])  # fmt: skip

    for parameter, value, words in (
        ("maxmemory", "5", "Invalid parameter name"),
        ("hash-max-listpack-entries", "5", "for family redis6.x"),
        ("maxclients", "5", "cannot be modified"),
        ("maxmemory-policy", "best", "Allowed values: volatile-lru"),
        ("timeout", "10", "Allowed values: 0,20-"),
        ("timeout", "-1", "Invalid parameter value"),
        ("maxmemory-samples", "three", "Invalid parameter value"),
        ("notify-keyspace-events", "Q", "Invalid parameter value"),
    ):
        with refused(VALUE, words):
            set_parameter(parameter, value)
    with refused("InvalidCacheParameterGroupState", "default"):
        set_parameter("timeout", "20", "default.valkey8")
    with refused("InvalidCacheParameterGroupState", "Default"):
        caches.api.delete_cache_parameter_group(CacheParameterGroupName="default.valkey8")
    set_parameter("timeout", "20")
    set_parameter("notify-keyspace-events", "KEA")
    with refused("CacheParameterGroupAlreadyExists", name):
        caches.api.create_cache_parameter_group(
            CacheParameterGroupName=name, CacheParameterGroupFamily="valkey8", Description="x"
        )


def test_what_is_offered(caches: Caches) -> None:
    versions = caches.api.describe_cache_engine_versions(Engine="valkey")["CacheEngineVersions"]
    families = {entry["EngineVersion"]: entry["CacheParameterGroupFamily"] for entry in versions}
    assert families == {"7.2": "valkey7", "8.0": "valkey8", "8.1": "valkey8", "8.2": "valkey8", "9.0": "valkey9",
                        "9.1": "valkey9"}  # fmt: skip
    default = caches.api.describe_cache_engine_versions(Engine="redis", DefaultOnly=True)["CacheEngineVersions"]
    assert [entry["EngineVersion"] for entry in default] == ["7.1"]
    assert caches.api.describe_service_updates()["ServiceUpdates"] == []
    defaults = caches.api.describe_engine_default_parameters(CacheParameterGroupFamily="valkey8")["EngineDefaults"]
    assert {entry["ParameterName"]: entry["ParameterValue"] for entry in defaults["Parameters"]}["timeout"] == "0"
    with refused(VALUE, "valkey6"):
        caches.api.describe_engine_default_parameters(CacheParameterGroupFamily="valkey6")
    with refused("NotImplementedByLab", "CreateCacheCluster", 501):
        caches.api.create_cache_cluster(CacheClusterId="alone", Engine="memcached")
