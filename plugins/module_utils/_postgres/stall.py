# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice a COPY that does not move any more, and tell how far the others are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import Progress
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task

PAUSE = 2.0
PROGRESS_SINCE = 14  # pg_stat_progress_copy


def figures_sql(application: str) -> str:
    return f"""
select pg_catalog.jsonb_build_array(pg_catalog.split_part(a.application_name, ':', 3), a.state,
  coalesce(p.bytes_processed, 0), coalesce(p.tuples_processed, 0))
from pg_catalog.pg_stat_activity a left join pg_catalog.pg_stat_progress_copy p using (pid)
where pg_catalog.starts_with(a.application_name, {literal(application + ":")})
  and a.datname = current_database()"""


@dataclass
class Watch:
    """Asks the target every other second what its COPYs have taken in."""

    task: Task
    progress: Progress
    clock: Callable[[], float] = time.monotonic
    _doing: dict[int, str] = field(default_factory=dict)
    _moved: dict[int, tuple[int, float]] = field(default_factory=dict)
    _looked: float = 0.0

    def begin(self, lane: int, ident: str) -> None:
        self._doing[lane] = ident
        self._moved[lane] = (-1, self.clock())

    def end(self, lane: int) -> None:
        del self._doing[lane]

    def look(self) -> None:
        session = self.task.target_session
        if session is None or not self._doing or self.clock() - self._looked < PAUSE:
            return
        self._looked = self.clock()
        if self.task.target_major < PROGRESS_SINCE:
            return
        figures = {}
        for number, state, size, rows in session.ask_json(figures_sql(self.task.application)):
            lane = int(number) if number.isdigit() else -1
            if lane in self._doing:
                self.take(lane, state, size)
                figures[self._doing[lane]] = (size, rows)
        self.progress.moving(figures)
        self.task.on_progress(self.progress.state)

    def take(self, lane: int, state: str, size: int) -> None:
        """Judge what the server says about the COPY of one lane."""
        ident = self._doing[lane]
        if state == "idle in transaction (aborted)":
            # psql would send all the other rows before it tells the error.
            raise PostgresError(f"{self.task.target}: COPY of {ident} failed: see the server's log for the row")
        before, since = self._moved[lane]
        if size != before:
            self._moved[lane] = (size, self.clock())
        elif self.clock() - since > self.task.options.stall_timeout:
            raise PostgresError(
                f"{ident} does not move: the target has taken in {size} bytes and none for "
                f"{self.task.options.stall_timeout} s; look for locks, a full disk or a dead connection"
            )
