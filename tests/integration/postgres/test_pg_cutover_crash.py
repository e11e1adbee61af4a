"""Cut-overs that are killed with SIGKILL after each of their steps, and what the next run makes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverswitch import Switch
from pg_follow import Writers, cut, cut_params, more, ours, run, same
from pg_sides import CHECKOUT, Sides, refusal

# Kills itself, with SIGKILL, right after a step; parameters from standard input.
KILLED = """
import json, os, signal, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import cutoverswitch, cutover
after = sys.argv[2]
step = cutoverswitch.Switch._step
def marked(switch, name):
    step(switch, name)
    if name == after:
        os.kill(os.getpid(), signal.SIGKILL)
cutoverswitch.Switch._step = marked
cutover.cutover(json.load(sys.stdin), False)
"""
STEPS = ("way back prepared", "caught up", "fenced", "drained", "sequences set", "verified", "cut", "released")
# The moment that leaves the most behind always runs; the others with the full suite.
QUICK = ("cut",)


def killed_after(sides: Sides, step: str, state: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(CHECKOUT / ".cache/collections"), step],
        input=json.dumps(cut_params(sides, state)), text=True, capture_output=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("step", [s if s in QUICK else pytest.param(s, marks=pytest.mark.full) for s in STEPS])
def test_killed_in_the_middle_the_next_run_goes_on(ledger: Sides, step: str) -> None:
    with Writers(ledger.source) as writers:
        run(ledger)
        killed_after(ledger, step, "switched")
        told = cut(ledger, "status")["state"]
        there = cut(ledger, "switched")
        writers.side = ledger.target
        more(writers)
    writers.check(ledger.target)
    same(ledger, "select * from ledger order by id")

    fenced = STEPS.index(step) >= STEPS.index("fenced")
    assert told == ("interrupted" if fenced else "replicating")
    assert (there["changed"], there["state"], there["fenced"]) == (True, "switched", ["source"])
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 1), (1, 1, 0))
    assert not cut(ledger, "switched")["changed"]


@pytest.mark.full
@pytest.mark.parametrize("step", STEPS[2:7])
def test_killed_in_the_middle_the_source_can_be_opened_again(ledger: Sides, step: str) -> None:
    with Writers(ledger.source) as writers:
        run(ledger)
        killed_after(ledger, step, "switched")

        assert cut(ledger, "rolled_back")["changed"]
        more(writers)
        assert not cut(ledger, "rolled_back")["changed"]
    same(ledger, "select * from ledger order by id")
    writers.check(ledger.target)
    assert (ours(ledger.source), ours(ledger.target)) == ((1, 1, 0), (0, 0, 1))


@pytest.mark.full
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_roll_back_goes_on_as_well(ledger: Sides, step: str) -> None:
    with Writers(ledger.source) as writers:
        run(ledger)
        cut(ledger, "switched")
        writers.side = ledger.target
        more(writers)
        killed_after(ledger, step, "rolled_back")

        back = cut(ledger, "rolled_back")
        writers.side = ledger.source
        more(writers)
    assert back["state"] == "rolled_back"
    writers.check(ledger.source)
    same(ledger, "select * from ledger order by id")
    assert (ours(ledger.source), ours(ledger.target)) == ((1, 1, 0), (0, 0, 1))


@pytest.mark.full
def test_the_target_dies_behind_the_fence_and_the_source_opens(ledger: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ledger.target.server
    monkeypatch.setattr(Switch, "_sequences", lambda _switch: server.stop(signal.SIGQUIT))
    with Writers(ledger.source) as writers:
        run(ledger)

        error = str(refusal(lambda: cut(ledger, "switched")))

        more(writers)
        server.start()
        monkeypatch.undo()
        assert "The source is open for writing again, but the rest could not be taken back" in error
        assert "Run state=rolled_back until it succeeds" in error
        assert cut(ledger, "rolled_back")["changed"]
        cut(ledger, "switched")
        writers.side = ledger.target
        more(writers)
    writers.check(ledger.target)
    same(ledger, "select * from ledger order by id")
