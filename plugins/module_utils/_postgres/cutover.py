# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the application from one side to the other, back, and end the replication."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import cutoverplan as plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalops as ops
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import compare_objects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverswitch import (
    WORKER_RETRY,
    WORKER_START,
    Switch,
    stream_problems,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutovertell import tell
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverworld import World
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import LOCK_KEY
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import number_of_jobs, opened
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import CHOICE, Wish

UTC = timezone.utc  # noqa: UP017 (hosts with Python 3.9 or 3.10 have no datetime.UTC)


def cutover(params: dict, check_mode: bool) -> dict:
    """Reach the wanted state, or tell the present one."""
    jobs = number_of_jobs(params["jobs"])
    with opened(params, params["timeout"]) as sides:
        _facts, found = sides.read_target()
        if found is None or "logical" not in found.report or found.state != "done":
            return _without_record(params, found)
        sides.wish = Wish.of(found.report.get("selection") or {}, CHOICE)
        with _world(sides, params, found, jobs) as world:
            return _reach(world, check_mode)


@contextmanager
def _world(sides, params: dict, found: marker.Marker, jobs: int) -> Iterator[World]:
    sessions = {side: ops.writing_session(sides, side) for side in (plan.SOURCE, plan.TARGET)}
    try:
        yield World(sides, params, sessions, found.run_id, found.report, jobs)
    finally:
        for session in sessions.values():
            session.close()


def _without_record(params: dict, found: marker.Marker | None) -> dict:
    where = f"{params['target']['database']} on {params['target']['host']}"
    if found is None and params["state"] == "finished":
        text = f"the target {where} holds no record of a migration: there is nothing to finish"
        return {"changed": False, "state": "finished", "run_id": None, "remarks": [text]} | _EMPTY
    if found is not None and "logical" in found.report:
        why = f"the copy of run {found.run_id} is not done: run pg_migrate again"
        if params["state"] == "finished" and params["abandon"]:
            return _abandon_copy(params, found)
    else:
        why = "it was not filled by pg_migrate with method=logical"
    raise PostgresError(f"nothing replicates to the target {where}: {why}")


_EMPTY: dict = {"steps": [], "write_downtime_ms": None, "streams": [], "problems": [], "drift": []}


def _abandon_copy(params: dict, found: marker.Marker) -> dict:
    """Give up a migration whose copy was never done."""
    with opened(params, params["timeout"]) as sides, _world(sides, params, found, 1) as world:
        _lock(world)
        gone = ops.drop_streams(*world.pair(plan.SOURCE), world.stem)
    remarks = ["the target is half full: empty it before another migration"]
    return {"changed": bool(gone), "state": "abandoned", "run_id": found.run_id, "remarks": remarks} | _EMPTY


def _lock(world: World) -> None:
    if world.sessions[plan.TARGET].ask(f"select pg_catalog.pg_try_advisory_lock({LOCK_KEY})") != ["t"]:
        raise PostgresError(f"another run is at work on the {world.sides.target}: wait for its end")


def _reach(world: World, check_mode: bool) -> dict:
    params, wanted = world.params, world.params["state"]
    if wanted == "status":
        return _told(world, False, drift=True)
    if not check_mode:
        _lock(world)
        world.read_record()
    step = plan.decide(wanted, world.record, params["abandon"])
    if step.action == "refuse":
        raise PostgresError(f"{world.sides.target}: {step.reason}")
    changed = step.action in ("switch", "release", "finish")
    if step.action == "switch":
        switch = Switch(world, step.to)
        switch.check()
        if not check_mode:
            switch.run()
    elif step.action in ("tidy", "release"):
        changed = _settle(world, step, check_mode) or changed
        if not check_mode:
            tell(world, step.to)
    elif step.action == "finish" and not check_mode:
        _finish(world)
    return _told(world, changed, drift=False)


def _settle(world: World, step: plan.Step, check_mode: bool) -> bool:
    """Let the application's side be written to, when an interrupted run has fenced it; drop what a switch left."""
    if step.action == "release":
        if not check_mode:
            Switch(world, plan.other(step.to)).go_back()
        return True
    # The stream that led here was drained by the switch; only its removal may have been interrupted.
    sender, taker = world.pair(plan.other(step.to))
    found = ops.find(sender, world.stem)
    left = world.record.last.get("to") == step.to and bool(found.publications or found.slots)
    if left and not check_mode:
        ops.drop_streams(sender, taker, world.stem)
    return left


def _finish(world: World) -> None:
    """End all replication of the run. The side that the application left stays fenced, unless it is given up."""
    for publisher in (plan.SOURCE, plan.TARGET):
        ops.drop_streams(*world.pair(publisher), world.stem)
    # Given up before the switch, or in the middle of one: nothing of it may keep anybody out.
    for side in sorted(world.record.fences):
        if world.params["abandon"] and not (side == plan.SOURCE and world.record.side == plan.TARGET):
            world.open_side(side)
    if world.params["marker"] == "remove":
        world.sessions[plan.TARGET].ask(f"drop schema {MARKER_SCHEMA} cascade")
        world.record = world.record.with_(finished="now")
    else:
        world.write(going=None, finished=datetime.now(UTC).isoformat(timespec="seconds"))


def _told(world: World, changed: bool, drift: bool) -> dict:
    record = world.record
    patience = WORKER_START if changed else WORKER_RETRY
    problems = [] if record.finished else stream_problems(world, record.side, patience)
    streams = {side: world.streams(side) for side in (plan.SOURCE, plan.TARGET)}
    return {
        "changed": changed,
        "state": record.state,
        "run_id": world.run_id,
        "side": record.side,
        "fenced": sorted(record.fences),
        "steps": record.last.get("steps", []),
        "write_downtime_ms": record.last.get("write_downtime_ms"),
        "streams": [
            {"from": side, **{key: value for key, value in about.items() if key != "tables"},
             "tables": _counted(about["tables"])}
            for side, found in streams.items() for about in found.values()
        ],
        "problems": problems,
        "drift": _drift(world) if drift else [],
        "remarks": _remarks(world),
    }  # fmt: skip


def _counted(tables: dict[str, str]) -> dict[str, int]:
    states = list(tables.values())
    return {state: states.count(state) for state in sorted(set(states))}


def _drift(world: World) -> list[str]:
    source = world.sides.read_source()
    target, _found = world.sides.read_target()
    world.sides.release_source()
    return compare_objects(source.objects, target.objects, (source.major, target.major))


def _remarks(world: World) -> list[str]:
    found = []
    for side in sorted(world.record.fences):
        if side != world.record.side:
            found.append(
                f"the {side}'s database takes no writes (default_transaction_read_only), so that nobody writes to the "
                "wrong side"
            )
    if world.record.state == "switched" and world.record.last and not world.expected(plan.TARGET):
        found.append("nothing leads back: the switch was made with reverse=false")
    return found
