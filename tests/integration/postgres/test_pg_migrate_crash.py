"""Runs that are killed with SIGKILL, and what the next run makes of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from pg_sides import Sides, alive, family, kill, refusal, state_of, wait_until

CLAIMED = "select 1 where to_regclass('ansible_migrate.run') is not null"
# (moment, server, what must be seen there)
MOMENTS = {
    "claim": ("target", CLAIMED),
    "dump": ("source", "select 1 from pg_stat_activity where query like 'COPY public.gross%' and state = 'active'"),
    "rows": ("target", "select 1 from pg_stat_activity where query ~ '^COPY +public.gross' and state = 'active'"),
    "indexes": ("target", "select 1 from pg_stat_activity where query like 'CREATE INDEX%' and state = 'active'"),
    "constraints": ("target", "select 1 from pg_constraint where conname = 'gross_pkey'"),
    "analyze": (
        "target",
        "select 1 from pg_stat_activity where query ~* '^ *(begin.*)?analyze public' and state = 'active'",
    ),
}


def crash(sides: Sides, moment: str, engine: str = "copy") -> set[int]:
    """Kill a run at the moment; return the processes that were under it."""
    side, sql = MOMENTS[moment]
    child = sides.start(engine=engine)
    with getattr(sides, side).connect(admin=True) as watcher:
        wait_until(lambda: watcher.execute(sql).fetchall() or child.poll() is not None, moment)
    assert child.poll() is None, f"the run ended before {moment}: {child.stderr.read()}"
    return kill(child)


# The moment that leaves the most behind always runs; the others with the full suite.
QUICK = (("copy", "rows"),)
CASES = [(engine, moment) for engine in ("copy", "dump") for moment in MOMENTS if (engine, moment) != ("copy", "dump")]


@pytest.mark.parametrize(
    ("engine", "moment"), [case if case in QUICK else pytest.param(*case, marks=pytest.mark.full) for case in CASES]
)
def test_killed_and_run_again_is_complete(bulk: Sides, engine: str, moment: str) -> None:
    under = crash(bulk, moment, engine)

    assert under
    wait_until(lambda: not alive(under), "the end of every process of the killed run")
    assert list(bulk.workdir.iterdir()) == []

    # An interrupted run may be taken up by the other engine.
    again = bulk.migrate()

    assert (again["changed"], again["resumed"]) == (True, True)
    assert bulk.verify()["differences"] == []
    assert not bulk.migrate()["changed"]


@pytest.mark.full
def test_killed_twice_and_run_again_is_complete(bulk: Sides) -> None:
    for moment in ("rows", "indexes"):
        crash(bulk, moment)

    assert bulk.migrate()["resumed"]
    assert bulk.verify()["differences"] == []


def test_what_others_made_after_the_crash_is_named_and_stays(bulk: Sides) -> None:
    under = crash(bulk, "rows")
    wait_until(lambda: not alive(under), "the end of every process of the killed run")
    bulk.target.run('create table "fremd" as select 1 as a; select lo_create(99)')
    before = state_of(bulk.target)

    error = str(refusal(bulk.migrate))

    assert (
        "the target holds what it did not make: table public.fremd; move that away first; nothing was touched" in error
    )
    assert state_of(bulk.target) == before

    bulk.target.run("drop table fremd")
    error = str(refusal(bulk.migrate))
    assert "large objects that it did not make: 99" in error
    assert state_of(bulk.target) != before
    bulk.target.run("select lo_unlink(99)")
    assert bulk.migrate()["resumed"]
    assert bulk.verify()["differences"] == []


@pytest.mark.full
def test_the_user_may_ask_not_to_resume(bulk: Sides) -> None:
    under = crash(bulk, "rows")
    wait_until(lambda: not alive(under), "the end of every process of the killed run")
    before = state_of(bulk.target)

    assert "on_nonempty=fail forbids" in str(refusal(lambda: bulk.migrate(on_nonempty="fail")))
    assert state_of(bulk.target) == before


def test_a_crash_with_every_awkward_object_is_cleared_away(awkward: Sides) -> None:
    """The clearing must get every kind of object out of the way."""
    awkward.migrate()
    # As a crash in the very last moment leaves it.
    awkward.target.run("update ansible_migrate.run set state = 'running', finished = null")

    again = awkward.migrate(verify="hash")

    assert again["resumed"]
    assert awkward.verify()["differences"] == []


@pytest.mark.full
@pytest.mark.parametrize("program", ["pg_dump", "pg_restore"])
def test_a_client_that_is_killed_fails_the_run_and_nothing_else(bulk: Sides, program: str) -> None:
    child = bulk.start(engine="dump")
    moment = "dump" if program == "pg_dump" else "rows"
    side, sql = MOMENTS[moment]
    wait_until(lambda: getattr(bulk, side).query(sql, admin=True), moment)
    clients = [pid for pid in family(child.pid) if _name(pid) == program]
    assert clients
    os.kill(min(clients), signal.SIGKILL)
    _out, problem = child.communicate(timeout=200)

    assert child.returncode != 0
    assert f"{program} of" in problem
    assert "run again" in problem
    assert bulk.migrate()["resumed"]
    assert bulk.verify("counts")["differences"] == []


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
