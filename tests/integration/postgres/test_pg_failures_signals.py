"""Processes that die: of either server, of the run, and whole servers in the middle."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from bahnvision_lab.postgres import Server
from faults import Case, assert_nothing_torn, assert_same, content_of, gone, marks, strike, when
from pg_sides import family, kill, wait_until
from test_pg_copy import clients

WORKER = "application_name ~ '^ansible_migrate:.*:[0-9]+$' and state = 'active'"
READING = f"select pid from pg_stat_activity where {WORKER} and query ~* '^copy +public.gross'"
COPYING = READING
INDEXING = f"select pid from pg_stat_activity where {WORKER} and query like 'CREATE INDEX%'"
HOLDER = "select pid from pg_stat_activity where datname = current_database() and application_name = 'ansible_migrate'"
# One that is at work: the end of a session that has nothing left to do would be noticed by nobody.
DUMPING = "select pid from pg_stat_activity where application_name ~ '^ansible_migrate:[^:]*$' and state = 'active'"


@pytest.mark.full
@pytest.mark.parametrize("action", ["pg_cancel_backend", "pg_terminate_backend"])
def test_an_index_build_is_ended_by_an_administrator(bulk_case: Case, action: str) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start()
    strike(sides, "target", action, INDEXING, child)

    bulk_case.ended(child, "public.gross: index public.gross_", "run again")

    # The rows were done and are proved to be the source's still: they stay.
    assert bulk_case.completes()["kept"]["tables"] >= 1


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_copy_is_cancelled_by_an_administrator(bulk_case: Case, side: str) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start()
    strike(sides, side, "pg_cancel_backend", COPYING, child)

    bulk_case.ended(child, "public.gross", "canceling statement due to user request", "run again")

    assert bulk_case.completes()["resumed"]


@pytest.mark.full
def test_the_holder_of_the_snapshot_is_ended(bulk_case: Case) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start()
    when(sides, "target", COPYING, child)
    strike(sides, "source", "pg_terminate_backend", HOLDER, child)

    bulk_case.ended(child, "source (database", "terminating connection", "run again")

    assert bulk_case.completes()["resumed"]


@pytest.mark.full
@pytest.mark.parametrize(("engine", "side"), [("copy", "source"), ("dump", "source"), ("dump", "target")])
def test_a_server_process_of_pg_dump_or_pg_restore_is_ended(bulk_case: Case, engine: str, side: str) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start(engine=engine)
    strike(sides, side, "pg_terminate_backend", DUMPING, child)

    bulk_case.ended(child, f"{side} (database", "run again")

    assert bulk_case.completes(engine=engine)["resumed"]


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_worker_of_ours_is_killed_while_an_index_is_built(bulk_case: Case, side: str) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start(jobs="1")
    when(sides, "target", INDEXING if side == "target" else COPYING, child)
    for pid in clients(child, sides, side):
        os.kill(pid, signal.SIGKILL)

    bulk_case.ended(child, "public.gross", "run again")

    assert bulk_case.completes()["resumed"]


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", "target"])
def test_kill_9_of_a_server_process_takes_all_sessions_of_its_server_along(bulk_case: Case, side: str) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start()
    server = getattr(sides, side).server
    (victim, *_others) = when(sides, side, COPYING, child)
    told = len(server.log.read_text(errors="replace"))
    os.kill(victim[0], signal.SIGKILL)

    _out, problem = child.communicate(timeout=200)

    assert child.returncode != 0
    assert f"{side} (database" in problem
    recovered(server, told)
    bulk_case.has_failed(problem, ())
    assert bulk_case.completes()["resumed"]


def recovered(server: Server, told: int) -> None:
    """Wait until the server has ended all its sessions and is there again: it says so in its log."""
    ready = "database system is ready to accept connections"
    wait_until(lambda: ready in server.log.read_text(errors="replace")[told:], "the recovery", 60)


RESTARTS = [("target", COPYING), ("source", COPYING), ("target", INDEXING), ("source", INDEXING)]


@pytest.mark.full
@pytest.mark.parametrize(
    ("side", "moment"),
    RESTARTS,
    ids=["target while copying", "source while copying", "target while indexing", "source while indexing"],
)
def test_a_server_is_stopped_at_once_and_started_again(bulk_case: Case, side: str, moment: str) -> None:
    """The source may go once everything is read: what is left is done on the target alone, but for the sequences."""
    sides, child = bulk_case.sides, bulk_case.sides.start()
    server = getattr(sides, side).server
    when(sides, "target", moment, child)
    server.stop(signal.SIGQUIT)
    _out, problem = child.communicate(timeout=200)
    server.start()

    assert child.returncode != 0
    bulk_case.has_failed(problem, (f"{side} (database", "run again"))
    assert bulk_case.completes()["resumed"]


@pytest.mark.full
def test_a_restart_of_the_target_empties_unlogged_tables_and_the_next_run_fills_them(bulk_case: Case) -> None:
    sides = bulk_case.sides
    sides.source.run("create unlogged table fluechtig (a int); insert into fluechtig select generate_series(1, 99)")
    case = Case(sides)
    child = sides.start()
    done = "select 1 from ansible_migrate.item where ident = 'public.fluechtig' and state = 'done' and part = 0"
    when(sides, "target", f"{done} and exists ({INDEXING})", child)
    sides.target.server.stop(signal.SIGQUIT)
    child.communicate(timeout=200)
    sides.target.server.start()
    assert sides.target.query("select count(*) from fluechtig", admin=True) == [(0,)]

    case.completes()


@pytest.mark.full
def test_the_target_database_is_dropped_under_the_run(bulk_case: Case) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start()
    when(sides, "target", COPYING, child)
    name = sides.target.database
    with sides.target.server.connect() as admin:
        admin.execute(f'drop database "{name}" with (force)')
        admin.execute(f'create database "{name}" owner master')

    bulk_case.ended(child, "target (database", "run again")

    # Nothing is left of the run's record, so the next one begins anew.
    assert not bulk_case.completes()["resumed"]


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_run_is_asked_to_end(bulk_case: Case, number: signal.Signals) -> None:
    sides, child = bulk_case.sides, bulk_case.sides.start()
    when(sides, "target", COPYING, child)
    under = family(child.pid) - {child.pid}
    os.kill(child.pid, number)
    child.communicate(timeout=200)

    assert child.returncode != 0
    gone(under)
    assert list(sides.workdir.iterdir()) == []
    assert_nothing_torn(sides)
    assert bulk_case.completes()["resumed"]


@pytest.mark.full
def test_killed_again_and_again_and_in_the_end_complete(bulk_case: Case) -> None:
    """Whatever a run leaves, the next one can be killed too, at a moment that nobody chose."""
    for seconds in (0.2, 0.5, 0.8, 1.1, 1.4, 1.7):
        child = bulk_case.sides.start()
        try:
            child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            gone(kill(child))
        else:
            out, problem = child.communicate()
            assert child.returncode == 0, out + problem
        assert_nothing_torn(bulk_case.sides) if not bulk_done(bulk_case) else None
        assert_same(bulk_case.before, content_of(bulk_case.sides.source))

    if not bulk_done(bulk_case):
        bulk_case.completes()
    assert_same(bulk_case.before, content_of(bulk_case.sides.target))


def bulk_done(case: Case) -> bool:
    return marks(case.sides, "select from ansible_migrate.run where state = 'done'") != []
