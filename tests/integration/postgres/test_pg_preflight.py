"""The preflight between two real servers: facts as they are read, findings, plan, and that nothing is written."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.run import preflight
from pg_sides import MASTER, Sides, refusal, state_of, writes_of
from test_pg_modules import given, play

OWN = {
    "method": "copy", "static_tables": None, "target_storage_gb": None, "rate_mb_s": None,
    "fail_on_blockers": False,
}  # fmt: skip
LONG = "n" * 63
# One of everything that a rule looks for.
LADEN = f"""
create type farbe as enum ('rot', 'blau');
create unlogged table fluechtig (id int primary key);
create table verweise (was regproc, namen regrole[]);
create table "{LONG}" (id int generated always as (1) stored);
create table ohne (n int);
create table nach_enum (f farbe) partition by hash (f);
create table nach_text (t text collate "de-x-icu") partition by range (t);
create table geteilt (x xml);
insert into ohne select generate_series(1, 2000);
create index ohne_n on ohne (n);
update pg_index set indisvalid = false where indexrelid = 'ohne_n'::regclass;
create policy p on ohne to "Prüf Rolle" using (true);
create function c_funktion() returns int language internal as 'pg_backend_pid';
create operator class zahl for type int using btree as operator 1 <, function 1 btint4cmp(int, int);
create foreign data wrapper nichts;
create server fern foreign data wrapper nichts;
create user mapping for public server fern options (password 'fern-canary');
create publication alles for all tables;
create function melden() returns event_trigger language plpgsql as 'begin end';
create event trigger e on ddl_command_end execute function melden();
select lo_from_bytea(77002, 'gross');
"""
SAID = {
    "hash-partition-enum", "policy-roles", "superuser-functions", "superuser-objects", "unlogged-table",
    "foreign-server", "reg-columns", "long-names",
}  # fmt: skip
LEFT = {"publication alles", "event trigger e", "user mapping public on fern", "invalid index public.ohne_n"}


def ask(sides: Sides, **changes: object) -> dict:
    own = {name: changes.pop(name) for name in OWN if name in changes}
    return preflight({**copy.deepcopy(sides.params(**changes)), **OWN, **own})


def rules(result: dict, *kinds: str) -> set[str]:
    return {finding["rule"] for kind in kinds or ("blockers", "advice") for finding in result[kind]}


def test_between_good_sides_nothing_is_in_the_way_and_nothing_is_written(small: Sides) -> None:
    sides = (small.source, small.target)
    before = [(state_of(side), writes_of(side)) for side in sides]

    result = ask(small, rate_mb_s=1.0, target_storage_gb=5)

    assert rules(result) == set()
    assert [(state_of(side), writes_of(side)) for side in sides] == before
    assert (result["changed"], result["state"]) == (False, "move")
    assert [table["name"] for table in result["tables"]] == ["public.fahrt", "public.konto"]
    assert {table["format"] for table in result["tables"]} == {"binary"}
    assert sum(table["indexes"] for table in result["tables"]) == 4
    told = result["estimate"]
    assert told["index_bytes"] == sum(table["index_bytes"] for table in result["tables"])
    assert told["target_storage_bytes"] > told["bytes"] + told["index_bytes"] + told["wal_bytes"]
    assert told["seconds"] == round((told["bytes"] + told["index_bytes"]) / 1e6, 1)
    assert abs(result["source"]["clock_skew"]) < 60
    assert result["target"]["settings"]["max_connections"] == "100"
    assert "canary" not in str(result)


def test_each_thing_on_the_source_is_found(sides: Sides) -> None:
    sides.source.run(LADEN)

    result = ask(sides)

    assert rules(result) == SAID
    assert {entry["object"] for entry in result["not_moved"]} >= LEFT
    forms = {table["name"]: (table["format"], table["why_text"]) for table in result["tables"]}
    assert forms["public.geteilt"] == ("text", "column x: type xml names objects of one database")
    assert forms["public.ohne"] == ("binary", "")
    by_rule = {finding["rule"]: finding for finding in result["advice"] + result["blockers"]}
    assert by_rule["superuser-objects"]["object"].startswith("foreign-data wrapper nichts, operator class public.zahl")
    assert by_rule["reg-columns"]["object"] == "column public.verweise.was, public.verweise.namen"
    assert by_rule["long-names"]["object"] == f"public.{LONG}"
    assert "canary" not in str(result)


def test_one_error_names_every_blocker_and_the_move_names_the_same(sides: Sides) -> None:
    sides.source.run(LADEN)
    before = [state_of(side) for side in (sides.source, sides.target)]

    error = refusal(lambda: ask(sides, fail_on_blockers=True))

    blockers = error.result["blockers"]
    assert {finding["rule"] for finding in blockers} == SAID & {finding["rule"] for finding in blockers}
    assert len(blockers) == 4
    assert all(f"{finding['found']}: {finding['todo']}" in str(error) for finding in blockers)
    assert error.result["estimate"]["bytes"] > 0
    assert str(refusal(sides.migrate)) == str(error)
    assert [state_of(side) for side in (sides.source, sides.target)] == before


def test_a_role_that_may_read_little(small: Sides, request: pytest.FixtureRequest) -> None:
    small.source.run(
        "create role leserin login password 'leserin-canary' connection limit 4;"
        "grant usage on schema public to leserin; alter table fahrt enable row level security;"
        "grant select on fahrt to leserin"
    )
    request.addfinalizer(lambda: small.source.run("drop owned by leserin; drop role leserin"))

    result = ask(small, source={"user": "leserin", "password": "leserin-canary"})

    wanted = {"table-privilege", "sequence-privilege", "large-object-privilege", "row-security", "connections"}
    assert rules(result, "blockers") == wanted
    assert any("leserin may not see them" in line for line in result["not_checked"])


def test_settings_that_would_end_or_refuse_the_work(small: Sides) -> None:
    with small.target.connect(admin=True) as admin:
        name = f'"{small.target.database}"'
        admin.execute(f"alter role {MASTER} in database {name} set statement_timeout = '7s'")
        admin.execute(f"alter database {name} set idle_session_timeout = '8s'")
        admin.execute(f"alter database {name} set default_transaction_read_only = on")
        admin.execute(f"alter database {name} set temp_file_limit = '8kB'")
        admin.execute(f"alter database {name} set maintenance_work_mem = '1MB'")
        admin.execute(f"alter database {name} connection limit 4")
    small.source.run("create table breit as select n, md5(n::text) t from generate_series(1, 40000) n;"
                     "create index on breit (t, n)")  # fmt: skip

    result = ask(small)

    assert rules(result, "blockers") == {"target-read-only", "connections", "temp-file-limit"}
    (limits,) = [finding for finding in result["advice"] if finding["rule"] == "role-limits"]
    assert limits["found"].endswith("idle_session_timeout = 8s, statement_timeout = 7s")


def test_a_database_that_was_left_half_dropped(small: Sides) -> None:
    with small.source.connect(admin=True) as admin:
        admin.execute("create database kaputt")
        try:
            admin.execute("update pg_database set datconnlimit = -2 where datname = 'kaputt'")
            result = ask(small)
        finally:
            admin.execute("update pg_database set datconnlimit = -1 where datname = 'kaputt'")
            admin.execute("drop database kaputt")

    assert rules(result) == {"invalid-database"}


def test_who_holds_a_table_is_named_within_seconds(small: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "LOCK_PATIENCE", "100ms")
    with small.source.connect() as other, other.transaction():
        other.execute("lock table konto in access exclusive mode")
        error, pid = refusal(lambda: ask(small)), other.info.backend_pid

    assert f"public.konto (server process {pid}): wait for the end" in str(error)


def test_owners_that_the_target_can_or_cannot_give_to(small: Sides) -> None:
    with small.target.connect(admin=True) as admin:
        admin.execute("create role fremd; create role freund; grant freund to master")
        admin.execute("grant create on schema public to freund")
        try:
            freund, fremd, fehlt = (
                ask(small, owner="map", role_map={"compose": role, "x": "y"}) for role in ("freund", "fremd", "fehlt")
            )
        finally:
            admin.execute("drop owned by freund; drop role fremd, freund")

    # The target's role may become a member of fremd, and let it create in public.
    assert (rules(freund, "blockers"), rules(fremd, "blockers")) == (set(), set())
    assert rules(fehlt, "blockers") == {"owner-missing"}
    assert "owner-unused" in rules(freund, "advice")


def test_what_logical_replication_needs_is_asked_for_it_alone(small: Sides) -> None:
    small.source.run(
        "create table ohne (n int); alter table konto add doppelt int generated always as (stand * 2) stored"
    )
    ((level,),) = small.source.query("show wal_level")

    copy_only, logical = ask(small), ask(small, method="logical")

    assert rules(copy_only) == set()
    # The target's role is in rds_superuser, so it may subscribe.
    assert rules(logical, "blockers") == {"logical-tables"} | ({"logical-publisher"} if level != "logical" else set())
    assert {"logical-large-objects", "logical-generated"} <= rules(logical, "advice")
    followed = ask(small, method="logical", static_tables=["public.ohne"])
    assert "logical-tables" not in rules(followed)


def test_missing_clients_and_storage(small: Sides, tmp_path: Path) -> None:
    (tmp_path / "psql").symlink_to(shutil.which("psql", path=str(small.target.server.bindir)))

    result = ask(small, client_bindir=str(tmp_path), target_storage_gb=0.001)

    assert rules(result, "blockers") == {"client-version", "target-storage"}
    (client,) = [finding for finding in result["blockers"] if finding["rule"] == "client-version"]
    assert client["todo"].startswith("install the package postgresql-client-")


def test_a_target_that_is_done_or_not_ours(small: Sides) -> None:
    small.migrate()
    done = ask(small, fail_on_blockers=True, target_storage_gb=0.001)
    small.target.run("drop schema ansible_migrate cascade")
    foreign = ask(small)

    assert (done["state"], rules(done, "blockers")) == ("done", {"target-storage"})
    assert (foreign["state"], rules(foreign, "blockers")) == ("refuse", {"target-not-empty"})
    assert "was not filled by this module" in foreign["blockers"][0]["found"]


def test_one_database_twice_is_refused(small: Sides) -> None:
    assert "same-database" in rules(ask(small, target=small.source.params), "blockers")


def test_it_runs_under_ansible_and_fails_with_one_message(small: Sides) -> None:
    keys = ("source", "target", "jobs")
    params = {key: value for key, value in given(small.params()).items() if key in keys}
    status, output = play(small, "pg_migrate_preflight", params, "-vvv")
    assert status == 0, output
    assert "changed=0 " in output
    assert "canary" not in output

    small.source.run("create function c_funktion() returns int language internal as 'pg_backend_pid'")
    status, output = play(small, "pg_migrate_preflight", params)

    assert status != 0
    assert "only a superuser can create these functions on the target: public.c_funktion()" in " ".join(output.split())
    assert "Traceback" not in output


def test_limits_of_a_role_do_not_end_the_move(small: Sides) -> None:
    for side, role in ((small.source, "compose"), (small.target, MASTER)):
        with side.connect(admin=True) as admin:
            for limit in (
                "statement_timeout = 1", "idle_in_transaction_session_timeout = 1", "lock_timeout = 1",
                "idle_session_timeout = 500",
            ):  # fmt: skip
                admin.execute(f'alter role {role} in database "{side.database}" set {limit}')

    assert rules(ask(small)) == {"role-limits"}
    assert small.migrate()["verify"]["status"] == "passed"


def test_what_dms_would_lose_is_refused_by_the_preflight_itself_and_nothing_is_written(small: Sides) -> None:
    small.source.run("create table notiz (text text); create table zeit (id int primary key, t timetz, n numeric)")
    before = (state_of(small.source), state_of(small.target))

    error = refusal(lambda: ask(small, method="dms", fail_on_blockers=True))
    silent = ask(small, method="copy")

    assert "public.notiz: LOB columns (text) are not moved without a primary key: add one" in str(error)
    assert {"dms-lob-without-key", "dms-types", "dms-large-objects"} <= rules(error.result, "blockers")
    assert "dms-numeric" in rules(error.result, "advice")
    results = {rule["rule"]: rule["result"] for rule in error.result["rules"]}
    assert (results["dms-types"], results["dms-names"], results["logical-tables"]) == ("fail", "pass", "skip")
    assert not {rule for rule in rules(silent) if rule.startswith("dms-")}
    assert (state_of(small.source), state_of(small.target)) == before
