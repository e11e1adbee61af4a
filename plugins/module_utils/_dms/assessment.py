# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether AWS DMS can move a database without loss, told from its catalogue before anything is written. Pure.

The rules are those of DMS's guide: the limitations of PostgreSQL as a source, the source data types, the LOB modes
and the premigration assessments of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    deferrable_key: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Table:
        columns = tuple(Column(**column) for column in row["columns"] or ())
        return cls(**{**row, "columns": columns, "key": tuple(row["key"] or ())})

    @property
    def lobs(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_lob and not column.generated)


@dataclass(frozen=True)
class Problem:
    """`rule` is the rule of the preflight that speaks of it, and says how bad it is and what to do."""

    rule: str
    object: str
    text: str


@dataclass(frozen=True)
class Assessment:
    """`lob_kilobytes` is the largest LOB, 0 without any; beyond LARGEST_LIMITED only the full LOB mode is left."""

    tables: tuple[Table, ...]
    problems: tuple[Problem, ...] = ()
    lob_kilobytes: int = 0

    @property
    def full_lob_mode(self) -> bool:
        return self.lob_kilobytes > LARGEST_LIMITED


def assess(tables: Sequence[Table], largest_lobs: Mapping[str, int], large_objects: int) -> Assessment:
    """`largest_lobs` maps tables to the bytes that DMS needs for their largest LOB."""
    kilobytes = max((-(-size // 1024) for size in largest_lobs.values()), default=0)
    problems = [*_whole(tables, large_objects), *_alike(tables), *_full_lobs(tables, largest_lobs)]
    problems += [problem for table in tables for problem in _of_table(table)]
    return Assessment(tuple(tables), tuple(problems), kilobytes)


def _whole(tables: Sequence[Table], large_objects: int) -> Iterator[Problem]:
    if not tables:
        yield Problem("dms-no-table", "source", "there is no table, so there is nothing that DMS could move")
    if large_objects:
        yield Problem("dms-large-objects", "large objects", f"{large_objects} large objects: DMS does not move them")
    keyless = listed([table.ident for table in tables if not table.key], 5)
    if keyless:
        yield Problem("dms-not-validated", f"table {keyless}", f"tables without a primary key: {keyless}")
    columns = [(table, column) for table in tables for column in table.columns if column.type == "numeric"]
    unbounded = listed([f"{table.ident}.{column.name}" for table, column in columns if column.unbounded], 5)
    if unbounded:
        text = f"numeric without precision, which DMS by itself rounds to 28 digits, 6 after the point: {unbounded}"
        yield Problem("dms-numeric", f"column {unbounded}", text)


def _alike(tables: Sequence[Table]) -> Iterator[Problem]:
    alike: dict[tuple[str, str], list[str]] = {}
    for table in tables:
        alike.setdefault((table.schema.lower(), table.name.lower()), []).append(table.ident)
    for names in alike.values():
        if len(names) > 1:
            text = f"{listed(names)}: names that differ in case only are not told apart by DMS"
            yield Problem("dms-names", f"table {listed(names)}", text)


def _of_table(table: Table) -> Iterator[Problem]:
    yield from (Problem(rule, f"table {table.ident}", f"{table.ident}{text}") for rule, text in _told(table))
    for column in table.columns:
        name = f"{table.ident}.{column.name}"
        if column.type not in LOBS | PLAIN and not column.generated:
            text = f"{name}: DMS does not list the type {column.type} among those that it moves"
            yield Problem("dms-types", f"column {name}", text)


def _told(table: Table) -> Iterator[tuple[str, str]]:
    """Say what is wrong with one table, as (rule, what follows its name)."""
    generated = [column.name for column in table.columns if column.generated]
    if _wild(table.schema + table.name):
        yield "dms-names", f": its name holds one of {WILDCARDS}, which table mappings read as wildcards"
    for name in generated:
        if _wild(name):
            yield "dms-names", f": the generated column {name} cannot be left out, table mappings read {WILDCARDS}"
    if table.lobs and not table.key:
        names = listed([column.name for column in table.lobs], 5)
        yield "dms-lob-without-key", f": LOB columns ({names}) are not moved without a primary key"
    inside = [column.name for column in table.lobs if column.name in table.key]
    if inside:
        yield "dms-lob-in-key", f": {listed(inside)} is a LOB to DMS and must not be in the primary key"
    if table.has_heirs:
        yield "dms-inheritance", ": DMS would read the rows of the tables that inherit from it twice"
    if table.coalesce_index:
        yield "dms-coalesce-index", f": DMS does not support its unique index with coalesce ({table.coalesce_index})"
    if table.deferrable_key:
        yield "dms-deferrable-key", ": its primary key is DEFERRABLE, and DMS does not support deferred constraints"


def _wild(name: str) -> bool:
    return any(character in name for character in WILDCARDS)


def _full_lobs(tables: Sequence[Table], largest_lobs: Mapping[str, int]) -> Iterator[Problem]:
    """The full LOB mode writes a row first and its LOBs later: until then they are NULL."""
    beyond = [name for name, size in largest_lobs.items() if size > LARGEST_LIMITED * 1024]
    for table in tables if beyond else ():
        for column in table.lobs:
            if column.not_null:
                name = f"{table.ident}.{column.name}"
                text = (
                    f"{name} is NOT NULL: the full LOB mode, which {listed(beyond, 3)} needs for values over "
                    f"{LARGEST_LIMITED} KB, writes NULL first"
                )
                yield Problem("dms-full-lob-not-null", f"column {name}", text)
