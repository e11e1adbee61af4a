from __future__ import annotations

import re

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import Column, Shape
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sample import draw_sql, look_up_sql

KEY = (Column("a", "int4", -1, "integer"), Column('b"', "", -1, "public.farbe"))
SHAPE = Shape("public.t", KEY, KEY, 1000)


@pytest.mark.parametrize(
    ("rows", "pages", "wanted", "percent"),
    [(1_000_000, 1000, 10_000, 1.6), (1_000_000, 100_000, 10_000, 1.0), (100, 2, 10, 100.0), (0, 0, 1, 100.0)],
)
def test_enough_pages_are_expected_that_none_is_unlikely(rows: int, pages: int, wanted: int, percent: float) -> None:
    sql = draw_sql(Shape("public.t", KEY, KEY, pages), rows, wanted)
    found = re.search(r"system \((.*)\)$", sql)
    assert found
    assert float(found[1]) == pytest.approx(percent)


def test_rows_are_looked_up_by_the_whole_key_as_its_types() -> None:
    sql = look_up_sql(SHAPE, True, ['["1", "it\'s"]', '["2", "x"]'])
    assert sql.endswith(
        """ where (t."a", t."b\"\"\") in (select (e ->> 0)::integer, (e ->> 1)::public.farbe"""
        """ from jsonb_array_elements('[["1", "it''s"], ["2", "x"]]') e)"""
    )
