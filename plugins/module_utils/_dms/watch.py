# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a load while it runs: its states, DMS's own assessment before it, how far its tables are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.replication_plan import (
    COMPLETED,
    FAILED,
    NEW,
    STOPPED,
    Seen,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progress import written

# For how long after a start the state of the load before may still be told.
STALE = 30.0
# The states of a premigration assessment after which a load that needs it does not begin.
NOT_PASSED = ("failed", "error-provisioning", "error-executing", "invalid state", "cancelling")
LOADING = "Full load"


def assessment_settings(wish: str) -> str | None:
    """Return PremigrationAssessmentSettings. DMS keeps the findings in a bucket of its own."""
    return None if wish == "none" else json.dumps({"FailOnAssessmentFailure": wish == "require"})


def _newest(replication: Mapping[str, Any], known: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    runs = replication.get("PremigrationAssessmentStatuses") or ()
    fresh = [run for run in runs if run.get("PremigrationAssessmentRunArn", "") not in known]
    return max(fresh, key=lambda run: str(run.get("PremigrationAssessmentRunCreationDate", "")), default={})


def assessment_facts(replication: Mapping[str, Any], known: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the newest assessment in our words; nothing when there is none."""
    run = _newest(replication, known)
    counted = run.get("ResultStatistic") or {}
    if not run:
        return {}
    return {
        "status": run.get("Status", ""),
        "required": bool(run.get("FailOnAssessmentFailure")),
        **{key.lower(): counted.get(key, 0) for key in ("Passed", "Failed", "Warning", "Error", "Cancelled")},
        "last_failure": run.get("LastFailureMessage", ""),
        "findings": "/".join(filter(None, (run.get("ResultLocationBucket"), run.get("ResultLocationFolder")))),
    }


def assessment_notes(told: Mapping[str, Any]) -> list[str]:
    found = told["assessment"]
    if not found or found["status"] == "passed":
        return []
    text = f"the premigration assessment of DMS has the status {found['status']}: {found['failed']} failed, "
    text += f"{found['warning']} with warnings; its findings are in {found['findings'] or 'the console of DMS'}"
    return [text + (f"; last failure: {found['last_failure']}" if found["last_failure"] else "")]


@dataclass
class Watch:
    """What the waiting sees: the states in their order, and why it would be in vain."""

    started: float
    clock: Callable[[], float] = time.monotonic
    states: list[dict[str, Any]] = field(default_factory=list)
    path: Path | None = None
    assessment: dict[str, Any] = field(default_factory=dict)
    _known: frozenset[str] = frozenset()  # assessments of earlier starts

    def begin(self, before: Mapping[str, Any]) -> None:
        runs = before.get("PremigrationAssessmentStatuses") or ()
        self._known = frozenset(run.get("PremigrationAssessmentRunArn", "") for run in runs)
        self.started = self.clock()

    def done(self, replication: Mapping[str, Any]) -> bool:
        self._remember(replication.get("Status", ""))
        return Seen({"-": ""}, replication=replication).finished

    def failed(self, replication: Mapping[str, Any]) -> str | None:
        status = replication.get("Status", "")
        if self._assessed(replication) and status in (NEW, FAILED, STOPPED):
            return f"its premigration assessment has {self.assessment['status']} ({self._why()}), no row was moved"
        if status not in (FAILED, STOPPED) or (len(self.states) < 2 and self.clock() - self.started < STALE):
            return None
        messages = [str(message) for message in replication.get("FailureMessages") or ()]
        errored = (replication.get("ReplicationStats") or {}).get("TablesErrored") or 0
        told = [*messages, replication.get("StopReason", ""), f"{errored} tables with errors" if errored else ""]
        return f"{status} ({'; '.join(filter(None, told)) or 'no reason told'})"

    def _assessed(self, replication: Mapping[str, Any]) -> bool:
        """Whether the load waits for an assessment that it did not pass."""
        self.assessment = assessment_facts(replication, self._known)
        return bool(self.assessment) and self.assessment["required"] and self.assessment["status"] in NOT_PASSED

    def _why(self) -> str:
        return self.assessment["last_failure"] or f"findings in {self.assessment['findings'] or 'the console of DMS'}"

    def show(self, replication: Mapping[str, Any]) -> str:
        stats = replication.get("ReplicationStats") or {}
        told = f"{replication.get('Status', '')}, {stats.get('FullLoadProgressPercent', 0)} %"
        loaded, loading = stats.get("TablesLoaded", 0), stats.get("TablesLoading", 0)
        return f"{told}, tables: {loaded} loaded, {loading} loading, {stats.get('TablesQueued', 0)} queued"

    def show_progress(self, replication: Mapping[str, Any], read_tables: Callable[[], list[dict[str, Any]]]) -> None:
        """Write how far the load is for whoever watches; tables are asked for only when some are there."""
        if self.path is None:
            return
        stats = replication.get("ReplicationStats") or {}
        moving = stats.get("FullLoadStartDate") is not None
        told = progress(replication, read_tables() if moving else [], self.clock() - self.started)
        told["assessment"] = assessment_facts(replication, self._known).get("status", "")
        if not written(self.path, told):
            self.path = None

    def _remember(self, status: str) -> None:
        if not self.states or self.states[-1]["status"] != status:
            self.states.append({"status": status, "seconds": round(self.clock() - self.started, 1)})


def progress(replication: Mapping[str, Any], tables: list[dict[str, Any]], elapsed: float) -> dict[str, Any]:
    """Return what a person wants to see of a load that runs. Pure."""
    stats = replication.get("ReplicationStats") or {}
    states = [table["validation_state"] for table in tables if table["validation_state"] not in ("", "Not enabled")]
    return {
        "phase": replication.get("Status", ""),
        "elapsed": round(elapsed, 1),
        "percent": stats.get("FullLoadProgressPercent", 0),
        "tables": len(tables),
        "tables_done": sum(table["state"] == COMPLETED for table in tables),
        "rows": sum(table["rows"] or 0 for table in tables),
        "running": [{"name": table["name"], "rows": table["rows"]} for table in tables if table["state"] == LOADING],
        "validation": {state: states.count(state) for state in sorted(set(states))},
    }
