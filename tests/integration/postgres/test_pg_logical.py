"""Logical replication on real servers: the copy starts at a slot, later changes follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import migrate
from pg_follow import PASSWORD, drop_slots, drop_subscriptions, ours, run, same
from pg_sides import BULK, SMALL, Side, Sides, kill, refusal, wait_until


def test_what_is_written_after_the_copy_follows(follow: Sides) -> None:
    follow.source.run(SMALL)

    foreseen = run(follow, check_mode=True)
    assert (foreseen["changed"], ours(follow.source), ours(follow.target)) == (True, (0, 0, 0), (0, 0, 0))

    moved = run(follow, verify="hash")

    assert (ours(follow.source), ours(follow.target)) == ((1, 1, 0), (0, 0, 1))
    assert list(moved["replication"]["streams"].values()) == [2]
    assert {entry["object"] for entry in moved["not_moved"]} >= {"values of sequences", "changes of large objects"}
    follow.source.run(
        "insert into konto (name, stand) values ('neu', 7); update konto set stand = stand + 1; "
        "delete from fahrt where id < 10; insert into fahrt (konto, km) values (51, 3)"
    )
    same(follow, "select * from konto order by id")
    same(follow, "select * from fahrt order by id")
    again = run(follow)
    assert (again["changed"], again["run_id"]) == (False, moved["run_id"])
    for side in (follow.source, follow.target):
        assert PASSWORD not in side.server.log.read_text(errors="replace")


@pytest.mark.full
def test_writes_during_the_copy_are_neither_lost_nor_doubled(follow: Sides) -> None:
    follow.source.run(BULK)
    child = follow.start(method="logical")
    with follow.source.connect() as writer:
        wait_until(lambda: ours(follow.source)[1], "the slot")
        number = 0
        while child.poll() is None:
            number += 1
            writer.execute("insert into klein (gross) values (%s)", (number % 250000 + 1,))
            writer.execute("update gross set c = c + 1 where id = %s", (number % 250000 + 1,))
            writer.execute("delete from gross where id = %s", (200000 + number,))
    assert child.wait() == 0, child.stderr.read()
    child.stdout.close()
    child.stderr.close()
    assert number > 5
    for table, columns in (("klein", "id, gross"), ("gross", "id, a, b, c")):
        same(follow, f"select count(*), sum(hashtextextended(({columns})::text, 0)) from {table}")


@pytest.mark.full
def test_a_killed_copy_keeps_the_tables_that_its_slot_covers(follow: Sides) -> None:
    follow.source.run(f"{BULK}; alter table klein drop constraint klein_gross_fkey")
    _killed_between_two_tables(follow)
    follow.source.run(
        "update gross set c = -1 where id = 5; insert into klein (gross) values (6); delete from klein where id = 3"
    )

    again = run(follow)

    assert again["resumed"]
    assert again["kept"]["tables"] == 1
    assert "replication slots hold every change" in again["kept"]["reason"]
    assert sorted(again["replication"]["streams"].values()) == [1, 1]
    assert (ours(follow.source), ours(follow.target)) == ((2, 2, 0), (0, 0, 2))
    follow.source.run("update gross set c = -2 where id = 7; update klein set gross = 8 where id = 4")
    _alike(follow)
    # No foreign key ties them: each stream carries its part.
    follow.source.run("truncate gross, klein; insert into gross (id) values (1)")
    _alike(follow)


@pytest.mark.full
def test_tables_that_a_foreign_key_ties_are_of_one_stream(follow: Sides) -> None:
    """Of two snapshots the key could not be made, and a TRUNCATE of both would stop one of two streams for ever."""
    follow.source.run(BULK)
    _killed_between_two_tables(follow)
    follow.source.run("insert into gross (id) values (300000); insert into klein (gross) values (300000)")

    again = run(follow)

    assert (again["resumed"], again["kept"]["tables"]) == (True, 0)
    assert "1 others are copied again, since foreign keys tie them" in again["kept"]["reason"]
    assert list(again["replication"]["streams"].values()) == [2]
    _alike(follow)
    follow.source.run("truncate gross, klein; insert into gross (id) values (1); insert into klein (gross) values (1)")
    _alike(follow)
    follow.source.run("truncate gross cascade; insert into gross (id) values (2)")
    _alike(follow)


@pytest.mark.full
def test_a_run_killed_again_takes_no_old_rows_for_new_ones(follow: Sides) -> None:
    follow.source.run(BULK)
    _killed_between_two_tables(follow)
    follow.source.run("update gross set c = -1 where id = 5")
    child = follow.start(method="logical", jobs="1")
    marks = "select 1 from ansible_migrate.item where kind = 'table data'"
    wait_until(lambda: not _asked(follow.target, marks), "the mark of the first run to go", 60)
    wait_until(lambda: ours(follow.source)[1], "the second slot", 60)
    kill(child)

    assert run(follow)["kept"]["tables"] == 0

    _alike(follow)


def _killed_between_two_tables(follow: Sides) -> None:
    child = follow.start(method="logical", jobs="1")
    done = "select 1 from ansible_migrate.item where kind = 'table data' and state = 'done'"
    with follow.target.connect() as blocker:
        wait_until(lambda: ours(follow.target)[2], "the subscription, which looks at the tables", 60)
        # The small table comes last, and must not come.
        blocker.execute("begin; lock table klein in access exclusive mode")
        wait_until(lambda: _asked(follow.target, done), "the first finished table", 60)
        assert child.poll() is None, "the run ended too soon"
        kill(child)


def _alike(follow: Sides) -> None:
    for table in ("klein", "gross"):
        same(follow, f"select count(*), sum(hashtextextended(({table}.*)::text, 0)) from {table}")


def _asked(side: Side, sql: str) -> list[tuple]:
    if not side.query("select 1 where to_regclass('ansible_migrate.item') is not null"):
        return []
    return side.query(sql)


@pytest.mark.full
def test_a_lost_slot_means_everything_again(follow: Sides) -> None:
    follow.source.run(SMALL)
    run(follow)
    drop_subscriptions(follow.target)
    drop_slots(follow.source)
    # As a crash in the rows' phase leaves it.
    follow.target.run(
        "update ansible_migrate.run set state = 'running', finished = null, report = report || '{\"phase\": \"rows\"}'"
    )
    follow.source.run("delete from fahrt where id = 1")

    again = run(follow)

    assert again["resumed"]
    assert "is gone or has lost changes" in again["kept"]["reason"]
    assert (ours(follow.source), ours(follow.target)) == ((1, 1, 0), (0, 0, 1))
    same(follow, "select count(*) from fahrt")


@pytest.mark.full
def test_a_run_killed_before_the_last_step_is_started_by_the_next(follow: Sides) -> None:
    follow.source.run(SMALL)
    run(follow)
    (name,) = follow.target.query("select subname from pg_subscription where subenabled")[0]
    follow.target.run(f"alter subscription {name} disable")
    follow.source.run("insert into konto (name) values ('spät')")

    assert run(follow, check_mode=True)["changed"]
    assert run(follow)["changed"]

    same(follow, "select count(*) from konto")
    assert not run(follow)["changed"]


def test_refusals_name_the_tables_and_touch_nothing(follow: Sides) -> None:
    follow.source.run(
        "create table ohne (a int); create unlogged table fluechtig (a int primary key);"
        " create table ganz (a json); alter table ganz replica identity full; create table gut (a int primary key)"
    )

    error = str(refusal(lambda: run(follow)))

    assert "public.ohne" in error
    assert "public.fluechtig" in error
    assert "public.ganz (a)" in error
    assert "public.gut" not in error
    assert (ours(follow.source), ours(follow.target)) == ((0, 0, 0), (0, 0, 0))
    assert "static_tables names tables that the source does not have: public.weg" in str(
        refusal(lambda: run(follow, static_tables=["public.weg"]))
    )

    named = ["public.ohne", "public.fluechtig", "public.ganz"]
    moved = run(follow, static_tables=named)
    assert moved["replication"]["static_tables"] == named
    assert list(moved["replication"]["streams"].values()) == [1]
    # Nobody publishes them, so nobody's update is refused on the source.
    follow.source.run("insert into ohne values (1); update ohne set a = 2")


def test_a_failed_run_leaves_no_slot_behind_and_says_why(follow: Sides) -> None:
    follow.source.run(SMALL)

    wrong = {**follow.params(), "method": "logical", "source_from_target": {"port": 1}}
    error = str(refusal(lambda: migrate(wrong, False)))

    assert "the target cannot subscribe" in error
    assert "set source_from_target" in error
    assert (ours(follow.source), ours(follow.target)) == ((0, 0, 0), (0, 0, 0))
    assert PASSWORD not in error + follow.target.server.log.read_text(errors="replace")
    assert run(follow)["changed"]


@pytest.mark.full
def test_a_transaction_that_never_ends_is_named(follow: Sides) -> None:
    follow.source.run(SMALL)
    with follow.source.connect() as idle:
        idle.execute("begin; insert into konto (name) values ('offen')")

        error = str(refusal(lambda: run(follow, slot_timeout=1)))

        idle.execute("rollback")
    assert "it waits for every transaction that was at work before it: process " in error
    assert ours(follow.source) == (0, 0, 0)


@pytest.mark.full
def test_the_two_methods_do_not_mix(follow: Sides) -> None:
    follow.source.run(SMALL)
    run(follow)

    assert "begun with another method than method=copy" in str(refusal(follow.migrate))
    drop_subscriptions(follow.target)
    assert "is no longer on the target" in str(refusal(lambda: run(follow)))


@pytest.mark.full
def test_a_role_that_may_not_subscribe_is_refused_first(follow: Sides) -> None:
    follow.source.run(SMALL)
    with follow.target.server.connect() as admin:
        admin.execute("create role plain login password 'another-7f'")
        admin.execute(f'alter database "{follow.target.database}" owner to plain')
    plain = replace(follow, target=replace(follow.target, user="plain", password="another-7f"))

    error = str(refusal(lambda: run(plain)))

    assert "subscription" in error
    assert (ours(follow.source), ours(follow.target)) == ((0, 0, 0), (0, 0, 0))
    with follow.target.server.connect() as admin:
        admin.execute(f'alter database "{follow.target.database}" owner to boss')
        admin.execute("drop role plain")


@pytest.mark.full
def test_a_run_killed_before_its_first_table_leaves_its_slot_to_the_next(follow: Sides) -> None:
    follow.source.run(BULK)
    child = follow.start(method="logical")
    wait_until(lambda: ours(follow.source)[1], "the slot")
    kill(child)

    again = run(follow)

    assert again["changed"]
    assert (ours(follow.source), ours(follow.target)) == ((1, 1, 0), (0, 0, 1))
    follow.source.run("delete from klein where id < 20")
    same(follow, "select count(*) from klein")
