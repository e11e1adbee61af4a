# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass of the copy engine: who copies or builds what, and what was counted at both ends of each COPY."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import copysql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.blobs import LargeObjects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import TICK
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import Board, Job, Progress, Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, known
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.lanes import Lane, Loop, Steps, opened_lanes
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progress import span
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Answer, Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.stall import Watch
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task, Written
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.throttle import PAUSE, Throttle


@dataclass
class Run:
    """One pass over the board: which worker does what, until nothing is left."""

    task: Task
    tables: list[Table]
    standing: frozenset[str]
    constraints: frozenset[str]
    written: Written
    large: LargeObjects
    lanes: list[Lane] = field(default_factory=list)
    _released: bool = False
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.board = Board(self.tables, self.task.jobs, self.standing, self.task.options.index_jobs)
        self.progress = Progress.of(self.tables)
        self.watch = Watch(self.task, self.progress)
        self.throttle = Throttle(self.task.options.max_rate)
        for table in self.tables:
            if table.kept:
                self._counted(table, (self.task.kept or {})[table.ident], 0.0)
            elif table.done:
                self._counted(table, sum(rows for _number, rows in table.done), 0.0)

    def all(self) -> None:
        self.progress.phase = "rows"
        with opened_lanes(self.task, self.board.workers, self.board.copies_left > 0) as self.lanes:
            try:
                if self.large.sender is not None:
                    self.throttle.begin(self.large.sender)
                Loop(self.lanes, self.task, self._steps, self._tick, PAUSE if self.throttle.rate else TICK).run()
                self.large.finish(self.throttle)
            finally:
                self.throttle.release()
        self._release()

    def _tick(self) -> None:
        self.throttle.look()
        self.task.on_tick()
        self.large.check()
        self.watch.look()
        self._release()

    def _steps(self, lane: Lane) -> Steps | None:
        job = self.board.next()
        if job is None:
            return None
        steps = {"copy": self._copy, "index": self._index, "finish": self._finish}[job.kind](lane, job)
        return self._noted(lane, job, steps)

    def _noted(self, lane: Lane, job: Job, steps: Steps) -> Steps:
        """Write down which worker did what and when."""
        began = time.monotonic()
        yield from steps
        rows = (self.written.rows or {}).get(job.table.ident, (None, None))[0] if len(job.table.parts) == 1 else None
        self.written.spans.append(span(job, lane.number, began - self._began, time.monotonic() - began, rows))

    def _copy(self, lane: Lane, job: Job) -> Steps:
        table, encoding, source, began = job.table, self.task.encoding, known(lane.source), time.monotonic()
        self._tell(table, "copying")
        self.watch.begin(lane.number, table.ident)
        lane.begin_rows()
        lane.target.send(copysql.copy_in(table, job.part, encoding, str(lane.fifo)))
        source.send(copysql.copy_out(table, job.part, encoding, str(lane.fifo)))
        self.throttle.begin(source.child)
        session, answer = yield (source, lane.target)
        self.throttle.end(source.child)
        if session is lane.target:
            raise _failed(table, lane.target, answer.error or "COPY ended before the source's did")
        if answer.error and not lane.pipe_broken(answer):
            # The target may wait for ever for a pipe that nobody has opened; leaving ends its transaction.
            raise _failed(table, source, answer.error)
        lane.end_rows()
        _session, arrived = yield (lane.target,)
        told = time.monotonic()
        read, wrote = _outcome(table, lane, answer, arrived)
        lane.target.send(copysql.commit_sql(self.task.run_id, table, job.part, wrote, time.monotonic() - began))
        _session, committed = yield (lane.target,)
        if committed.error:
            raise _failed(table, lane.target, committed.error)
        self.written.commit += time.monotonic() - told
        self.watch.end(lane.number)
        self._counted(table, read, time.monotonic() - began)
        self._done(job, self.progress.part_there(table.ident, read))

    def _index(self, lane: Lane, job: Job) -> Steps:
        index = known(job.index)
        self._tell(job.table, "indexing")
        self.watch.begin(lane.number, job.table.ident, rows=False)
        lane.target.send(copysql.index_sql(index, self.board.idle))
        _session, answer = yield (lane.target,)
        self.watch.end(lane.number)
        if answer.error:
            raise _failed(job.table, lane.target, f"index {index.ident}: {answer.error}")
        self._done(job, "indexing")

    def _finish(self, lane: Lane, job: Job) -> Steps:
        self.watch.begin(lane.number, job.table.ident, rows=False)
        lane.target.send(copysql.finish_sql(job.table, self.constraints))
        _session, answer = yield (lane.target,)
        self.watch.end(lane.number)
        if answer.error:
            raise _failed(job.table, lane.target, answer.error)
        self._done(job, "done")

    def _counted(self, table: Table, rows: int, seconds: float) -> None:
        if table.condition is not None:
            return
        counts = known(self.written.rows)
        read, wrote = counts.get(table.ident, (0, 0))
        counts[table.ident] = (read + rows, wrote + rows)
        if table.kept:
            self.progress.tables[table.ident]["rows"] = rows
        else:
            self.written.seconds[table.oid] = self.written.seconds.get(table.oid, 0.0) + seconds
        self.written.how[table.ident] = "kept" if table.kept else table.form.format

    def _done(self, job: Job, state: str) -> None:
        self.board.done(job)
        self._tell(job.table, state)
        self._release()

    def _release(self) -> None:
        """Once nothing more is read the source may clean up again, while indexes are built."""
        if self._released or self.board.copies_left:
            return
        for lane in self.lanes:
            lane.leave_snapshot()
        if not self.large.reading:
            self._released = True
            self.task.on_copied()

    def _tell(self, table: Table, state: str) -> None:
        self.progress.set(table.ident, state)
        self.task.on_progress(self.progress.state)


def _outcome(table: Table, lane: Lane, out: Answer, into: Answer) -> tuple[int, int]:
    """Return the rows read and written; raise unless both ends are content and agree."""
    if into.error:
        raise _failed(table, lane.target, into.error)
    if out.error:
        raise _failed(table, known(lane.source), out.error)
    read, wrote = int(out.lines[-1]), int(into.lines[-1])
    if read != wrote:
        raise _failed(table, lane.target, f"{read} rows were read on the source, {wrote} written")
    return read, wrote


def _failed(table: Table, session: Session, why: str) -> PostgresError:
    return PostgresError(f"{session.connection}: {table.ident}: {why}")
