"""What a report says of a migration: the truth of the results, also of half of them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bahnvision.aws.plugins.filter.database_report import FilterModule
from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import build

report = FilterModule().filters()["database_report"]
FOUND = {
    "instances": [{"db_instance_identifier": "bahnvision-lab", "db_instance_status": "available", "multi_az": True}]
}
SIDE = {"version": "17.6", "host": "db", "port": 5432, "database": "app"}
MOVED = {
    "changed": True, "run_id": "r", "resumed": False, "source": SIDE, "target": SIDE, "throughput_mb_s": 20.5,
    "tables": [{"name": "public.a", "rows_source": 3, "rows_target": 3, "bytes": 8192, "seconds": 0.1}],
    "timeline": [
        {"name": "public.a", "table": "public.a", "kind": "copy", "lane": 0, "start": 0, "seconds": 0.1, "rows": 3,
         "bytes": 8192},
        {"name": "public.a_pkey", "table": "public.a", "kind": "index", "lane": 1, "start": 0.1, "seconds": 0.2,
         "bytes": 8192},
    ],
    "timings": {"dump": 1.0, "restore": 2.0}, "verify": {"status": "passed"}, "not_moved": [], "remarks": [],
}  # fmt: skip
EQUAL = {
    "name": "public.a", "rows_source": 3, "rows_target": 3, "hash_equal": True, "checked": "hash", "rows_compared": 3,
}  # fmt: skip
LARGE = {"name": "large objects", "rows_source": 0, "rows_target": 0, "hash_equal": True}
SEQUENCE = {"name": "public.s", "source": 9, "target": 9, "equal": True, "difference": ""}
PROVED = {
    "tables": [EQUAL, LARGE], "sequences": [SEQUENCE], "differences": [], "not_checked": [], "remarks": [],
    "seconds": 0.5, "source": SIDE, "target": SIDE,
}  # fmt: skip
ALL = {"found": FOUND, "allowed": {"msg": "All assertions passed"}, "moved": MOVED, "proved": PROVED}


def results_of(content, title="Checks"):
    section = next(section for section in content["sections"] if section["title"] == title)
    return {check["name"]: check["result"] for check in section["checks"]}


def table_of(content, title):
    return next(section["rows"] for section in content["sections"] if section["title"] == title)


@pytest.mark.parametrize("kind", ["migration", "verification"])
def test_a_complete_run_passes_every_check(kind):
    content = report(ALL, kind)

    assert content["verdict"]["result"] == "pass"
    assert set(results_of(content).values()) == {"pass"}
    assert (content["facts"]["Tables"], content["facts"]["Rows"]) == (1, 3)
    assert [row["content"] for row in table_of(content, "Tables")] == ["pass"]


def damaged(**changes):
    return {"proved": {**PROVED, **changes, "failed": True, "msg": "not proved equal"}}


@pytest.mark.parametrize(
    ("results", "check"),
    [
        (damaged(differences=["table x is missing on the target"]), "Definitions of all objects are equal"),
        (
            damaged(tables=[{**EQUAL, "rows_target": 2, "hash_equal": False}], differences=["public.a has 2 rows"]),
            "Rows are equal",
        ),
        (damaged(tables=[{**EQUAL, "hash_equal": False}], differences=["public.a differs"]), "Contents are equal"),
        (
            damaged(sequences=[{**SEQUENCE, "equal": False, "difference": "s is behind"}], differences=["s is behind"]),
            "Sequences stand at the same value",
        ),
        (damaged(not_checked=["public.a: permission denied"]), "Everything could be checked"),
    ],
)
def test_each_kind_of_damage_fails_its_own_check(results, check):
    content = report({**ALL, **results}, "verification")

    assert content["verdict"] == {"result": "fail", "sentence": "not proved equal"}
    failed = {name for name, result in results_of(content).items() if result == "fail"}
    assert check in failed
    assert "Definitions of all objects are equal" not in failed - {check}


@pytest.mark.parametrize("reached", [{}, {"found": FOUND}, {"found": FOUND, "allowed": {"failed": True, "msg": "no"}}])
@pytest.mark.parametrize("kind", ["migration", "verification"])
def test_what_was_not_reached_never_passes(reached, kind):
    content = report({**{"found": {}, "allowed": {}, "moved": {}, "proved": {}}, **reached}, kind)

    assert content["verdict"]["result"] in ("fail", "warn")
    assert "Rows are equal" not in results_of(content)


def test_a_failed_move_is_the_verdict_and_its_check_fails():
    broken = {"failed": True, "msg": "source: password authentication failed", "changed": False}
    content = report({"found": FOUND, "allowed": {}, "moved": broken, "proved": {}}, "migration")

    assert content["verdict"] == {"result": "fail", "sentence": "source: password authentication failed"}
    assert results_of(content)["Rows counted under the snapshot equal those written"] == "fail"


def test_a_table_that_was_not_hashed_is_not_called_equal():
    content = report({**ALL, "proved": {**PROVED, "tables": [{**EQUAL, "hash_equal": None}]}}, "migration")
    assert [row["content"] for row in table_of(content, "Tables")] == ["skip"]


def test_a_check_says_that_nothing_was_touched():
    content = report({"found": FOUND, "moved": {**MOVED, "tables": []}, "proved": {"skipped": True}}, "migration", True)
    assert content["verdict"] == {"result": "info", "sentence": "Nothing was touched: this was a check."}


@pytest.mark.parametrize("kind", ["migration", "verification"])
@pytest.mark.parametrize("results", [ALL, {"found": {}, "proved": {"failed": True, "msg": "x"}}])
def test_the_module_takes_what_the_filter_gives(kind, results):
    content = report(results, kind)
    assert build({"name": kind, "title": kind, **content}, "2026-11-22T17:40:00Z")["sections"] == content["sections"]


def test_an_unknown_report_is_refused():
    with pytest.raises(AnsibleFilterError, match="not 'drill'"):
        report(ALL, "drill")


@pytest.mark.parametrize(("mode", "checked", "rows", "how"), [
    ("sample", "sample", 2, "counted, and 2 rows drawn at random hashed"), ("counts", "counts", 0, "counted only"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["migration", "verification"])
def test_what_is_no_proof_of_contents_is_not_shown_as_one(kind, mode, checked, rows, how):
    table = {**EQUAL, "hash_equal": None, "checked": checked, "rows_compared": rows}
    content = report({**ALL, "proved": {**PROVED, "mode": mode, "tables": [table, LARGE]}}, kind)

    assert content["verdict"]["result"] == "warn"
    assert f"contents were compared in {rows} of the rows" in content["verdict"]["sentence"]
    assert results_of(content)["Contents are equal"] == "skip"
    (row,) = table_of(content, "Verification" if kind == "migration" else "Tables")
    assert (row["content"], row["how"], row["rows_source"], row["rows_target"]) == ("skip", how, 3, 3)


def test_a_difference_of_a_sample_fails():
    table = {**EQUAL, "hash_equal": False, "checked": "sample", "rows_compared": 2}
    content = report({"proved": {**PROVED, "mode": "sample", "tables": [table], "differences": ["public.a"],
                                 "failed": True, "msg": "no"}}, "verification")  # fmt: skip
    assert results_of(content)["Contents are equal"] == "fail"
    assert results_of(content)["Definitions of all objects are equal"] == "pass"


def test_a_table_that_could_not_be_read_hides_no_difference_of_definitions():
    table = {**EQUAL, "rows_target": None, "hash_equal": None, "checked": "nothing"}
    content = report(damaged(tables=[table], differences=["index i is missing"], not_checked=["public.a"]),
                     "verification")  # fmt: skip
    assert results_of(content)["Definitions of all objects are equal"] == "fail"


def test_the_timeline_of_workers_is_drawn_when_there_is_one():
    titles = [section["title"] for section in report(ALL, "migration")["sections"]]
    assert titles.index("Who did what when") > titles.index("Where the time went")
    again = report({**ALL, "moved": {**MOVED, "timeline": []}}, "migration")
    assert "Who did what when" not in [section["title"] for section in again["sections"]]


def test_every_rule_of_the_preflight_is_in_the_report_also_when_it_refused():
    finding = {"object": "source", "found": "few", "todo": "give more"}
    rule = {"rule": "connections", "result": "fail", "finds": "x", "todo": "y", "findings": [finding]}
    judged = {"failed": True, "msg": "cannot migrate", "rules": [rule], "not_checked": ["free storage"]}

    content = report({"found": FOUND, "judged": judged}, "migration")

    sections = {section["title"]: section for section in content["sections"]}
    assert sections["Preflight"]["rules"] == [rule]
    assert sections["What the preflight could not look at"]["text"] == "free storage"
    assert build({"name": "migration", "title": "x", **content}, "2026-11-23T00:00:00Z")["verdict"]["result"] == "fail"


def test_what_dms_said_of_its_states_and_of_each_table_is_in_the_report_also_when_it_failed():
    table = {"name": "public.a", "state": "Table completed", "rows": 3, "error_rows": 0, "seconds": 1.5,
             "validation_state": "Validated", "validation_failed_records": 0, "validation_pending_records": 0,
             "validation_suspended_records": 0}  # fmt: skip
    differs = {**table, "name": "public.b", "validation_state": "Mismatched records", "validation_failed_records": 2}
    pending = {**table, "name": "public.c", "validation_state": "Pending records"}
    loaded = {
        "failed": True, "msg": "not every table is whole", "tables": [table, differs, pending],
        "states": [{"status": "initializing", "seconds": 0.5}, {"status": "running", "seconds": 4.0},
                   {"status": "stopped", "seconds": 10.0}],
        "assessment": {"status": "failed", "failed": 1, "last_failure": "postgres-check-pk: public.x"},
    }  # fmt: skip

    content = report({"found": FOUND, "loaded": loaded}, "migration")

    sections = {section["title"]: section for section in content["sections"]}
    rows = sections["Tables as AWS DMS loaded them"]["rows"]
    assert [row["result"] for row in rows] == ["pass", "fail", "warn"]
    steps = sections["States of AWS DMS"]["steps"]
    assert [(step["name"], step["seconds"]) for step in steps] == [
        ("initializing", 3.5),
        ("running", 6),
        ("stopped", 0),
    ]
    assert sections["Premigration assessment of AWS DMS"]["facts"]["last_failure"] == "postgres-check-pk: public.x"
    assert build({"name": "migration", "title": "x", **content}, "2026-11-23T00:00:00Z")["verdict"] == {
        "result": "fail", "sentence": "not every table is whole"
    }  # fmt: skip
