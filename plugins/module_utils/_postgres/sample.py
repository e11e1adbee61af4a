# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the contents of a random part of a table's rows. It proves that the rest exists, and no more.

Rows are drawn from random pages of both sides, so that what only the target has can be met too, and are then
looked up by their primary key on both. Keys are looked up one by one: a range of them would depend on the order of
strings, which differs between two machines.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import Read
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.readers import Readers, Reads
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import Shape, hash_sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal

# With so many pages expected, drawing none at all is as likely as 1 in 10 million.
LEAST_PAGES = 16


def key_text(shape: Shape) -> str:
    """Return the key of a row of t as a JSON array of texts, as the types' output functions write them."""
    texts = ", ".join(f"format('%s', t.{identifier(column.name)})" for column in shape.key)
    return f"jsonb_build_array({texts})"


def draw_sql(shape: Shape, rows: int, wanted: int) -> str:
    """Ask for the keys of about `wanted` of a table's rows, of random pages."""
    percent = min(100.0, max(100 * wanted / max(rows, 1), 100 * LEAST_PAGES / max(shape.pages, 1)))
    return f"select {key_text(shape)} from only {shape.ident} t tablesample system ({percent:.9f})"


def look_up_sql(shape: Shape, records: bool, keys: Iterable[str]) -> str:
    """Count and hash the rows that have one of the keys (JSON arrays)."""
    names = ", ".join(f"t.{identifier(column.name)}" for column in shape.key)
    casts = ", ".join(f"(e ->> {n})::{column.declared}" for n, column in enumerate(shape.key))
    given = literal(f"[{', '.join(keys)}]")
    return hash_sql(shape, records, f" where ({names}) in (select {casts} from jsonb_array_elements({given}) e)")


def sample(readers: Readers, counts: Reads, idents: list[str], wanted: int) -> tuple[list[Reads], dict[str, str]]:
    """Return what was read of the drawn rows on both sides, and for each table without any why not."""
    shapes = readers.source.shapes
    reasons = {ident: "it has no primary key by which rows could be drawn" for ident in idents if not shapes[ident].key}
    drawn: dict[str, set[str]] = {ident: set() for ident in idents if ident not in reasons}
    rows = {ident: counts[ident].rows or 0 for ident in drawn}
    asked = [
        {ident: [draw_sql(_own(shapes[ident], side.shapes[ident]), rows[ident], wanted)] for ident in drawn}
        for side in readers.both
    ]
    problems: dict[str, str] = {}
    for answers in readers.ask(*asked):
        for ident, (answer,) in answers.items():
            problems |= {ident: answer.error} if answer.error else {}
            drawn[ident] |= set(answer.lines)
    reasons |= {ident: "no row was drawn" for ident, keys in drawn.items() if not keys and ident not in problems}
    tasks = {
        ident: [look_up_sql(shapes[ident], readers.records, sorted(keys))]
        for ident, keys in drawn.items()
        if keys and ident not in problems
    }
    reads = readers.read(tasks, tasks)
    for side in reads:
        side |= {ident: Read(None, error=error) for ident, error in problems.items()}
    return reads, reasons


def _own(source: Shape, own: Shape) -> Shape:
    """The source's columns and key, and this side's pages."""
    return Shape(source.ident, source.columns, source.key, own.pages)


def told(counts: Reads, reads: Reads) -> list[str]:
    """Say of each sampled table how little of it was compared."""
    return [
        f"{ident}: the contents of {read.rows} of its {counts[ident].rows} rows were compared"
        for ident, read in sorted(reads.items())
        if read.rows is not None
    ]
