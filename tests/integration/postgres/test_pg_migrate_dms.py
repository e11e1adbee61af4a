"""method=dms between two real servers: the halves of pg_migrate around a load that the test makes itself."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.external import migrate_by_dms
from pg_sides import SMALL, Side, Sides, refusal, state_of

TABLES = SMALL.replace("select lo_from_bytea(77001, 'vorher');", "")


def half(sides: Sides, section: str, check_mode: bool = False, **changes: object) -> dict:
    params = sides.params(method="dms", section=section, **changes)
    return migrate_by_dms(copy.deepcopy(params), check_mode)


def load(sides: Sides, told: dict) -> None:
    """Do what DMS does with the mappings: empty each table and fill it, outside of any common snapshot."""
    for rule in json.loads(told["table_mappings"])["rules"]:
        if rule["rule-type"] == "selection":
            where = rule["object-locator"]
            name = f'"{where["schema-name"]}"."{where["table-name"]}"'.replace("[_]", "_")
            fill(sides.source, sides.target, name)


def fill(source: Side, target: Side, name: str) -> None:
    with source.connect() as reader, target.connect() as writer:
        writer.execute(f"truncate {name}")
        with (
            reader.cursor().copy(f"copy {name} to stdout") as rows,
            writer.cursor().copy(f"copy {name} from stdin") as into,
        ):
            for chunk in rows:
                into.write(chunk)


@pytest.fixture
def plain(sides: Sides) -> Sides:
    sides.source.run(TABLES)
    return sides


def test_the_halves_make_a_whole_and_a_finished_one_is_left_alone(plain: Sides) -> None:
    foreseen = half(plain, "pre-data", check_mode=True)
    made = half(plain, "pre-data")
    again = half(plain, "pre-data")
    present = plain.target.query("select contype, count(*) from pg_constraint where conrelid in ('konto'::regclass,"
                                 " 'fahrt'::regclass) group by 1 order by 1")  # fmt: skip
    load(plain, made["dms"])
    done = half(plain, "post-data")

    assert foreseen["changed"]
    assert foreseen["dms"]["awaits_rows"]
    assert (made["changed"], again["changed"]) == (True, False)
    assert made["dms"]["load_id"] == again["dms"]["load_id"] != ""
    assert present == [("c", 1), ("p", 2)], "neither unique nor foreign keys before the rows"
    assert (done["changed"], done["dms"]["awaits_rows"], done["verify"]["status"]) == (True, False, "passed")
    assert {(t["name"], t["rows_target"]) for t in done["tables"]} == {("public.konto", 50), ("public.fahrt", 50)}
    assert plain.verify()["differences"] == []
    assert plain.target.query("select nextval('fahrt_id_seq')") == [(51,)]
    for section in ("pre-data", "post-data"):
        last = half(plain, section)
        assert (last["changed"], last["dms"]["awaits_rows"]) == (False, False)


@pytest.mark.full
def test_rows_that_are_missing_are_found_and_the_next_run_asks_for_another_load(plain: Sides) -> None:
    made = half(plain, "pre-data")
    load(plain, made["dms"])
    plain.target.run("delete from fahrt where id = 7")

    error = refusal(lambda: half(plain, "post-data"))
    early = refusal(lambda: half(plain, "post-data"))
    anew = half(plain, "pre-data")
    load(plain, anew["dms"])
    half(plain, "post-data")

    assert "public.fahrt has 50 rows on the source, 49 on the target" in str(error)
    assert "stop what writes to the source" in str(error)
    assert "awaits no rows of AWS DMS" in str(early)
    assert anew["dms"]["load_id"] != made["dms"]["load_id"]
    assert plain.verify()["differences"] == []


def test_another_method_takes_over_what_awaits_rows(plain: Sides) -> None:
    half(plain, "pre-data")

    assert plain.migrate()["resumed"]
    assert plain.verify()["differences"] == []


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("create table notiz (text text)", "public.notiz: LOB columns (text) are not moved without a primary key"),
        ("create table lage (wort text primary key)", "public.lage: wort is a LOB to DMS"),
        ("create table zeit (id int primary key, t timetz)", "public.zeit.t: DMS does not list the type timetz"),
        ('create table "Konto" (id int primary key)', "names that differ in case only"),
        ('create table "100%" (id int primary key)', "which table mappings read as wildcards"),
        ("create table erbe () inherits (fahrt)", "public.fahrt: DMS would read the rows of the tables that inherit"),
        ("create unique index u on fahrt (coalesce(konto, 0))", "unique index with coalesce (u)"),
        ("create table lose (id int primary key deferrable)", "its primary key is DEFERRABLE"),
        ("select lo_from_bytea(77001, 'vorher')", "1 large objects: DMS does not move them"),
    ],
)  # fmt: skip
def test_what_dms_would_lose_is_refused_before_the_first_write(plain: Sides, sql: str, told: str) -> None:
    plain.source.run(sql)
    before = state_of(plain.target)

    error = refusal(lambda: half(plain, "pre-data"))

    assert told in str(error)
    assert "cannot migrate, nothing was touched" in str(error)
    assert "use migration_method=copy" in str(error)
    assert state_of(plain.target) == before


def test_the_settings_fit_the_largest_lob(plain: Sides) -> None:
    plain.source.run(
        "create domain brief as text; create table post (id int primary key, inhalt brief not null, bild bytea,"
        " lang int generated always as (id * 2) stored, tags text[]);"
        "insert into post (id, inhalt, bild) values (1, repeat('ä', 3000), decode(repeat('00', 5000), 'hex'))"
    )

    made = half(plain, "pre-data")["dms"]

    settings = json.loads(made["replication_settings"])["TargetMetadata"]
    assert (settings["LimitedSizeLobMode"], settings["FullLobMode"], settings["LobMaxSize"]) == (True, False, 12)
    removed = [
        rule["object-locator"]["column-name"]
        for rule in json.loads(made["table_mappings"])["rules"]
        if rule["rule-type"] == "transformation"
    ]
    assert removed == ["lang"]
