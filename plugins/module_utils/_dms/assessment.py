# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether AWS DMS can move a database without loss, told from its catalogue before anything is written. Pure.

The rules are those of DMS's guide: the limitations of PostgreSQL as a source, the source data types, the LOB modes
and the premigration assessments of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed

# What DMS reads as a LOB (BLOB, CLOB, NCLOB).
LOBS = frozenset((
    "text", "citext", "bytea", "tsvector", "tsquery", "xml", "path", "polygon", "json", "jsonb", "array", "composite",
    "hstore", "geometry", "geography", "long varchar",
))  # fmt: skip
# All other types that its guide lists for sources.
PLAIN = frozenset((
    "int2", "int4", "int8", "numeric", "float4", "float8", "money", "bpchar", "varchar", "timestamp", "timestamptz",
    "date", "time", "interval", "bool", "enum", "cidr", "inet", "macaddr", "bit", "varbit", "uuid", "point", "line",
    "lseg", "box", "circle", "int4range", "int8range", "numrange",
))  # fmt: skip
LARGEST_LIMITED = 102400  # KB: the largest LOB of the limited LOB mode
WILDCARDS = "%[]"  # the underscore is one too, but it has a way to be meant as itself


@dataclass(frozen=True)
class Column:
    """One column. `type` is the base type's name, or array, composite, enum, long varchar (without a length)."""

    name: str
    type: str
    not_null: bool = False
    generated: bool = False
    unbounded: bool = False

    @property
    def is_lob(self) -> bool:
        return self.type in LOBS


@dataclass(frozen=True)
class Table:
    """One table that holds rows: also a partition, never its partitioned parent. `key` is the primary key."""

    schema: str
    name: str
    ident: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    has_heirs: bool = False
    coalesce_index: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Table:
        columns = tuple(Column(**column) for column in row["columns"] or ())
        return cls(**{**row, "columns": columns, "key": tuple(row["key"] or ())})

    @property
    def lobs(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_lob and not column.generated)


@dataclass(frozen=True)
class Assessment:
    """`lob_kilobytes` is the largest LOB, 0 without any; beyond LARGEST_LIMITED only the full LOB mode is left."""

    tables: tuple[Table, ...]
    blockers: tuple[str, ...]
    notes: tuple[str, ...]
    lob_kilobytes: int = 0

    @property
    def full_lob_mode(self) -> bool:
        return self.lob_kilobytes > LARGEST_LIMITED


def assess(tables: Sequence[Table], largest_lobs: Mapping[str, int], large_objects: int) -> Assessment:
    """`largest_lobs` maps tables to the bytes that DMS needs for their largest LOB."""
    kilobytes = max((-(-size // 1024) for size in largest_lobs.values()), default=0)
    blockers = [
        *_names(tables), *_keys(tables), *_types(tables), *_structure(tables), *_full_lobs(tables, largest_lobs),
    ]  # fmt: skip
    if large_objects:
        blockers.append(f"{large_objects} large objects: DMS does not move them")
    if not tables:
        blockers.append("there is no table, so there is nothing that DMS could move")
    return Assessment(tuple(tables), tuple(blockers), tuple(_notes(tables)), kilobytes)


def _names(tables: Sequence[Table]) -> list[str]:
    problems = [
        f"{table.ident}: its name holds one of {WILDCARDS}, which table mappings read as wildcards"
        for table in tables
        if any(character in table.schema + table.name for character in WILDCARDS)
    ]
    alike: dict[tuple[str, str], list[str]] = {}
    for table in tables:
        alike.setdefault((table.schema.lower(), table.name.lower()), []).append(table.ident)
    problems += [
        f"{listed(names)}: names that differ in case only are not told apart"
        for names in alike.values()
        if len(names) > 1
    ]
    return problems


def _keys(tables: Sequence[Table]) -> list[str]:
    problems = []
    for table in tables:
        if table.lobs and not table.key:
            names = listed([column.name for column in table.lobs], 5)
            problems.append(f"{table.ident}: LOB columns ({names}) are not moved without a primary key: add one")
        inside = [column.name for column in table.lobs if column.name in table.key]
        if inside:
            problems.append(f"{table.ident}: {listed(inside)} is a LOB to DMS and must not be in the primary key")
    return problems


def _types(tables: Sequence[Table]) -> list[str]:
    return [
        f"{table.ident}.{column.name}: DMS does not list the type {column.type} among those that it moves"
        for table in tables
        for column in table.columns
        if column.type not in LOBS | PLAIN and not column.generated
    ]


def _structure(tables: Sequence[Table]) -> list[str]:
    heirs = [
        f"{t.ident}: DMS would read the rows of the tables that inherit from it twice" for t in tables if t.has_heirs
    ]
    return heirs + [
        f"{table.ident}: DMS does not support its unique index with coalesce ({table.coalesce_index})"
        for table in tables
        if table.coalesce_index
    ]


def _full_lobs(tables: Sequence[Table], largest_lobs: Mapping[str, int]) -> list[str]:
    """The full LOB mode writes a row first and its LOBs later: until then they are NULL."""
    beyond = [name for name, size in largest_lobs.items() if size > LARGEST_LIMITED * 1024]
    if not beyond:
        return []
    return [
        f"{table.ident}.{column.name} is NOT NULL: the full LOB mode, which {listed(beyond, 3)} needs for values over "
        f"{LARGEST_LIMITED} KB, writes NULL first"
        for table in tables
        for column in table.lobs
        if column.not_null
    ]


def _notes(tables: Sequence[Table]) -> list[str]:
    notes = []
    unbounded = [f"{t.ident}.{c.name}" for t in tables for c in t.columns if c.unbounded and c.type == "numeric"]
    if unbounded:
        notes.append(
            f"numeric without precision ({listed(unbounded, 5)}): DMS may round to 28 digits with 6 after the point, "
            "although its endpoints are set to move them as text; the comparison of contents tells"
        )
    keyless = [table.ident for table in tables if not table.key]
    if keyless:
        notes.append(f"DMS cannot validate tables without a primary key ({listed(keyless, 5)}); our comparison does")
    return notes
