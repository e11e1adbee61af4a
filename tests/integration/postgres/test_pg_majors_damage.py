"""A real difference is found between two majors, too, though servers print the same object in different ways."""

from __future__ import annotations

import pytest
from pg_majors import PAIRS, Between, Fleet, sides_of
from pg_sides import MASTER, SMALL, refusal
from test_pg_migrate_verify import DAMAGE

MORE_TO_DAMAGE = """
create view verbund as select k.id, f.km from konto k join fahrt f on f.konto = k.id where f.km > 3;
create function bewegt(g int) returns bigint language sql begin atomic select count(*) from konto where stand > g; end;
create rule kein_delete as on delete to fahrt where old.km > 7 do instead nothing;
create policy nur_volle on konto using (stand > 0);
create domain plz as text not null check (value <> '');
create materialized view alle as select sum(stand) as s from konto;
"""
MORE_DAMAGE = {
    "a missing table": ("drop table fahrt cascade", DAMAGE["a missing table"][1]),
    "a view with another column": (
        "create or replace view verbund as select f.id, f.km from konto k join fahrt f"
        " on f.konto = k.id where f.km > 3",
        "view public.verbund is",
    ),
    "a view with another number": (
        "create or replace view verbund as select k.id, f.km from konto k join fahrt f"
        " on f.konto = k.id where f.km > 4",
        "view public.verbund is",
    ),
    "another body": (
        "create or replace function bewegt(g int) returns bigint language sql begin atomic"
        " select count(*) from konto where stand < g; end",
        "function public.bewegt(integer) is",
    ),
    "another rule": (
        "create or replace rule kein_delete as on delete to fahrt where old.km > 8 do instead nothing",
        "rule kein_delete on public.fahrt is",
    ),
    "another policy": ("alter policy nur_volle on konto using (stand >= 0)", "policy nur_volle on public.konto is"),
    "a domain that takes nulls": ("alter domain plz drop not null", "type public.plz is"),
    "a materialized view with other words": (
        "drop materialized view alle; create materialized view alle as select sum(stand + 0) as s from konto",
        "materialized view public.alle is",
    ),
}
DAMAGE_18 = {
    "a not-null constraint of another name": (
        "alter table konto rename constraint konto_name_not_null to anders",
        "constraint konto_name_not_null on public.konto is missing on the target",
    ),
    "a check that is not enforced": (
        "alter table fahrt drop constraint fahrt_km_check, add constraint fahrt_km_check check (km > 0) not enforced",
        "constraint fahrt_km_check on public.fahrt is",
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair != (15, 15)], ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_damage_is_found_between_majors(pair: tuple[int, int], fleet: Fleet, between: Between) -> None:
    """One move, and a copy of its target for each damage."""
    sides = sides_of(pair, fleet, between)
    sides.source.run(SMALL + MORE_TO_DAMAGE)
    sides.migrate()
    moved = sides.target.database
    damages = {**DAMAGE, **MORE_DAMAGE, **(DAMAGE_18 if pair[0] >= 18 else {})}
    missed = {}
    for kind, (sql, words) in damages.items():
        with sides.target.server.connect() as admin:
            admin.execute(f'create database "{moved}2" template "{moved}" owner {MASTER}')
        sides.target.database = f"{moved}2"
        try:
            sides.target.run(sql)
            error = str(refusal(lambda: sides.verify("hash")))
            if words not in error:
                missed[kind] = error
        finally:
            sides.target.database = moved
            with sides.target.server.connect() as admin:
                admin.execute(f'drop database "{moved}2" with (force)')
    assert missed == {}
