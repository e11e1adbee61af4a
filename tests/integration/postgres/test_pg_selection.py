"""Moves of a part of a database: what is chosen arrives whole, what is not is named, what would break is refused."""

from __future__ import annotations

import pytest
from pg_sides import Side, Sides, kill, refusal, state_of, wait_until, writes_of

SHOP = """
create schema "Alt ""bestand"" 2";
create extension citext schema public;
create type zustand as enum ('offen', 'bezahlt');
create table kunde (id int generated always as identity primary key, name citext);
insert into kunde (name) select 'K' || n from generate_series(1, 20) n;
create table bestellung (id serial primary key, kunde int not null, zustand zustand default 'offen',
  constraint von_kunde foreign key (kunde) references kunde);
insert into bestellung (kunde) select n from generate_series(1, 20) n;
create table "Alt ""bestand"" 2"."Rest.e *" (id int primary key, vater int references "Alt ""bestand"" 2"."Rest.e *");
insert into "Alt ""bestand"" 2"."Rest.e *" values (1, null), (2, 1);
create table protokoll (wann timestamptz, was text) partition by range (wann);
create table protokoll_2025 partition of protokoll for values from ('2025-01-01') to ('2026-01-01');
create table protokoll_2026 partition of protokoll for values from ('2026-01-01') to ('2027-01-01');
create index on protokoll (was);
insert into protokoll values ('2025-05-05', 'alt'), ('2026-05-05', 'neu');
create view offene as select * from bestellung where zustand = 'offen';
create materialized view je_tag as select wann::date, count(*) from protokoll group by 1;
create function alle() returns setof bestellung language sql as 'select * from bestellung';
comment on table kunde is 'wer kauft'; comment on table bestellung is 'was';
comment on column "Alt ""bestand"" 2"."Rest.e *".id is 'eine';
create policy eigene on bestellung using (true); alter table bestellung enable row level security;
select lo_from_bytea(4711, 'x');
"""
OLD = '"Alt ""bestand"" 2"'
WITHOUT_OLD = {"schemas": {"exclude": [OLD]}, "tables": {"exclude": ["public.protokoll_2025"]}}
# Orders stay behind, and what cannot do without them.
WITHOUT_ORDERS = {"tables": {"exclude": ["public.bestellung"]}, "dependents": "leave_out"}


@pytest.fixture
def shop(sides: Sides) -> Sides:
    sides.source.run(SHOP)
    return sides


def names(side: Side) -> set[str]:
    rows = side.query(
        "select format('%I.%I', nspname, relname) from pg_class c join pg_namespace n on n.oid = relnamespace"
        " where relkind in ('r', 'p', 'v', 'm') and nspname !~ '^(pg_|information_schema|ansible_migrate)'"
    )
    return {row[0] for row in rows}


def left_out(result: dict) -> dict[str, str]:
    return {entry["object"]: entry["reason"] for entry in result["not_moved"]}


@pytest.mark.parametrize("engine", ["copy", pytest.param("dump", marks=pytest.mark.full)])
def test_a_schema_and_a_partition_stay_behind(shop: Sides, engine: str) -> None:
    before = state_of(shop.source)

    moved = shop.migrate(engine=engine, verify="hash", **WITHOUT_OLD)

    assert names(shop.target) == names(shop.source) - {f'{OLD}."Rest.e *"', "public.protokoll_2025"}
    assert left_out(moved)[f"schema {OLD}"] == "schemas.exclude names it"
    assert left_out(moved)[f'table {OLD}."Rest.e *"'] == "schemas.exclude names its schema"
    assert left_out(moved)["table public.protokoll_2025"] == "tables.exclude names it"
    assert shop.verify(**WITHOUT_OLD)["differences"] == []
    # It cannot hold the source's rows, since it was filled from fewer.
    assert shop.target.query("select wann::text from je_tag") == [("2026-05-05",)]
    assert "rows of materialized view public.je_tag" in left_out(moved)
    assert state_of(shop.source) == before


def test_the_same_selection_proves_it_and_none_names_what_is_missing(shop: Sides) -> None:
    wish = {"schemas": {"include": ["pub*"]}}
    broken = str(refusal(lambda: shop.migrate(**wish, tables={"exclude": ["public.kunde"]})))
    assert "constraint von_kunde on public.bestellung needs table public.kunde, which is left out" in broken

    moved = shop.migrate(**wish)

    assert shop.verify(**wish)["differences"] == []
    error = refusal(shop.verify)
    assert f'table {OLD}."Rest.e *" is missing on the target' in error.result["differences"]
    assert f"schema {OLD} is missing on the target" in error.result["differences"]
    assert moved["plan"]["selection"] == {"schemas": {"include": ["pub*"]}}


@pytest.mark.full
def test_another_selection_on_a_finished_target_is_refused_with_the_difference(shop: Sides) -> None:
    shop.migrate(**WITHOUT_OLD)
    state, writes = state_of(shop.target), writes_of(shop.target)

    assert shop.migrate(**WITHOUT_OLD)["changed"] is False
    error = str(refusal(lambda: shop.migrate(schemas={"exclude": [OLD]})))
    assert "tables was {'exclude': ['public.protokoll_2025']}, now it is not given" in error
    assert "schemas" not in error.split("); ")[1]
    assert "large_objects was True, now it is False" in str(
        refusal(lambda: shop.migrate(**WITHOUT_OLD, large_objects=False))
    )
    assert (state_of(shop.target), writes_of(shop.target)) == (state, writes)


BREAKS = [
    ({"tables": {"exclude": ["public.kunde"]}},
     ["constraint von_kunde on public.bestellung needs table public.kunde, which is left out"]),
    ({"tables": {"exclude": ["public.bestellung"]}},
     ["view public.offene needs table public.bestellung", "function public.alle() needs table public.bestellung"]),
    ({"tables": {"exclude": ["public.protokoll"]}}, ["table public.protokoll_2025 needs table public.protokoll"]),
    ({"tables": {"exclude_data": ["public.kunde"]}},
     ["constraint von_kunde on public.bestellung needs the rows of table public.kunde, which are left out"]),
    ({"tables": {"include": ["public.nichts*", "public.kunde"]}}, ["tables.include names public.nichts*"]),
    ({"schemas": {"exclude": ["alt"]}}, ["schemas.exclude names alt"]),
    ({"tables": {"exclude": ["kunde"]}}, ["tables.exclude names 'kunde': write schema.table"]),
    ({"extensions": {"mode": "skip"}}, ["needs the extension citext, which is skipped"]),
    ({"extensions": {"map": {"citext": {"schema": "ext"}}}},
     ["table public.kunde needs extension citext in the schema that it has on the source"]),
    ({"extensions": {"map": {"citext": {"version": "0.1"}}}}, ["extension citext 0.1 is asked of the target"]),
    ({"extensions": {"exclude": ["hstore"]}}, ["extensions.exclude names hstore"]),
]  # fmt: skip


@pytest.mark.full
def test_what_would_break_is_refused_before_the_first_write(shop: Sides) -> None:
    before = (state_of(shop.target), writes_of(shop.target))

    for wish, said in BREAKS:
        error = str(refusal(lambda wish=wish: shop.migrate(**wish)))
        assert [text for text in said if text not in error] == [], wish

    assert (state_of(shop.target), writes_of(shop.target)) == before


@pytest.mark.full
def test_dependents_may_stay_behind_too(shop: Sides) -> None:
    moved = shop.migrate(**WITHOUT_ORDERS)

    assert shop.verify(**WITHOUT_ORDERS)["differences"] == []
    assert {
        name: reason for name, reason in left_out(moved).items() if name.split(" ")[0] in ("table", "view", "function")
    } == {
        "table public.bestellung": "tables.exclude names it",
        "view public.offene": "it needs table public.bestellung, which is left out",
        "function public.alle()": "it needs table public.bestellung, which is left out",
    }


@pytest.mark.full
@pytest.mark.parametrize("engine", ["copy", "dump"])
def test_tables_move_without_their_rows(shop: Sides, engine: str) -> None:
    wish = {"tables": {"exclude_data": ["public.protokoll", f'{OLD}."Rest.e *"']}, "comments": False,
            "large_objects": False}  # fmt: skip

    moved = shop.migrate(engine=engine, verify="hash", **wish)

    assert names(shop.target) == names(shop.source)
    assert {table["name"] for table in moved["tables"]} == {"public.kunde", "public.bestellung"}
    assert shop.target.query(f'select count(*) from protokoll union all select count(*) from {OLD}."Rest.e *"') == [
        (0,), (0,)
    ]  # fmt: skip
    assert shop.target.query("select count(*) from pg_largeobject_metadata") == [(0,)]
    assert shop.target.query("select obj_description('kunde'::regclass)") == [(None,)]
    assert left_out(moved)["rows of table public.protokoll_2026"].startswith("it is a partition of public.protokoll")
    assert {"comments", "large objects"} <= set(left_out(moved))
    assert shop.verify(**wish)["differences"] == []
    assert len(refusal(shop.verify).result["differences"]) > 3


@pytest.mark.full
def test_a_name_with_an_asterisk_in_quotes_is_just_that(shop: Sides) -> None:
    wish = {"tables": {"include": ["public.*", f'{OLD}."Rest.e *"'], "exclude": ["public.prot*_2*", "public.je_tag"]}}

    moved = shop.migrate(**wish)

    assert names(shop.target) == names(shop.source) - {
        "public.protokoll_2025", "public.protokoll_2026", "public.je_tag"
    }  # fmt: skip
    assert left_out(moved)["table public.protokoll_2026"] == "tables.exclude names it"
    assert shop.verify(**wish)["differences"] == []


@pytest.mark.full
def test_a_table_that_nobody_may_read_can_be_left_out(shop: Sides) -> None:
    with shop.source.connect(admin=True) as admin:
        admin.execute("drop role if exists leser; create role leser login password 'leser-canary-1'")
        admin.execute("grant usage on schema public to leser; grant select on all tables in schema public to leser;"
                      "grant select on all sequences in schema public to leser")  # fmt: skip
    reader = {"user": "leser", "password": "leser-canary-1"}
    wish = {"schemas": {"exclude": [OLD]}, "large_objects": False}
    try:
        assert "may not read on the source" in str(refusal(lambda: shop.migrate(source=reader)))
        # Row security would hide rows from that role.
        shop.source.run("alter table bestellung disable row level security")
        moved = shop.migrate(source=reader, **wish)
    finally:
        with shop.source.connect(admin=True) as admin:
            admin.execute("drop owned by leser; drop role leser")

    assert moved["changed"]
    assert shop.verify(**wish)["differences"] == []


@pytest.mark.full
def test_extensions_are_skipped_when_the_target_has_them(shop: Sides) -> None:
    wish = {"extensions": {"mode": "skip"}}
    made = shop.migrate(extensions={"mode": "only"})
    again = shop.migrate(extensions={"mode": "only"})

    moved = shop.migrate(**wish)

    assert (made["changed"], again["changed"], made["tables"]) == (True, False, [])
    assert left_out(moved)["extension citext"] == "extensions.mode is skip"
    assert shop.verify(**wish)["differences"] == []
    assert shop.verify()["differences"] == []


@pytest.mark.full
def test_an_extension_comes_in_another_version_and_schema(sides: Sides) -> None:
    sides.source.run("create extension pg_trgm; create extension citext; create table t (n int, name citext)")
    wish = {"extensions": {"map": {"pg_trgm": {"schema": "Er weitert"}, "citext": {"version": "1.4"}}}}

    sides.migrate(**wish)

    assert sides.target.query(
        "select extname, extversion, extnamespace::regnamespace::text from pg_extension where extname <> 'plpgsql'"
        " order by extname"
    ) == [("citext", "1.4", "public"), ("pg_trgm", "1.6", '"Er weitert"')]
    assert sides.verify(**wish)["differences"] == []
    assert refusal(sides.verify).result["differences"] == ['schema "Er weitert" is only on the target',
                                                           "extension pg_trgm is in schema public on the source, "
                                                           "Er weitert on the target"]  # fmt: skip


@pytest.mark.full
def test_check_mode_shows_the_selection_and_writes_nothing(shop: Sides) -> None:
    before = [(state_of(side), writes_of(side)) for side in (shop.source, shop.target)]

    foreseen = shop.migrate(check_mode=True, **WITHOUT_OLD)

    assert [(state_of(side), writes_of(side)) for side in (shop.source, shop.target)] == before
    assert "protokoll_2025" not in foreseen["diff"]["after"]
    assert "table public.protokoll_2026\n" in foreseen["diff"]["after"]
    assert "table public.protokoll_2025" in left_out(foreseen)


@pytest.mark.full
def test_a_killed_run_is_resumed_with_its_selection_only(bulk: Sides) -> None:
    wish = {"tables": {"exclude_data": ["public.klein"]}}
    child = bulk.start(**wish)
    wait_until(
        lambda: bulk.target.query("select to_regclass('ansible_migrate.item') is not null and to_regclass('gross')"
                                  " is not null")[0][0], "the schema", 60,
    )  # fmt: skip
    kill(child)

    error = str(refusal(bulk.migrate))
    assert "was begun by another migration" in error
    assert "tables was {'exclude_data': ['public.klein']}, now it is not given" in error
    assert bulk.migrate(**wish)["resumed"]
    assert bulk.verify(**wish)["differences"] == []
    assert bulk.target.query("select count(*) from klein") == [(0,)]
