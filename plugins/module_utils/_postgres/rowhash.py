# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL that counts and hashes the rows of one table. Pure.

Equal hashes must mean equal rows, so a value enters the hash in its binary form only where equality is identity:
not floats (-0 equals 0), not numeric without a scale (1.0 equals 1), not interval (1 day equals 24 hours), not
citext, and nothing that holds object ids, as enums and whatever contains them do. All others enter as text,
together, as their output functions write them. Strings enter under the collation "C".

PostgreSQL adds the hashes of a row's columns up, each times a power of 31. A plain sum over such rows is
linear: values of one column that are exchanged between two rows would leave it as it was. Hashed once more, each
row stands for itself, and the sum depends on nothing but which rows there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier

HASH_RECORD_SINCE = 14
CTID_RANGES_SINCE = 14  # older servers read the whole table for each part
# Two values of these types are equal if and only if they are the same.
IDENTICAL = frozenset(
    (
        "bool", "char", "int2", "int4", "int8", "oid", "date", "time", "timetz", "timestamp", "timestamptz", "uuid",
        "bytea", "inet", "cidr", "macaddr", "macaddr8", "name",
    )
)  # fmt: skip
STRINGS = frozenset(("text", "varchar"))
INTEGERS = frozenset(("int2", "int4", "int8"))
# Blank-padded strings and numbers with a scale are stored in one form only.
WITH_MODIFIER = frozenset(("bpchar", "numeric"))


@dataclass(frozen=True)
class Column:
    """`type` is empty unless it is one of PostgreSQL's own; `declared` is what a value is cast to."""

    name: str
    type: str
    modifier: int
    declared: str


@dataclass(frozen=True)
class Shape:
    """What must be known of a table to hash it; `key` are the columns of its primary key."""

    ident: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    pages: int

    @classmethod
    def of(cls, row: dict) -> Shape:
        columns = tuple(Column(*column) for column in row["columns"])
        named = {column.name: column for column in columns}
        return cls(row["ident"], columns, tuple(named[name] for name in row["key"]), row["pages"])


def value(column: Column) -> str | None:
    """Return the expression by which a column enters a hash in its binary form; None when it may not."""
    name = f"t.{identifier(column.name)}"
    if column.type in STRINGS:
        return f'{name} collate "C"'
    if column.type in WITH_MODIFIER and column.modifier > 0:
        return f'{name} collate "C"' if column.type == "bpchar" else name
    return name if column.type in IDENTICAL else None


def row_hash(shape: Shape, records: bool) -> str:
    """Return the hash of one row of t. `records`: both servers can hash records."""
    # (t.*)::text, not t::text: the table may have a column named t.
    if not records or not shape.columns:
        return "hashtextextended((t.*)::text, 0)"
    binary = [expression for column in shape.columns if (expression := value(column)) is not None]
    others = [f"t.{identifier(column.name)}" for column in shape.columns if value(column) is None]
    if others:
        binary.append(f'row({", ".join(others)})::text collate "C"')
    return f"hashint8extended(hash_record_extended(row({', '.join(binary)}), 0), 0)"


def hash_sql(shape: Shape, records: bool, where: str = "") -> str:
    """Ask for the number of rows and the sum of their hashes."""
    return f"select count(*), coalesce(sum({row_hash(shape, records)}), 0) from only {shape.ident} t{where}"


def parts(pages: int, number: int) -> Iterator[str]:
    """Yield conditions that cut a table into ranges of its pages; each side is cut by itself, sums add up."""
    number = max(1, min(number, pages))
    if number == 1:
        yield ""
        return
    bounds = [pages * n // number for n in range(number)]
    # The last range has no end: the file may have grown since the size was read.
    for first, end in zip(bounds, [*bounds[1:], None], strict=True):
        until = f" and t.ctid < '({end},0)'" if end is not None else ""
        yield f" where t.ctid >= '({first},0)'{until}"
