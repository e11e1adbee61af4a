# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the result of dms_replication into sections of a report. Pure."""

from __future__ import annotations

from typing import Any

# What DMS's own validation says; anything else is a difference, or not yet a result.
VALIDATION = {"Validated": "pass", "No primary key": "skip", "Not enabled": "skip", "Pending records": "warn"}
COLUMNS: list[dict[str, Any]] = [
    {"key": "name", "title": "Table"},
    {"key": "state", "title": "State"},
    {"key": "rows", "title": "Rows", "kind": "count", "total": True},
    {"key": "error_rows", "title": "Rows with errors", "kind": "count", "total": True},
    {"key": "seconds", "title": "Duration", "kind": "seconds"},
    {"key": "result", "title": "Validation", "kind": "result"},
    {"key": "validation_state", "title": "DMS's word"},
    {"key": "validation_failed_records", "title": "Differing", "kind": "count", "total": True},
    {"key": "validation_pending_records", "title": "Pending", "kind": "count", "total": True},
    {"key": "validation_suspended_records", "title": "Not comparable", "kind": "count", "total": True},
]


def load(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what DMS did: its states, its assessment, each table with its validation; nothing without a load."""
    tables = [{**table, "result": VALIDATION.get(table["validation_state"], "fail")} for table in
              loaded.get("tables") or []]  # fmt: skip
    sections: list[dict[str, Any]] = []
    if loaded.get("states"):
        sections.append({"title": "States of AWS DMS", "kind": "timeline", "steps": _steps(loaded["states"])})
    if loaded.get("assessment"):
        sections.append({"title": "Premigration assessment of AWS DMS", "kind": "facts",
                         "facts": loaded["assessment"]})  # fmt: skip
    if tables:
        note = "As DMS tells it, before indexes and constraints were made. What proves the move is the verification."
        sections.append({"title": "Tables as AWS DMS loaded them", "kind": "table", "note": note, "columns": COLUMNS,
                         "rows": tables})  # fmt: skip
    return sections


def _steps(states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A state lasts until the next one; how long the last one lasts, nobody has waited for."""
    ends = [*(state["seconds"] for state in states[1:]), states[-1]["seconds"]]
    return [
        {
            "name": state["status"].replace("_", " "),
            "start": state["seconds"],
            "seconds": max(end - state["seconds"], 0),
        }
        for state, end in zip(states, ends)  # noqa: B905 - strict= came with Python 3.10
    ]
