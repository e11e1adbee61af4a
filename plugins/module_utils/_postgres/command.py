# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs: argv lists only, never a shell; every child has a deadline and does not outlive us."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.watchdog import PATIENCE, Watchdog, signal_group

TICK = 0.2


@dataclass
class Deadline:
    """The moment at which the whole run must be over."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def left(self) -> float:
        return self.started + self.seconds - self.clock()

    def check(self, what: str) -> None:
        if self.left <= 0:
            raise PostgresError(f"{what} was not finished after {self.seconds:g} s: give more time with timeout")


class Commands:
    """Starts children in sessions of their own, known to the watchdog from their first moment."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.watchdog = Watchdog()
        self._children: list[subprocess.Popen[bytes]] = []

    def start(
        self, argv: list[str], env: Mapping[str, str], pass_fds: tuple[int, ...], stdin: int, stdout: int
    ) -> subprocess.Popen[bytes]:
        # preexec_fn is safe: no thread of ours exists, and the function only writes to a pipe.
        child: subprocess.Popen[bytes] = subprocess.Popen(
            argv,
            env=dict(env),
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=self.watchdog.child_starts,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        self._children.append(child)
        return child

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Reap a child, ending it first when it still runs, and what is left of its group."""
        if child.returncode is None:
            # Not reaped yet, so its number cannot have become somebody else's.
            signal_group(child.pid, signal.SIGTERM)
            _wait_unreaped(child.pid, PATIENCE)
            signal_group(child.pid, signal.SIGKILL)
            child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                # What could not be written to a child that has ended is of no use to anybody.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        if child in self._children:
            self._children.remove(child)
            self.watchdog.child_ended(child.pid)

    def follow(
        self,
        argv: list[str],
        env: Mapping[str, str],
        pass_fds: tuple[int, ...],
        on_line: Callable[[str], None],
        on_tick: Callable[[], None] = lambda: None,
    ) -> int:
        """Run to the end and return the exit status; hand over each line of standard error as it comes.

        `on_tick` may raise, several times a second: the child is then ended.
        """
        name = Path(argv[0]).name
        child = self.start(argv, env, pass_fds, subprocess.DEVNULL, subprocess.DEVNULL)
        try:
            for line in lines_of(child, self.deadline, name, on_tick):
                on_line(line)
            return child.wait(timeout=max(self.deadline.left, 0.1))
        except subprocess.TimeoutExpired:
            raise PostgresError(
                f"{name} closed its output but did not end within {self.deadline.seconds:g} s"
            ) from None
        finally:
            self.end(child)

    def close(self) -> None:
        for child in list(self._children):
            self.end(child)
        self.watchdog.close()


def _wait_unreaped(pid: int, patience: float) -> None:
    """Wait until the child has ended, and leave it as a zombie."""
    deadline = time.monotonic() + patience
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None and time.monotonic() < deadline:
        time.sleep(0.005)


def piped(pipe: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that was asked for when the child was started."""
    if pipe is None:
        raise PostgresError("a child was started without the pipe that is read from it")
    return pipe


def lines_of(
    child: subprocess.Popen[bytes], deadline: Deadline, name: str, on_tick: Callable[[], None]
) -> Iterator[str]:
    """Yield the lines of the child's standard error until it closes it."""
    rest, fd = b"", piped(child.stderr).fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            deadline.check(name)
            on_tick()
            if not selector.select(TICK):
                continue
            chunk = os.read(fd, 65536)
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole if chunk else [*whole, rest]:
                yield line.decode(errors="replace")
            if not chunk:
                return


def version_of(program: Path) -> str:
    """Return what `program --version` prints."""
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError as problem:
        raise PostgresError(f"{program} cannot be run: {problem.strerror}") from problem
    return done.stdout
