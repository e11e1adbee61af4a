from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.printed import alike, listed_by_both, schemas_of

SCHEMAS = frozenset(("public", '"S 1"'))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("SELECT konto.id FROM public.konto WHERE (konto.n > 1)", "SELECT id FROM public.konto WHERE (n > 1)"),
        ('SELECT "T.x"."a b" FROM "S 1"."T.x"', 'SELECT "a b"\n   FROM "S 1"."T.x"'),
        ("SELECT (a.x  + b.y)", "SELECT (a.x + b.y)"),
        ("SELECT t.a, count(*)", "SELECT a, count(*)"),
        ("SELECT public.f (t.a)", "SELECT public.f(a)"),
        ("SELECT t.*", "SELECT *"),
    ],
)  # fmt: skip
def test_what_only_the_printer_chose_is_equal(older: str, newer: str) -> None:
    assert alike(older, newer, SCHEMAS)
    assert alike(newer, older, SCHEMAS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT id WHERE stand > 1000", "SELECT id WHERE stand > 1001"),
        ("SELECT id WHERE stand > 1000", "SELECT id WHERE stand < 1000"),
        ("SELECT id", "SELECT ident"),
        ("SELECT 'a.b (c)'", "SELECT 'a.b c'"),
        ("SELECT 'it''s x.y'", "SELECT 'it''s y'"),
        ('SELECT "A"', "SELECT a"),
        ("SELECT a FROM public.t", 'SELECT a FROM "S 1".t'),
        ("SELECT public.f(a)", "SELECT f(a)"),
        ("SELECT 1.5", "SELECT 15"),
        ("SELECT -1", "SELECT 1"),
        ("SELECT a::text", "SELECT a::int"),
        ("SELECT a <> b", "SELECT a >< b"),
        ("SELECT $1", "SELECT $2"),
        ("SELECT a.x FROM public.a, public.b", "SELECT b.x FROM public.a, public.b"),
        ("SELECT a", "SELECT a, b"),
        ("SELECT a AND (b OR c)", "SELECT (a AND b) OR c"),
        ("SELECT 'x.y'", "SELECT y"),
    ],
)
def test_what_means_something_else_is_not_equal(one: str, other: str) -> None:
    assert not alike(one, other, SCHEMAS)
    assert not alike(other, one, SCHEMAS)


def test_a_name_of_a_schema_and_a_table_may_be_either() -> None:
    keys = [("schema", "app"), ("schema", '"S 1"'), ("table", "app.app"), ("view", "public.x")]

    assert schemas_of(keys) == {"public", '"S 1"'}


def test_what_one_server_does_not_list_is_left_out() -> None:
    objects = {
        ("constraint", "d_not_null on domain public.d"): "NOT NULL",
        ("constraint", "t_a_not_null on public.t"): "NOT NULL a",
        ("constraint", "c on public.t"): "CHECK ((a > 0))",
        ("column", "public.t.a"): "1 integer not null",
    }
    rest = dict(list(objects.items())[2:])

    assert listed_by_both(objects, (18, 18)) == objects
    assert listed_by_both(objects, (17, 18)).keys() == objects.keys() - {("constraint", "t_a_not_null on public.t")}
    assert listed_by_both(objects, (15, 18)) == rest
    assert listed_by_both(objects, (15, 16)) == rest
