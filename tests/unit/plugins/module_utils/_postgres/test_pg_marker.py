from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import Decision, Marker, decide
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import make_plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import Request
from pg_facts import OBJECTS, source, target

PLAN = make_plan(source(), target(), Request(4))
MARKER = Marker(
    "r1",
    PLAN.fingerprint,
    PLAN.plan_hash,
    "running",
    "2026-11-22",
    {"identity": PLAN.identity},
    frozenset(PLAN.objects),
)
DONE = replace(MARKER, state="done")
FOREIGN = {**OBJECTS, ("table", "public.mine"): "r p"}


@pytest.mark.parametrize(
    ("marker", "theirs", "on_nonempty", "action"),
    [
        (None, target(), "resume", "move"),
        (None, target(), "fail", "move"),
        # Parts and extensions alone do not make a target non-empty.
        (None, target({("extension", "citext"): ""}), "resume", "move"),
        (MARKER, target(), "resume", "resume"),
        (MARKER, target(OBJECTS), "resume", "resume"),
        (DONE, target(OBJECTS), "resume", "done"),
        (DONE, target(OBJECTS), "fail", "done"),
        # The application may have made more since.
        (DONE, target(FOREIGN), "resume", "done"),
    ],
)
def test_what_a_run_may_do(marker: Marker | None, theirs, on_nonempty: str, action: str) -> None:
    assert decide(marker, theirs, PLAN, on_nonempty).action == action


@pytest.mark.parametrize(
    ("marker", "theirs", "on_nonempty", "words"),
    [
        (None, target(OBJECTS), "resume", "is not empty and was not filled by this module: schema app, sequence"),
        (None, target(large_objects=3), "resume", "3 large objects"),
        (MARKER, target(FOREIGN), "resume", "holds what it did not make: table public.mine; move that away"),
        (MARKER, target(OBJECTS), "fail", "on_nonempty=fail"),
        (DONE, target({}), "resume", "has lost since: schema app, sequence"),
        (MARKER, target(lock={"pid": 7, "since": "12:00", "client": "10.0.0.9"}), "resume",
         "another run is at work on the target (since 12:00 from 10.0.0.9, server process 7)"),
        (replace(DONE, source_fingerprint="x", report={"identity": "9/app"}), target(OBJECTS), "resume",
         "filled by another migration (run r1, 2026-11-22); its source was 9/app (system/database), now it is 1/app"),
        (replace(DONE, source_fingerprint="x", objects=frozenset({("table", "public.old")})), target(OBJECTS), "resume",
         "the source's schema has changed since: schema app, sequence public.stops_id_seq, table public.old"),
        (replace(DONE, source_fingerprint="x"), target(OBJECTS), "resume", "definitions of objects that exist in both"),
        (replace(MARKER, plan_hash="x"), target(), "resume", "begun by another migration (run r1, 2026-11-22); it was"),
    ],
)  # fmt: skip
def test_what_is_refused(marker: Marker | None, theirs, on_nonempty: str, words: str) -> None:
    decision = decide(marker, theirs, PLAN, on_nonempty)

    assert decision.action == "refuse"
    assert words in decision.reason


def test_the_run_is_named_to_those_who_go_on_with_it() -> None:
    assert decide(DONE, target(OBJECTS), PLAN, "resume") == Decision("done", run_id="r1")
    assert decide(MARKER, target(), PLAN, "resume").run_id == "r1"
