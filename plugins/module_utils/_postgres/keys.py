# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the rows that differ, by their primary keys, without carrying a table over the network.

The keys' space is cut into ranges, rows are counted and hashed per range on both sides, and only ranges that
differ are cut again, until one is small enough to be listed. A single integer key is its own place in that space, so
an index finds the narrow ranges. The place of any other key is its hash: strings have no order that two machines
are sure to share.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.readers import Readers
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import INTEGERS, Shape, row_hash
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sample import key_text
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier

PIECES = 4096
LISTED = 2000
HIGHEST = (1 << 63) - 1


@dataclass(frozen=True)
class Range:
    """Places from `first` to `last`, both included; `rows` is the larger of both sides' numbers."""

    first: int
    last: int
    rows: int = HIGHEST


@dataclass(frozen=True)
class Space:
    """Where rows lie: `place` is the expression, `column` the same for an index to find it, `whole` all places."""

    shape: Shape
    records: bool
    column: str
    place: str
    whole: Range

    def pieces_sql(self, part: Range) -> str:
        """Count and hash the rows of each piece of a range."""
        rows = (
            f"select ({self.place} - ({part.first})) / {width(part)} as n, {row_hash(self.shape, self.records)} as h"
            f" from only {self.shape.ident} t{self._where(part)}"
        )
        return f"select jsonb_build_array(n, count(*), sum(h)::text) from ({rows}) s group by n"

    def rows_sql(self, part: Range) -> str:
        return (
            f"select jsonb_build_array({key_text(self.shape)}, {row_hash(self.shape, self.records)})"
            f" from only {self.shape.ident} t{self._where(part)}"
        )

    def _where(self, part: Range) -> str:
        return f" where {self.column} between {part.first} and {part.last}"


def width(part: Range) -> int:
    return -(-(part.last - part.first + 1) // PIECES)


def cut(part: Range, sides: list[dict[int, tuple[int, str]]]) -> list[Range]:
    """Return the pieces whose rows or hashes differ, in order. Pure."""
    ours, theirs = sides
    differing = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
    step = width(part)
    return [
        Range(
            part.first + n * step,
            min(part.first + (n + 1) * step - 1, part.last),
            max(side.get(n, (0, ""))[0] for side in sides),
        )
        for n in differing
    ]


def named(shape: Shape, sides: list[list[list]]) -> list[dict]:
    """Compare listed rows: [key, hash] of the source and of the target. Pure."""
    ours, theirs = (Counter((json.dumps(key), digest) for key, digest in side) for side in sides)
    lost, gained = ours - theirs, theirs - ours
    only = {key for key, _digest in lost}, {key for key, _digest in gained}
    return [
        {
            "key": dict(zip((column.name for column in shape.key), json.loads(key), strict=True)),
            "difference": _what(key in only[0], key in only[1]),
        }
        for key in sorted(only[0] | only[1])
    ]


def _what(source: bool, target: bool) -> str:
    if source and target:
        return "has other contents"
    return "is missing on the target" if source else "is only on the target"


def differing_keys(readers: Readers, ident: str, limit: int) -> tuple[list[dict], bool]:
    """Return up to `limit` keys whose rows differ, and whether these are all."""
    space = _space(readers, readers.source.shapes[ident])
    todo, found = [space.whole], list[dict]()
    while todo and len(found) < limit:
        part = todo.pop(0)
        if part.rows <= LISTED or part.first == part.last:
            found += named(space.shape, _ask(readers, space.rows_sql(part)))
            continue
        sides = [{n: (rows, digest) for n, rows, digest in side} for side in _ask(readers, space.pieces_sql(part))]
        todo = [*cut(part, sides), *todo]
    return found[:limit], not todo and len(found) <= limit


def _space(readers: Readers, shape: Shape) -> Space:
    if len(shape.key) == 1 and shape.key[0].type in INTEGERS:
        name = f"t.{identifier(shape.key[0].name)}"
        bounds = _ask(readers, f"select jsonb_build_array(min({name}), max({name})) from only {shape.ident} t")
        known = [bound for ((low, high),) in bounds for bound in (low, high) if bound is not None]
        if known and max(known) - min(known) <= HIGHEST - PIECES:
            # As bigint: the difference of two smaller integers may not be one.
            return Space(shape, readers.records, name, f"{name}::int8", Range(min(known), max(known)))
    names = ", ".join(f"t.{identifier(column.name)}" for column in shape.key)
    place = f"(hashtextextended(row({names})::text, 0) & {HIGHEST})"
    return Space(shape, readers.records, place, place, Range(0, HIGHEST))


def _ask(readers: Readers, sql: str) -> list[list[list]]:
    """Ask both sides for JSON arrays."""
    sides = []
    for side, answers in zip(("source", "target"), readers.ask({"": [sql]}, {"": [sql]}), strict=True):
        (answer,) = answers[""]
        if answer.error:
            raise PostgresError(f"{side}: {answer.error}")
        sides.append([json.loads(line) for line in answer.lines])
    return sides
