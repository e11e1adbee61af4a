"""What a cut-over decides, and where it sets sequences."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverplan import (
    Record,
    Sequence,
    bring_forward,
    decide,
    problems,
    stream_to,
)

UP, DOWN = Sequence(1, 1, 1000), Sequence(-5, -1000, -1)
RUN = "2b89218d-5359-4987-a551-f023269542c3"
FENCED = Record(going="target", fences={"source": None})
SWITCHED = Record(side="target", fences={"source": "off"}, last={"to": "target"})


@pytest.mark.parametrize(
    ("wanted", "record", "action", "to"),
    [
        ("switched", Record(), "switch", "target"),
        ("switched", FENCED, "switch", "target"),
        ("switched", SWITCHED, "tidy", "target"),
        ("switched", SWITCHED.with_(going="target"), "release", "target"),
        ("switched", SWITCHED.with_(going="source"), "release", "target"),
        ("rolled_back", Record(), "tidy", "source"),
        ("rolled_back", FENCED, "release", "source"),
        ("rolled_back", SWITCHED, "switch", "source"),
        ("rolled_back", SWITCHED.with_(going="source"), "switch", "source"),
        ("finished", SWITCHED, "finish", ""),
        ("finished", SWITCHED.with_(going="source"), "refuse", ""),
        ("finished", Record(), "refuse", ""),
        ("finished", Record(finished="then"), "nothing", ""),
        ("switched", Record(finished="then"), "refuse", ""),
        ("rolled_back", Record(finished="then"), "refuse", ""),
    ],
)
def test_each_state_needs_its_step(wanted: str, record: Record, action: str, to: str) -> None:
    step = decide(wanted, record)

    assert (step.action, step.to) == (action, to)
    assert bool(step.reason) == (action == "refuse")


def test_giving_up_has_to_be_said() -> None:
    for record in (Record(), FENCED):
        assert decide("finished", record, abandon=True).action == "finish"


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (Record(), "replicating"),
        (FENCED, "interrupted"),
        (SWITCHED, "switched"),
        (Record(last={"to": "source"}), "rolled_back"),
        (SWITCHED.with_(finished="then"), "finished"),
    ],
)
def test_a_record_has_a_name(record: Record, state: str) -> None:
    assert record.state == state
    assert Record.of({"cutover": record.as_json}) == record


def test_without_a_switch_the_application_is_on_the_source() -> None:
    assert Record.of({"logical": {}}) == Record(side="source")


@pytest.mark.parametrize(
    ("ours", "theirs", "about", "margin", "wanted"),
    [
        ((7, True), (3, True), UP, 0, (7, True)),
        ((7, True), (3, True), UP, 10, (17, True)),
        ((1, False), (1, False), UP, 10, None),
        ((7, True), (9, True), UP, 0, None),
        ((7, True), (7, False), UP, 0, (7, True)),
        ((999, True), (1, True), UP, 10, (1000, True)),
        ((-20, True), (-5, True), DOWN, 2, (-30, True)),
        ((-20, True), (-50, True), DOWN, 0, None),
    ],
)
def test_sequences_never_go_back(ours, theirs, about, margin, wanted) -> None:
    found = bring_forward({"s": ours}, {"s": theirs}, {"s": about}, margin)

    assert found == ({} if wanted is None else {"s": wanted})


def test_a_stream_must_be_there_and_at_work() -> None:
    good = {"enabled": True, "working": True, "wal_status": "reserved", "tables": {"a": "r"}}

    assert problems({"x": good}, {"x": []}) == []
    for change, words in (
        ({"enabled": False}, "is stopped"),
        ({"working": False}, "does not work"),
        ({"wal_status": "lost"}, "has lost changes"),
        ({"tables": {"a": "r", "b": "d"}}, "is not ready for b"),
    ):
        (problem,) = problems({"x": {**good, **change}}, {"x": []})
        assert words in problem
    assert problems({}, {"x": []}) == ["the stream x is missing"]


def test_the_way_back_has_a_name_of_its_own() -> None:
    assert {stream_to(side, RUN) for side in ("source", "target")} == {
        "ansible_migrate_2b89218d5359_back",
        "ansible_migrate_2b89218d5359_forth",
    }
