# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose what is restored from a dump's table of contents. Pure.

Entries are told by the object ids that pg_dump wrote down, not by their names: a name may hold blanks,
quotes and line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen

# 3332; 2606 16400 FK CONSTRAINT public trips trips_route_fkey owner
_LINE = re.compile(r"^(?P<dump_id>\d+); (?P<catalog>\d+) (?P<oid>\d+) (?P<rest>.*)$")
# ;	depends on: 215 3312
_NEEDS = re.compile(r"^;\s+depends on:((?: \d+)+)$")
_NAMESPACE, _EXTENSION, _EVENT_TRIGGER, _USER_MAPPING = "2615", "3079", "3466", "1418"
_LARGE_OBJECT = "2613"


@dataclass(frozen=True)
class Entry:
    """`needs` are the dump ids of what it depends on."""

    dump_id: str
    catalog: str
    oid: str
    rest: str
    line: str
    needs: frozenset[str] = frozenset()


def read_toc(listing: str) -> list[Entry]:
    """Read what `pg_restore --list --verbose` prints; comment lines begin with a semicolon."""
    entries: list[Entry] = []
    for line in listing.splitlines():
        found, needs = _LINE.match(line), _NEEDS.match(line)
        if found:
            entries.append(Entry(found["dump_id"], found["catalog"], found["oid"], found["rest"], line))
        elif needs and entries:
            entries[-1] = replace(entries[-1], needs=frozenset(needs[1].split()))
    return entries


def chosen(
    entries: list[Entry], existing_schemas: Collection[str], extensions: Collection[str], selected: Chosen
) -> list[Entry]:
    """Leave out what exists already, what the target's user may not make, and what is not selected.

    `existing_schemas`: ids (on the source) of schemas that the target has by now, public among them.
    """
    comments = {f"COMMENT - EXTENSION {name} " for name in extensions} | {"COMMENT - SCHEMA public "}
    kept, gone = [], set()
    for entry in entries:
        made_before = entry.catalog == _EXTENSION or (entry.catalog == _NAMESPACE and entry.oid in existing_schemas)
        not_ours = entry.catalog in (_EVENT_TRIGGER, _USER_MAPPING)
        # The owner ends the line and may be empty: a blank after the name is always there.
        about_those = any(f"{entry.rest} ".startswith(start) for start in comments)
        if not_ours or f"{entry.catalog} {entry.oid}" in selected.places:
            gone.add(entry.dump_id)
        elif not (made_before or about_those):
            kept.append(entry)
    return [entry for entry in kept if not _about(entry, gone, selected)]


def _about(entry: Entry, gone: Collection[str], selected: Chosen) -> bool:
    """Tell what has no object id of its own (comments, rows, attaching a partition) and is about what is left out."""
    if entry.catalog != "0":
        return False
    whole = f"1259 {entry.oid}" in selected.places  # rows and row security bear the id of their table
    rows = entry.rest.startswith("TABLE DATA ") and entry.oid in selected.rowless
    return bool(entry.needs & set(gone)) or whole or rows


def is_large_object(entry: Entry) -> bool:
    """Tell the entries that make a large object, or comment on it."""
    return entry.catalog == _LARGE_OBJECT or entry.rest.startswith("COMMENT - LARGE OBJECT ")


@dataclass(frozen=True)
class Stage:
    entries: list[Entry]
    parallel: bool


def rest_in_stages(entries: list[Entry]) -> list[Stage]:
    """Order what comes after the rows, so that nothing waits for or misses something of a later stage.

    Attaching an index to that of a partitioned table locks tables that pg_restore does not know of: beside
    foreign keys it deadlocks. So indexes come first, then the attaching one by one, then the rest. Row
    security comes last: forced on the owner, it hides rows from foreign keys' checks and materialized views.
    """
    attach = [entry for entry in entries if entry.catalog == "0" and entry.rest.startswith("INDEX ATTACH ")]
    security = [entry for entry in entries if entry.catalog == "0" and entry.rest.startswith("ROW SECURITY ")]
    indexes = []
    if attach:
        indexes = [
            entry for entry in entries if entry.catalog != "0" and entry.rest.startswith(("INDEX ", "CONSTRAINT "))
        ]
    taken = {entry.dump_id for entry in (*attach, *security, *indexes)}
    others = [entry for entry in entries if entry.dump_id not in taken]
    stages = (Stage(indexes, True), Stage(attach, False), Stage(others, True), Stage(security, False))
    return [stage for stage in stages if stage.entries]


def table_data(entries: list[Entry]) -> dict[str, str]:
    """Return {dump id: the table's object id on the source}."""
    return {
        entry.dump_id: entry.oid for entry in entries if entry.catalog == "0" and entry.rest.startswith("TABLE DATA ")
    }
