# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is, in a small file for whoever watches. Nothing of the run depends on the file or its readers."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import Job
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

PAUSE = 1.0
# Rates are those of the last moments, not of the whole run.
WINDOW = 20.0
# Measured: of the work on a table about this part is copying, the rest is building its indexes.
COPYING = 0.6
COPIED = frozenset(("copied", "indexing", "done", "kept"))
FINISHED = frozenset(("done", "kept"))


def span(job: Job, lane: int, start: float, seconds: float, rows: int | None) -> dict[str, Any]:
    """Return one entry of a run's timeline."""
    copied = job.kind == "copy"
    size = job.table.bytes // len(job.table.parts) if copied else job.index.bytes if job.index else None
    return {
        "name": job.index.ident if job.index else job.table.ident,
        "table": job.table.ident,
        "kind": job.kind,
        "lane": lane,
        "start": round(start, 3),
        "seconds": round(seconds, 3),
        "rows": rows if copied else None,
        "bytes": size,
    }


def share_copied(about: dict, rows_planned: int) -> float:
    """Say which part of a table's rows is there; an estimate never says that all are."""
    if about["state"] in COPIED:
        return 1.0
    if about["state"] != "copying":
        return 0.0
    # The stream has another size than the table, so rows tell more, where the server knows how many there are.
    seen = about["rows"] / rows_planned if rows_planned else about["bytes"] / max(about["total"], 1)
    return min(seen, 0.99)


def share_done(about: dict, rows_planned: int) -> float:
    return 1.0 if about["state"] in FINISHED else COPYING * share_copied(about, rows_planned)


def summary(tables: dict[str, dict], rows_planned: dict[str, int]) -> dict[str, Any]:
    """Add up the states of all tables. Pure."""
    copied = {ident: share_copied(about, rows_planned.get(ident, 0)) for ident, about in tables.items()}
    # A table without pages is work too.
    weights = {ident: max(about["total"], 8192) for ident, about in tables.items()}
    done = sum(weights[ident] * share_done(about, rows_planned.get(ident, 0)) for ident, about in tables.items())
    return {
        "percent": round(100 * done / sum(weights.values()), 1) if weights else 0.0,
        "rows": sum(about["rows"] for about in tables.values() if about["state"] != "kept"),
        "bytes": round(sum(copied[i] * about["total"] for i, about in tables.items() if about["state"] != "kept")),
        "bytes_total": sum(about["total"] for about in tables.values() if about["state"] != "kept"),
        "tables": len(tables),
        "tables_done": sum(about["state"] in FINISHED for about in tables.values()),
        "running": [
            {"name": ident, "state": about["state"], "percent": round(100 * copied[ident]), "rows": about["rows"]}
            for ident, about in tables.items()
            if about["state"] in ("copying", "indexing")
        ],
    }


@dataclass
class ProgressFile:
    """Replaced as a whole, at most once a second; a file that cannot be written is given up at once."""

    path: Path | None
    clock: Callable[[], float] = time.monotonic
    _phase: str = ""
    _tables: dict[str, dict] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _past: deque[tuple[float, dict]] = field(default_factory=deque)
    _written: float = 0.0

    def __post_init__(self) -> None:
        self._began = self.clock()

    @classmethod
    def of(cls, path: str | None) -> ProgressFile:
        problem = refuse_foreign(path)
        if problem:
            raise PostgresError(problem)
        return cls(Path(path) if path else None)

    def phase(self, name: str) -> None:
        self._phase = name
        self._write()

    def plan(self, tables: Iterable[dict]) -> None:
        """Take the plan's estimates of rows; until an engine tells more, every table waits."""
        for table in tables:
            self._rows[table["name"]] = table["rows"]
            self._tables[table["name"]] = {"state": "waiting", "bytes": 0, "rows": 0, "total": table["bytes"]}
        self.tick()

    def take(self, state: dict) -> None:
        """Take what the engine tells."""
        self._tables = state["tables"]
        self.tick()

    def tick(self) -> None:
        if self.clock() - self._written >= PAUSE:
            self._write()

    def content(self) -> dict[str, Any]:
        now, told = self.clock(), summary(self._tables, self._rows)
        self._past.append((now, told))
        while len(self._past) > 1 and now - self._past[0][0] > WINDOW:
            self._past.popleft()
        then, before = self._past[0]
        seconds, elapsed = now - then, now - self._began
        rates = {
            f"{what}_per_second": round(max(0, told[what] - before[what]) / seconds) if seconds > 0 else None
            for what in ("rows", "bytes")
        }
        return {"phase": self._phase, "elapsed": round(elapsed, 1), **told, **rates, "eta": _eta(told, before, seconds)}

    def _write(self) -> None:
        if self.path is None:
            return
        self._written = self.clock()
        if not written(self.path, self.content()):
            self.path = None


def written(path: Path, told: dict[str, Any]) -> bool:
    """Replace the file as a whole; False when whoever made its folder has taken it away: nobody watches any more."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(json.dumps(told))
        fresh.replace(path)
    except OSError:
        return False
    return True


def refuse_foreign(path: str | None) -> str:
    """Return why the file must not be replaced; nothing when it may."""
    if path and not _ours(Path(path)):
        return f"progress_path {path} is a file that this module has not written: give another path"
    return ""


def _ours(path: Path) -> bool:
    """Tell whether the file may be replaced: it is not there, or an earlier run's."""
    try:
        return "phase" in json.loads(path.read_text())
    except FileNotFoundError:
        return True
    except (OSError, ValueError, TypeError):
        return False


def _eta(told: dict, before: dict, seconds: float) -> int | None:
    """Seconds until rows and indexes are there, at the pace of the last moments."""
    gained = told["percent"] - before["percent"]
    return round((100 - told["percent"]) * seconds / gained) if gained > 0 and told["percent"] < 100 else None
