"""What the comparison tells beyond yes and no: rows by key, samples, owners, privileges, versions."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import parts
from pg_sides import MASTER, Sides, refusal, state_of, writes_of

# Rows that only a strict comparison tells apart: values that PostgreSQL calls equal and that are not the same.
LOOKALIKES = """
create extension citext;
create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create type farbe as enum ('rot', 'blau');
create table t (id int primary key, n numeric, m numeric(9, 2), f float8, i interval, c citext, a int[], j jsonb,
  b text collate blind, e farbe, x text);
insert into t select n, 1.0, 1, 0, '1 day', 'a', '{1,2}', '{"n": 1.0}', 'a', 'rot', 'x' from generate_series(1, 9) n;
"""
CHANGES = {
    "n = 1.00": 1, "f = '-0'": 2, "i = '24 hours'": 3, "c = 'A'": 4, "a = '[0:1]={1,2}'": 5, "j = '{\"n\": 1.00}'": 6,
    "b = 'A'": 7, "e = 'blau'": 8,
}  # fmt: skip
LARGE = """
create table zahl (id int primary key, v int not null, w int not null);
insert into zahl select n, n * 2, n % 7 from generate_series(-20000, 20000) n where n % 3 <> 0;
create table wort (a text, b int, v text, primary key (b, a));
insert into wort select 'ä''"' || n || chr(10), n % 5, md5(n::text) from generate_series(1, 20000) n;
create table lose (v int);
insert into lose select generate_series(1, 3000);
"""


@pytest.fixture
def large(sides: Sides) -> Sides:
    sides.source.run(LARGE)
    sides.migrate()
    return sides


def entry(result: dict, name: str) -> dict:
    return next(table for table in result["tables"] if table["name"] == name)


def test_values_that_are_equal_but_not_the_same_are_found_and_named(sides: Sides) -> None:
    with sides.source.connect() as source:
        source.execute(LOOKALIKES)
    sides.migrate()
    assert sides.verify(keys=20)["differences"] == []
    for change, key in CHANGES.items():
        sides.target.run(f"update t set {change} where id = {key}")
    # Exchanged between two rows: the sum over each column is what it was.
    sides.source.run("update t set x = 'eins' where id = 8; update t set x = 'neun' where id = 9")
    sides.target.run("update t set x = 'neun' where id = 8; update t set x = 'eins' where id = 9")

    found = entry(refusal(lambda: sides.verify(keys=20)).result, "public.t")

    assert found["hash_equal"] is False
    assert [row["key"]["id"] for row in found["keys"]] == [str(n) for n in range(1, 10)]
    assert {row["difference"] for row in found["keys"]} == {"has other contents"}


def test_differing_rows_are_named_by_key(large: Sides) -> None:
    large.target.run("update zahl set w = -1 where id = -19999; delete from zahl where id = 19999")
    large.target.run("insert into zahl values (0, 0, 0); insert into zahl values (2000000000, 1, 1)")
    large.target.run("update wort set v = '' where a like '%\"777_' || chr(10); update lose set v = 0 where v = 5")

    error = refusal(lambda: large.verify(keys=7))

    assert entry(error.result, "public.zahl")["keys"] == [
        {"key": {"id": "-19999"}, "difference": "has other contents"},
        {"key": {"id": "0"}, "difference": "is only on the target"},
        {"key": {"id": "19999"}, "difference": "is missing on the target"},
        {"key": {"id": "2000000000"}, "difference": "is only on the target"},
    ]
    words = entry(error.result, "public.wort")
    assert len({row["key"]["a"] for row in words["keys"]} & {f"ä'\"777{n}\n" for n in range(10)}) == 7
    assert words["keys_remark"] == "there are more than the 7 that were asked for"
    assert entry(error.result, "public.lose")["keys_remark"].startswith("without a primary key")
    assert any("id=19999 is missing on the target" in line for line in error.result["differences"])


def test_a_sample_is_never_called_equal(large: Sides) -> None:
    before = [(state_of(side), writes_of(side)) for side in (large.source, large.target)]

    result = large.verify("sample", sample_rows=2000)

    assert result["differences"] == []
    for name in ("public.zahl", "public.wort"):
        table = entry(result, name)
        assert (table["hash_equal"], table["checked"]) == (None, "sample")
        assert 1000 < table["rows_compared"] < table["rows_source"]
        told = f"the contents of {table['rows_compared']} of its {table['rows_source']} rows were compared"
        assert any(line.startswith(f"{name}: {told}") for line in result["remarks"])
    assert (entry(result, "public.lose")["checked"], entry(result, "public.lose")["hash_equal"]) == ("counts", None)
    assert any("public.lose: its rows were only counted" in line for line in result["remarks"])
    assert [(state_of(side), writes_of(side)) for side in (large.source, large.target)] == before


def test_a_sample_finds_damage_that_is_spread(large: Sides) -> None:
    large.target.run("update zahl set w = w + 1 where id % 10 = 1")
    # As many rows as before, and one that only the target has in each page.
    large.target.run("update wort set a = a || 'neu' where b = 2")
    large.target.run("delete from lose where v = 7")

    error = refusal(lambda: large.verify("sample", sample_rows=2000))

    assert [line.split(" ")[0] for line in error.result["differences"]] == ["public.wort", "public.zahl", "public.lose"]
    assert entry(error.result, "public.zahl")["hash_equal"] is False
    assert entry(error.result, "public.wort")["hash_equal"] is False


def test_a_table_in_parts_is_the_table(large: Sides) -> None:
    (pages,) = large.source.query("select (pg_relation_size('zahl') / 8192)::int")[0]
    cut = list(parts(pages, 7))
    pieces = large.source.query(" union all ".join(f"select * from (select id from zahl t{where}) s" for where in cut))

    assert len(cut) == 7
    assert sorted(pieces) == sorted(large.source.query("select id from zahl"))


def test_owners_and_privileges_under_a_role_map(small: Sides) -> None:
    small.source.run("create role leser; grant select on konto to leser; grant usage on schema public to leser;"
                     " grant update (stand) on konto to leser; revoke execute on function quadrat from public;"
                     " alter default privileges in schema public grant select on tables to leser")  # fmt: skip
    try:
        small.migrate()
        check = {"owners": True, "acl": True, "role_map": {"*": MASTER, "leser": "reporting"}}
        found = refusal(lambda: small.verify(**check)).result["differences"]
        assert found == [
            "column public.konto.stand: reporting lacks UPDATE on the target",
            f"default privileges tables in schema public made by {MASTER}: reporting lacks SELECT on the target",
            "function public.quadrat(integer): public has, and not on the source, EXECUTE on the target",
            "schema public: reporting lacks USAGE on the target",
            "table public.konto: reporting lacks SELECT on the target",
        ]
        assert small.verify()["differences"] == []
        named = refusal(lambda: small.verify(owners=True)).result["differences"]
        assert f"table public.konto should belong to compose, on the target it belongs to {MASTER}" in named

        with small.target.connect(admin=True) as admin:
            admin.execute("create role reporting")
            admin.execute("grant select on konto to reporting; grant usage on schema public to reporting;"
                          " grant update (stand) on konto to reporting; revoke execute on function quadrat from public;"
                          f" alter default privileges for role {MASTER} in schema public grant select on tables"
                          " to reporting")  # fmt: skip
        assert small.verify(**check)["differences"] == []
    finally:
        for side, role in ((small.source, "leser"), (small.target, "reporting")):
            with side.connect(admin=True) as admin:
                if side.query(f"select from pg_roles where rolname = '{role}'", admin=True):
                    admin.execute(f"drop owned by {role}; drop role {role}")


def test_versions_of_extensions_and_collations(small: Sides) -> None:
    small.source.run("create extension pg_trgm; create schema ext; create extension citext schema ext;"
                     " create collation deutsch (provider = icu, locale = 'de'); create table wort (w text"
                     " collate deutsch)")  # fmt: skip
    small.migrate()
    assert small.verify()["remarks"] == []
    with small.target.connect(admin=True) as admin:
        admin.execute("update pg_extension set extversion = '0.9' where extname = 'pg_trgm'")
        admin.execute("alter extension citext set schema public")
    told = "extension pg_trgm is version 1.6 on the source, 0.9 on the target"

    error = refusal(small.verify)
    strict = refusal(lambda: small.verify(strict=True))

    assert error.result["differences"] == ["extension citext is in schema ext on the source, public on the target"]
    assert error.result["remarks"] == [told]
    assert told in strict.result["differences"]

    with small.target.connect(admin=True) as admin:
        admin.execute("alter extension citext set schema ext; update pg_collation set collversion = '1' where"
                      " collname = 'deutsch'")  # fmt: skip
    error = refusal(small.verify)
    assert [line.split(", now its library")[0] for line in error.result["differences"]] == [
        "on the target collation public.deutsch was recorded with version 1"
    ]


RARE = """
create collation anders (provider = icu, locale = 'de');
create table viel (a text, b text, c int);
create rule nichts as on delete to viel do instead nothing;
create text search dictionary kurz (template = simple, stopwords = german);
create text search configuration suche (copy = simple);
create function ganz(text) returns int language sql immutable as 'select 1';
create type zeichen as enum ('a');
create function zahl_von(zeichen) returns int language sql immutable as 'select 1';
create cast (zeichen as int) with function zahl_von(zeichen);
create operator @@@ (leftarg = int, rightarg = int, function = int4pl);
"""
RARE_DAMAGE = {
    "collation public.anders is (i de) on the source, (i fr) on the target":
        "drop collation anders; create collation anders (provider = icu, locale = 'fr')",
    "rule nichts on public.viel is (": "alter table viel disable rule nichts",
    "text search dictionary public.kurz is (simple stopwords = 'german') on the source, (simple) on the target":
        "drop text search dictionary kurz; create text search dictionary kurz (template = simple)",
    "text search configuration public.suche is (":
        "alter text search configuration suche alter mapping for word with german_stem",
    "cast (public.zeichen AS integer) is (public.zahl_von(public.zeichen) e f) on the source, "
    "(public.zahl_von(public.zeichen) i f)":
        "drop cast (zeichen as int); create cast (zeichen as int) with function zahl_von(zeichen) as implicit",
    "operator public.@@@(integer,integer) is (int4pl":
        "drop operator @@@ (int, int); create operator @@@ (leftarg = int, rightarg = int, function = int4mi)",
    "column public.viel.a is (1 text) on the source, (1 text statistics 500) on the target":
        "alter table viel alter a set statistics 500",
    "column public.viel.b is (2 text) on the source, (2 text compression p) on the target":
        "alter table viel alter b set compression pglz",
    "column public.viel.c is (3 integer) on the source, (3 integer options {n_distinct=5}) on the target":
        "alter table viel alter c set (n_distinct = 5)",
}  # fmt: skip


def test_rare_kinds_of_damage_are_named(sides: Sides) -> None:
    sides.source.run(RARE)
    sides.migrate()
    assert sides.verify()["differences"] == []
    sides.target.run(";".join(RARE_DAMAGE.values()))

    found = refusal(sides.verify).result["differences"]

    assert [words for words in RARE_DAMAGE if not any(line.startswith(words) for line in found)] == []
    assert len(found) == len(RARE_DAMAGE)
