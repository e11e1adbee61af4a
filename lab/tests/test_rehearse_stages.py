"""The stages of a rehearsal: one line each, a record at every moment, an end that tells why."""

from __future__ import annotations

import json

import pytest
from bahnvision_lab.errors import LabError
from bahnvision_lab.ledger import Writers
from bahnvision_lab.rehearse import counts, record
from bahnvision_lab.rehearse.children import Checkout
from bahnvision_lab.rehearse.drill import Drill
from bahnvision_lab.rehearse.rehearsal import Rehearsal
from bahnvision_lab.rehearse.stages import Interrupted, Measure, Runner, Stage, StageError
from bahnvision_lab.state import State


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def stage(self, name, seconds, measure=None, error=None, **options):
        def run():
            self.now += seconds
            if error is not None:
                raise error
            return measure or Measure()

        return Stage(name, run, **options)


@pytest.fixture
def clock():
    return Clock()


def runner_of(clock, *stages):
    said = []
    return Runner(list(stages), said.append, clock), said


def test_each_stage_says_when_it_starts_and_what_it_cost(clock):
    runner, said = runner_of(
        clock, clock.stage("lab", 4.04), clock.stage("load", 12.5, Measure(rows=131_025, bytes=42_100_000))
    )

    runner.run()

    assert said == [
        "[1/2] lab        started",
        "[1/2] lab        ok           4.0 s",
        "[2/2] load       started",
        "[2/2] load       ok          12.5 s     131,025 rows      42.1 MB",
    ]
    assert (runner.result, runner.seconds) == ("ok", pytest.approx(16.54))


def test_a_failure_stops_the_rest_but_not_the_report_and_shows_the_end_of_the_log(clock, tmp_path):
    log = tmp_path / "provision.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    runner, said = runner_of(
        clock,
        clock.stage("provision", 1, error=StageError("provision: ansible-playbook ended with 2", log)),
        clock.stage("migrate", 1),
        clock.stage("report", 1, even_after_failure=True),
    )

    runner.run()

    assert [(outcome.name, outcome.result) for outcome in runner.outcomes] == [
        ("provision", "failed"),
        ("report", "ok"),
    ]
    assert runner.result == "failed"
    assert "[1/3] provision  FAILED       1.0 s" in said
    assert "  provision: ansible-playbook ended with 2" in said
    assert "  | line 70" in said
    assert "  | line 69" not in said
    assert "  | line 99" in said
    assert f"  The whole log: {log}" in said


def test_a_lab_error_is_a_failed_stage_and_a_bug_is_not_hidden(clock):
    runner, _said = runner_of(clock, clock.stage("load", 1, error=LabError("the source has no tables")))
    runner.run()
    assert (runner.failed.name, runner.failed.message) == ("load", "the source has no tables")

    runner, _said = runner_of(clock, clock.stage("load", 1, error=ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        runner.run()
    assert runner.result == "failed"


def test_an_interruption_is_recorded_and_nothing_runs_after_it(clock):
    runner, said = runner_of(
        clock, clock.stage("load", 3, error=Interrupted(15)), clock.stage("report", 1, even_after_failure=True)
    )

    with pytest.raises(Interrupted):
        runner.run()

    assert [(outcome.name, outcome.result, outcome.seconds) for outcome in runner.outcomes] == [
        ("load", "interrupted", 3)
    ]
    assert said[-1].startswith("[1/2] load       INTERRUPTED")
    assert runner.result == "interrupted"


def test_a_rehearsal_that_did_not_reach_its_end_is_no_success(clock):
    runner, _said = runner_of(clock, clock.stage("lab", 1), clock.stage("load", 1))
    assert runner.result == "failed"


def test_the_figures_have_every_stage_the_total_and_the_machine(clock, tmp_path):
    runner, _said = runner_of(
        clock,
        clock.stage("load", 1.23456, Measure(rows=9, bytes=8)),
        clock.stage("migrate", 2, Measure(rows=7, bytes=6)),
    )
    runner.run()

    record.write(tmp_path / "build" / "rehearse.json", record.figures(runner, 3, "build/reports/lab/index.html"))

    figures = json.loads((tmp_path / "build" / "rehearse.json").read_text())
    assert figures["load"] == {"seconds": 1.235, "result": "ok", "rows": 9, "bytes": 8}
    assert figures["total"] == {"seconds": 3.235, "result": "ok", "rows": 7, "bytes": 6}
    assert (figures["report"], figures["scale"]) == ("build/reports/lab/index.html", 3)
    assert figures["machine"]["cpus"] >= 1
    assert figures["machine"]["memory_bytes"] > 0
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["rehearse.json"]


def test_the_page_of_a_failure_names_the_stage(clock, tmp_path):
    runner, _said = runner_of(clock, clock.stage("verify", 1, error=LabError("no")))
    runner.run()

    page = record.page(runner, 1, {}, {}, tmp_path)

    assert page["verdict"] == {"result": "fail", "sentence": "The stage verify failed; its log tells why."}
    assert [section["title"] for section in page["sections"]] == ["Stages", "Where the time went"]


def test_the_page_of_a_success_shows_both_sides(clock, tmp_path):
    runner, _said = runner_of(clock, clock.stage("verify", 1))
    runner.run()

    page = record.page(runner, 1, {"public.a": 1, "public.b": 2}, {"public.a": 1, "public.b": 2}, tmp_path)

    assert page["verdict"]["sentence"] == "2 tables with 3 rows moved; both sides are equal."
    assert page["sections"][-1]["rows"][0] == {"table": "public.a", "source": 1, "target": 1, "outcome": "pass"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"a": 1, "b": 2000}, []),
        ({"a": 1}, ["b is missing on the target"]),
        ({"a": 1, "b": 2000, "c": 0}, ["c is on the target alone"]),
        ({"a": 0, "b": 1999}, [
            "a has 1 rows in the source and 0 on the target",
            "b has 2,000 rows in the source and 1,999 on the target",
        ]),
    ],
)  # fmt: skip
def test_every_difference_is_named(target, expected):
    assert counts.differences({"a": 1, "b": 2000}, target) == expected


class Known(Writers):
    """Writers of which everything is known; they never ran."""

    def __init__(self, acknowledged):
        super().__init__(lambda: None)
        self.acknowledged = acknowledged


def test_each_method_has_its_stages(tmp_path):
    def names(method):
        runner = Runner([], print)
        rehearsal = Rehearsal(Checkout(tmp_path), State(tmp_path), 1, runner, method=method)
        return [stage.name for stage in rehearsal.stages()]

    assert names("copy") == ["lab", "load", "provision", "migrate", "verify", "count", "start", "paths", "page"]
    assert names("logical") == [
        "lab", "load", "provision", "migrate", "cut-over", "roll-back", "cut-over-2", "verify", "finish", "ledger",
        "count", "start", "paths", "page",
    ]  # fmt: skip


def test_a_drill_tells_what_each_cut_over_cost_and_what_was_proved(clock, tmp_path):
    drill = Drill(tmp_path / "side", dict, dict)
    drill.writers = Known({1: 10.0, 2: 10.5})
    drill.writers.stop()
    (tmp_path / "cut_over.json").write_text('{"facts": {"Milliseconds without writes in the last switch": 700}}')
    drill.cut_over("switched", lambda: tmp_path / "cut_over.json")
    runner, _said = runner_of(clock, clock.stage("ledger", 1))
    runner.run()

    before = record.figures(runner, 1, None, drill)["writers"]
    drill.proved = True
    page = record.page(runner, 1, {"public.a": 1}, {"public.a": 1}, tmp_path, drill)

    assert before == {
        "cut_overs": [{"state": "switched", "downtime_ms": 700, "gap_ms": None, "writes": 2}],
        "acknowledged": 2, "unknown": 0, "lost": None, "doubled": None,
    }  # fmt: skip
    assert "2 writes, none lost, none doubled; kept out for 700 ms at most" in page["verdict"]["sentence"]
    assert "Cut-overs" in [section["title"] for section in page["sections"]]
    assert page["facts"]["Method"] == "logical"
