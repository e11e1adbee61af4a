"""The command `lab`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from bahnvision_lab import clusters_cli, control
from bahnvision_lab.errors import LabError
from bahnvision_lab.faults_cli import add_parser as add_faults
from bahnvision_lab.rehearse.cli import add_parser as add_rehearse
from bahnvision_lab.source.cli import add_parser as add_load
from bahnvision_lab.state import VARIABLE, State


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return arguments.func(arguments)
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab",
        description="A stand-in for AWS on this machine, with real PostgreSQL servers, for rehearsals.",
        epilog=f"State lies in .lab of the checkout, or where {VARIABLE} says.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    start = commands.add_parser("up", help="start the lab; nothing happens if it runs")
    start.set_defaults(func=_up)
    commands.add_parser("down", help="end the lab and every server it started").set_defaults(func=_down)
    status = commands.add_parser("status", help="say what runs, and how to reach it")
    status.add_argument("--json", action="store_true", help="all of it, with passwords, for programs")
    status.set_defaults(func=_status)
    anew = commands.add_parser("reset", help="begin anew: an empty AWS account, an empty source")
    anew.set_defaults(func=_reset)
    for command in (start, anew):
        command.add_argument(
            "--pace", type=_factor, metavar="F",
            help="AWS-like durations times F: 1 is as slow as AWS, 0.01 a hundredth; 0 (default) as fast as it goes",
        )  # fmt: skip
    clusters_cli.add_parser(commands)
    add_faults(commands)
    add_load(commands)
    add_rehearse(commands)
    return parser


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = -1
    if not 0 <= factor <= 10:
        raise argparse.ArgumentTypeError(f"the pace is a number between 0 and 10, not {text!r}")
    return factor


def _up(arguments: argparse.Namespace) -> int:
    status, started = control.up(State.default(), arguments.pace)
    print(f"The lab {'is' if started else 'is already'} up: AWS API at {status['aws']['endpoint_url']}")
    return 0


def _down(_arguments: argparse.Namespace) -> int:
    print("The lab is down" if control.down(State.default()) else "The lab was not up")
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    status = control.reset(State.default(), arguments.pace)
    print(f"The lab is up and empty: AWS API at {status['aws']['endpoint_url']}")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    status = State.default().read_status()
    print(json.dumps(status, indent=2) if arguments.json else _for_people(status))
    return 0


def _for_people(status: dict[str, Any]) -> str:
    if not status["running"]:
        return "The lab is down"
    aws, source = status["aws"], status["source"]
    lines = [
        f"The lab is up (process {status['pid']})",
        f"AWS API   {aws['endpoint_url']}  region {aws['region']}  account {aws['account_id']}",
        f"requests  {aws['request_log']}",
        f"source    PostgreSQL {source['server_version']} at {source['host']}:{source['port']}/{source['database']}",
    ]
    if status["pace"]:
        lines.append(f"pace      {status['pace']:g} of AWS's durations")
    lines.extend(_servers(status))
    lines.append("`lab status --json` has the passwords.")
    return "\n".join(lines)


def _servers(status: dict[str, Any]) -> Iterator[str]:
    for name, database in status["databases"].items():
        where = f"{database['host']}:{database['port']}" if database["port"] else "no endpoint yet"
        zones = f"{database['zone']}, " + (
            f"standby {database['standby']} in {database['standby_zone']}, " if database["multi_az"] else ""
        )
        version = database["engine_version"]
        yield f"database  {name}: {database['status']}, PostgreSQL {version}, {zones}{where}"
    for name, proxy in status["proxies"].items():
        yield f"proxy     {name}: {proxy['status']}, {proxy['host']}:{proxy['port']}"
    for name, cluster in status["clusters"].items():
        yield f"cluster   {name}: Kubernetes {cluster['version']}, {cluster['endpoint']}"
    yield f"charts    Helm repository {status['charts']['url']}"
    for name, cache in status["caches"].items():
        endpoint = cache["primary"] or cache["configuration"]
        where = f"{endpoint['host']}:{endpoint['port']}" if endpoint else "no endpoint yet"
        yield f"cache     {name}: {cache['status']}, {where}"


if __name__ == "__main__":
    sys.exit(main())
