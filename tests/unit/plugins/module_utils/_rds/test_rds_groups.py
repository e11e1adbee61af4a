"""Subnet groups and parameter groups: the four runs, the refusals, the catalogue."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.groups import ensure_subnet_group
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.parameters import (
    allowed,
    as_text,
    ensure_parameter_group,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import GROUP_SPEC
from rds_fakes import error

BASE = {name: option.get("default") for name, option in GROUP_SPEC.items()} | {
    "name": "Bahnvision-Lab", "app": "bahnvision", "stage": "lab", "description": "of bahnvision-lab",
}  # fmt: skip
SUBNETS = BASE | {"subnet_ids": ["subnet-b", "subnet-a"]}
PARAMETERS = BASE | {"family": "postgres17", "parameters": {"rds.force_ssl": True, "max_connections": 200}}
CATALOGUE = {
    "rds.force_ssl": {"DataType": "boolean", "AllowedValues": "0,1", "ApplyType": "dynamic", "ParameterValue": "0"},
    "max_connections": {"DataType": "integer", "AllowedValues": "6-8388607", "ApplyType": "static"},
    "work_mem": {"DataType": "integer", "AllowedValues": "64-2147483647", "ApplyType": "dynamic"},
    "log_statement": {"DataType": "string", "AllowedValues": "none,ddl,mod,all", "ApplyType": "dynamic"},
    "shared_preload_libraries": {
        "DataType": "list", "AllowedValues": "auto_explain,pg_cron,pg_stat_statements", "ApplyType": "static",
    },
    "log_min_duration_statement": {"DataType": "integer", "AllowedValues": "-1-2147483647", "ApplyType": "dynamic"},
    "server_version": {"DataType": "string", "IsModifiable": False},
}  # fmt: skip


class FakeGroups:
    """Groups of both kinds; parameters come in two pages, as RDS sends them."""

    def __init__(self):
        self.groups = {}
        self.tags = {}
        self.values = {}
        self.writes = []

    def _write(self, name, params):
        self.writes.append((name, params))
        return {}

    def _described(self, code, key, name):
        if name is not None and name not in self.groups:
            raise error(code, status=404)
        return {key: [group for own, group in self.groups.items() if name in (None, own)]}

    def describe_db_subnet_groups(self, DBSubnetGroupName=None):
        return self._described("DBSubnetGroupNotFoundFault", "DBSubnetGroups", DBSubnetGroupName)

    def describe_db_parameter_groups(self, DBParameterGroupName=None):
        return self._described("DBParameterGroupNotFound", "DBParameterGroups", DBParameterGroupName)

    def list_tags_for_resource(self, ResourceName):
        return {"TagList": list(self.tags[ResourceName].values())}

    def add_tags_to_resource(self, ResourceName, Tags):
        self.tags.setdefault(ResourceName, {}).update({tag["Key"]: tag for tag in Tags})
        return self._write("tag", Tags)

    def remove_tags_from_resource(self, ResourceName, TagKeys):
        for key in TagKeys:
            del self.tags[ResourceName][key]
        return self._write("untag", TagKeys)

    def create_db_subnet_group(self, Tags, **params):
        name = params["DBSubnetGroupName"]
        self.tags[f"arn:{name}"] = {tag["Key"]: tag for tag in Tags}
        self.modify_db_subnet_group(**params)
        self.writes[-1] = ("create", params)
        return {}

    def modify_db_subnet_group(self, DBSubnetGroupName, DBSubnetGroupDescription, SubnetIds):
        self.groups[DBSubnetGroupName] = {
            "DBSubnetGroupName": DBSubnetGroupName, "DBSubnetGroupDescription": DBSubnetGroupDescription,
            "DBSubnetGroupArn": f"arn:{DBSubnetGroupName}",
            "Subnets": [{"SubnetIdentifier": subnet} for subnet in SubnetIds],
        }  # fmt: skip
        return self._write("modify", SubnetIds)

    def delete_db_subnet_group(self, DBSubnetGroupName):
        del self.groups[DBSubnetGroupName]
        return self._write("delete", DBSubnetGroupName)

    def create_db_parameter_group(self, DBParameterGroupName, DBParameterGroupFamily, Description, Tags):
        self.groups[DBParameterGroupName] = {
            "DBParameterGroupName": DBParameterGroupName, "DBParameterGroupFamily": DBParameterGroupFamily,
            "Description": Description, "DBParameterGroupArn": f"arn:{DBParameterGroupName}",
        }  # fmt: skip
        self.tags[f"arn:{DBParameterGroupName}"] = {tag["Key"]: tag for tag in Tags}
        return self._write("create", DBParameterGroupName)

    def delete_db_parameter_group(self, DBParameterGroupName):
        del self.groups[DBParameterGroupName]
        return self._write("delete", DBParameterGroupName)

    def modify_db_parameter_group(self, DBParameterGroupName, Parameters):
        self.values |= {item["ParameterName"]: item["ParameterValue"] for item in Parameters}
        return self._write("modify", Parameters)

    def reset_db_parameter_group(self, DBParameterGroupName, Parameters):
        for item in Parameters:
            del self.values[item["ParameterName"]]
        return self._write("reset", [item["ParameterName"] for item in Parameters])

    def _parameters(self, marker, values):
        items = [
            {"ParameterName": name, "Source": "engine-default", **known}
            | ({"ParameterValue": values[name], "Source": "user"} if name in values else {})
            for name, known in CATALOGUE.items()
        ]
        return {"Parameters": items[:3], "Marker": "two"} if marker is None else {"Parameters": items[3:]}

    def describe_db_parameters(self, DBParameterGroupName, Marker=None):
        return self._parameters(Marker, self.values)

    def describe_engine_default_parameters(self, DBParameterGroupFamily, Marker=None):
        return {"EngineDefaults": self._parameters(Marker, {})}


def run(ensure, want, rds, check_mode=False, **changes):
    return ensure({"rds": rds}, want | changes, check_mode)


@pytest.mark.parametrize(("ensure", "want"), [(ensure_subnet_group, SUBNETS), (ensure_parameter_group, PARAMETERS)])
def test_the_four_runs_and_the_removal(ensure, want):
    rds = FakeGroups()
    foreseen = run(ensure, want, rds, check_mode=True)
    assert foreseen["changed"]
    assert rds.writes == []
    made = run(ensure, want, rds)
    assert made["changed"]
    assert made["diff"] == foreseen["diff"]
    assert [run(ensure, want, rds, check_mode=check)["changed"] for check in (True, False)] == [False, False]

    rds.writes.clear()
    assert run(ensure, want, rds, check_mode=True, state="absent")["changed"]
    assert rds.writes == []
    assert run(ensure, want, rds, state="absent")["changed"]
    assert rds.groups == {}
    assert not run(ensure, want, rds, state="absent")["changed"]


def test_names_are_kept_in_lower_case():
    rds = FakeGroups()
    run(ensure_subnet_group, SUBNETS, rds)
    assert list(rds.groups) == ["bahnvision-lab"]


def test_other_subnets_are_a_change_and_another_order_is_none():
    rds = FakeGroups()
    run(ensure_subnet_group, SUBNETS, rds)
    assert not run(ensure_subnet_group, SUBNETS, rds, subnet_ids=["subnet-a", "subnet-b"])["changed"]
    changed = run(ensure_subnet_group, SUBNETS, rds, subnet_ids=["subnet-a", "subnet-c"])
    assert changed["diff"]["after"] == {"db_subnet_group bahnvision-lab": {"subnet_ids": ["subnet-a", "subnet-c"]}}


@pytest.mark.parametrize(("ensure", "want"), [(ensure_subnet_group, SUBNETS), (ensure_parameter_group, PARAMETERS)])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_group_of_somebody_else_is_refused(ensure, want, state):
    rds = FakeGroups()
    run(ensure, want, rds)
    rds.tags["arn:bahnvision-lab"].clear()
    rds.writes.clear()
    with pytest.raises(ResourceError, match="not ours"):
        run(ensure, want, rds, state=state)
    assert rds.writes == []


def test_a_tag_is_added_and_one_removed():
    rds = FakeGroups()
    run(ensure_subnet_group, SUBNETS, rds, tags={"old": "1"})
    assert run(ensure_subnet_group, SUBNETS, rds, tags={"new": "1"})["actions"] == [
        "tag db_subnet_group bahnvision-lab",
        "untag db_subnet_group bahnvision-lab",
    ]


def test_static_parameters_wait_for_a_reboot_and_dynamic_ones_do_not():
    rds = FakeGroups()
    notes = run(ensure_parameter_group, PARAMETERS, rds)["notes"]
    (sent,) = [params for verb, params in rds.writes if verb == "modify"]
    assert {item["ParameterName"]: item["ApplyMethod"] for item in sent} == {
        "rds.force_ssl": "immediate",
        "max_connections": "pending-reboot",
    }
    assert notes == []  # a group that is being made has no instances yet
    told = run(ensure_parameter_group, PARAMETERS, rds, parameters={"max_connections": 300})["notes"]
    assert told == ["max_connections: a static parameter, takes effect at the next reboot of the instances"]


def test_what_is_no_longer_wanted_is_set_back():
    rds = FakeGroups()
    run(ensure_parameter_group, PARAMETERS, rds)
    run(ensure_parameter_group, PARAMETERS, rds, parameters={"max_connections": 200})
    assert rds.writes[-1] == ("reset", ["rds.force_ssl"])
    assert rds.values == {"max_connections": "200"}


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"work_men": 1}, "did you mean work_mem"),
        ({"max_connections": 5}, "max_connections cannot be 5; allowed: 6-8388607"),
        ({"log_statement": "some"}, "allowed: none,ddl,mod,all"),
        ({"server_version": "17"}, "cannot be set by users"),
        ({"rds.force_ssl": 2}, "rds.force_ssl cannot be 2"),
    ],
)
def test_what_rds_would_refuse_is_refused_before_the_group_is_made(parameters, text):
    rds = FakeGroups()
    with pytest.raises(ResourceError) as refusal:
        run(ensure_parameter_group, PARAMETERS, rds, parameters=parameters)
    assert text in refusal.value.message
    assert rds.writes == []


def test_another_family_wants_another_name():
    rds = FakeGroups()
    run(ensure_parameter_group, PARAMETERS, rds)
    with pytest.raises(ResourceError, match="cannot become postgres18"):
        run(ensure_parameter_group, PARAMETERS, rds, family="postgres18")


def test_a_star_removes_all_of_ours_and_tells_the_rest():
    rds = FakeGroups()
    for name in ("bahnvision-lab-postgres17", "bahnvision-lab-postgres18", "bahnvision-lab-postgresX", "other"):
        run(ensure_parameter_group, PARAMETERS, rds, name=name)
    rds.tags["arn:bahnvision-lab-postgresx"].clear()

    gone = run(ensure_parameter_group, PARAMETERS, rds, name="bahnvision-lab-postgres*", state="absent")

    assert sorted(rds.groups) == ["bahnvision-lab-postgresx", "other"]
    assert len(gone["notes"]) == 1
    assert "not ours" in gone["notes"][0]


def test_more_parameters_than_one_call_takes_go_in_several(monkeypatch):
    many = {f"p{number:02}": {"DataType": "integer", "ApplyType": "dynamic"} for number in range(45)}
    monkeypatch.setattr("test_rds_groups.CATALOGUE", many)
    rds = FakeGroups()
    run(ensure_parameter_group, PARAMETERS, rds, parameters=dict.fromkeys(many, 1))
    assert [len(params) for verb, params in rds.writes if verb == "modify"] == [20, 20, 5]


@pytest.mark.parametrize(
    ("value", "name", "fits"),
    [
        ("-1", "log_min_duration_statement", True),
        ("-2", "log_min_duration_statement", False),
        ("abc", "work_mem", False),
        ("{DBInstanceClassMemory/32768}", "work_mem", True),
        ("pg_cron,pg_stat_statements", "shared_preload_libraries", True),
        ("pg_cron,evil", "shared_preload_libraries", False),
    ],
)
def test_values_are_checked_against_what_rds_allows(value, name, fits):
    assert allowed(value, CATALOGUE[name]) is fits


@pytest.mark.parametrize(("value", "text"), [(True, "1"), ("off", "0"), (1, "1"), ("2", "2")])
def test_booleans_are_written_as_rds_keeps_them(value, text):
    assert as_text(value, CATALOGUE["rds.force_ssl"]) == text


def test_a_group_made_a_moment_ago_takes_its_parameters_when_rds_knows_it_everywhere(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    class Slow(FakeGroups):
        def modify_db_parameter_group(self, **params):
            if refusals:
                raise error(refusals.pop(), status=404)
            return super().modify_db_parameter_group(**params)

    refusals, rds = ["DBParameterGroupNotFound", "InvalidDBParameterGroupState"], Slow()
    assert ensure_parameter_group({"rds": rds}, PARAMETERS, False)["changed"]
    assert refusals == []
    assert ensure_parameter_group({"rds": rds}, PARAMETERS, False)["changed"] is False
