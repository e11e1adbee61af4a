"""Versions, parameter groups, subnet groups and user groups."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import versions
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.info import engine_versions
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.parameters import (
    allowed,
    as_text,
    plan_parameter_group,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.subnets import plan_subnet_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.user_groups import plan_user_group
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import windows
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from elasticache_fakes import IDENTITY, OURS, VERSIONS, FakeCache

TODAY = date(2026, 11, 22)
OFFERS = versions.offers_from(
    {"Engine": e, "EngineVersion": v, "CacheParameterGroupFamily": f} for e, v, f in VERSIONS
)  # fmt: skip
WANT = {**IDENTITY, "name": "mine", "state": "present", "description": "d", "tags": {}, "purge_tags": False}


@pytest.mark.parametrize(
    ("engine", "asked", "version"),
    [
        ("valkey", "", "9.0"),
        ("valkey", "8", "8.2"),
        ("valkey", "8.0", "8.0"),
        ("redis", "", "7.1"),
        ("redis", "6", "6.2"),
    ],
)
def test_a_wish_becomes_an_exact_version(engine, asked, version):
    assert versions.resolve(OFFERS, engine, asked, TODAY).version == version


def test_a_version_whose_support_has_ended_is_refused_from_that_day_on():
    with pytest.raises(ResourceError, match=r"out of standard support .*nearest offered is Redis OSS 7.0"):
        versions.resolve(OFFERS, "redis", "6", date(2027, 2, 1))


def test_a_running_patch_is_what_was_asked_for():
    for asked in ("", "8", "8.0"):
        assert versions.target_for(OFFERS, ("valkey", "8.0.1"), "valkey", asked, False, TODAY) == ("valkey", "8.0.1")
    assert versions.target_for(OFFERS, ("valkey", "8.0.1"), "valkey", "8.2", False, TODAY) == ("valkey", "8.2")
    assert versions.family_of(OFFERS, "valkey", "8.0.1") == "valkey8"
    assert versions.family_of(OFFERS, "redis", "4.0.10") == "redis4"


def test_the_module_tells_all_versions_and_no_memcached():
    told = engine_versions({"elasticache": FakeCache()}, {"engine": "valkey", "engine_version": "8"}, True)
    assert (told["engine_version"], told["parameter_group_family"]) == ("8.2", "valkey8")
    assert {item["engine"] for item in told["engine_versions"]} == {"valkey", "redis"}
    assert [v["engine_version"] for v in told["engine_versions"] if not v["standard_support"]] == ["5.0.6"]


CATALOGUE = {
    "timeout": {"ParameterName": "timeout", "DataType": "integer", "AllowedValues": "0,20-", "ParameterValue": "0"},
    "maxmemory-policy": {
        "ParameterName": "maxmemory-policy", "AllowedValues": "volatile-lru,allkeys-lru",
        "ParameterValue": "volatile-lru",
    },
    "activedefrag": {"ParameterName": "activedefrag", "AllowedValues": "yes,no", "ParameterValue": "no"},
    "databases": {"ParameterName": "databases", "AllowedValues": "1-1200000", "ChangeType": "requires-reboot"},
    "appendonly": {"ParameterName": "appendonly", "IsModifiable": False},
    "cluster-enabled": {"ParameterName": "cluster-enabled", "AllowedValues": "yes,no", "ParameterValue": "no"},
    "notify-keyspace-events": {"ParameterName": "notify-keyspace-events", "AllowedValues": "K,E,g,$"},
}  # fmt: skip
GROUP = {"CacheParameterGroupName": "mine", "CacheParameterGroupFamily": "valkey8", "ARN": "arn:p", "Tags": OURS}


def parameters(group=None, catalogue=None, **given):
    known = CATALOGUE if catalogue is None else catalogue
    return plan_parameter_group({**WANT, "family": "valkey8", "parameters": given}, group, known)


def test_a_new_group_is_made_and_set():
    plan = parameters(**{"timeout": 300, "cluster-enabled": True, "notify-keyspace-events": "KEA"})
    assert [action.verb for action in plan.actions] == ["create", "modify"]
    assert plan.actions[1].after == {"cluster-enabled": "yes", "notify-keyspace-events": "KEA", "timeout": "300"}
    assert plan.notes == ()


def test_what_is_no_longer_named_goes_back_but_not_the_cluster_mode():
    catalogue = {**CATALOGUE, "timeout": {**CATALOGUE["timeout"], "ParameterValue": "300", "Source": "user"}}
    catalogue["cluster-enabled"] = {**CATALOGUE["cluster-enabled"], "ParameterValue": "yes", "Source": "user"}
    plan = parameters(GROUP, catalogue, databases=4)
    assert [(action.verb, dict(action.before)) for action in plan.actions] == [
        ("modify", {"databases": ""}), ("reset", {"timeout": "300"}),
    ]  # fmt: skip
    assert plan.notes == ("databases: takes effect at the next reboot of the nodes, which this module does not do",)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"timeut": 1}, "did you mean timeout"),
        ({"appendonly": True}, "cannot be set by users"),
        ({"timeout": 10}, "timeout cannot be 10; allowed: 0,20-"),
        ({"maxmemory-policy": "none"}, "maxmemory-policy cannot be none"),
    ],
)
def test_parameters_that_cannot_be_are_refused(given, text):
    with pytest.raises(ResourceError, match=text):
        parameters(**given)


def test_another_family_needs_another_group():
    with pytest.raises(ResourceError, match="is of the family valkey7 and cannot become valkey8"):
        parameters({**GROUP, "CacheParameterGroupFamily": "valkey7"})


def test_values_are_written_as_elasticache_keeps_them():
    assert as_text(True, CATALOGUE["activedefrag"]) == "yes"
    assert as_text(False, {"AllowedValues": "0,1"}) == "0"
    assert allowed("-1", {"AllowedValues": "-1-100"})
    assert not allowed("-2", {"AllowedValues": "-1-100"})


def test_subnets_change_in_place_and_foreign_groups_do_not():
    want = {**WANT, "subnet_ids": ["b", "a"]}
    group = {"CacheSubnetGroupDescription": "d", "Subnets": [{"SubnetIdentifier": "a"}], "ARN": "arn:s", "Tags": OURS}
    assert [action.verb for action in plan_subnet_group(want, None).actions] == ["create"]
    assert plan_subnet_group(want, group).actions[0].after == {"subnet_ids": ["a", "b"]}
    assert not plan_subnet_group({**want, "subnet_ids": ["a"]}, group).changed
    with pytest.raises(ResourceError, match="is not ours"):
        plan_subnet_group(want, {**group, "Tags": {}})


def test_users_of_a_group_come_and_go_in_one_call():
    want = {**WANT, "user_group_id": "mine", "engine": "valkey", "user_ids": ["b", "c"]}
    group = {"UserIds": ["a", "b"], "PendingChanges": {}, "ARN": "arn:g", "Status": "active"}
    plan = plan_user_group(want, group, OURS)
    assert plan.actions[0].params == {"UserGroupId": "mine", "UserIdsToAdd": ["c"], "UserIdsToRemove": ["a"]}
    pending = {**group, "PendingChanges": {"UserIdsToAdd": ["c"], "UserIdsToRemove": ["a"]}}
    assert not plan_user_group(want, pending, OURS).changed
    assert plan_user_group({**want, "state": "absent"}, group, OURS).actions[0].verb == "delete"


def test_windows_overlap_over_midnight_and_the_end_of_the_week():
    sunday = windows.weekly("sun:23:30-mon:00:30", 60)
    assert windows.overlap(windows.daily("00:00-01:00", 60), sunday)
    assert not windows.overlap(windows.daily("01:00-02:00", 60), sunday)
    assert windows.weekly("sun:23:30-mon:00:00", 60) is None
