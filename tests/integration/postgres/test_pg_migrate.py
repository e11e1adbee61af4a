"""The move itself, on real servers."""

from __future__ import annotations

import time

from pg_sides import Sides, refusal, state_of


def test_everything_arrives_and_the_second_run_changes_nothing(awkward: Sides) -> None:
    before = state_of(awkward.source)

    moved = awkward.migrate(verify="hash")

    assert moved["changed"]
    assert awkward.verify()["differences"] == []
    assert state_of(awkward.source) == before
    assert [table for table in moved["tables"] if table["rows_source"] != table["rows_target"]] == []
    assert {table["name"]: table["rows_target"] for table in moved["tables"]}["public.ohne_spalten"] == 7
    assert {entry["object"].split(" ")[0] for entry in moved["skipped"]} >= {"publication", "ownership", "privileges"}
