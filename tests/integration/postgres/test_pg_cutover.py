"""The cut-over under load, on real servers: nothing is lost, nothing is doubled, and the way back works."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from pg_follow import LEDGER, PASSWORD, Writers, cut, more, ours, run, same
from pg_sides import SMALL, Side, Sides, refusal


def test_drill_there_and_back_under_load(ledger: Sides) -> None:
    with Writers(ledger.source) as writers:
        run(ledger)
        copied = len(writers.acknowledged)
        status = cut(ledger, "status")
        there, back, again = (
            _moved(ledger, writers, state, verify)
            for state, verify in (("switched", "counts"), ("rolled_back", "hash"), ("switched", "counts"))
        )
    writers.check(ledger.target)
    same(ledger, "select * from ledger order by id")
    print(
        f"copied under load: {copied}, acknowledged: {len(writers.acknowledged)}, unknown: {len(writers.unknown)}; "
        f"write downtime ms: {[result['write_downtime_ms'] for result in (there, back, again)]}; "
        f"longest gap seen by the writers: {writers.longest_gap():.2f} s"
    )

    assert (status["state"], status["problems"], status["drift"]) == ("replicating", [], [])
    assert status["streams"][0]["tables"] == {"r": 3}
    assert [result["fenced"] for result in (there, back, again)] == [["source"], ["target"], ["source"]]
    assert all(0 < result["write_downtime_ms"] < result["took_ms"] for result in (there, back, again))


def _moved(sides: Sides, writers: Writers, state: str, verify: str) -> dict:
    """Switch, send the writers after it, and see that they write."""
    began = time.monotonic()
    result = cut(sides, state, verify=verify)
    result["took_ms"] = (time.monotonic() - began) * 1000
    assert (result["changed"], result["state"]) == (True, state)
    here, there = (sides.source, sides.target) if state == "switched" else (sides.target, sides.source)
    writers.side = there
    more(writers)
    assert (ours(here), ours(there)) == ((0, 0, 1), (1, 1, 0))
    return result


@pytest.mark.full
def test_finished_leaves_nothing_and_says_so_again(ledger: Sides) -> None:
    run(ledger)
    cut(ledger, "switched")
    assert not cut(ledger, "switched")["changed"]

    finished = cut(ledger, "finished")

    assert (finished["changed"], finished["state"]) == (True, "finished")
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    assert not cut(ledger, "finished")["changed"]
    assert not run(ledger)["changed"]
    assert "nothing replicates any more" in str(refusal(lambda: cut(ledger, "rolled_back")))
    for side in (ledger.source, ledger.target):
        assert PASSWORD not in side.server.log.read_text(errors="replace")


@pytest.mark.full
def test_the_application_is_told_at_once_and_again_when_that_failed(ledger: Sides, tmp_path: Path) -> None:
    run(ledger)
    told, broken = tmp_path / "told", ["/bin/sh", "-c", "echo no such service >&2; exit 7"]
    command = ["/bin/sh", "-c", 'echo "$CUTOVER_SIDE $CUTOVER_PORT" >> "$1"', "tell", str(told)]

    assert cut(ledger, "switched", check_mode=True, point_command=command)["changed"]
    assert not told.exists()
    error = str(refusal(lambda: cut(ledger, "switched", point_command=broken)))

    assert "may write to the target, and could not be told so by /bin/sh: it ended with 7: no such service" in error
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 1), (1, 1, 0))
    ledger.target.run("insert into numbered (v) values ('x')")
    again = cut(ledger, "switched", point_command=command)
    assert (again["changed"], told.read_text()) == (False, f"target {ledger.target.server.port}\n")
    back = cut(ledger, "rolled_back", point_command=command)
    assert [step["name"] for step in back["steps"]][-2:] == ["application told", "tidied up"]
    assert told.read_text().splitlines()[1:] == [f"source {ledger.source.server.port}"]


@pytest.mark.full
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


@pytest.mark.full
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


@pytest.mark.full
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


@pytest.mark.full
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


@pytest.mark.full
def test_without_reverse_there_is_no_way_back(ledger: Sides) -> None:
    run(ledger)

    there = cut(ledger, "switched", reverse=False)

    assert there["remarks"][-1] == "nothing leads back: the switch was made with reverse=false"
    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    assert "no replication leads to the source" in str(refusal(lambda: cut(ledger, "rolled_back")))


@pytest.mark.full
def test_giving_up_before_the_switch(ledger: Sides) -> None:
    run(ledger)

    assert "set abandon=true" in str(refusal(lambda: cut(ledger, "finished")))
    assert cut(ledger, "finished", abandon=True, marker="remove")["changed"]

    assert (ours(ledger.source), ours(ledger.target)) == ((0, 0, 0), (0, 0, 0))
    again = cut(ledger, "finished")
    assert (again["changed"], "no record of a migration" in again["remarks"][0]) == (False, True)


@pytest.mark.full
def test_static_tables_are_compared_by_content(follow: Sides) -> None:
    follow.source.run("create table ohne (a int); insert into ohne values (1); create table gut (a int primary key)")
    run(follow, static_tables=["public.ohne"])
    follow.source.run("update ohne set a = 2")

    assert "public.ohne has other contents" in str(refusal(lambda: cut(follow, "switched")))

    follow.source.run("update ohne set a = 1")
    assert cut(follow, "switched")["changed"]


@pytest.mark.full
def test_pgbench_there_and_back(follow: Sides) -> None:
    """TPC-B under load: four sums that must stay equal, whatever is switched meanwhile."""
    filled = pgbench(follow.source, "-i", "-q", "-s", "5")
    output, _none = filled.communicate(timeout=200)
    assert filled.returncode == 0, output
    follow.source.run("alter table pgbench_history replica identity full")
    counted, downtimes = 0, []
    load = pgbench(follow.source, "-n", "-c", "2", "-T", "120")
    run(follow)
    for state, side in (("switched", follow.target), ("rolled_back", follow.source), ("switched", follow.target)):
        time.sleep(1)
        result = cut(follow, state, verify="hash")
        downtimes.append(result["write_downtime_ms"])
        print({step["name"]: step["ms"] for step in result["steps"]})
        output, _none = load.communicate(timeout=200)
        counted += _processed(output)
        load = pgbench(side, "-n", "-c", "2", "-T", "120" if len(downtimes) < 3 else "2")
    output, _none = load.communicate(timeout=200)
    counted += _processed(output)
    print(f"pgbench transactions: {counted}, write downtime ms: {downtimes}")

    sums = "select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers), " \
           "(select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history), " \
           "(select count(*) from pgbench_history)"  # fmt: skip
    same(follow, sums)
    accounts, tellers, branches, history, rows = follow.target.query(sums)[0]
    assert accounts == tellers == branches == history
    # A client that was cut off in its commit cannot know whether it was made: two clients, three switches.
    assert counted <= rows <= counted + 6
    assert max(downtimes) < 5000


def pgbench(side: Side, *options: str) -> subprocess.Popen:
    program = str(side.server.bindir / "pgbench")
    address = ("-h", "127.0.0.1", "-p", str(side.server.port), "-U", side.user)
    return subprocess.Popen(
        [program, *address, *options, f"dbname='{side.database}'"],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": side.password}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _processed(output: str) -> int:
    (line,) = [line for line in output.splitlines() if line.startswith("number of transactions actually processed")]
    return int(line.split(":")[1].split("/")[0])


# Not the one that is searched for in the logs: these servers log every statement, CREATE ROLE too.
OTHER = "another-7f"


@pytest.mark.full
def test_a_role_like_a_managed_service_s_is_enough_on_the_source(follow: Sides) -> None:
    """No superuser: it owns the database, may replicate, and may see and end sessions."""
    with follow.source.server.connect() as admin:
        admin.execute(f"create role owner login replication password '{OTHER}'")
        admin.execute("grant pg_read_all_stats, pg_signal_backend to owner")
        admin.execute(f'alter database "{follow.source.database}" owner to owner')
    follow.source.query("select 1")
    with follow.source.connect(admin=True) as admin:
        admin.execute("alter schema public owner to owner")
    follow.source.user, follow.source.password = "owner", OTHER
    try:
        follow.source.run(LEDGER)
        with Writers(follow.source) as writers:
            run(follow)
            there = cut(follow, "switched", reverse=False)
            writers.side = follow.target
            more(writers)
        writers.check(follow.target)
        assert there["write_downtime_ms"] < 5000
        assert cut(follow, "finished")["changed"]
    finally:
        follow.source.user, follow.source.password = "boss", PASSWORD
        with follow.source.connect(admin=True) as admin:
            admin.execute("set default_transaction_read_only = off")
            admin.execute("reassign owned by owner to boss")
            admin.execute("drop owned by owner")
            admin.execute("drop role owner")
