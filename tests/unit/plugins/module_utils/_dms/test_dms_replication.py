"""What is planned for a replication, and what its states mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.progressline import line
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.replication_plan import (
    FINISHED,
    LOAD,
    REPLICATION_SPEC,
    TASK,
    Seen,
    plan,
    table_facts,
    table_problems,
    wanted,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.watch import (
    Watch,
    assessment_facts,
    assessment_notes,
    assessment_settings,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

WISH: dict[str, Any] = {
    **{name: option.get("default") for name, option in REPLICATION_SPEC.items()},
    "app": "shop", "stage": "lab", "name": "shop-lab", "load_id": "one", "tags": {},
    "source_endpoint_arn": "arn:s", "target_endpoint_arn": "arn:t",
    "table_mappings": json.dumps({"rules": [1]}), "replication_settings": json.dumps({"a": {"b": 1}}),
    "vpc_subnet_ids": ["subnet-1", "subnet-2"], "vpc_security_group_ids": ["sg-1"],
}  # fmt: skip
DONE = {"Status": "stopped", "StopReason": f"Stop Reason {FINISHED}", "ReplicationStats": {"TablesErrored": 0}}


def seen(replication: dict[str, Any] | None = None, **changes: Any) -> Seen:
    """Return what stands when the wish has been carried out."""
    after = wanted(WISH)
    compute = {"MinCapacityUnits": 1, "MaxCapacityUnits": 16, "MultiAZ": False, "VpcSecurityGroupIds": ["sg-1"]}
    config = {
        "ReplicationConfigArn": "arn:c", "SourceEndpointArn": "arn:s", "TargetEndpointArn": "arn:t",
        "ComputeConfig": compute, "ReplicationSettings": '{"a": {}}', "TableMappings": "in their own form",
    }  # fmt: skip
    tags = {**wanted_tags(WISH), LOAD: "one", TASK: after["task_hash"]}
    group = {"Subnets": [{"SubnetIdentifier": name} for name in ("subnet-1", "subnet-2")]}
    told: dict[str, Any] = {
        "config": config, "tags": tags, "group": group, "group_tags": tags, "replication": replication or DONE,
        **changes,
    }  # fmt: skip
    return Seen(**told)


def steps(found: Seen, **changes: Any) -> list[str]:
    return [str(action) for action in plan({**WISH, **changes}, found, complete=True).actions]


GROUP, CONFIG, LOADING = (f"replication_subnet_group {WISH['name']}", f"replication_config {WISH['name']}",
                          f"replication {WISH['name']}")  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Seen(), [f"create {GROUP}", f"create {CONFIG}", f"start {LOADING}"]),
        (seen(), []),
        (seen({"Status": "running"}), []),
        (seen({"Status": "created"}), [f"start {LOADING}"]),
        (seen({"Status": "failed"}), [f"start {LOADING}"]),
        (seen({"Status": "stopped", "StopReason": "Stop Reason NORMAL"}), [f"start {LOADING}"]),
        (seen({**DONE, "ReplicationStats": {"TablesErrored": 1}}), [f"start {LOADING}"]),
        (seen(damage=("public.t: Mismatched records",)), [f"start {LOADING}"]),
    ],
    ids=["nothing", "done", "at work", "new", "failed", "stopped", "table errors", "damage"],
)
def test_a_load_is_started_until_it_is_complete(found: Seen, expected: list[str]) -> None:
    assert steps(found) == expected


@pytest.mark.parametrize("change", [{"load_id": "two"}, {"replication_settings": "{}"}, {"max_capacity_units": 32}])
def test_another_load_replaces_the_configuration(change: dict[str, Any]) -> None:
    replaced = [f"delete {CONFIG}", f"create {CONFIG}", f"start {LOADING}"]

    assert steps(seen(), **change) == replaced
    assert steps(seen({"Status": "running"}), **change) == [f"stop {LOADING}", *replaced]


def test_a_first_start_and_a_repeated_one_are_told_apart() -> None:
    kinds = [plan(WISH, found, True).actions[-1].params["kind"] for found in (Seen(), seen({"Status": "failed"}))]

    assert kinds == ["start-replication", "reload-target"]


def test_removal_and_stop() -> None:
    gone = [f"delete {CONFIG}", f"delete {GROUP}"]

    assert steps(seen(), state="absent") == gone
    assert steps(seen({"Status": "running"}), state="absent") == [f"stop {LOADING}", *gone]
    assert steps(Seen(), state="absent") == []
    assert steps(seen({"Status": "running"}), state="stopped") == [f"stop {LOADING}"]
    assert steps(seen(), state="stopped") == []


@pytest.mark.parametrize(
    ("found", "change", "words"),
    [
        (seen(tags={}), {}, "is not ours"),
        (Seen(), {"max_capacity_units": 3}, "3 is no capacity of DMS"),
        (Seen(), {"min_capacity_units": 32}, "min_capacity_units 32 is above"),
        (Seen(), {"vpc_subnet_ids": ["subnet-1"]}, "two zones or more"),
        (Seen(), {"source_endpoint_arn": "", "vpc_security_group_ids": [""]}, "source_endpoint_arn is empty"),
        (Seen(), {"name": "a--b"}, "single hyphens"),
    ],
)
def test_what_cannot_be_is_refused(found: Seen, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ResourceError, match=words):
        plan({**WISH, **change}, found, complete=True)


def test_the_waiting_tells_a_failure_of_now_from_the_one_before() -> None:
    now = [0.0]
    watch = Watch(started=0, clock=lambda: now[0])
    failed = {"Status": "failed", "FailureMessages": ["no login"], "StopReason": "Stop Reason FATAL_ERROR"}
    assert not watch.done(failed)
    assert watch.failed(failed) is None, "it may be told from before the start"
    assert not watch.done({"Status": "initializing"})
    assert not watch.done(failed)

    assert watch.failed(failed) == "failed (no login; Stop Reason FATAL_ERROR)"
    assert watch.failed({"Status": "running"}) is None
    assert watch.done(DONE)
    assert [state["status"] for state in watch.states] == ["failed", "initializing", "failed", "stopped"]
    late = Watch(started=0, clock=lambda: 31.0)
    late.done(failed)
    assert late.failed(failed) is not None


def test_a_table_is_whole_only_when_it_is_complete_and_valid() -> None:
    def table(name: str, state: str, validation: str) -> dict[str, Any]:
        return {"SchemaName": "public", "TableName": name, "TableState": state, "ValidationState": validation}

    told = table_facts([
        table("a", "Table completed", "Validated"), table("b", "Table completed", "No primary key"),
        table("c", "Table error", "Not enabled"), table("d", "Table completed", "Mismatched records"),
    ])  # fmt: skip

    assert table_problems(told) == ["public.c: Table error", "public.d: Mismatched records (0 rows)"]


def assessed(status: str, arn: str = "arn:1", fails: bool = True) -> dict[str, Any]:
    return {
        "PremigrationAssessmentRunArn": arn, "Status": status, "FailOnAssessmentFailure": fails,
        "PremigrationAssessmentRunCreationDate": datetime(2026, 11, 23, int(arn[-1]), tzinfo=UTC),
        "ResultStatistic": {"Passed": 3, "Failed": 1, "Warning": 2},
        "LastFailureMessage": "postgres-check-pk: public.x",
        "ResultLocationBucket": "bucket", "ResultLocationFolder": "folder",
    }  # fmt: skip


def test_a_load_that_needs_its_assessment_ends_with_it_and_not_with_one_of_an_earlier_start() -> None:
    before = {"Status": "failed", "PremigrationAssessmentStatuses": [assessed("failed")]}
    watch = Watch(started=0, clock=lambda: 100.0)
    watch.begin(before)
    watch.done({"Status": "created"})

    assert watch.failed({**before, "Status": "created"}) is None, "that was the earlier start's"
    new = {"PremigrationAssessmentStatuses": [assessed("failed", "arn:2"), assessed("failed")]}
    assert watch.failed({"Status": "fetching_metadata", **new}) is None, "DMS ends it itself"
    for status in ("created", "failed", "stopped"):
        told = watch.failed({"Status": status, **new})
        assert told == "its premigration assessment has failed (postgres-check-pk: public.x), no row was moved"
    unneeded = {"Status": "created", "PremigrationAssessmentStatuses": [assessed("failed", "arn:3", fails=False)]}
    assert watch.failed(unneeded) is None


def test_an_assessment_is_told() -> None:
    found = assessment_facts({"PremigrationAssessmentStatuses": [assessed("failed", "arn:2"), assessed("passed")]})

    assert (found["status"], found["failed"], found["findings"]) == ("failed", 1, "bucket/folder")
    (note,) = assessment_notes({"assessment": found})
    assert "1 failed, 2 with warnings; its findings are in bucket/folder; last failure: postgres-check-pk" in note
    assert assessment_notes({"assessment": {}}) == []
    assert [assessment_settings(wish) for wish in ("none", "report", "require")] == [
        None, '{"FailOnAssessmentFailure": false}', '{"FailOnAssessmentFailure": true}',
    ]  # fmt: skip


def test_how_far_a_load_is_can_be_read_while_it_runs(tmp_path: Path) -> None:
    watch = Watch(started=0, clock=lambda: 75.0, path=tmp_path / "progress")
    tables = table_facts([
        {"SchemaName": "public", "TableName": "a", "TableState": "Table completed", "FullLoadRows": 1000,
         "ValidationState": "Validated"},
        {"SchemaName": "public", "TableName": "b", "TableState": "Full load", "FullLoadRows": 234,
         "ValidationState": "Not enabled"},
    ])  # fmt: skip

    watch.show_progress({"Status": "initializing"}, lambda: tables)
    early = line(json.loads((tmp_path / "progress").read_text()))
    stats = {"FullLoadProgressPercent": 50, "FullLoadStartDate": "then"}
    watch.show_progress({"Status": "running", "ReplicationStats": stats}, lambda: tables)
    late = line(json.loads((tmp_path / "progress").read_text()), 5)

    assert early == "DMS: initializing, 1 min 15 s"
    loading = "full load 50 %, 1 of 2 tables, 1,234 rows, validation: Validated 1: public.b 234 rows"
    assert late == f"DMS: running, 1 min 20 s, {loading}"
    (tmp_path / "progress").unlink()
    tmp_path.rmdir()
    watch.show_progress({"Status": "running"}, lambda: tables)
    assert watch.path is None, "a file that cannot be written is given up"
