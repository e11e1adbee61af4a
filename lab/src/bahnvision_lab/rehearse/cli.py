"""`lab rehearse`: the command line."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bahnvision_lab.rehearse import record
from bahnvision_lab.rehearse.children import Checkout
from bahnvision_lab.rehearse.rehearsal import Rehearsal, checkout_root, relative
from bahnvision_lab.rehearse.stages import OK, Interrupted, Outcome, Runner, line
from bahnvision_lab.source.cli import scale
from bahnvision_lab.state import State

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "rehearse",
        help="rehearse the whole move: an empty lab, a full source, provision, migrate, verify, report",
        description="Empties the lab and its reports, then moves a real database through it. Leaves the lab running.",
    )
    parser.add_argument("--scale", type=scale, default=1, metavar="N", help="how much data, see lab load (default: 1)")
    parser.add_argument(
        "--method", choices=["copy", "logical"], default="copy",
        help="copy: the application stands still meanwhile (default); logical: it writes all the time, and is cut over",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="print the figures as JSON; progress goes to standard error"
    )
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    output = sys.stderr if arguments.json else sys.stdout
    runner = Runner([], lambda text: print(text, file=output, flush=True))
    checkout = Checkout(checkout_root())
    rehearsal = Rehearsal(checkout, State.default(), arguments.scale, runner, method=arguments.method)
    drill = rehearsal.drill if arguments.method == "logical" else None
    runner.stages = rehearsal.stages()
    with checkout.alone():
        try:
            code = _rehearse(runner)
        finally:
            rehearsal.drill.end()
        report = relative(rehearsal.report) if "page" in _succeeded(runner) else None
        content = record.figures(runner, arguments.scale, report, drill)
        record.write(checkout.build / "rehearse.json", content)
    runner.say(line(f"{'total':<16}", Outcome("total", runner.seconds, runner.result)))
    if report:
        runner.say(f"Report:  {report}")
    runner.say(f"Figures: {relative(checkout.build / 'rehearse.json')}")
    if rehearsal.state.read_status()["running"]:
        runner.say("The lab is still up: make lab-status tells what runs, make lab-down ends it.")
    if arguments.json:
        print(json.dumps(content, indent=2))
    return code


def _rehearse(runner: Runner) -> int:
    try:
        with _signals_interrupt():
            runner.run()
    except Interrupted as interruption:
        return 128 + interruption.signal_number
    return 0 if runner.result == OK else 1


def _succeeded(runner: Runner) -> set[str]:
    return {outcome.name for outcome in runner.outcomes if outcome.result == OK}


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Turn the first signal that asks us to end into Interrupted; further ones do not disturb the tidying up."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in ENDING_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    former = {each: signal.signal(each, interrupt) for each in ENDING_SIGNALS}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
