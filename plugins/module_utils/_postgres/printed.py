# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether servers of two majors mean the same by definitions that they print in different ways. Pure.

The text of views, rules, policies and BEGIN ATOMIC bodies is made by the server from a parse tree, and from 16 on names
a column without its table where there is only one. So words are compared, in their order. What one of the two servers
does not list at all is left out, where another definition tells the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Key = tuple[str, str]

_PRINTED = frozenset(("view", "materialized view", "rule", "policy"))
_BODY = "\nBEGIN ATOMIC\n"
# NOT NULL as a constraint of its own; the column or the domain tells it as well.
DOMAIN_NOT_NULL_SINCE = 17
COLUMN_NOT_NULL_SINCE = 18
_OF_DOMAIN = re.compile(r"\bon domain ")
# Strings and quoted names are one word each; so is a chain of names.
_NAME = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
_WORD = re.compile(rf"[eE]?'(?:[^']|'')*'|{_NAME}(?:\s*\.\s*(?:{_NAME}|\*))*|[\d.]+|[^\s\w]")


def is_printed(kind: str, text: str) -> bool:
    return kind in _PRINTED or (kind in ("function", "procedure") and _BODY in text)


def listed_by_both(objects: Mapping[Key, str], majors: Iterable[int]) -> dict[Key, str]:
    """Return the objects of one side that servers of these majors list."""
    oldest = min(majors)
    return {
        (kind, ident): text
        for (kind, ident), text in objects.items()
        if not (kind == "constraint" and _listed_by_one(ident, text, oldest))
    }


def _listed_by_one(ident: str, text: str, oldest: int) -> bool:
    since = DOMAIN_NOT_NULL_SINCE if _OF_DOMAIN.search(ident) else COLUMN_NOT_NULL_SINCE
    return text.startswith("NOT NULL") and oldest < since


def schemas_of(objects: Iterable[Key]) -> frozenset[str]:
    """Return the names, as they are quoted, that stand for a schema and for no relation that a column may be of."""
    keys = list(objects)
    relations = {ident.rpartition(".")[2] for kind, ident in keys if kind in ("table", "view", "materialized view")}
    return frozenset({"public", *(ident for kind, ident in keys if kind == "schema")} - relations)


def alike(ours: str, theirs: str, schemas: frozenset[str]) -> bool:
    """Tell whether two texts have the same words, but for tables that columns are told with on one side only."""
    words, others = (_WORD.findall(text) for text in (ours, theirs))
    return len(words) == len(others) and all(_same(*pair, schemas) for pair in zip(words, others, strict=True))


def _same(one: str, other: str, schemas: frozenset[str]) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    parts = re.findall(rf"{_NAME}|\*", long)
    return len(parts) == 2 and parts[1] == short and parts[0] not in schemas and long[0] != "'"
