# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move schema and rows with pg_dump and pg_restore in the directory format.

The walls around it: what is here may be replaced by anything that has the four steps of Engine. The
migration calls them in this order, counts the rows between write_rows() and write_rest(), and gives the
source's snapshot free after read(), or after write_rows() when `needs_snapshot_for_rows` says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.archive import Archive
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task, Written


class Engine(Protocol):
    needs_snapshot_for_rows: bool

    def read(self) -> None:
        """Take from the source, under the snapshot, what the next steps need."""

    def write_schema(self) -> None:
        """Make everything that must exist before the rows."""

    def write_rows(self) -> Written:
        """Write the rows and large objects, perhaps sequence values and indexes too."""

    def write_rest(self) -> None:
        """Make indexes, constraints, triggers and the like; fill materialized views."""


@dataclass
class DumpEngine:
    """pg_dump -Fd -j and pg_restore -j: a complete dump lies in the private folder before a row is written."""

    task: Task
    needs_snapshot_for_rows: bool = False
    archive: Archive = field(init=False)
    _shown: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.archive = Archive(self.task, self.task.workdir / "dump")

    def read(self) -> None:
        self.archive.read("--format=directory", f"--jobs={self.task.jobs}")

    def write_schema(self) -> None:
        self.archive.restore("pre-data", self.archive.entries)

    def write_rows(self) -> Written:
        self._tell("", "waiting")
        watch = Stopwatch(toc.table_data(self.archive.entries), on_state=self._tell)
        self.archive.restore("data", self.archive.entries, watch.line)
        self._tell("", "copied")
        return Written(watch.seconds)

    def write_rest(self) -> None:
        self.archive.restore_rest(self.archive.entries)
        self._tell("", "done")

    def _tell(self, oid: str, state: str) -> None:
        """Tell a watcher of one table, or of all; pg_restore says when a table begins and ends, and no rows."""
        for table in self.task.tables:
            if oid in ("", table["oid"]):
                size = {"bytes": 0, "rows": 0, "total": table["bytes"]}
                self._shown[table["name"]] = {"state": state, **size}
        self.task.on_progress({"tables": self._shown})


class Stopwatch:
    """Times tables by what `pg_restore --verbose --jobs` tells: launching item N, finished item N.

    Its workers write to one pipe, in pieces: a line may be torn. A table whose lines are torn has no time.
    """

    def __init__(
        self,
        tables: dict[str, str],
        clock: Callable[[], float] = time.monotonic,
        on_state: Callable[[str, str], None] = lambda _oid, _state: None,
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._tables, self._clock, self._on_state = tables, clock, on_state
        self._started: dict[str, float] = {}

    def line(self, text: str) -> None:
        words = [*text.split(), "", "", "", ""]
        if words[1:3] == ["launching", "item"]:
            self._started[words[3]] = self._clock()
            if words[3] in self._tables:
                self._on_state(self._tables[words[3]], "copying")
        elif words[1:3] == ["finished", "item"] and words[3] in self._tables and words[3] in self._started:
            self.seconds[self._tables[words[3]]] = self._clock() - self._started[words[3]]
            self._on_state(self._tables[words[3]], "copied")
