# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put what a load of DMS tells of its progress into one line. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progressline import MOST_TABLES, span


def line(told: dict[str, Any], silent: float = 0) -> str:
    """Return how far DMS is, for a person; `silent` seconds have passed since it was told."""
    state = (told.get("phase") or "starting").replace("_", " ")
    parts = [f"DMS: {state}, {span((told.get('elapsed') or 0) + silent)}"]
    if told.get("assessment"):
        parts.append(f"assessment {told['assessment']}")
    if told.get("tables"):
        tables = f"{told.get('tables_done', 0)} of {told['tables']} tables"
        parts.append(f"full load {told.get('percent', 0)} %, {tables}, {told.get('rows', 0):,} rows")
    validated = [f"{state} {number}" for state, number in (told.get("validation") or {}).items()]
    if validated:
        parts.append(f"validation: {', '.join(validated)}")
    running = told.get("running") or []
    names = [f"{table['name']} {table['rows'] or 0:,} rows" for table in running[:MOST_TABLES]]
    if len(running) > MOST_TABLES:
        names.append(f"{len(running) - MOST_TABLES} more")
    return ": ".join(filter(None, [", ".join(parts), "; ".join(names)]))
