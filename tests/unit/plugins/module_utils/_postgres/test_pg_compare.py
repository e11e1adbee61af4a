from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import (
    Read,
    compare_content,
    compare_objects,
    compare_sample,
    compare_sequences,
    weaker_checks,
)

VIEW, INDEX = ("view", "public.v"), ("index", "public.i")
SAME = (15, 15)


def test_equal_sides_have_no_difference() -> None:
    assert compare_objects({VIEW: "a", INDEX: "b"}, {INDEX: "b", VIEW: "a"}, SAME) == []


def test_what_one_side_lacks_or_defines_otherwise_is_named() -> None:
    differences = compare_objects({VIEW: "a", INDEX: "b"}, {VIEW: "c", ("table", "public.t"): ""}, SAME)

    assert differences == [
        "index public.i is missing on the target",
        "table public.t is only on the target",
        "view public.v is (a) on the source, (c) on the target",
    ]


def test_texts_that_servers_print_are_compared_by_their_words_between_majors_and_that_is_said() -> None:
    assert compare_objects({VIEW: "select t.a", INDEX: "b"}, {VIEW: "select a", INDEX: "b"}, (15, 17)) == []
    assert compare_objects({VIEW: "select t.a", INDEX: "b"}, {VIEW: "select a", INDEX: "b"}, SAME) != []
    assert compare_objects({VIEW: "select t.a"}, {VIEW: "select b"}, (15, 17)) != []
    assert compare_objects({INDEX: "b"}, {INDEX: "(b)"}, (15, 17)) != []
    (told,) = weaker_checks({VIEW: "a", INDEX: "b"}, 15, 17)
    assert told.startswith("view public.v: PostgreSQL 15 and 17 print it in different ways")
    assert weaker_checks({VIEW: "a"}, 15, 15) == []


def test_an_invalid_index_may_be_missing_but_not_on_the_target() -> None:
    assert compare_objects({INDEX: "x INVALID"}, {}, SAME) == []
    assert compare_objects({INDEX: "x"}, {INDEX: "x INVALID"}, SAME) != []
    # The index of a partitioned table without all its parts is no broken one.
    assert compare_objects({INDEX: "x ON ONLY t INVALID"}, {}, SAME) != []


@pytest.mark.parametrize(
    ("source", "target", "hashed", "difference", "not_checked"),
    [
        (Read(3, "9"), Read(3, "9"), True, "", ""),
        (Read(3), Read(3), False, "", ""),
        (Read(3, "9"), Read(3, "8"), True, "t has other contents in its 3 rows on the target", ""),
        (Read(3, "9"), Read(2, "9"), True, "t has 3 rows on the source, 2 on the target", ""),
        (Read(3), Read(2), False, "t has 3 rows on the source, 2 on the target", ""),
        (Read(3), None, False, "", "t: not on the target"),
        (None, Read(3), False, "", "t: not on the source"),
        (Read(3), Read(None, error="denied"), True, "", "t: target: denied"),
        (Read(None, error="a"), Read(None, error="b"), True, "", "t: source: a; target: b"),
    ],
)
def test_contents(source: Read | None, target: Read | None, hashed: bool, difference: str, not_checked: str) -> None:
    compared = compare_content("t", source, target, hashed)

    assert (compared.difference, compared.not_checked) == (difference, not_checked)
    assert compared.hash_equal in ((True, False, None) if hashed and not not_checked else (None,))


def test_sequences() -> None:
    compared = compare_sequences({"a": (5, True), "b": (1, False), "c": (2, True)}, {"a": (5, True), "b": (1, True)})

    assert [entry["equal"] for entry in compared] == [True, False, False]
    assert compared[1]["difference"] == ("sequence b is at 1 (not handed out yet) on the source, 1 on the target")
    assert compared[2]["difference"] == "sequence c is at 2 on the source, missing on the target"


def test_long_definitions_are_shown_where_they_begin_to_differ() -> None:
    long = "CREATE INDEX i ON t (" + "x, " * 100
    (difference,) = compare_objects({INDEX: long}, {INDEX: f"{long} INVALID"}, SAME)

    assert "INVALID" in difference
    assert len(difference) < 450


def test_contents_that_were_not_read_are_not_equal() -> None:
    compared = compare_content("t", Read(3), Read(3), True)
    assert (compared.hash_equal, compared.checked) == (None, "nothing")
    assert compared.not_checked == "t: its contents were not read"


@pytest.mark.parametrize(
    ("source", "target", "equal", "checked"),
    [
        (Read(2, "9"), Read(2, "9"), None, "sample"),
        (Read(2, "9"), Read(2, "8"), False, "sample"),
        (Read(2, "9"), Read(1, "9"), False, "sample"),
        (Read(None, error="denied"), Read(2, "9"), None, "counts"),
    ],
)
def test_a_sample_proves_differences_and_never_equality(
    source: Read, target: Read, equal: bool | None, checked: str
) -> None:
    counted = compare_content("t", Read(100), Read(100), False)
    compared = compare_sample(counted, source, target)

    assert (compared.hash_equal, compared.checked) == (equal, checked)
    assert bool(compared.difference) is (equal is False)
    assert bool(compared.not_checked) is bool(source.error)
