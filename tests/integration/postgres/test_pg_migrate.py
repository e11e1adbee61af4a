"""The move itself, on real servers."""

from __future__ import annotations

import os
import signal
import threading

import psycopg
import pytest
from pg_sides import Side, Sides, refusal, state_of, wait_until, writes_of
from test_pg_watcher import slow


def test_everything_arrives(awkward: Sides) -> None:
    before = state_of(awkward.source)

    moved = awkward.migrate(verify="hash")

    assert moved["changed"]
    assert not moved["resumed"]
    assert moved["verify"] == {"status": "passed", "differences": []}
    assert awkward.verify()["differences"] == []
    assert state_of(awkward.source) == before
    assert [table for table in moved["tables"] if table["rows_source"] != table["rows_target"]] == []
    assert {table["name"]: table["rows_target"] for table in moved["tables"]}["public.ohne_spalten"] == 7
    assert {entry["object"].split(" ")[0] for entry in moved["not_moved"]} >= {"publication", "ownership", "privileges"}


def test_sequences_go_on_where_they_were(awkward: Sides) -> None:
    awkward.migrate()

    handed_out = "select nextval('nie_benutzt'), nextval('zurueckgestellt'), nextval('\"Groß\"')"
    assert awkward.target.query(handed_out) == awkward.source.query(handed_out) == [(1000, 42, 9007199254740994)]


def test_the_target_is_analyzed(small: Sides) -> None:
    small.migrate()

    assert small.target.query("select count(*) from pg_class where relkind = 'r' and oid >= 16384 and reltuples < 0"
                              " and relnamespace = 'public'::regnamespace") == [(0,)]  # fmt: skip


def test_the_second_run_changes_nothing(awkward: Sides) -> None:
    first = awkward.migrate()
    state, writes = state_of(awkward.target), writes_of(awkward.target)

    second = awkward.migrate()

    assert (second["changed"], second["run_id"]) == (False, first["run_id"])
    assert {t["name"]: t["rows_target"] for t in second["tables"]} == {
        t["name"]: t["rows_target"] for t in first["tables"]
    }
    assert (state_of(awkward.target), writes_of(awkward.target)) == (state, writes)


def test_the_four_runs(small: Sides) -> None:
    changed = [small.migrate(check_mode)["changed"] for check_mode in (True, False, True, False)]

    assert changed == [True, True, False, False]


def test_check_mode_writes_nothing_and_shows_the_plan(awkward: Sides) -> None:
    before = [(state_of(side), writes_of(side)) for side in (awkward.source, awkward.target)]

    foreseen = awkward.migrate(check_mode=True)

    assert [(state_of(side), writes_of(side)) for side in (awkward.source, awkward.target)] == before
    assert foreseen["plan"]["extensions"] == ["pg_trgm", "citext"]
    assert foreseen["diff"]["before"] == ""
    assert "table public.ohne_spalten\n" in foreseen["diff"]["after"]


def test_a_target_filled_by_others_is_refused_and_stays(small: Sides) -> None:
    small.target.run('create table "nicht meine" as select 1 as a; create table konto (x int)')
    before, writes = state_of(small.target), writes_of(small.target)

    error = str(refusal(small.migrate))

    assert "the target is not empty" in error
    assert 'table public."nicht meine"' in error
    assert "table public.konto" in error
    assert (state_of(small.target), writes_of(small.target)) == (before, writes)


def test_large_objects_alone_make_a_target_not_empty(small: Sides) -> None:
    small.target.run("select lo_create(0)")

    assert "1 large objects" in str(refusal(small.migrate))


def test_the_same_database_twice_is_refused(small: Sides) -> None:
    error = refusal(lambda: small.migrate(target=small.source.params))

    assert "source and target are the same database" in str(error)


def test_another_encoding_is_refused_before_the_first_write(small: Sides) -> None:
    name = small.target.database
    with small.target.server.connect() as admin:
        admin.execute(f'drop database "{name}"')
        admin.execute(f"create database \"{name}\" owner master encoding 'LATIN1' locale 'C' template template0")

    error = str(refusal(small.migrate))

    assert "source's encoding is UTF8, the target's LATIN1" in error
    assert small.target.query("select count(*) from pg_class where oid >= 16384 and relkind = 'r'") == [(0,)]


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "check the user and the password"),
        ({"password": None}, "give the password"),
        ({"host": "no.such.host.invalid"}, "check the host name"),
        ({"port": 1}, "no server listens there"),
        ({"database": "none"}, 'database "none" does not exist'),
        ({"sslmode": "require"}, "the server has no TLS"),
    ],
)
def test_a_wrong_connection_is_told_in_one_line(small: Sides, side: str, change: dict, words: str) -> None:
    wanted = {**small.params()[side], **change}

    error = str(refusal(lambda: small.migrate(**{side: change})))

    told = f"{side} (database {wanted['database']} on {wanted['host']}:{wanted['port']} as user {wanted['user']})"
    assert told in error
    assert words in error
    assert "\n" not in error
    assert "canary" not in error
    assert small.target.query("select count(*) from pg_class where oid >= 16384") == [(0,)]


def test_a_source_that_has_changed_its_schema_is_told(small: Sides) -> None:
    small.migrate()
    small.source.run("create table neu (a int)")

    error = str(refusal(small.migrate))

    assert "the source's schema has changed since: table public.neu" in error


def test_a_target_that_has_lost_a_table_since_is_told(small: Sides) -> None:
    small.migrate()
    small.target.run("drop table fahrt")

    assert "the target has lost since: sequence public.fahrt_id_seq, table public.fahrt" in str(refusal(small.migrate))


def test_another_source_is_refused(small: Sides) -> None:
    small.migrate()
    name = small.source.database + "2"
    with small.source.server.connect() as admin:
        admin.execute(f'create database "{name}" template "{small.source.database}"')
    try:
        error = str(refusal(lambda: small.migrate(source={"database": name})))
    finally:
        with small.source.server.connect() as admin:
            admin.execute(f'drop database "{name}"')
    assert "its source was" in error


def test_rows_that_row_security_hides_stop_the_move(awkward: Sides) -> None:
    with awkward.source.connect(admin=True) as admin:
        admin.execute("drop role if exists leser")
        admin.execute("create role leser login password 'leser-canary'")
        admin.execute("grant pg_read_all_data to leser")
    try:
        error = str(refusal(lambda: awkward.migrate(source={"user": "leser", "password": "leser-canary"})))
    finally:
        awkward.source.run("drop role leser")

    assert "row security hides rows from leser on the source: public.geheim: use a role with BYPASSRLS" in error
    assert "leser may not read 5 large objects on the source" in error
    assert awkward.target.query("select count(*) from pg_class where oid >= 16384") == [(0,)]


def test_a_function_only_a_superuser_can_make_is_refused(small: Sides) -> None:
    small.source.run("create function leck() returns int language sql leakproof as 'select 1'")

    error = str(refusal(small.migrate))

    assert "only a superuser can create these functions on the target: public.leck()" in error


def test_a_constraint_that_the_rows_violate_is_named_and_a_later_run_completes(small: Sides) -> None:
    # An orphan that a corrupt source may hold: the foreign key fails on the target.
    with small.source.connect() as source:
        source.execute("set session_replication_role = replica")
        source.execute("update fahrt set konto = 9999 where id = 1")

    error = str(refusal(small.migrate))
    assert "fahrt_konto_fkey" in error
    assert "run again" in error

    small.source.run("update fahrt set konto = 1 where id = 1")
    assert small.migrate()["resumed"]
    assert small.verify()["differences"] == []


def test_two_runs_at_once_are_refused(bulk: Sides) -> None:
    first = bulk.start()
    try:
        wait_until(
            lambda: bulk.target.query("select from pg_locks where locktype = 'advisory'", admin=True), "the lock"
        )
        first.send_signal(signal.SIGSTOP)  # it must not be ready before the second has looked
        error = str(refusal(bulk.migrate))
    finally:
        first.send_signal(signal.SIGCONT)
        out, problem = first.communicate(timeout=200)

    assert "another run is at work" in error
    assert first.returncode == 0, problem
    assert '"changed": true' in out


def test_the_target_is_one_moment_of_a_source_that_is_written_to(bulk: Sides) -> None:
    bulk.source.run("create table konto (id int primary key, stand int); "
                    "insert into konto select n, 1000 from generate_series(1, 200) n")  # fmt: skip
    stop, made = threading.Event(), []
    writer = threading.Thread(target=transfer, args=(bulk.source, stop, made))
    writer.start()
    try:
        wait_until(lambda: made, "the first transfer")
        moved = bulk.migrate(verify="hash")
        before_verify = len(made)
        wait_until(lambda: len(made) > before_verify, "another transfer")
    finally:
        stop.set()
        writer.join()

    assert len(made) > 10
    assert bulk.target.query("select sum(stand), count(*) from konto") == [(200_000, 200)]
    assert {t["name"]: t["rows_source"] for t in moved["tables"]}["public.konto"] == 200
    assert "public.konto has other contents" in str(refusal(bulk.verify))


def transfer(source: Side, stop: threading.Event, made: list[int]) -> None:
    """Move money between accounts: every committed state has the same sum, and no two states are equal."""
    with source.connect() as connection:
        while not stop.is_set():
            with connection.transaction():
                connection.execute("update konto set stand = stand - 1 where id = 1")
                connection.execute("update konto set stand = stand + 1 where id = %s", [len(made) % 199 + 2])
            made.append(len(made))


def test_no_trace_is_left_on_the_source(small: Sides) -> None:
    small.migrate()

    sessions = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    wait_until(lambda: small.source.query(sessions) == [(0,)], "the end of every session on the source")
    assert small.source.query("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


def test_a_workdir_that_does_not_exist_is_refused(small: Sides) -> None:
    assert "is not an existing folder" in str(refusal(lambda: small.migrate(workdir="/no/such/folder")))


@pytest.mark.full
def test_the_limits_of_a_role_do_not_hit_the_move(bulk: Sides) -> None:
    with bulk.target.server.connect() as admin:
        admin.execute("alter role master set statement_timeout = '20ms'")
    try:
        assert bulk.migrate()["changed"]
    finally:
        with bulk.target.server.connect() as admin:
            admin.execute("alter role master reset all")


def test_the_timeout_ends_everything(small: Sides) -> None:
    slow(small)
    error = str(refusal(lambda: small.migrate(timeout=1)))

    assert "not finished after 1 s" in error
    mine = "select count(*) from pg_stat_activity where usename = 'master' and pid <> pg_backend_pid()"
    wait_until(lambda: small.target.query(mine, admin=True) == [(0,)], "the end of our sessions on the target")
    assert small.migrate()["changed"]


@pytest.mark.full
def test_a_lost_connection_of_the_lock_holder_stops_the_move(bulk: Sides) -> None:
    child = bulk.start()
    holder = "select pid, pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
    wait_until(lambda: bulk.target.query("select to_regclass('ansible_migrate.run')", admin=True)[0][0], "the claim")
    bulk.target.query(holder, admin=True)

    _out, problem = child.communicate(timeout=200)

    assert child.returncode != 0
    assert "target (database" in problem
    assert bulk.migrate()["resumed"]


def test_psql_variables_of_the_caller_do_not_matter(small: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere.invalid")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")

    assert small.migrate()["changed"]
    assert os.environ["PGHOST"] == "elsewhere.invalid"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect("dbname=x connect_timeout=1")
