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
from dataclasses import dataclass

# 3332; 2606 16400 FK CONSTRAINT public trips trips_route_fkey owner
_LINE = re.compile(r"^(?P<dump_id>\d+); (?P<catalog>\d+) (?P<oid>\d+) (?P<rest>.*)$")
_NAMESPACE, _EXTENSION, _EVENT_TRIGGER, _USER_MAPPING = "2615", "3079", "3466", "1418"


@dataclass(frozen=True)
class Entry:
    dump_id: str
    catalog: str
    oid: str
    rest: str
    line: str


def read_toc(listing: str) -> list[Entry]:
    """Read what `pg_restore --list` prints; comment lines begin with a semicolon."""
    matches = (_LINE.match(line) for line in listing.splitlines())
    return [Entry(m["dump_id"], m["catalog"], m["oid"], m["rest"], m.string) for m in matches if m]


def chosen(entries: list[Entry], existing_schemas: Collection[str], extensions: Collection[str]) -> list[Entry]:
    """Leave out what exists already or what the target's user may not make.

    `existing_schemas`: ids (on the source) of schemas that the target has by now, public among them.
    """
    comments = {f"COMMENT - EXTENSION {name} " for name in extensions} | {"COMMENT - SCHEMA public "}
    kept = []
    for entry in entries:
        made_before = entry.catalog == _EXTENSION or (entry.catalog == _NAMESPACE and entry.oid in existing_schemas)
        not_ours = entry.catalog in (_EVENT_TRIGGER, _USER_MAPPING)
        # The owner ends the line and may be empty: a blank after the name is always there.
        about_those = any(f"{entry.rest} ".startswith(start) for start in comments)
        if not (made_before or not_ours or about_those):
            kept.append(entry)
    return kept


def row_security_last(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Split off what switches row security on.

    Forced on the owner, it would hide rows from the checks of foreign keys and from materialized views.
    """
    last = [entry for entry in entries if entry.rest.startswith("ROW SECURITY ")]
    return [entry for entry in entries if entry not in last], last


def table_data(entries: list[Entry]) -> dict[str, str]:
    """Return {dump id: the table's object id on the source}."""
    return {entry.dump_id: entry.oid for entry in entries if entry.rest.startswith("TABLE DATA ")}
