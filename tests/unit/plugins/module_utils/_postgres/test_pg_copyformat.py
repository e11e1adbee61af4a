from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyformat import Type, form_of, obstacle

TYPES = {
    type_.oid: type_
    for type_ in (
        Type(23, "int4", "b", True),
        Type(1007, "_int4", "b", True, element=23),
        Type(2205, "regclass", "b", True),
        Type(2210, "_regclass", "b", True, element=2205),
        Type(142, "xml", "b", True),
        Type(1033, "aclitem", "b", False),
        Type(20001, "public.mood", "e", True),
        Type(20002, "public._mood", "b", True, element=20001),
        Type(20003, "public.plz", "d", True, base=23),
        Type(20004, "public.deep", "d", True, base=20002),
        Type(20005, "public.place", "c", True, parts=(23, 1007)),
        Type(20006, "public.feeling", "c", True, parts=(23, 20001)),
        Type(20007, "public.span", "r", True, subtype=23),
        Type(20008, "public.spans", "m", True, subtype=20003),
        Type(20009, "public.citext", "b", True, extension="citext"),
        Type(20010, "public.own", "b", True),
        Type(20011, "public.weird", "b", True, extension="weird"),
        Type(20012, "public.mute", "c", False, parts=()),
        Type(12300, "information_schema.cardinal_number", "d", True, base=23),
        Type(20013, "public._cardinal", "b", True, element=12300),
    )
}


@pytest.mark.parametrize("oid", [23, 1007, 20001, 20003, 20005, 20007, 20008, 20009, 12300])
def test_types_that_mean_the_same_on_both_sides(oid: int) -> None:
    assert obstacle(oid, TYPES) == ""


@pytest.mark.parametrize(
    ("oid", "words"),
    [
        (2205, "type regclass names objects of one database"),
        (2210, "type regclass names objects"),
        (142, "type xml"),
        (1033, "type aclitem has no binary form"),
        # The server compares the object ids that arrays and composites carry.
        (20002, "type public._mood names the object id of public.mood"),
        (20004, "names the object id of public.mood"),
        (20006, "type public.feeling names the object id of public.mood"),
        (20013, "names the object id of information_schema.cardinal_number"),
        (20010, "public.own is not known to be the same"),
        (20011, "public.weird is not known to be the same"),
        (20012, "public.mute has no binary form"),
        (4711, "type 4711 is not known"),
    ],
)
def test_types_that_travel_as_text(oid: int, words: str) -> None:
    assert words in obstacle(oid, TYPES)


def test_one_column_decides_for_the_table_and_is_named() -> None:
    assert form_of([("a", 23), ("b", 2205)], TYPES, "auto").why.startswith("column b: type regclass")
    assert form_of([("a", 23)], TYPES, "auto").format == "binary"
    assert form_of([], TYPES, "auto").format == "binary"


def test_text_can_be_asked_for_and_is_taken_where_encodings_would_be_converted() -> None:
    assert form_of([("a", 23)], TYPES, "text").format == "text"
    assert form_of([("a", 23)], TYPES, "auto", encoding="LATIN1").format == "text"


def test_an_extension_without_binary_input_on_the_target_is_noticed() -> None:
    assert "no binary form on the target" in obstacle(20009, TYPES, frozenset())
    assert obstacle(20009, TYPES, frozenset(["public.citext"])) == ""
