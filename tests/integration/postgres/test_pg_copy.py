"""The copy engine on real servers: forms of rows, what is frozen, the gate, what a later run keeps."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import copysql
from pg_sides import Sides, alive, family, gate, kill, refusal, signal_all, wait_until
from test_pg_migrate_crash import crash

COPYING = "select pid from pg_stat_activity where query ~* '^copy +public.gross' and state = 'active'"
INDEXING = "select pid from pg_stat_activity where query like 'CREATE INDEX%' and state = 'active'"
ODD = """
create schema "S\nche""ma";
create table "S\nche""ma"."T\r\nab'le" ("Spa\nlte" int primary key, "\\.""x\t" text, c regclass);
insert into "S\nche""ma"."T\r\nab'le" select n, E'\\\\.\\n\\\\N', 'pg_class' from generate_series(1, 50) n;
create table "S\nche""ma"."nur binär\n" (a int);
insert into "S\nche""ma"."nur binär\n" values (1);
create table ":x \\\\ \\q" (":a" int, "\\! touch /tmp/never" text);
insert into ":x \\\\ \\q" values (1, '\\! touch /tmp/never');
"""
SPECIAL = """
create table eins (id int not null, a int, b int, c text, z int generated always as (a * 2) stored);
insert into eins (id, a, b, c) select n, n, n % 7, 'x' || n from generate_series(1, 500) n;
alter table eins add constraint "spät" unique (a) include (b) deferrable initially deferred;
alter table eins add constraint auch unique nulls not distinct (id, b) with (fillfactor = 70);
alter table eins add primary key (id);
alter table eins cluster on eins_pkey;
create index auf_ausdruck on eins (lower(c), (b + 1));
alter index auf_ausdruck alter column 2 set statistics 500;
create unique index eins_uid on eins (id, a) where b > 0;
create table zwei (id int not null);
create unique index zwei_uid on zwei (id);
alter table zwei replica identity using index zwei_uid;
create table nur_erzeugt (g int generated always as (1) stored);
insert into nur_erzeugt default values;
create table immer (id int generated always as identity, v xml);
insert into immer (v) values ('<a/>'), ('<b>x</b>');
create table verschoben (weg int, a int, b text);
alter table verschoben drop column weg;
alter table verschoben add column c int[];
insert into verschoben values (1, 'x', '{1,2}');
create table erbe (x int) inherits (verschoben);
insert into erbe values (2, 'y', null, 3);
select lo_create(4711);
comment on large object 4711 is 'ein Anhang';
"""
FORMS = {
    "bin": ("(a int, b text, c numeric, d timestamptz[], e jsonb, f uuid, g inet, h float8, i tsvector)", "binary"),
    "enum": ("(a farbe)", "binary"),
    "enums": ("(a farbe[])", "text"),
    "paar": ("(a paar)", "binary"),
    "bunt": ("(a bunt)", "text"),
    "spanne": ("(a spanne, b int8multirange)", "binary"),
    "klasse": ("(a regclass)", "text"),
    "reg": ("(a regtype[])", "text"),
    "marke": ("(a xml)", "text"),
    "wort": ("(a citext)", "binary"),
    "worte": ("(a citext[])", "text"),
    "zahl": ("(a zahl)", "binary"),
    "schluessel": ("(a hstore)", "binary"),
    "dicht": ("(a cube)", "binary"),
}
TYPES = """
create extension citext; create extension hstore; create extension cube;
create type farbe as enum ('rot', 'blau'); create type paar as (a int, b text); create type bunt as (a farbe);
create type spanne as range (subtype = float8); create domain zahl as int check (value > 0);
"""
VALUES = {
    "bin": "(1, 'ü', 'NaN', '{now,-infinity}', '{\"a\": [1]}', gen_random_uuid(), '::1/64', '-0', 'a:1 b')",
    "enum": "('blau')", "enums": "('{rot,blau}')", "paar": "('(1,\"x y\")')", "bunt": "('(rot)')",
    "spanne": "('[1,2)', '{[1,3),[5,)}')", "klasse": "('pg_class')", "reg": "('{int4}')", "marke": "('<a/>')",
    "wort": "('Wort')", "worte": "('{Wort}')", "zahl": "(7)", "schluessel": "('a=>1')", "dicht": "('(1,2)')",
}  # fmt: skip


def how(moved: dict) -> dict[str, str]:
    return {table["name"]: table["format"] for table in moved["tables"]}


def pids(sides: Sides, side: str, sql: str) -> list[int]:
    return [row[0] for row in getattr(sides, side).query(sql, admin=True)]


def rows_of(sides: Sides) -> int:
    try:
        return sides.target.query("select count(*) from gross")[0][0]
    except psycopg.errors.UndefinedTable:
        return 0


def test_each_table_travels_in_the_form_that_both_sides_understand(sides: Sides) -> None:
    sides.source.run(TYPES)
    for name, (columns, _form) in FORMS.items():
        sides.source.run(f"create table t_{name} {columns}; insert into t_{name} values {VALUES[name]}")
        sides.source.run(f"insert into t_{name} default values")

    moved = sides.migrate(verify="hash")

    assert how(moved) == {f"public.t_{name}": form for name, (_columns, form) in FORMS.items()}
    assert sides.verify()["differences"] == []


def test_text_is_used_when_asked_for(small: Sides) -> None:
    moved = small.migrate(format="text", verify="hash")

    assert set(how(moved).values()) == {"text"}
    assert small.verify()["differences"] == []


def test_rows_are_frozen_and_visible_to_all_and_counted(small: Sides) -> None:
    small.migrate()

    seen = "select relname, relpages > 0 and relallvisible = relpages from pg_class where relname in ('konto', 'fahrt')"
    assert dict(small.target.query(seen)) == {"konto": True, "fahrt": True}


def test_rows_are_not_frozen_when_that_is_not_wanted(small: Sides) -> None:
    small.migrate(freeze=False)

    assert small.target.query("select relallvisible from pg_class where relname = 'konto'") == [(0,)]


def test_names_that_no_script_expects(sides: Sides) -> None:
    sides.source.run(ODD)

    sides.migrate(verify="hash")

    assert sides.verify()["differences"] == []
    assert not Path("/tmp/never").exists()


def test_every_kind_of_index_constraint_and_column(sides: Sides) -> None:
    sides.source.run(SPECIAL)

    sides.migrate(verify="hash")

    assert sides.verify()["differences"] == []
    assert sides.target.query("select obj_description(4711, 'pg_largeobject')") == [("ein Anhang",)]
    assert sides.target.query(
        "select conname, condeferrable, condeferred from pg_constraint where conname = 'spät'"
    ) == [("spät", True, True)]


def test_forced_row_security_hides_nothing_from_the_move(sides: Sides) -> None:
    sides.source.run(
        "create table zwang (id int); insert into zwang select generate_series(1, 9);"
        " alter table zwang enable row level security; alter table zwang force row level security"
    )

    sides.migrate(verify="hash")

    assert sides.target.query("select count(*) from zwang", admin=True) == [(9,)]
    # Forced on the owner, it hides the rows from our own proof afterwards, which says so.
    assert refusal(sides.verify).result["differences"] == []


@pytest.mark.full
def test_a_split_table_arrives_whole(bulk: Sides) -> None:
    moved = bulk.migrate(split_over="4MB", jobs="3", verify="hash")

    parts = "select count(*), sum(rows), min(state), max(part) from ansible_migrate.item where ident = 'public.gross'"
    assert {t["name"]: t["rows_target"] for t in moved["tables"]}["public.gross"] == 250_000
    assert bulk.target.query(parts) == [(2, 250_000, "done", 0)]
    assert bulk.verify()["differences"] == []
    # What is copied in parts cannot be frozen.
    assert bulk.target.query("select relallvisible from pg_class where relname = 'gross'") == [(0,)]


def test_rows_of_an_extension_that_are_the_users_own(sides: Sides) -> None:
    for side in (sides.source, sides.target):
        with side.connect(admin=True) as admin:
            admin.execute("create extension citext; create table eigen (id int primary key, meins bool)")
            admin.execute("insert into eigen values (1, false); alter extension citext add table eigen")
            admin.execute("update pg_extension set extconfig = array['eigen'::regclass], "
                          "extcondition = array['where meins'] where extname = 'citext'")  # fmt: skip
            admin.execute("grant all on eigen to public")
    sides.source.run("insert into eigen values (2, true), (3, true); create table t (a int)")

    assert sides.migrate()["changed"]

    assert sides.target.query("select id from eigen order by id") == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    "victim",
    ["source server process"]
    + [
        pytest.param(other, marks=pytest.mark.full) for other in ("target server process", "source psql", "target psql")
    ],
)
def test_no_torn_table_is_ever_committed(bulk: Sides, victim: str) -> None:
    side, what = victim.split(" ", 1)
    with gate(bulk) as come:
        child = bulk.start()
        come()
        if what == "psql":
            psql = clients(child, bulk, side)
            assert psql
            signal_all(psql, signal.SIGKILL)
        else:
            assert getattr(bulk, side).query(f"select pg_terminate_backend(pid) from ({COPYING}) s", admin=True)
    _out, problem = child.communicate(timeout=200)

    assert child.returncode != 0
    assert "public.gross" in problem
    assert "run again" in problem
    assert rows_of(bulk) == 0
    assert bulk.migrate(verify="hash")["resumed"]
    assert bulk.verify("counts")["differences"] == []


def test_a_source_that_fails_before_its_first_row_does_not_leave_the_target_waiting(
    small: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copysql, "copy_out", lambda *_given: "select 1 / 0")
    error = str(refusal(lambda: small.migrate(stall_timeout=600, timeout=600)))

    assert "source (database" in error
    assert "division by zero" in error


def test_a_target_that_refuses_the_rows_is_told_with_its_reason(small: Sides) -> None:
    with small.source.connect() as source:
        # The domain forbids what the source holds since before it did.
        source.execute("create domain kurz as text; create table k (v kurz); insert into k values ('zu lang')")
        source.execute("alter domain kurz add constraint eng check (length(value) < 3) not valid")
        source.execute("update pg_constraint set convalidated = true where conname = 'eng'")

    error = str(refusal(small.migrate))

    assert "target (database" in error
    assert "public.k: " in error
    assert 'violates check constraint "eng"' in error


def test_partitions_by_the_hash_of_an_enum_are_refused_and_the_other_engine_moves_them(sides: Sides) -> None:
    sides.source.run(
        "create type f as enum ('a', 'b', 'c', 'd'); create table p (v f, n int) partition by hash (v);"
        " create table p0 partition of p for values with (modulus 2, remainder 0);"
        " create table p1 partition of p for values with (modulus 2, remainder 1);"
        " insert into p select (array['a', 'b', 'c', 'd'])[n % 4 + 1]::f, n from generate_series(1, 40) n"
    )

    assert "public.p is partitioned by the hash of an enum" in str(refusal(sides.migrate))

    sides.migrate(engine="dump", verify="none")
    assert sides.target.query("select count(*), sum(n) from p") == [(40, 820)]


@pytest.mark.full
@pytest.mark.parametrize("program", ["pg_dump", "pg_restore"])
def test_large_objects_that_do_not_arrive_fail_the_run(sides: Sides, program: str) -> None:
    sides.source.run(
        "create table t (a int primary key); insert into t select generate_series(1, 100);"
        " select lo_from_bytea(0, decode(repeat('ab', 2000000), 'hex')) from generate_series(1, 20)"
    )
    child = sides.start()
    found = wait_until(lambda: large_object_clients(child, program) or child.poll() is not None, program)
    assert child.poll() is None
    signal_all(found, signal.SIGKILL)
    _out, problem = child.communicate(timeout=200)

    assert child.returncode != 0
    assert "moving the large objects failed" in problem
    assert program in problem
    assert sides.migrate(verify="hash")["resumed"]
    assert sides.verify()["differences"] == []


def clients(child: subprocess.Popen, sides: Sides, side: str) -> list[int]:
    """Return the psql processes of the workers on one side."""
    port = f"PGPORT={getattr(sides, side).server.port}".encode()
    return [pid for pid, name, words in told(child) if name == "psql" and port in words and ours(words)]


def large_object_clients(child: subprocess.Popen, program: str) -> list[int]:
    return [pid for pid, name, words in told(child) if name == program and ours(words).endswith(b":lo")]


def ours(words: list[bytes]) -> bytes:
    return next((word for word in words if word.startswith(b"PGAPPNAME=ansible_migrate:")), b"")


def told(child: subprocess.Popen) -> Iterator[tuple[int, str, list[bytes]]]:
    """Yield number, program and environment of what runs under the run, as far as it has not ended meanwhile."""
    for pid in family(child.pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            yield pid, Path(f"/proc/{pid}/comm").read_text().strip(), words


@pytest.mark.full
def test_a_table_that_does_not_move_ends_the_run(bulk: Sides) -> None:
    child = bulk.start(stall_timeout=3)
    wait_until(lambda: pids(bulk, "target", COPYING), "the copying")
    for pid in clients(child, bulk, "source"):
        os.kill(pid, signal.SIGSTOP)
    _out, problem = child.communicate(timeout=200)

    assert child.returncode != 0
    assert "public.gross does not move" in problem
    assert rows_of(bulk) == 0


@pytest.mark.full
def test_the_source_cannot_be_truncated_under_a_run(bulk: Sides) -> None:
    with gate(bulk) as come:
        child = bulk.start()
        come()
        with bulk.source.connect() as other:
            other.execute("set lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("truncate gross, klein")

    out, problem = child.communicate(timeout=200)
    assert child.returncode == 0, problem
    assert '"changed": true' in out


def test_a_table_truncated_before_it_could_be_locked_is_noticed(small: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = copysql.lock_sql

    def late(idents: list[str], seconds: int) -> str:
        small.source.run("truncate fahrt")
        return honest(idents, seconds)

    monkeypatch.setattr(copysql, "lock_sql", late)

    assert "public.fahrt on the source was truncated or rewritten" in str(refusal(small.migrate))


@pytest.mark.full
def test_the_snapshot_is_free_while_indexes_are_built(bulk: Sides) -> None:
    child = bulk.start(jobs="1")
    held = "select pid from pg_stat_activity where datname = current_database() and backend_xmin is not null" \
           " and pid <> pg_backend_pid()"  # fmt: skip
    wait_until(lambda: pids(bulk, "target", INDEXING), "an index")

    assert pids(bulk, "source", held) == []
    assert pids(bulk, "target", INDEXING), "the indexes were ready before the source was looked at"
    _out, problem = child.communicate(timeout=200)
    assert child.returncode == 0, problem


@pytest.mark.full
def test_a_watcher_can_read_on_the_target_how_far_the_run_is(bulk: Sides) -> None:
    worker = "select application_name from pg_stat_activity where query ~* '^copy +public.gross'"
    with gate(bulk) as come:
        child = bulk.start(jobs="1")
        come()
        phase = bulk.target.query("select state, report ->> 'phase' from ansible_migrate.run")
        planned = bulk.target.query(
            "select ident, state, bytes > 0 from ansible_migrate.item where kind = 'table data'"
        )
        (run_id,) = bulk.target.query("select run_id::text from ansible_migrate.run")[0]
        named = bulk.target.query(worker, admin=True)

    assert phase == [("running", "rows")]
    assert sorted(planned) == [("public.gross", "planned", True), ("public.klein", "planned", True)]
    assert named == [(f"ansible_migrate:{run_id}:0",)]
    _out, problem = child.communicate(timeout=200)
    assert child.returncode == 0, problem
    marks = "select ident, state, rows from ansible_migrate.item where kind = 'table data' order by 1"
    assert bulk.target.query(marks) == [("public.gross", "done", 250_000), ("public.klein", "done", 1000)]


def test_finished_tables_stay_when_the_source_is_proved_unchanged(bulk: Sides) -> None:
    under = crash(bulk, "indexes")
    wait_until(lambda: not alive(under), "the end of every process of the killed run")
    file = bulk.target.query("select pg_relation_filenode('gross')")

    again = bulk.migrate(verify="hash")

    assert again["kept"]["tables"] >= 1
    assert "no transaction of the source has taken a number" in again["kept"]["reason"]
    assert {t["name"]: t["status"] for t in again["tables"]}["public.gross"] == "kept"
    assert bulk.target.query("select pg_relation_filenode('gross')") == file
    assert bulk.verify()["differences"] == []
    assert not bulk.migrate()["changed"]


@pytest.mark.full
def test_everything_is_copied_again_when_the_source_was_written_to(bulk: Sides) -> None:
    under = crash(bulk, "indexes")
    wait_until(lambda: not alive(under), "the end of every process of the killed run")
    bulk.source.run("update klein set gross = 5 where id = 1")

    again = bulk.migrate()

    assert again["kept"] == {
        "tables": 0, "parts": 0, "reason": "the source cannot be proved to be unchanged since the interrupted run"
    }  # fmt: skip
    assert bulk.verify()["differences"] == []


@pytest.mark.full
def test_rows_that_were_lost_from_a_kept_table_are_noticed_and_copied_again(bulk: Sides) -> None:
    under = crash(bulk, "indexes")
    wait_until(lambda: not alive(under), "the end of every process of the killed run")
    bulk.target.run("delete from gross where id = 7")

    error = str(refusal(bulk.migrate))
    assert "public.gross has 250000 rows on the source, 249999 on the target" in error

    bulk.migrate()
    assert bulk.verify()["differences"] == []


def killed_with_one_part_there(bulk: Sides) -> None:
    child = bulk.start(split_over="4MB", jobs="2")
    part = "select 1 from ansible_migrate.item where state = 'part'"

    def one_part() -> object:
        try:
            return bulk.target.query(part, admin=True) or child.poll() is not None
        except psycopg.errors.UndefinedTable:
            return None

    wait_until(one_part, "the first part")
    under = kill(child)
    wait_until(lambda: not alive(under), "the end of every process of the killed run")


@pytest.mark.full
@pytest.mark.parametrize("jobs", ["2", "3"])
def test_a_split_table_is_taken_up_part_by_part_or_emptied_when_it_is_split_otherwise(bulk: Sides, jobs: str) -> None:
    killed_with_one_part_there(bulk)

    again = bulk.migrate(split_over="4MB", jobs=jobs)

    assert again["resumed"]
    assert again["kept"]["parts"] in ((1, 2) if jobs == "2" else (0,)), again["kept"]
    (gross,) = [t for t in again["tables"] if t["name"] == "public.gross"]
    assert (gross["status"], gross["rows_source"], gross["rows_target"]) == ("copied", 250_000, 250_000)
    assert bulk.target.query("select count(*), count(distinct id), min(id), max(id) from gross") == [
        (250_000, 250_000, 1, 250_000)
    ]
    assert bulk.verify("hash")["differences"] == []


@pytest.mark.full
@pytest.mark.parametrize("marked", [True, False])
def test_rows_of_parts_that_were_not_taken_back_are_noticed(
    bulk: Sides, monkeypatch: pytest.MonkeyPatch, marked: bool
) -> None:
    # No key shall find them before the gate does.
    bulk.source.run("alter table gross drop constraint gross_pkey cascade")
    killed_with_one_part_there(bulk)
    if not marked:
        bulk.target.query("delete from ansible_migrate.item where state = 'part' returning 1", admin=True)
    honest = copysql.empty_sql
    monkeypatch.setattr(copysql, "empty_sql", lambda run_id, _idents, kept: honest(run_id, [], kept))

    assert "public.gross has 250000 rows on the source, " in str(
        refusal(lambda: bulk.migrate(split_over="4MB", jobs="3"))
    )

    monkeypatch.undo()
    assert bulk.migrate(split_over="4MB", jobs="3")["kept"]["parts"] == 0
    assert bulk.verify("hash")["differences"] == []
