# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put what a run tells of its progress into one line. Pure."""

from __future__ import annotations

from typing import Any

PHASES = {
    "connect": "connecting",
    "preflight": "checking both sides",
    "claim": "claiming the target",
    "snapshot": "taking the snapshot",
    "dump": "reading the source",
    "restore": "writing the target",
    "sequences": "setting sequences",
    "analyze": "gathering statistics",
    "verify": "comparing",
}
MOST_TABLES = 4


def line(told: dict[str, Any], silent: float = 0) -> str:
    """Return how far the run is, for a person; `silent` seconds have passed since it was told."""
    phase = PHASES.get(told.get("phase", ""), "starting")
    parts = [f"{phase}, {span((told.get('elapsed') or 0) + silent)}"]
    if told.get("tables"):
        parts.append(_whole(told))
    # Steps that one statement does tell nothing while it runs: a pace would be that of another step.
    parts += [] if silent else _pace(told)
    running = told.get("running") or []
    names = [_table(table) for table in running[:MOST_TABLES]]
    if len(running) > MOST_TABLES:
        names.append(f"{len(running) - MOST_TABLES} more")
    return ": ".join(filter(None, [", ".join(parts), "; ".join(names)]))


def _whole(told: dict[str, Any]) -> str:
    size = f"{told.get('bytes', 0) / 1e6:,.1f} of {told.get('bytes_total', 0) / 1e6:,.1f} MB"
    tables = f"{told.get('tables_done', 0)} of {told.get('tables', 0)} tables"
    return f"{told.get('percent', 0):.0f} %, {tables}, {size}, {told.get('rows', 0):,} rows"


def _pace(told: dict[str, Any]) -> list[str]:
    parts = []
    if told.get("rows_per_second"):
        parts.append(f"{told['rows_per_second']:,} rows/s")
    if told.get("bytes_per_second"):
        parts.append(f"{told['bytes_per_second'] / 1e6:.1f} MB/s")
    if told.get("eta") is not None:
        parts.append(f"about {span(told['eta'])} left")
    return parts


def _table(table: dict[str, Any]) -> str:
    if table.get("state") == "indexing":
        return f"{table.get('name')} indexes"
    return f"{table.get('name')} {table.get('percent', 0)} %"


def span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
