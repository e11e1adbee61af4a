# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move the large objects beside the rows: pg_dump writes into a pipe, pg_restore reads from it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import marker, toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.archive import (
    Archive,
    dump_argv,
    essence,
    is_progress,
    restore_argv,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.throttle import PAUSE, Throttle


@dataclass
class LargeObjects:
    """start() returns at once; check() is called while other work goes on; finish() waits for the end.

    The reader commits all contents at the end of the archive, which it recognises: a torn one is an error.
    """

    task: Task
    archive: Archive
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _said: dict[str, bytes] = field(default_factory=dict)

    def start(self) -> None:
        if not self.task.large_objects or self.task.large_objects_kept:
            return
        # Up to version 16 they are made by entries of the definitions, later by those of the contents.
        entries = [entry for entry in self.archive.entries if toc.is_large_object(entry)]
        if entries:
            self.archive.restore("pre-data", entries, jobs=1)
        reader, writer = os.pipe()
        dump = dump_argv(self.task, "--format=custom", "--section=data", "--exclude-table-data=*.*")
        restore = restore_argv(self.task, "--section=data")
        try:
            self._start("pg_dump", dump, self.task.source, self.task.source_settings, subprocess.DEVNULL, writer)
            self._start("pg_restore", restore, self.task.target, self.task.target_settings, reader, subprocess.DEVNULL)
        finally:
            os.close(reader)
            os.close(writer)

    @property
    def reading(self) -> bool:
        return "pg_dump" in self.children and self.children["pg_dump"].poll() is None

    @property
    def sender(self) -> subprocess.Popen[bytes] | None:
        """Return the process that writes the contents."""
        return self.children["pg_dump"] if self.reading else None

    def check(self) -> None:
        """Raise as soon as one of the two has ended in error."""
        for name, child in self.children.items():
            self._listen(name)
            if child.poll():
                raise self._failed()

    def finish(self, throttle: Throttle) -> None:
        pause = PAUSE if throttle.rate else 0.1
        while any(child.poll() is None for child in self.children.values()):
            self.task.commands.deadline.check("moving the large objects")
            throttle.look()
            self.task.on_tick()
            self.check()
            # Whoever looked last, the throttle too, may have found that a child has ended.
            working = [child for child in self.children.values() if child.returncode is None]
            with contextlib.suppress(subprocess.TimeoutExpired):
                if working:
                    working[0].wait(pause)
        self.check()
        if self.children and self.task.target_session is not None:
            marker.mark_large_objects(self.task.target_session, self.task.run_id)

    def end(self) -> None:
        for child in self.children.values():
            self.task.commands.end(child)

    def _start(
        self, name: str, argv: list[str], side: Connection, settings: dict[str, str], stdin: int, stdout: int
    ) -> None:
        env = side.environment(settings, f"{self.task.application}:lo")
        child = self.task.commands.start(argv, env, side.pass_fds, stdin, stdout)
        if child.stderr is not None:
            os.set_blocking(child.stderr.fileno(), False)
        self.children[name], self._said[name] = child, b""

    def _listen(self, name: str) -> None:
        stderr = self.children[name].stderr
        if stderr is not None:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(stderr.fileno(), 65536):
                    self._said[name] = (self._said[name] + chunk)[-65536:]

    def _failed(self) -> PostgresError:
        told = []
        for name, child in self.children.items():
            self._listen(name)
            lines = self._said[name].decode(errors="replace").splitlines()
            why = essence([line for line in lines if not is_progress(line)])
            if child.poll():
                told.append(f"{name}: {why or f'exit status {child.returncode}'}")
        return PostgresError(f"moving the large objects failed: {'; '.join(told)}")
