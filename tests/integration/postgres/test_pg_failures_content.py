"""Sources that change, or hold what no target can take; targets that hold or are something else."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import copysql
from faults import Case, assert_nothing_torn, assert_same, content_of, when
from pg_sides import Sides, refusal, state_of, wait_until

SHAPES = """
create table teile (n int, t text) partition by range (n);
create table teile_1 partition of teile for values from (0) to (100);
insert into teile select n, 't' from generate_series(0, 99) n;
"""
# What somebody does between the snapshot and the locks, and how the run ends: complete as of the snapshot, or told.
DRIFT = {
    "a new column": ("alter table klein add column neu int default 5", None),
    "a new table": ("create table neu as select 1 as a", None),
    "a new partition": ("create table teile_2 partition of teile for values from (100) to (200)", None),
    "a dropped column": ("alter table klein drop column gross", "public.klein"),
    "a renamed table": ("alter table klein rename to kleiner", "public.klein"),
    "a dropped table": ("drop table klein", "public.klein"),
    "a rewritten table": ("alter table klein alter gross type bigint", "public.klein"),
}


def between_snapshot_and_locks(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    honest = copysql.lock_sql

    def late(*given) -> str:
        monkeypatch.undo()
        act()
        return honest(*given)

    monkeypatch.setattr(copysql, "lock_sql", late)


@pytest.mark.parametrize(
    "what", [what if what == "a renamed table" else pytest.param(what, marks=pytest.mark.full) for what in DRIFT]
)
def test_the_schema_changes_between_snapshot_and_dump(case: Case, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ddl, ident = DRIFT[what]
    case.sides.source.run(SHAPES)
    before = content_of(case.sides.source)
    between_snapshot_and_locks(monkeypatch, lambda: case.sides.source.run(ddl))

    if ident is None:
        # What came after the snapshot is not part of it, and the next run says that there is more by now.
        assert case.sides.migrate()["changed"]
        assert_same(before, content_of(case.sides.target))
    else:
        error = str(refusal(case.sides.migrate))
        assert ident in error
        assert_nothing_torn(case.sides)
    after = content_of(case.sides.source)
    error = str(refusal(case.sides.migrate))
    assert "the source's schema has changed since" in error
    assert "empty the target and begin anew" in error
    begin_anew(case.sides)
    assert case.sides.migrate()["changed"]
    assert_same(after, content_of(case.sides.target))


def begin_anew(sides: Sides) -> None:
    with sides.target.server.connect() as admin:
        admin.execute(f'drop database "{sides.target.database}"')
        admin.execute(f'create database "{sides.target.database}" owner master')


@pytest.mark.full
def test_definitions_cannot_change_while_rows_move(bulk_case: Case) -> None:
    import psycopg

    sides, child = bulk_case.sides, bulk_case.sides.start()
    when(sides, "target", "select 1 from pg_stat_progress_copy", child)
    for ddl in ("alter table gross add column x int", "drop table klein", "alter table gross rename to g"):
        with sides.source.connect() as other:
            other.execute("set lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(ddl)
    _out, problem = child.communicate(timeout=200)
    assert child.returncode == 0, problem
    assert_same(bulk_case.before, content_of(sides.target))


def test_an_extension_that_the_target_does_not_offer(case: Case) -> None:
    name = case.sides.source.database
    case.sides.source.run("create extension cube")
    with case.sides.source.server.connect(name) as admin:
        admin.execute("update pg_extension set extname = 'nirgends' where extname = 'cube'")
    case = Case(case.sides)

    case.fails("the target does not offer the extension nirgends", "drop it on the source or choose a target")

    case.untouched()
    with case.sides.source.server.connect(name) as admin:
        admin.execute("update pg_extension set extname = 'cube' where extname = 'nirgends'")
    case.completes()


@pytest.mark.full
def test_duplicate_keys_behind_a_corrupt_unique_index(case: Case) -> None:
    name = case.sides.source.database
    with case.sides.source.server.connect(name) as admin:
        broken = "where indexrelid = 'klein_pkey'::regclass"
        admin.execute(f"update pg_index set indisready = false, indisvalid = false, indislive = true {broken}")
        admin.execute("insert into klein (id, gross) values (7, 7), (8, 8)")
        admin.execute(f"update pg_index set indisready = true, indisvalid = true {broken}")
    case = Case(case.sides)

    error = case.fails("klein_pkey", "could not create unique index", "run again")

    assert "public.klein" in error
    case.sides.source.run("set enable_indexscan = off; set enable_bitmapscan = off; delete from klein k using klein l"
                          " where k.id = l.id and k.ctid > l.ctid; reindex table klein")  # fmt: skip
    Case(case.sides).completes()


@pytest.mark.full
def test_rows_that_refer_to_nothing(case: Case) -> None:
    case.sides.source.run("set session_replication_role = replica; update klein set gross = -1 where id = 1")
    case = Case(case.sides)

    case.fails("klein_gross_fkey", "violates foreign key constraint", "run again")

    case.sides.source.run("update klein set gross = 1 where id = 1")
    Case(case.sides).completes()


@pytest.mark.full
def test_bytes_that_are_no_text_in_the_targets_encoding(case: Case) -> None:
    """A SQL_ASCII source takes anything for text."""
    name = case.sides.source.database
    with case.sides.source.server.connect() as admin:
        admin.execute(f'drop database "{name}"')
        admin.execute(f"create database \"{name}\" owner compose encoding 'SQL_ASCII' locale 'C' template template0")
    case.sides.source.run("create table t (a text); insert into t values (convert_from('\\xff', 'SQL_ASCII'))")

    error = str(refusal(case.sides.migrate))

    assert "source's encoding is SQL_ASCII, the target's UTF8" in error
    case.untouched()


@pytest.mark.full
def test_another_locale_is_a_remark_and_the_order_is_the_targets(case: Case) -> None:
    name = case.sides.target.database
    with case.sides.target.server.connect() as admin:
        admin.execute(f'drop database "{name}"')
        admin.execute(f"create database \"{name}\" owner master encoding 'UTF8' locale 'C' template template0")

    remarks = case.completes()["remarks"]

    assert any("collation differs" in remark for remark in remarks)


def test_what_stands_on_the_target_is_named_and_stays(case: Case) -> None:
    """What stands on the target under the same names, and more, is named and stays byte for byte."""
    case.sides.target.run("create table klein (x int); insert into klein values (1); create sequence folge;"
                          " create function f() returns int language sql as 'select 1';"
                          " select lo_create(5)")  # fmt: skip
    before = state_of(case.sides.target)

    error = str(refusal(case.sides.migrate))

    for name in ("table public.klein", "sequence public.folge", "function public.f()", "1 large objects"):
        assert name in error
    assert state_of(case.sides.target) == before


@pytest.mark.full
def test_the_marker_of_a_run_was_changed_by_hand(case: Case) -> None:
    """A record that says done over a target that is not."""
    assert case.sides.migrate()["changed"]
    case.sides.target.run("drop table klein cascade; delete from ansible_migrate.item where ident = 'public.gross'")

    error = str(refusal(case.sides.migrate))

    assert "the target has lost since" in error
    assert "public.klein" in error


@pytest.mark.full
def test_clients_of_another_version(case: Case, tmp_path: Path) -> None:
    """pg_restore 17 breaks a server 15, pg_dump 14 cannot read one: neither is tried."""
    programs = case.sides.target.server.bindir
    for name in ("psql", "pg_dump", "pg_restore"):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "{name} (PostgreSQL) 14.9"; exit; }}\n'
                          f'exec {programs}/{name} "$@"\n')  # fmt: skip
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    case.fails("needs psql, pg_dump and pg_restore of version 15", "holds 14.9", client_bindir=str(tmp_path))

    case.untouched()


@pytest.mark.full
def test_two_runs_started_at_once(bulk_case: Case) -> None:
    sides, first = bulk_case.sides, bulk_case.sides.start()
    wait_until(lambda: sides.target.query("select from pg_locks where locktype = 'advisory'", admin=True), "the lock")
    second = sides.start()
    _out, problem = second.communicate(timeout=200)
    assert second.returncode != 0
    assert "another run is at work" in problem
    _out, problem = first.communicate(timeout=200)
    assert first.returncode == 0, problem
    assert_same(bulk_case.before, content_of(sides.target))
