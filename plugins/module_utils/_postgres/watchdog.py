# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End our children and remove our files even when we are killed with SIGKILL.

A forked copy of this process waits at the end of a pipe. When we die, however we die, the kernel closes
our end; the copy then ends the process groups that were announced and removes the folders. SIGTERM comes
first: pg_dump and pg_restore pass it on to their workers and cancel the statements on the server.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

PATIENCE = 5.0


class Watchdog:
    """Fork before any thread exists; close() (or our death) makes it clean up and end."""

    def __init__(self) -> None:
        reader, self._writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._writer)
                _watch(reader)
            finally:
                os._exit(0)
        os.close(reader)

    def child_starts(self) -> None:
        """Run in the child between fork and exec: no moment is left in which nobody knows the child."""
        self._tell("+", str(os.getpid()))

    def child_ended(self, pid: int) -> None:
        self._tell("-", str(pid))

    def folder_made(self, path: Path) -> None:
        self._tell("d", str(path))

    def close(self) -> None:
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1
            os.waitpid(self.pid, 0)

    def _tell(self, verb: str, what: str) -> None:
        # One write below PIPE_BUF is atomic, so records of children and ours never mix.
        os.write(self._writer, f"{verb}{what}\0".encode())


def _watch(reader: int) -> None:
    _leave_the_terminal(reader)
    received = b""
    while chunk := os.read(reader, 65536):
        received += chunk
    groups, folders = _records(received)
    end_groups(groups)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _leave_the_terminal(reader: int) -> None:
    """Hold nothing of the parent but the pipe: whoever reads its output must see its end when it ends."""
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    highest = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, reader)
    os.closerange(reader + 1, min(highest, 65536))


def _records(received: bytes) -> tuple[set[int], list[str]]:
    groups: set[int] = set()
    folders = []
    for record in received.decode().split("\0")[:-1]:
        verb, what = record[0], record[1:]
        if verb == "+":
            groups.add(int(what))
        elif verb == "-":
            groups.discard(int(what))
        else:
            folders.append(what)
    return groups, folders


def end_groups(groups: set[int], patience: float = PATIENCE) -> None:
    """Ask the process groups to end; kill what is left after `patience` seconds."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 1.0)):
        for group in groups:
            signal_group(group, number)
        deadline = time.monotonic() + seconds
        while any(_alive(group) for group in groups) and time.monotonic() < deadline:
            time.sleep(0.02)


def signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        if number == signal.SIGTERM:
            # One that is held back, see throttle.py, would not hear it.
            os.killpg(group, signal.SIGCONT)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
