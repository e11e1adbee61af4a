"""The cut-over under load, on real servers: nothing is lost, nothing is doubled, and the way back works."""

from __future__ import annotations

import time

import psycopg
import pytest
from pg_follow import LEDGER, PASSWORD, Writers, cut, ours, run, same
from pg_sides import SMALL, Sides, refusal


@pytest.fixture
def ledger(follow: Sides) -> Sides:
    follow.source.run(LEDGER)
    return follow


def test_drill_there_and_back_under_load(ledger: Sides) -> None:
    with Writers(ledger.source) as writers:
        run(ledger)
        copied = len(writers.acknowledged)
        status = cut(ledger, "status")
        assert (status["state"], status["problems"], status["drift"]) == ("replicating", [], [])
        assert status["streams"][0]["tables"] == {"r": 3}

        there = cut(ledger, "switched")
        writers.side = ledger.target
        _more(writers)

        assert (there["changed"], there["state"], there["fenced"]) == (True, "switched", ["source"])
        assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 1), (1, 1, 0))
        assert not cut(ledger, "switched")["changed"]

        back = cut(ledger, "rolled_back", verify="hash")
        writers.side = ledger.source
        _more(writers)

        assert (back["changed"], back["state"], back["fenced"]) == (True, "rolled_back", ["target"])
        again = cut(ledger, "switched")
        writers.side = ledger.target
        _more(writers)
    writers.check(ledger.target)
    same(ledger, "select * from ledger order by id")
    finished = cut(ledger, "finished")
    print(
        f"copied under load: {copied}, acknowledged: {len(writers.acknowledged)}, unknown: {len(writers.unknown)}; "
        f"write downtime ms: {[run['write_downtime_ms'] for run in (there, back, again)]}; "
        f"longest gap seen by the writers: {writers.longest_gap:.2f} s"
    )

    for result in (there, back, again):
        assert 0 < result["write_downtime_ms"] < 5000
    assert writers.longest_gap < 5
    assert (finished["changed"], finished["state"]) == (True, "finished")
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    assert not cut(ledger, "finished")["changed"]
    assert "nothing replicates any more" in str(refusal(lambda: cut(ledger, "rolled_back")))
    for side in (ledger.source, ledger.target):
        assert PASSWORD not in side.server.log.read_text(errors="replace")


def _more(writers: Writers) -> None:
    """Wait for writes on the present side."""
    seen = len(writers.acknowledged)
    deadline = time.monotonic() + 10
    while len(writers.acknowledged) < seen + 20:
        assert time.monotonic() < deadline, "the writers do not go on"
        time.sleep(0.01)


def test_sequences_go_on_and_the_old_side_takes_no_writes(follow: Sides) -> None:
    follow.source.run(SMALL)
    run(follow)
    follow.source.run("insert into konto (name) values ('neu'); insert into fahrt (konto, km) values (1, 1)")

    assert cut(follow, "switched", check_mode=True)["changed"]
    assert ours(follow.target) == (0, 0, 1)
    cut(follow, "switched", sequence_margin=100)

    follow.target.run("insert into konto (name) values ('drüben'); insert into fahrt (konto, km) values (2, 2)")
    assert follow.target.query("select id from konto where name = 'drüben'") == [(152,)]
    same(follow, "select * from konto order by id")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        follow.source.run("insert into konto (name) values ('falsch')")
    assert follow.source.query("select count(*) from konto") == [(52,)]


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("create table spaeter (a int)", "table public.spaeter is missing on the target"),
        (
            "begin; insert into konto (name) values ('p'); prepare transaction 'p1'",
            "prepared transactions on the source",
        ),
        ("create role frei; alter role frei set default_transaction_read_only = off", "have a setting"),
    ],
)
def test_what_forbids_a_switch_is_said_before_the_fence(follow: Sides, prepare: str, words: str) -> None:
    follow.source.run(SMALL)
    run(follow)
    follow.source.run(prepare)
    try:
        error = str(refusal(lambda: cut(follow, "switched")))
    finally:
        if "prepare transaction" in prepare:
            follow.source.run("rollback prepared 'p1'")
        if "create role" in prepare:
            follow.source.run("drop role frei")

    assert words in error
    assert "nothing was touched" in error
    follow.source.run("insert into fahrt (konto, km) values (1, 1)")
    assert (ours(follow.source), ours(follow.target)) == ((1, 1, 0), (0, 0, 1))


def test_a_switch_that_fails_opens_the_source_again(ledger: Sides) -> None:
    run(ledger)
    # A write on the wrong side: the comparison under the fence sees it.
    ledger.target.run("insert into account values (99, 0)")

    error = str(refusal(lambda: cut(ledger, "switched")))

    assert "public.account has 20 rows on the source, 21 on the target" in error
    assert "stays on the source, which is open for writing" in error
    ledger.source.run("insert into ledger values (1, 1, 1)")
    same(ledger, "select * from ledger")
    assert (ours(ledger.source), ours(ledger.target)) == ((1, 1, 0), (0, 0, 1))
    assert cut(ledger, "status")["state"] == "replicating"
    ledger.target.run("delete from account where id = 99")
    assert cut(ledger, "switched")["state"] == "switched"


def test_a_writer_that_gets_past_the_fence_is_noticed(ledger: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverswitch import Switch

    run(ledger)
    compare = Switch._verify

    def sneak(switch: Switch) -> None:
        compare(switch)
        ledger.source.run("begin read write; insert into ledger values (7, 7, 7); commit")

    monkeypatch.setattr(Switch, "_verify", sneak)

    error = str(refusal(lambda: cut(ledger, "switched")))

    assert "1 transactions have written to the source in spite of the fence" in error
    monkeypatch.undo()
    assert cut(ledger, "switched")["changed"]
    assert ledger.target.query("select id from ledger") == [(7,)]


def test_without_reverse_there_is_no_way_back(ledger: Sides) -> None:
    run(ledger)

    there = cut(ledger, "switched", reverse=False)

    assert there["remarks"][-1] == "nothing leads back: the switch was made with reverse=false"
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    assert "no replication leads to the source" in str(refusal(lambda: cut(ledger, "rolled_back")))


def test_giving_up_before_the_switch(ledger: Sides) -> None:
    run(ledger)

    assert "set abandon=true" in str(refusal(lambda: cut(ledger, "finished")))
    assert cut(ledger, "finished", abandon=True, marker="remove")["changed"]

    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    again = cut(ledger, "finished")
    assert (again["changed"], "no record of a migration" in again["remarks"][0]) == (False, True)


def test_static_tables_are_compared_by_content(follow: Sides) -> None:
    follow.source.run("create table ohne (a int); insert into ohne values (1); create table gut (a int primary key)")
    run(follow, static_tables=["public.ohne"])
    follow.source.run("update ohne set a = 2")

    assert "public.ohne has other contents" in str(refusal(lambda: cut(follow, "switched")))

    follow.source.run("update ohne set a = 1")
    assert cut(follow, "switched")["changed"]
