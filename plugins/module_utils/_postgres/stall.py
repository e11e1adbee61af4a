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
SILENCE = 60.0  # so long a server process may have answered, or be gone, and our psql not know it
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
    """Asks the target every other second what its COPYs have taken in, and whether it is at work at all.

    A connection that broke without a word, as through a NAT that forgot it, is seen on the server only.
    """

    task: Task
    progress: Progress
    clock: Callable[[], float] = time.monotonic
    _doing: dict[int, str] = field(default_factory=dict)
    _moved: dict[int, tuple[int, str, float]] = field(default_factory=dict)
    _building: set[int] = field(default_factory=set)
    _looked: float = 0.0

    def begin(self, lane: int, ident: str, rows: bool = True) -> None:
        """`rows` is false for a statement that tells nothing while it works, such as CREATE INDEX."""
        self._doing[lane] = ident
        self._moved[lane] = (-1, "", self.clock())
        if not rows:
            self._building.add(lane)

    def end(self, lane: int) -> None:
        del self._doing[lane]
        self._building.discard(lane)

    def look(self) -> None:
        session = self.task.target_session
        if session is None or not self._doing or self.clock() - self._looked < PAUSE:
            return
        self._looked = self.clock()
        if self.task.target_major < PROGRESS_SINCE:
            return
        figures: dict[str, tuple[int, int]] = {}
        gone = dict(self._doing)
        patience = session.patience(self.task.options.stall_timeout)
        for number, state, size, rows in session.ask_json(figures_sql(self.task.application), patience):
            lane = int(number) if number.isdigit() else -1
            if gone.pop(lane, None) is not None:
                self.take(lane, state, size)
                if lane not in self._building:
                    # Several lanes may copy parts of one table.
                    before = figures.get(self._doing[lane], (0, 0))
                    figures[self._doing[lane]] = (before[0] + size, before[1] + rows)
        for lane in gone:
            self.take(lane, "gone", 0)
        self.progress.moving(figures)
        self.task.on_progress(self.progress.state)

    def take(self, lane: int, state: str, size: int) -> None:
        """Judge what the server says about the work of one lane."""
        ident, patience = self._doing[lane], self.task.options.stall_timeout
        if state == "idle in transaction (aborted)" and lane not in self._building:
            # psql would send all the other rows before it tells the error.
            raise PostgresError(f"{self.task.target}: COPY of {ident} failed: see the server's log for the row")
        *before, since = self._moved[lane]
        if [size, state] != before or (state == "active" and lane in self._building):
            self._moved[lane] = (size, state, self.clock())
        elif state != "active" and self.clock() - since > min(patience, SILENCE):
            raise PostgresError(
                f"{self.task.target}: {ident}: the server process is {state}, but its answer does not arrive: "
                "the connection is broken; look at the network between"
            )
        elif state == "active" and self.clock() - since > patience:
            raise PostgresError(
                f"{ident} does not move: the target has taken in {size} bytes and none for {patience} s; "
                "look for locks, a full disk or a dead connection"
            )
