"""What a selection comes to, from made catalogues: nothing that is moved may need what is left out."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.dependencies import Graph
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen, choose, dump_options
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import (
    Wish,
    names_of,
    split_name,
    told_difference,
)
from hypothesis import given, settings
from hypothesis import strategies as st

PUBLIC, OLD = "2615 2200", "2615 16500"
A, B, V, F, M, X = "1259 16401", "1259 16402", "1259 16403", "1255 16404", "1259 16405", "3079 16406"
FK, SERIAL, ENUM = "2606 16410", "1259 16411", "1247 16412"
ROWS = [
    {"place": place, "kind": kind, "ident": ident}
    for place, kind, ident in (
        (OLD, "schema", '"O ld"'), (A, "table", "public.a"), (B, "table", '"O ld"."b.*"'), (V, "view", "public.v"),
        (F, "function", "public.f(public.a)"), (M, "materialized view", "public.m"), (X, "extension", "citext"),
        (FK, "constraint", 'fk on "O ld"."b.*"'), (SERIAL, "sequence", "public.a_id_seq"), (ENUM, "type", "public.e"),
        (A, "column", "public.a.id"), (FK, "comment", "constraint fk"),
    )
]  # fmt: skip
# Rule of the view, row type of a, default of a's column, member type of the extension: they have no names of their own.
DEPENDS = [
    (A, PUBLIC, "n"), (V, PUBLIC, "n"), (F, PUBLIC, "n"), (M, PUBLIC, "n"), (ENUM, PUBLIC, "n"), (SERIAL, PUBLIC, "n"),
    (X, PUBLIC, "n"), (B, OLD, "n"), (FK, B, "a"), (FK, A, "n"), ("2618 1", V, "i"), ("2618 1", A, "n"),
    ("1247 2", A, "i"), (F, "1247 2", "n"), ("2618 3", M, "i"), ("2618 3", V, "n"), (SERIAL, A, "a"),
    ("2604 4", A, "a"), ("2604 4", SERIAL, "n"), (A, ENUM, "n"), ("1247 5", X, "e"), (B, "1247 5", "n"),
]  # fmt: skip


def chosen(**params: object) -> Chosen:
    return choose(Wish.of(params), ROWS, DEPENDS)


def test_a_schema_takes_all_that_is_in_it_and_of_it() -> None:
    found = chosen(schemas={"exclude": ['"O ld"']})

    assert found.faults == ()
    assert {OLD, B, FK} <= found.places
    assert not {A, V, F, M, X, ENUM, SERIAL, "2604 4"} & found.places
    assert found.left_out == (("schema \"O ld\"", "schemas.exclude names it"),
                              ('table "O ld"."b.*"', "schemas.exclude names its schema"))  # fmt: skip


def test_what_is_left_out_and_needed_is_named_with_what_needs_it() -> None:
    found = chosen(tables={"exclude": ["public.a"]})

    assert set(found.faults) == {
        'constraint fk on "O ld"."b.*" needs table public.a, which is left out',
        "view public.v needs table public.a, which is left out",
        "function public.f(public.a) needs table public.a, which is left out",
    }


def test_dependents_may_be_left_out_too_but_never_a_table() -> None:
    found = chosen(tables={"exclude": ["public.a"]}, dependents="leave_out")

    assert found.faults == ()
    assert {A, V, F, M, FK, SERIAL, "1247 2", "2604 4", "2618 3"} <= found.places
    assert B not in found.places
    assert ("materialized view public.m", "it needs view public.v, which is left out") in found.left_out


def test_tables_without_rows() -> None:
    found = chosen(tables={"exclude_data": ["public.a"]})

    assert (found.rowless, found.emptied, found.refilled) == ({"16401"}, {"public.a"}, {"public.m"})
    assert found.faults == ('constraint fk on "O ld"."b.*" needs the rows of table public.a, which are left out',)
    assert found.places == set()


@pytest.mark.parametrize(
    ("wish", "fault"),
    [
        ({"schemas": {"include": ["old"]}}, "schemas.include names old"),
        ({"tables": {"exclude": ["public.a_id_seq"]}}, "tables.exclude names public.a_id_seq"),
        ({"tables": {"exclude_data": ["public.v"]}}, "tables.exclude_data names public.v"),
        ({"tables": {"include": ['"O ld".*']}, "schemas": {"exclude": ['"O ld"']}}, 'tables.include names "O ld".*'),
        ({"extensions": {"exclude": ["hstore"]}}, "extensions.exclude names hstore"),
        (
            {"extensions": {"map": {"citext": {"schema": "x"}}}},
            'table "O ld"."b.*" needs extension citext in the schema',
        ),
    ],
)
def test_names_that_mean_nothing_are_faults(wish: dict, fault: str) -> None:
    assert [text for text in chosen(**wish).faults if text.startswith(fault)]


def test_a_skipped_extension_is_needed_by_what_is_moved_only() -> None:
    assert chosen(extensions={"mode": "skip"}).needs == {"citext": 'table "O ld"."b.*"'}
    assert chosen(extensions={"exclude": ["citext"]}, schemas={"include": ["public"]}).needs == {}


PATTERNS = st.sampled_from(["public.a", '"O ld".*', "public.*", '*."b.*"', "public.v", "public.m", "*.*"])
SCHEMAS = st.sampled_from(["public", '"O ld"', "*"])
WISHES = st.fixed_dictionaries(
    {
        "tables": st.fixed_dictionaries(
            {name: st.lists(PATTERNS, max_size=2) for name in ("include", "exclude", "exclude_data")}
        ),
        "schemas": st.fixed_dictionaries({name: st.lists(SCHEMAS, max_size=1) for name in ("include", "exclude")}),
        "dependents": st.sampled_from(["refuse", "leave_out"]),
    }
)


@given(WISHES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_without_a_fault_nothing_that_is_moved_needs_what_is_left_out(params: dict) -> None:
    found = chosen(**params)
    graph = Graph({row["place"]: (row["kind"], row["ident"]) for row in ROWS[:-2]}, DEPENDS)

    broken = [(a, b) for a, b, _kind in graph.pairs if a not in found.places and b in found.places]
    assert bool(broken) <= bool(found.faults)
    # Whatever is left out is told, or belongs to something that is.
    told = {name for name, _reason in found.left_out}
    gone = {graph.owner(node) for node in graph.nodes if node in found.places}
    assert {graph.name(node) for node in gone if node in found.places} <= told
    # What goes through the wish's own words and back is the same wish.
    assert Wish.of(Wish.of(params).outcome).outcome == Wish.of(params).outcome


@given(st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=1, max_size=2))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_quoted_name_is_read_as_it_is(names: list[str]) -> None:
    ident = ".".join('"' + name.replace('"', '""') + '"' for name in names)

    assert split_name(ident) == [(name, True) for name in names]
    assert names_of(ident) == tuple(names)


@pytest.mark.parametrize("text", ["", "a.", ".a", 'a"b"', '"a', "a b", '""'])
def test_what_is_no_name_is_refused(text: str) -> None:
    assert split_name(text) is None
    with pytest.raises(PostgresError, match="quoted as SQL quotes it"):
        Wish.of({"schemas": {"include": [text]}})


def test_the_dump_loses_comments_rows_and_security_of_what_is_left_out() -> None:
    listing = """
; comment
7; 1259 16401 TABLE public a boss
;\tdepends on: 3 4
8; 0 0 COMMENT public TABLE a boss
;\tdepends on: 7
9; 0 16401 TABLE DATA public a boss
10; 0 16401 ROW SECURITY public a boss
11; 0 16402 TABLE DATA O ld b boss
12; 1259 16402 TABLE O ld b boss
"""
    entries = toc.read_toc(listing)

    assert entries[0].needs == {"3", "4"}
    kept = toc.chosen(entries, set(), [], Chosen(places=frozenset((A,))))
    assert [entry.dump_id for entry in kept] == ["11", "12"]
    assert [e.dump_id for e in toc.chosen(entries, set(), [], Chosen(rowless=frozenset(("16402",))))][-1] == "12"


def test_what_pg_dump_is_spared() -> None:
    found = Chosen(keys=frozenset((("table", 'public."a b"'), ("function", "f()"))), emptied=frozenset(("public.c",)))

    assert dump_options(Wish(comments=False, large_objects=False), found, rows=True) == (
        "--no-comments", "--no-blobs", '--exclude-table=public."a b"', "--exclude-table-data=public.c"
    )  # fmt: skip
    assert dump_options(Wish(), found, rows=False) == ('--exclude-table=public."a b"',)


def test_wishes_that_contradict_themselves() -> None:
    for wish, words in (
        ({"owner": "map"}, "owner=map needs role_map"),
        ({"owner": "keep", "role_map": {"a": "b"}}, "use owner=map"),
        ({"acl": True, "role_map": {"a": ""}}, "role_map gives no role for a"),
        ({"extensions": {"map": {"x": {"colour": "red"}}}}, "extensions.map.x takes one or more of name"),
    ):
        with pytest.raises(PostgresError, match=words):
            Wish.of(wish)


def test_differences_between_wishes_are_told() -> None:
    then, now = Wish.of({"schemas": {"exclude": ["b", "a"]}, "acl": True}).outcome, Wish.of({"acl": True}).outcome

    assert told_difference(then, now) == "schemas was {'exclude': ['a', 'b']}, now it is not given"
    assert told_difference(then, then) == ""
    assert Wish.of({"owner": "none", "schemas": {"include": []}, "role_map": {"a": "b"}}).outcome == {}
