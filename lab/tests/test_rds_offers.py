"""What the lab says that RDS offers, held against botocore's model."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from aws_world import fresh, refused
from bahnvision_lab import postgres
from bahnvision_lab.aws.rds import catalogue, offers, parameters
from botocore.validate import ParamValidator

MAJORS = {str(major) for major in postgres.installed_majors()}
NEWEST = max((version for version in catalogue.offered()), key=catalogue.order)


def faults(operation: str, answer: dict[str, Any]) -> str:
    """Return what is in the answer that botocore's model of the operation's output does not know."""
    model = botocore.session.get_session().get_service_model("rds").operation_model(operation)
    return ParamValidator().validate(answer, model.output_shape).generate_report()


def unknown_members(shape: Any, answer: Any, path: str = "") -> list[str]:
    """ParamValidator lets unknown members pass in output shapes; this does not."""
    if shape.type_name == "structure":
        return [fault for key, entry in answer.items() for fault in (
            unknown_members(shape.members[key], entry, f"{path}.{key}") if key in shape.members else [f"{path}.{key}"]
        )]  # fmt: skip
    if shape.type_name == "list":
        return [fault for entry in answer for fault in unknown_members(shape.member, entry, path)]
    return []


ANSWERS = [
    ("DescribeDBEngineVersions", {"DBEngineVersions": offers.engine_versions({})}),
    ("DescribeOrderableDBInstanceOptions",
     {"OrderableDBInstanceOptions": offers.orderable_options({"Engine": "postgres"}, ["eu-central-1a"])}),
    ("DescribeCertificates", {"Certificates": offers.certificates(None, "aws", "eu-central-1")}),
    ("DescribeDBParameters",
     {"Parameters": [entry.describe(None) for entry in parameters.catalogue_of(catalogue.family_of(NEWEST)).values()]}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "answer"), ANSWERS, ids=[operation for operation, _answer in ANSWERS])
def test_answers_fit_the_model(operation: str, answer: dict[str, Any]) -> None:
    assert next(iter(answer.values()))
    assert faults(operation, answer) == ""
    shape = botocore.session.get_session().get_service_model("rds").operation_model(operation).output_shape
    assert unknown_members(shape, answer) == []


def test_versions_are_those_of_installed_servers(rds: Any) -> None:
    found = rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
    assert {entry["MajorEngineVersion"] for entry in found} == MAJORS & set(
        map(catalogue.major_of, catalogue.table("engine_versions")["versions"])
    )
    assert rds.describe_db_engine_versions(Engine="mysql")["DBEngineVersions"] == []
    assert rds.describe_db_engine_versions(Engine="postgres", EngineVersion="9.6")["DBEngineVersions"] == []
    with refused("InvalidParameterValue", "Unrecognized filter name: nope"):
        rds.describe_db_engine_versions(Filters=[{"Name": "nope", "Values": ["x"]}])


def test_a_major_alone_stands_for_its_newest_minor(rds: Any) -> None:
    major = catalogue.major_of(NEWEST)
    every = rds.describe_db_engine_versions(Engine="postgres", EngineVersion=major)["DBEngineVersions"]
    assert len(every) > 1
    newest = rds.describe_db_engine_versions(Engine="postgres", EngineVersion=major, DefaultOnly=True)
    assert [entry["EngineVersion"] for entry in newest["DBEngineVersions"]] == [NEWEST]
    by_family = rds.describe_db_engine_versions(DBParameterGroupFamily=f"postgres{major}")["DBEngineVersions"]
    assert by_family == every
    oldest = min(every, key=lambda entry: catalogue.order(entry["EngineVersion"]))
    assert NEWEST in [target["EngineVersion"] for target in oldest["ValidUpgradeTarget"]]


def test_long_lists_come_in_pages(rds: Any) -> None:
    first = rds.describe_db_engine_versions(Engine="postgres", MaxRecords=20)
    assert len(first["DBEngineVersions"]) <= 20
    pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(
        Engine="postgres", EngineVersion=NEWEST, PaginationConfig={"PageSize": 50}
    )
    options = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
    table = catalogue.table("instance_classes")
    assert len(options) == len(table["classes"]) * len(table["storage"])
    assert {option["DBInstanceClass"] for option in options} == set(table["classes"])


def test_parameters_tell_how_they_are_changed(rds: Any) -> None:
    name = fresh("parameters")
    family = catalogue.family_of(NEWEST)
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily=family, Description="x")
    every = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name).build_full_result()
    told = {entry["ParameterName"]: entry for entry in every["Parameters"]}
    assert len(told) > 250
    facts = ("ApplyType", "DataType", "IsModifiable", "Source")
    assert [told["max_connections"][fact] for fact in facts] == ["static", "integer", True, "system"]
    assert [told["work_mem"][fact] for fact in facts] == ["dynamic", "integer", True, "engine-default"]
    assert [told["rds.force_ssl"][fact] for fact in facts] == ["dynamic", "boolean", True, "system"]
    assert [told["port"][fact] for fact in facts] == ["static", "integer", False, "engine-default"]
    assert told["rds.force_ssl"]["ParameterValue"] == "1"
    defaults = rds.get_paginator("describe_engine_default_parameters").paginate(DBParameterGroupFamily=family)
    assert sum(len(page["EngineDefaults"]["Parameters"]) for page in defaults) == len(told)
    rds.delete_db_parameter_group(DBParameterGroupName=name)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("autovacuum_vacuum_scale_factor", "0.05", True),
        ("autovacuum_vacuum_scale_factor", "101", False),
        ("log_min_duration_statement", "-1", True),
        ("log_min_duration_statement", "-2", False),
        ("shared_buffers", "{DBInstanceClassMemory/32768}", True),
        ("shared_preload_libraries", "pg_stat_statements,auto_explain", True),
        ("shared_preload_libraries", "pg_stat_statements,mine", False),
        ("random_page_cost", "1.1", True),
        ("statement_timeout", "1s", False),
    ],
)
def test_allowed_values(name: str, value: str, allowed: bool) -> None:
    parameter = parameters.catalogue_of(catalogue.family_of(NEWEST))[name]
    assert parameters.is_allowed(parameter, value) is allowed


def test_every_table_says_when_and_where_from() -> None:
    for file in catalogue.DATA.glob("*.json"):
        table = catalogue.table(file.stem)
        assert table["date"] >= "2026-08-31", file
        assert len(table["source"]) > 40, file
