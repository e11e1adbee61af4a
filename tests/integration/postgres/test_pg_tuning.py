"""The options that tune a move, on real servers."""

from __future__ import annotations

import pytest
from pg_sides import SMALL, Sides, alive, kill, refusal, state_of, wait_until

CYCLE = """
create table "Häfen" (id int primary key, heimat int);
create table "Boote ""an"" Land" (id int primary key, hafen int constraint "liegt in" references "Häfen"
  on delete cascade deferrable initially deferred);
alter table "Häfen" add constraint zurueck foreign key (heimat) references "Boote ""an"" Land" (id);
comment on constraint "liegt in" on "Boote ""an"" Land" is 'bleibt';
insert into "Häfen" values (1, null); insert into "Boote ""an"" Land" values (1, 1); update "Häfen" set heimat = 1;
create table teil (id int, hafen int references "Häfen") partition by range (id);
create table teil_1 partition of teil for values from (0) to (10);
alter table teil add primary key (id);
create table auf_teil (teil int references teil);
insert into teil values (1, 1); insert into auf_teil values (1);
"""
VALID = "select conname from pg_constraint where contype = 'f' and not convalidated order by 1"


@pytest.mark.parametrize("engine", ["copy", pytest.param("dump", marks=pytest.mark.full)])
def test_foreign_keys_that_are_validated_later(sides: Sides, engine: str) -> None:
    sides.source.run(SMALL)
    sides.source.run(CYCLE)
    late = {"engine": engine, "foreign_keys": "not_valid", "index_jobs": "3", "synchronous_commit": True}

    moved = sides.migrate(**late)

    told = {entry["object"]: entry["reason"] for entry in moved["not_moved"]}
    names = {f"foreign key {ident}" for ident in (
        'zurueck on public."Häfen"', '"liegt in" on public."Boote ""an"" Land"', "fahrt_konto_fkey on public.fahrt",
    )}  # fmt: skip
    assert names <= told.keys()
    assert sides.target.query(VALID) == [("fahrt_konto_fkey",), ("liegt in",), ("zurueck",)]
    # It is there, with its comment, and holds for what is written now.
    assert "bleibt" in str(sides.target.query("select obj_description(oid, 'pg_constraint') from pg_constraint"))
    with pytest.raises(Exception, match="fahrt_konto_fkey"):
        sides.target.run("insert into fahrt (id, konto, km) values (4711, 4711, 1)")
    # Nobody passes over it in silence: not the next run, nor the comparison.
    assert {entry["object"] for entry in sides.migrate()["not_moved"]} >= names
    failed = refusal(sides.verify)
    assert len(failed.result["differences"]) == 3, failed
    allowed = sides.verify(foreign_keys="not_valid")
    assert [text for text in allowed["remarks"] if "VALIDATE CONSTRAINT" in text]

    for name in names:
        sides.target.run(told[name].split("on the target: ")[1])

    assert sides.verify()["differences"] == []
    assert not names & {entry["object"] for entry in sides.migrate()["not_moved"]}


def test_binary_form_or_nothing(sides: Sides) -> None:
    sides.source.run(SMALL + "create table zettel (id int primary key, inhalt xml); create table lage (a regclass);")
    before = state_of(sides.target)

    error = str(refusal(lambda: sides.migrate(format="binary")))

    assert "public.zettel (column inhalt: type xml" in error
    assert "public.lage (column a: type regclass" in error
    assert "konto" not in error
    assert state_of(sides.target) == before
    sides.source.run("drop table zettel; drop table lage")
    assert {table["format"] for table in sides.migrate(format="binary")["tables"]} == {"binary"}


@pytest.mark.full
def test_the_rate_is_kept_by_rows_and_large_objects_together(sides: Sides) -> None:
    """Twelve million bytes at two million a second; what is on its way when it ends makes the difference."""
    sides.source.run(
        "create table a (t text); insert into a select repeat(md5(n::text), 30) from generate_series(1, 4500) n;"
        "create table b (t text); insert into b select repeat(md5(n::text), 30) from generate_series(1, 4500) n;"
        "alter table a alter t set storage plain"
    )
    with sides.source.connect() as writer:
        for _number in range(4):
            writer.execute("select lo_from_bytea(0, decode(repeat(md5(random()::text), 50000), 'hex'))")
    sent = 2 * 4500 * (30 * 32 + 2 + 4) + 4 * 50000 * 16

    moved = sides.migrate(max_rate=2.0, timeout=300, jobs="2")

    copies = [span for span in moved["timeline"] if span["kind"] == "copy"]
    seconds = moved["timings"]["restore"]
    assert sent / seconds / 1e6 <= 2.0 * 1.15, (sent, seconds, copies)
    assert sides.verify()["differences"] == []


@pytest.mark.full
def test_a_run_that_is_held_back_ends_at_once_when_it_is_killed(bulk: Sides) -> None:
    child = bulk.start(max_rate=0.5, jobs="2")
    busy = "select 1 from pg_stat_progress_copy"
    wait_until(lambda: bulk.target.query(busy, admin=True) or child.poll() is not None, "the first rows", 60)
    assert child.poll() is None, child.stderr.read()
    under = kill(child)

    wait_until(lambda: not alive(under), "the end of every process of the killed run", 20)
    assert bulk.migrate(verify="hash")["resumed"]
