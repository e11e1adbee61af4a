"""`lab load`: fill the source database of the running lab."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from bahnvision_lab.errors import LabError
from bahnvision_lab.source.load import LARGEST_SCALE, LoadResult, load
from bahnvision_lab.state import State


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "load", help="fill the source database", description="Fill the source database with a real timetable."
    )
    parser.add_argument(
        "--scale", type=scale, default=1, metavar="N",
        help=f"timetable periods and weeks of observations, 1 to {LARGEST_SCALE} (default: 1, about 130,000 rows)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    conninfo = _source_dsn()
    say = (lambda _line: None) if arguments.json else (lambda line: print(f"  {line}", flush=True))
    result = load(conninfo, arguments.scale, say)
    print(json.dumps(asdict(result), indent=2) if arguments.json else _table(result))
    return 0


def scale(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_SCALE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {LARGEST_SCALE}")
    return int(text)


def _source_dsn() -> str:
    """Return the source's address as the running lab has written it down."""
    status = State.default().read_status()
    if not status.get("running"):
        raise LabError("the lab is not up, so there is no source database to fill: run `lab up` first")
    try:
        return str(status["source"]["dsn"])
    except (KeyError, TypeError):
        raise LabError("the lab's status names no source database: run `lab down`, then `lab up`") from None


def _table(result: LoadResult) -> str:
    width = max(map(len, result.rows))
    lines = [f"  {table:<{width}} {count:>12,}" for table, count in sorted(result.rows.items())]
    lines.append(f"  {'total':<{width}} {sum(result.rows.values()):>12,}")
    how = "already loaded" if result.already else "loaded"
    lines.append(f"scale {result.scale} {how}: {result.bytes / 2**20:,.1f} MiB, {result.seconds:.1f} s")
    return "\n".join(lines)
