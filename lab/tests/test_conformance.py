"""`make conformance` fails unless everything was compared and agrees: its verdict, without servers."""

from __future__ import annotations

import pytest
from kube_compare import Known
from kube_talks import BROKEN
from kube_verdict import Conversations, Verdict, verdict

ASKED = ["probe a", "flow b"]
SAID: Conversations = {"probe a": {"judged": {"code": 201}}, "flow b": {"make": {"code": 201}, "read": {"code": 200}}}
OTHER: Conversations = {**SAID, "flow b": {"make": {"code": 201}, "read": {"code": 404}}}
BROKE: Conversations = {**SAID, "flow b": {"make": {"code": 201}, BROKEN: {"fact": "AssertionError: waited"}}}


def judged(real: Conversations, ours: Conversations, *reasons: str, asked: list[str] | None = None) -> Verdict:
    return verdict("1.35.4", asked or ASKED, real, ours, Known([{"at": at, "why": "so"} for at in reasons]))


def test_two_that_agree_are_good() -> None:
    found = judged(SAID, SAID)
    assert found.good
    assert [line.split()[-4:] for line in found.table().splitlines()[1:]] == [
        ["1", "1", "0", "1"],
        ["1", "1", "0", "2"],
    ]


def test_a_disagreement_fails_and_is_told() -> None:
    found = judged(SAID, OTHER)
    assert not found.good
    assert "flow b / read / code\n    real: 200\n    lab:  404" in found.told()


def test_a_known_difference_is_good_until_it_is_met_no_more() -> None:
    reason = "flow b / read / code"
    assert judged(SAID, OTHER, reason).good
    stale = judged(SAID, SAID, reason)
    assert not stale.good
    assert f"{reason} no longer differs" in stale.told()


@pytest.mark.parametrize(
    ("real", "ours", "asked"),
    [({}, {}, []), ({}, {}, ASKED), (SAID, {}, ASKED), ({}, SAID, ASKED), (SAID, SAID, ASKED[:1]),
     ({**SAID, "flow b": {}}, {**SAID, "flow b": {}}, ASKED)],
)  # fmt: skip
def test_what_was_not_compared_as_a_whole_fails(real: Conversations, ours: Conversations, asked: list[str]) -> None:
    assert not judged(real, ours, asked=asked).good


def test_two_that_break_off_in_the_same_way_do_not_agree() -> None:
    found = judged(BROKE, BROKE)
    assert not found.good
    assert "flow b: broke off with the real server: AssertionError: waited" in found.flaws
