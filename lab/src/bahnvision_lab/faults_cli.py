"""The command `lab faults`."""

from __future__ import annotations

import argparse
from typing import Any

from bahnvision_lab import faults
from bahnvision_lab.errors import LabError
from bahnvision_lab.state import State


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("faults", help="let things go wrong on purpose")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    verbs.add_parser("show", help="say what goes wrong").set_defaults(func=_show)
    clear = verbs.add_parser("clear", help="let nothing go wrong any more, or only these kinds not")
    clear.add_argument("kinds", nargs="*", metavar="KIND", help="throttle, delay_ms, fail ...: as `show` names them")
    clear.set_defaults(func=_clear)
    setter = verbs.add_parser("set", help="let something go wrong, on top of what does already")
    _add_options(setter)
    setter.set_defaults(func=_set)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--throttle", type=float, metavar="SHARE", help="refuse this share of the calls as too many: 0.3")
    add("--seed", type=int, help="which calls are throttled: the same seed, the same calls (default 1)")
    add("--delay-ms", type=float, metavar="MS", help="let every call wait")
    add("--fail", action="append", metavar="SERVICE:OPERATION[:NTH[:CODE[:acted]]]",
        help="fail the NTH call (default 1) from now on with CODE (default InternalFailure; ConnectionCut for no "
        "answer at all); `acted`: carry it out, then lose the answer")  # fmt: skip
    add("--failover-does-nothing", action="append", metavar="ID", help="accept failovers of it, do nothing")
    add("--endpoint-flip-seconds", action="append", metavar="ID=SECONDS",
        help="how long its endpoint points to the old primary after a failover; * for all")  # fmt: skip
    add("--asynchronous", action="append", metavar="ID", help="its standby does not hold up commits: writes get lost")
    add(
        "--dms-fails-in",
        action="append",
        metavar="ID=STATE",
        help="a replication of DMS fails in this state; * for all",
    )
    add("--dms-table-errors", action="append", metavar="SCHEMA.TABLE", help="DMS breaks off this table half way")
    add(
        "--image",
        action="append",
        metavar="PATTERN=TROUBLE",
        help=f"an image does not run: {', '.join(faults.IMAGE_TROUBLES)}",
    )
    add("--dms-loses-rows", action="append", metavar="SCHEMA.TABLE", help="DMS loses a row of it and says nothing")


def _show(_arguments: argparse.Namespace) -> int:
    print(_for_people(faults.load(State.default().faults)))
    return 0


def _set(arguments: argparse.Namespace) -> int:
    setting = {
        "throttle": arguments.throttle,
        "seed": arguments.seed,
        "delay_ms": arguments.delay_ms,
        "fail": [_failure(text) for text in arguments.fail or ()],
        "failover_does_nothing": arguments.failover_does_nothing,
        "endpoint_flip_seconds": dict(_flip(text) for text in arguments.endpoint_flip_seconds or ()),
        "asynchronous": arguments.asynchronous,
        "dms_fails_in": dict(text.rpartition("=")[::2] for text in arguments.dms_fails_in or ()),
        "dms_table_errors": arguments.dms_table_errors,
        "dms_loses_rows": arguments.dms_loses_rows,
        "images": dict(text.rpartition("=")[::2] for text in arguments.image or ()),
    }
    told = {key: value for key, value in setting.items() if value not in (None, [], {})}
    if not told:
        raise LabError("nothing to set: see `lab faults set --help`")
    state = _running()
    with state.one_command():
        result = faults.added(faults.load(state.faults), told)
        faults.save(state.faults, result)
    print(_for_people(result))
    return 0


def _clear(arguments: argparse.Namespace) -> int:
    state = _running()
    with state.one_command():
        result = faults.without(faults.load(state.faults) if arguments.kinds else {}, arguments.kinds)
        faults.save(state.faults, result)
    print(_for_people(result))
    return 0


def _running() -> State:
    state = State.default()
    if not state.read_status()["running"]:
        raise LabError("the lab is down, and a new one begins without faults: `lab up` first")
    return state


def _failure(text: str) -> dict[str, Any]:
    service, operation, nth, code, acted, *more = (*text.split(":"), *[""] * 5)[: max(5, text.count(":") + 1)]
    if more or acted not in ("", "acted"):
        raise LabError(f"--fail is SERVICE:OPERATION[:NTH[:CODE[:acted]]], not {text!r}")
    if nth and not nth.isdecimal():
        raise LabError(f"--fail {text}: which call is told by a number, not {nth!r}")
    told = {"nth": int(nth or 1), "code": code, "acted": acted == "acted"}
    return {"operation": f"{service}:{operation}", **{key: value for key, value in told.items() if value}}


def _flip(text: str) -> tuple[str, float]:
    name, _equals, seconds = text.rpartition("=")
    try:
        return (name, float(seconds)) if name else _flip_refused(text)
    except ValueError:
        return _flip_refused(text)


def _flip_refused(text: str) -> tuple[str, float]:
    raise LabError(f"--endpoint-flip-seconds is ID=SECONDS, not {text!r}")


def _for_people(setting: faults.Setting) -> str:
    lines = [f"{key}: {_value(value)}" for key, value in setting.items() if key != "fail"]
    for entry in setting.get("fail", ()):
        how = "carried out, then answered with" if entry["acted"] else "answered with"
        lines.append(f"fail: {entry['operation']}, call {entry['nth']}, {how} {entry['code']}")
    return "\n".join(lines) or "Nothing goes wrong on purpose"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {one:g}" if isinstance(one, float) else f"{name} {one}" for name, one in value.items()
        )
    return ", ".join(value) if isinstance(value, list) else f"{value:g}"
