"""What a report says of logical replication: a copy that is followed, and a cut-over."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.filter.database_report import FilterModule
from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import build

report = FilterModule().filters()["database_report"]
SLOT = {"name": "x_1", "active": True, "wal_status": "reserved", "lag_bytes": 0, "retained_bytes": 8192}
MOVED = {
    "changed": True, "run_id": "r", "verify": {"status": "passed"}, "timings": {"dump": 1.0},
    "tables": [{"name": "public.a", "rows_source": 3, "rows_target": 3, "bytes": 8192, "seconds": 0.1}],
    "replication": {"streams": {"x_1": 1}, "slots": [SLOT], "static_tables": ["public.still"]},
}  # fmt: skip
CUT = {
    "state": "switched", "side": "target", "fenced": ["source"], "run_id": "r", "write_downtime_ms": 700,
    "steps": [
        {"name": "caught up", "at": "2026-11-23T03:00:00.000+00:00", "ms": 50},
        {"name": "fenced", "at": "2026-11-23T03:00:00.400+00:00", "ms": 400},
    ],
    "streams": [{"from": "target", "name": "x_back", "tables": {"r": 2}, "lag_bytes": 0, "retained_bytes": 10,
                 "wal_status": "reserved", "enabled": True, "working": True}],
    "problems": [], "drift": [], "remarks": ["look"],
}  # fmt: skip


def part(content, title):
    return next(section for section in content["sections"] if section["title"] == title)


def test_a_copy_that_is_followed_is_no_warning_and_shows_its_lag():
    content = report({"moved": MOVED, "proved": {"skipped": True}}, "migration")

    assert content["verdict"]["result"] == "pass"
    assert "3 rows were copied; what is written to the source follows" in content["verdict"]["sentence"]
    assert part(content, "Replication")["rows"] == [{**SLOT, "tables": 1, "working": "pass"}]
    assert part(content, "Tables that are not followed")["rows"] == [{"name": "public.still"}]


def test_a_lost_slot_fails():
    lost = {**MOVED["replication"], "slots": [{**SLOT, "active": False, "wal_status": "lost"}]}
    content = report({"moved": {**MOVED, "replication": lost}}, "migration")

    assert content["verdict"]["result"] == "fail"
    assert part(content, "Replication")["rows"][0]["working"] == "warn"


def test_a_cut_over_tells_when_writers_were_kept_out():
    content = report({"cut": CUT}, "cut_over")

    assert content["verdict"] == {"result": "pass", "sentence": "The replication is switched."}
    assert content["facts"]["Milliseconds without writes in the last switch"] == 700
    assert [row["writers"] for row in part(content, "Steps of the last switch")["rows"]] == ["work", "kept out"]
    assert [step["seconds"] for step in part(content, "Where the time went")["steps"]] == [0.05, 0.4]
    assert (part(content, "Replication")["rows"][0]["followed"], part(content, "Worth a look")["text"]) == (2, "look")


@pytest.mark.parametrize(
    ("cut", "check_mode", "result", "words"),
    [
        ({"failed": True, "msg": "cannot switch", "problems": ["p"]}, False, "fail", "cannot switch"),
        ({**CUT, "problems": ["p"]}, False, "warn", "switched"),
        (CUT, True, "info", "Nothing was touched"),
        ({}, False, "warn", "Nothing was done"),
    ],
)
def test_the_verdict_of_a_cut_over(cut, check_mode, result, words):
    content = report({"cut": cut}, "cut_over", check_mode)

    assert content["verdict"]["result"] == result
    assert words in content["verdict"]["sentence"]
    assert build({"name": "c", "title": "c", **content}, "2026-11-22T17:40:00Z")["sections"] == content["sections"]
