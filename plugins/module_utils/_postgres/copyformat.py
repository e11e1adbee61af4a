# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide in which form the rows of a table travel. Pure.

Binary costs the target about a fifth less work than text, but it is only taken where both servers are sure
to mean the same by it: a value's bytes must hold no object ids, which differ between two databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Object ids below are written in PostgreSQL's own sources and the same in every version.
FIXED_OIDS = 10000
# Types of well-known extensions whose binary form holds no object ids and no pointers.
KNOWN_EXTENSIONS = frozenset(("citext", "hstore", "ltree", "postgis", "vector", "cube", "isn", "seg"))
# xml carries a declaration of its encoding; the others hold object ids of one database or have no input.
TEXT_ONLY = frozenset(
    (
        "regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regrole", "regnamespace",
        "regconfig", "regdictionary", "regcollation", "regdatabase", "aclitem", "xml", "gtsvector", "pg_node_tree",
        "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_ddl_command", "pg_brin_bloom_summary",
        "pg_brin_minmax_multi_summary",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Type:
    """A type on the source. `parts` are the attributes of a composite type."""

    oid: int
    name: str
    typtype: str
    binary: bool
    element: int = 0
    base: int = 0
    subtype: int = 0
    parts: tuple[int, ...] = ()
    extension: str | None = None


@dataclass(frozen=True)
class Form:
    """`format` is binary or text; `why` names the reason for text."""

    format: str
    why: str = ""


def form_of(
    columns: Iterable[tuple[str, int]],
    types: Mapping[int, Type],
    wanted: str,
    encoding: str = "UTF8",
    receivable: frozenset[str] | None = None,
) -> Form:
    """Choose for one table. `receivable` names the extensions' types that the target can read in binary form."""
    if wanted == "text":
        return Form("text", "asked for")
    if encoding != "UTF8":
        return Form("text", f"the databases' encoding is {encoding}")
    for name, oid in columns:
        reason = obstacle(oid, types, receivable)
        if reason:
            return Form("text", f"column {name}: {reason}")
    return Form("binary")


def obstacle(oid: int, types: Mapping[int, Type], receivable: frozenset[str] | None = None) -> str:
    """Say why values of the type cannot travel in binary form; empty when they can."""
    found = types.get(oid)
    if found is None:
        return f"type {oid} is not known"
    if found.typtype == "d":
        return obstacle(found.base, types, receivable)
    if not found.binary:
        return f"type {found.name} has no binary form"
    if found.typtype == "e":
        return ""
    if found.typtype in "rm":
        return obstacle(found.subtype, types, receivable)
    if found.element:
        return _inner(found.element, found, types, receivable)
    if found.typtype == "c":
        reasons = (_inner(part, found, types, receivable) for part in found.parts)
        return next((reason for reason in reasons if reason), "")
    return _base(found, receivable)


def _inner(oid: int, outer: Type, types: Mapping[int, Type], receivable: frozenset[str] | None) -> str:
    """Arrays and composites write the object ids of what they hold: these must be the same on both sides."""
    if oid >= FIXED_OIDS:
        name = types[oid].name if oid in types else str(oid)
        return f"type {outer.name} names the object id of {name}"
    return obstacle(oid, types, receivable)


def _base(found: Type, receivable: frozenset[str] | None) -> str:
    if found.oid < FIXED_OIDS:
        return f"type {found.name} names objects of one database" if found.name in TEXT_ONLY else ""
    if found.extension not in KNOWN_EXTENSIONS:
        return f"type {found.name} is not known to be the same on both sides"
    if receivable is not None and found.name not in receivable:
        return f"type {found.name} has no binary form on the target"
    return ""
