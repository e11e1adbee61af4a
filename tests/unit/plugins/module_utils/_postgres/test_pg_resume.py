from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import Marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.resume import decide_kept, unchanged

STATE = {"snapshot": "740:740:", "started": "then", "recovery": False}
FOUND = Marker("r", "f", "p", "running", "t", {"phase": "rows", "source_state": STATE}, frozenset())
TABLE = ("table", "public.t")


@pytest.mark.parametrize(
    ("then", "now", "proved"),
    [
        (STATE, STATE, True),
        (STATE, {**STATE, "snapshot": "741:741:"}, False),
        # At work during both snapshots: it may have committed in between, or not.
        ({**STATE, "snapshot": "739:740:739"}, {**STATE, "snapshot": "739:740:739"}, False),
        # A server that was started anew may hold another history.
        (STATE, {**STATE, "started": "later"}, False),
        (STATE, {**STATE, "recovery": True}, False),
        (None, STATE, False),
    ],
)
def test_only_a_source_without_any_transaction_is_proved_unchanged(then: dict | None, now: dict, proved: bool) -> None:
    assert unchanged(then, now) == proved


def test_what_is_proved_stays() -> None:
    assert decide_kept(FOUND, "copy", STATE, [TABLE], [TABLE]) == ""


@pytest.mark.parametrize(
    ("found", "engine", "present", "words"),
    [
        (FOUND, "dump", [TABLE], "without marks"),
        (replace(FOUND, report={"source_state": STATE}), "copy", [TABLE], "was not at copying rows"),
        (replace(FOUND, report={"phase": "rest", "source_state": STATE}), "copy", [TABLE], "was not at copying rows"),
        (FOUND, "copy", [], "objects of the interrupted run are missing"),
        (replace(FOUND, report={"phase": "rows"}), "copy", [TABLE], "cannot be proved to be unchanged"),
    ],
)
def test_why_nothing_stays(found: Marker, engine: str, present: list, words: str) -> None:
    assert words in decide_kept(found, engine, STATE, present, [TABLE])
