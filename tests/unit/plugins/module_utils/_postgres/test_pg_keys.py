from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.keys import (
    HIGHEST,
    PIECES,
    Range,
    cut,
    named,
    width,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import Column, Shape

SHAPE = Shape("t", (), (Column("a", "int4", -1, "int4"), Column("b", "text", -1, "text")), 1)


def test_pieces_cover_a_range() -> None:
    for part in (Range(0, HIGHEST), Range(-7, 12345), Range(5, 5), Range(0, PIECES)):
        span = part.last - part.first + 1
        assert width(part) * PIECES >= span
        assert (width(part) - 1) * PIECES < span


def test_only_pieces_that_differ_are_cut_again() -> None:
    part = Range(100, 100 + 10 * PIECES - 5)
    ours, theirs = {0: (3, "9"), 1: (4, "1"), 4095: (2, "7")}, {0: (3, "9"), 1: (5, "1"), 2: (6, "0"), 4095: (2, "8")}

    assert cut(part, [ours, theirs]) == [
        Range(110, 119, 5),
        Range(120, 129, 6),
        Range(100 + 4095 * 10, part.last, 2),
    ]
    assert cut(part, [ours, ours]) == []


def test_rows_are_named_by_what_happened_to_them() -> None:
    ours = [[["1", "x"], 5], [["2", "x"], 6], [["3", "x"], 7]]
    theirs = [[["1", "x"], 5], [["2", "x"], 9], [["4", "x"], 7]]

    assert named(SHAPE, [ours, theirs]) == [
        {"key": {"a": "2", "b": "x"}, "difference": "has other contents"},
        {"key": {"a": "3", "b": "x"}, "difference": "is missing on the target"},
        {"key": {"a": "4", "b": "x"}, "difference": "is only on the target"},
    ]


def test_a_row_that_is_there_twice_is_a_difference() -> None:
    """A damaged unique index lets that happen."""
    once = [[["1", "x"], 5]]
    assert named(SHAPE, [once, once * 2]) == [{"key": {"a": "1", "b": "x"}, "difference": "is only on the target"}]
