"""analyze: where the target's planner gets its statistics from."""

from __future__ import annotations

import pytest
from pg_major_objects import fill
from pg_majors import Between, Fleet, sides_of
from pg_sides import SMALL


@pytest.mark.full
@pytest.mark.parametrize("pair", [(15, 18), (16, 18), (18, 18)], ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_statistics_are_the_sources(pair: tuple[int, int], fleet: Fleet, between: Between) -> None:
    sides = sides_of(pair, fleet, between)
    fill(sides, pair[0])
    with sides.source.connect() as source:
        source.execute("analyze")
        source.execute("create table nie_gesehen as select n from generate_series(1, 100) n")

    told = sides.migrate(analyze="statistics")["statistics"]

    known = """select schemaname, tablename, attname, inherited, null_frac, n_distinct, most_common_vals::text,
      histogram_bounds::text, correlation from pg_stats where schemaname not in ('pg_catalog', 'information_schema',
      'ansible_migrate') and tablename not in ('nie_gesehen') and tablename <> all (%s) order by 1, 2, 3, 4"""
    names = [name.rpartition(".")[2].strip('"') for name in told["analyzed"]]
    ours, theirs = (
        side.connect(admin=True).execute(known, (names,)).fetchall() for side in (sides.source, sides.target)
    )
    assert told["how"] == "statistics"
    assert "public.nie_gesehen" in told["analyzed"]
    assert any("Leer zeichen" in name for name in told["analyzed"]), "it has extended statistics, which are not loaded"
    assert len(ours) > 30
    assert ours == theirs
    assert sides.target.query("select reltuples from pg_class where relname = 'nie_gesehen'") == [(100,)]
    assert sides.target.query("select count(*) from pg_class where relkind in ('r', 'p') and oid >= 16384"
                              " and relnamespace = 'public'::regnamespace and reltuples < 0") == [(0,)]  # fmt: skip
    assert sides.verify()["differences"] == []


@pytest.mark.full
def test_where_statistics_cannot_be_loaded_the_target_is_analyzed(fleet: Fleet, between: Between) -> None:
    sides = sides_of((15, 16), fleet, between)
    sides.source.run(SMALL)

    told = sides.migrate(analyze="statistics")["statistics"]

    assert told == {"how": "analyze", "reason": "servers below 18 cannot load statistics", "analyzed": []}
    assert sides.target.query("select reltuples from pg_class where relname = 'konto'") == [(50,)]


@pytest.mark.full
def test_no_statistics_when_none_are_wanted(fleet: Fleet, between: Between) -> None:
    sides = sides_of((15, 16), fleet, between)
    sides.source.run(SMALL)

    result = sides.migrate(analyze="none")
    told = result["statistics"]

    assert f"statistics of the target: {told['reason']}" in result["remarks"]
    assert (told["how"], "run ANALYZE" in told["reason"]) == ("none", True)
    assert sides.target.query("select count(*) from pg_stats where tablename = 'konto'") == [(0,)]
