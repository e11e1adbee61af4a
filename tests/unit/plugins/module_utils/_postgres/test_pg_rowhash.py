from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import (
    Column,
    Shape,
    hash_sql,
    parts,
    row_hash,
    value,
)


def column(kind: str, modifier: int = -1, name: str = "c") -> Column:
    return Column(name, kind, modifier, kind)


@pytest.mark.parametrize("kind", ["int4", "int8", "uuid", "timestamptz", "bytea", "bool", "inet", "char"])
def test_values_whose_equality_is_identity_are_hashed_as_they_are(kind: str) -> None:
    assert value(column(kind)) == 't."c"'


def test_strings_are_hashed_under_one_collation() -> None:
    assert value(column("text")) == 't."c" collate "C"'
    assert value(column("bpchar", 14)) == 't."c" collate "C"'


@pytest.mark.parametrize(
    "other", [column("float8"), column("float4"), column("numeric"), column("bpchar"), column("interval"),
              column("jsonb"), column("_int4"), column("int4range"), column("")]
)  # fmt: skip
def test_all_others_are_hashed_as_text(other: Column) -> None:
    """The empty type is any that is not PostgreSQL's own: enums, domains, composites, citext."""
    assert value(other) is None
    assert row_hash(Shape("t", (column("int4", name="a"), other), (), 1), True) == (
        'hashint8extended(hash_record_extended(row(t."a", row(t."c")::text collate "C"), 0), 0)'
    )


def test_numbers_with_a_scale_have_one_form() -> None:
    assert value(column("numeric", 655366)) == 't."c"'


def test_without_hashes_of_records_or_columns_the_row_is_text() -> None:
    shape = Shape("public.t", (column("int4"),), (), 1)
    assert row_hash(shape, False) == row_hash(Shape("public.t", (), (), 1), True)
    assert hash_sql(shape, False) == (
        "select count(*), coalesce(sum(hashtextextended((t.*)::text, 0)), 0) from only public.t t"
    )


@pytest.mark.parametrize(("pages", "number"), [(0, 4), (1, 4), (100, 1), (3, 0)])
def test_small_tables_stay_whole(pages: int, number: int) -> None:
    assert list(parts(pages, number)) == [""]


def test_parts_touch_and_the_last_is_open() -> None:
    assert list(parts(10, 3)) == [
        " where t.ctid >= '(0,0)' and t.ctid < '(3,0)'",
        " where t.ctid >= '(3,0)' and t.ctid < '(6,0)'",
        " where t.ctid >= '(6,0)'",
    ]
