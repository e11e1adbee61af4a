# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers of the copy engine: pairs of psql sessions, joined by a pipe with a name; one loop serves them all.

No row passes through this process. It only holds the writing end of each pipe open: so the target's COPY
cannot come to its end before this process has heard that the source's did, and that it ended well.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import TICK
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.content import TEXT_SETTINGS
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, known
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Answer, Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task

# F_SETPIPE_SZ of Linux, which Python names since 3.10, and what it grants to anybody.
SET_PIPE_SIZE, PIPE_SIZE = 1031, 1 << 20

# A step yields the sessions of which it awaits one answer, and is sent (session, answer).
Steps = Generator[tuple[Session, ...], tuple[Session, Answer], None]


@dataclass
class Lane:
    """One worker: a session on the target, and one on the source while there is something to copy."""

    number: int
    target: Session
    source: Session | None
    fifo: Path
    steps: Steps | None = None
    waits_for: tuple[Session, ...] = ()
    _hold: int = -1

    def begin_rows(self) -> None:
        """Make the pipe, and keep it open for writing.

        For a moment it is open for reading too, since opening it for writing alone would wait for a reader.
        After that the source cannot open it before the target has: no row can be lost in between.
        """
        if not self.fifo.exists():
            os.mkfifo(self.fifo, 0o600)
        reader = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)
        self._hold = os.open(self.fifo, os.O_WRONLY)
        os.close(reader)
        # Fewer turns between the two psql. Other systems, and users with many pipes, stay with the usual size.
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._hold, SET_PIPE_SIZE, PIPE_SIZE)

    def end_rows(self) -> None:
        if self._hold >= 0:
            os.close(self._hold)
            self._hold = -1

    def pipe_broken(self, answer: Answer) -> bool:
        """Tell whether the source's psql failed since the target's had closed the pipe, and so has more to say."""
        ended = self.source is not None and self.source.child.returncode == -signal.SIGPIPE
        return ended or "roken pipe" in answer.error

    def leave_snapshot(self) -> None:
        if self.source is not None:
            self.source.ask("rollback")
            self.close_source()

    def close_source(self) -> None:
        if self.source is not None:
            self.source.close()
            self.source = None

    def close(self) -> None:
        self.end_rows()
        self.close_source()
        self.target.close()


@contextmanager
def opened_lanes(task: Task, number: int, copying: bool) -> Iterator[list[Lane]]:
    """Connect all workers at the same time; every source session joins the snapshot."""
    lanes: list[Lane] = []
    commands, psql = task.commands, task.clients.psql
    memory = {**TEXT_SETTINGS, **task.target_settings}
    try:
        for n in range(number):
            name = f"{task.application}:{n}"
            source = Session(commands, psql, task.source, {**TEXT_SETTINGS, **task.source_settings}, name)
            target = Session(commands, psql, task.target, memory, name, silence=task.patience)
            lanes.append(Lane(n, target, source, task.workdir / f"rows.{n}"))
        for lane in lanes:
            lane.target.connect()
            if lane.source is not None:
                lane.source.connect()
                _join_snapshot(lane.source, task.snapshot)
            if not copying:
                lane.close_source()
        yield lanes
    finally:
        for lane in lanes:
            lane.close()


def _join_snapshot(session: Session, snapshot: str) -> None:
    try:
        session.ask(
            "begin isolation level repeatable read read only;\n"
            f"set transaction snapshot {literal(snapshot)};\nselect count(*) from pg_catalog.pg_database"
        )
    except PostgresError as problem:
        raise PostgresError(
            f"{problem}: the snapshot of the run is not there. Is a pooler or a balancer in front of several servers? "
            "Connect to one server itself"
        ) from problem


@dataclass
class Loop:
    """Gives every free lane the next steps, and hands answers to those that wait for them."""

    lanes: list[Lane]
    task: Task
    next_steps: Callable[[Lane], Steps | None]
    on_tick: Callable[[], None]
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def run(self) -> None:
        """Return when no lane works and none gets anything to do."""
        with self._selector:
            self._employ()
            while any(lane.steps for lane in self.lanes):
                self.task.commands.deadline.check("copying the rows")
                self.on_tick()
                for key, _events in self._selector.select(TICK):
                    lane, session = key.data
                    # An earlier event of this round may have moved the lane on.
                    if session in lane.waits_for:
                        answer = session.feed()
                        if answer is not None:
                            self._advance(lane, (session, answer))
                self._employ()

    def _employ(self) -> None:
        for lane in self.lanes:
            if lane.steps is None:
                lane.steps = self.next_steps(lane)
                if lane.steps is not None:
                    self._wait(lane, next(lane.steps))

    def _advance(self, lane: Lane, event: tuple[Session, Answer]) -> None:
        steps = known(lane.steps)
        for session in lane.waits_for:
            self._selector.unregister(session.fd)
        lane.waits_for = ()
        try:
            self._wait(lane, steps.send(event))
        except StopIteration:
            lane.steps = None

    def _wait(self, lane: Lane, sessions: tuple[Session, ...]) -> None:
        lane.waits_for = sessions
        for session in sessions:
            self._selector.register(session.fd, selectors.EVENT_READ, (lane, session))
