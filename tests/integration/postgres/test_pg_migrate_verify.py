"""Every kind of damage to the target is found and named."""

from __future__ import annotations

import pytest
from pg_sides import Sides, refusal, state_of, writes_of

DAMAGE = {
    "a changed value": ("update konto set stand = 99 where id = 7", "public.konto has other contents"),
    "a deleted row": ("delete from fahrt where id = 7", "public.fahrt has 50 rows on the source, 49 on the target"),
    "an added row": (
        "insert into konto (name) values ('mehr')",
        "public.konto has 50 rows on the source, 51 on the target",
    ),
    "two rows exchanged": (
        "update konto set stand = case id when 1 then 5 else 195 end where id in (1, 2)",
        "public.konto has other contents",
    ),
    "a sequence set back": (
        "select setval('fahrt_id_seq', 3)",
        "sequence public.fahrt_id_seq is at 50 on the source, 3 on the target",
    ),
    "a sequence not handed out": (
        "select setval('fahrt_id_seq', 50, false)",
        "sequence public.fahrt_id_seq is at 50 on the source, 50 (not handed out yet) on the target",
    ),
    "a dropped index": ("drop index fahrt_km", "index public.fahrt_km is missing on the target"),
    "a dropped constraint": (
        "alter table fahrt drop constraint fahrt_konto_fkey",
        "constraint fahrt_konto_fkey on public.fahrt is missing on the target",
    ),
    "an unchecked constraint": (
        "alter table fahrt drop constraint fahrt_km_check, add constraint fahrt_km_check check (km > 0) not valid",
        "constraint fahrt_km_check on public.fahrt is (CHECK ((km > (0)::numeric))) on the source, "
        "(CHECK ((km > (0)::numeric)) NOT VALID) on the target",
    ),
    "another default": ("alter table konto alter stand set default 5", "column public.konto.stand is"),
    "a nullable column": ("alter table konto alter name drop not null", "column public.konto.name is"),
    "an added enum value": ("alter type farbe add value 'grün'", "type public.farbe is"),
    "another function": (
        "create or replace function quadrat(n int) returns int language sql as 'select n'",
        "function public.quadrat(integer) is",
    ),
    "another view": ("create or replace view reich as select * from konto", "view public.reich is"),
    "a missing table": ("drop table fahrt", "table public.fahrt is missing on the target"),
    "an added table": ("create table mehr ()", "table public.mehr is only on the target"),
    "another large object": ("select lo_put(77001, 0, 'nachher')", "large objects has other contents"),
    "a lost large object": ("select lo_unlink(77001)", "large objects has 1 rows on the source, 0 on the target"),
    "an added trigger": (
        "create trigger t before update on konto for each row execute function suppress_redundant_updates_trigger()",
        "trigger t on public.konto is only on the target",
    ),
    "a comment": ("comment on table konto is 'neu'", "comment table public.konto is only on the target"),
}


# Kinds that would hide others when they come together with all of them.
APART = (
    ("an added row", "a sequence not handed out", "a lost large object"),
    ("two rows exchanged", "a missing table"),
)
ROUNDS = (*APART, tuple(kind for kind in DAMAGE if not any(kind in kinds for kinds in APART)))


@pytest.mark.parametrize("kinds", ROUNDS, ids=["counts and a sequence", "rows exchanged and a table", "all others"])
def test_all_damage_is_found_and_named_at_once(small: Sides, kinds: tuple[str, ...]) -> None:
    small.migrate()
    for kind in kinds:
        small.target.run(DAMAGE[kind][0])

    found = refusal(small.verify).result["differences"]

    assert [kind for kind in kinds if not any(DAMAGE[kind][1] in line for line in found)] == []


@pytest.mark.full
@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(small: Sides, kind: str) -> None:
    sql, words = DAMAGE[kind]
    small.migrate()
    small.target.run(sql)

    error = refusal(small.verify)

    assert words in str(error)
    assert any(words in difference for difference in error.result["differences"])


def test_an_invalid_index_on_the_target_is_found(small: Sides) -> None:
    small.migrate()
    with small.target.connect(admin=True) as admin:
        admin.execute("update pg_index set indisvalid = false where indexrelid = 'fahrt_km'::regclass")

    assert "index public.fahrt_km is (" in str(refusal(small.verify))


def test_counting_is_blind_for_contents_and_says_so(small: Sides) -> None:
    small.migrate()
    small.target.run("update konto set stand = 99 where id = 7")

    result = small.verify("counts")

    assert {table["hash_equal"] for table in result["tables"]} == {None}
    assert result["differences"] == []


def test_nothing_is_written(awkward: Sides) -> None:
    awkward.migrate()
    before = [(state_of(side), writes_of(side)) for side in (awkward.source, awkward.target)]

    result = awkward.verify()

    assert not result["changed"]
    assert {table["hash_equal"] for table in result["tables"]} == {True}
    assert all(entry["equal"] for entry in result["sequences"])
    assert [(state_of(side), writes_of(side)) for side in (awkward.source, awkward.target)] == before


def test_settings_of_the_databases_do_not_make_differences(awkward: Sides) -> None:
    awkward.migrate()
    name = awkward.target.database
    for setting in ("datestyle = 'German'", "timezone = 'Asia/Tokyo'", "intervalstyle = 'iso_8601'",
                    "bytea_output = 'escape'",
                    "extra_float_digits = -3", "search_path = nowhere"):  # fmt: skip
        with awkward.target.server.connect() as admin:
            admin.execute(f'alter database "{name}" set {setting}')

    assert awkward.verify()["differences"] == []


def test_what_cannot_be_read_is_never_passed(small: Sides) -> None:
    small.migrate()
    with small.target.connect(admin=True) as admin:
        admin.execute("alter table konto owner to boss; alter sequence fahrt_id_seq owned by none")
        admin.execute("alter sequence fahrt_id_seq owner to boss")

    error = refusal(small.verify)

    assert any("public.konto: target: ERROR:  permission denied" in line for line in error.result["not_checked"])
    assert any("sequence public.fahrt_id_seq: master may not read it" in line for line in error.result["not_checked"])
    assert "not checked" in str(error)


def test_rows_that_a_policy_hides_are_never_passed(small: Sides) -> None:
    small.source.run("create policy p on konto using (false); alter table konto enable row level security;"
                     " alter table konto force row level security")  # fmt: skip
    assert small.migrate(verify="hash")["changed"]

    error = refusal(small.verify)

    assert error.result["differences"] == []
    assert ["row-level security" in line for line in error.result["not_checked"]] == [True]
