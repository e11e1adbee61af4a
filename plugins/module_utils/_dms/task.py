# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DMS is told to move, and how: table mappings and replication settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.assessment import Assessment

SUBTASKS = 8
MOST_ROWS_AT_ONCE, FEWEST_ROWS_AT_ONCE = 10000, 100
LOB_MEMORY = 1 << 20  # KB: DMS allocates LobMaxSize * CommitRate * LOB columns beforehand


def table_mappings(assessment: Assessment) -> dict[str, Any]:
    """Name every table: a wildcard would take in what came after the assessment. The order of tables is kept."""
    rules = []
    for number, table in enumerate(assessment.tables):
        locator = {"schema-name": _meant(table.schema), "table-name": _meant(table.name)}
        order = {"load-order": len(assessment.tables) - number}
        rules.append({"rule-type": "selection", "object-locator": locator, "rule-action": "include", **order})
        # The target's server makes these values itself, and refuses others.
        rules += [
            {
                "rule-type": "transformation", "rule-target": "column", "rule-action": "remove-column",
                "object-locator": {**locator, "column-name": _meant(column.name)},
            }
            for column in table.columns if column.generated
        ]  # fmt: skip
    numbered = enumerate(rules, start=1)
    return {"rules": [{"rule-id": str(number), "rule-name": str(number), **rule} for number, rule in numbered]}


def _meant(name: str) -> str:
    return name.replace("_", "[_]")


def replication_settings(assessment: Assessment) -> Mapping[str, Any]:
    """No row may be lost silently: the first error of a row, a table or a length stops the load."""
    limited = min(assessment.lob_kilobytes, 102400) or 1
    full = assessment.full_lob_mode
    columns = max((len(table.lobs) for table in assessment.tables), default=0) or 1
    at_once = min(MOST_ROWS_AT_ONCE, max(FEWEST_ROWS_AT_ONCE, LOB_MEMORY // (limited * columns)))
    return {
        "TargetMetadata": {
            "SupportLobs": True, "FullLobMode": full, "LobChunkSize": 64,
            "LimitedSizeLobMode": not full, "LobMaxSize": 0 if full else limited,
        },
        "FullLoadSettings": {
            # The tables and their primary keys stand already; what a broken load has left goes first.
            "TargetTablePrepMode": "TRUNCATE_BEFORE_LOAD",
            "MaxFullLoadSubTasks": SUBTASKS,
            "CommitRate": at_once,
        },
        "ValidationSettings": {"EnableValidation": True, "ValidationPartialLobSize": 0 if full else limited},
        "ErrorBehavior": {
            "DataErrorPolicy": "STOP_TASK", "DataTruncationErrorPolicy": "STOP_TASK", "TableErrorPolicy": "STOP_TASK",
            "FullLoadIgnoreConflicts": False, "FailOnNoTablesCaptured": True,
        },
        "Logging": {"EnableLogging": True},
    }  # fmt: skip
