# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a database's definitions with pg_dump into an archive, write what is chosen of it with pg_restore."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task


@dataclass
class Archive:
    """One archive of pg_dump in the private folder; `entries` is what is moved of it."""

    task: Task
    path: Path
    entries: list[toc.Entry] = field(default_factory=list)

    def read(self, *options: str) -> None:
        """Dump with the options, and read the table of contents: proof that the dump can be read, too."""
        self._run(dump_argv(self.task, *options, f"--file={self.path}"), self.task.source, "the database")
        task = self.task
        self.entries = toc.chosen(toc.read_toc(self._listing()), task.existing_schemas, task.extensions, task.chosen)

    def restore(
        self,
        section: str,
        entries: list[toc.Entry],
        on_line: Callable[[str], None] = lambda _line: None,
        jobs: int | None = None,
        tolerated: Callable[[], bool] | None = None,
    ) -> None:
        listing = self.task.workdir / f"{section}.list"
        listing.write_text("".join(f"{entry.line}\n" for entry in entries), errors="surrogateescape")
        options = (f"--jobs={jobs or self.task.jobs}", f"--section={section}", f"--use-list={listing}", str(self.path))
        argv = restore_argv(self.task, *options, tolerant=tolerated is not None)
        self._run(argv, self.task.target, section, on_line, tolerated or (lambda: False))

    def restore_all(self, *options: str) -> None:
        argv = restore_argv(self.task, *options, f"--jobs={self.task.jobs}", str(self.path))
        self._run(argv, self.task.target, self.path.name)

    def restore_rest(self, entries: list[toc.Entry]) -> None:
        """Run in parallel, then repeat one by one what failed since the server ended something to resolve a deadlock.

        Each entry is one transaction, so a repeat starts from nothing.
        """
        for stage in toc.rest_in_stages(entries):
            if not stage.parallel:
                self.restore("post-data", stage.entries, jobs=1)
                continue
            failures = Failures()
            self.restore("post-data", stage.entries, failures.line, tolerated=failures.complete)
            again = [entry for entry in stage.entries if entry.dump_id in failures.dump_ids]
            if again:
                self.restore("post-data", again, jobs=1)

    def _run(
        self,
        argv: list[str],
        side: Connection,
        what: str,
        on_line: Callable[[str], None] = lambda _line: None,
        tolerated: Callable[[], bool] = lambda: False,
    ) -> None:
        said: list[str] = []

        def line(text: str) -> None:
            if not is_progress(text):
                said.append(text)
            on_line(text)

        def failed(why: str) -> PostgresError:
            return PostgresError(f"{side}: {Path(argv[0]).name} of {what} failed: {essence(said) or why}")

        settings = self.task.target_settings if side is self.task.target else self.task.source_settings
        env = side.environment(settings, self.task.application)
        try:
            status = self.task.commands.follow(argv, env, side.pass_fds, line, self.task.on_tick)
        except NotADeadlock:
            raise failed("") from None
        if status and not (status == 1 and tolerated()):
            raise failed(f"exit status {status}")

    def _listing(self) -> str:
        """Return the table of contents: proof that the dump can be read, too."""
        argv = [self.task.clients.pg_restore, "--list", "--verbose", str(self.path)]
        done = subprocess.run(argv, capture_output=True, timeout=max(self.task.commands.deadline.left, 1), check=False)
        if done.returncode:
            raise PostgresError(
                f"the dump of {self.task.source} cannot be read: {done.stderr.decode(errors='replace').strip()}"
            )
        return done.stdout.decode(errors="surrogateescape")


def dump_argv(task: Task, *options: str) -> list[str]:
    return [
        task.clients.pg_dump, "--no-password", f"--dbname={task.source.conninfo()}", *options,
        f"--snapshot={task.snapshot}", f"--lock-wait-timeout={task.lock_timeout}s",
        # What is written is read once, by us, and never survives this run: no zlib, no fsync.
        "--compress=0", "--no-sync",
        "--no-owner", "--no-acl", "--no-tablespaces", "--no-publications", "--no-subscriptions",
        "--no-security-labels", f"--exclude-schema={catalogue.MARKER_SCHEMA}", *task.dump_options,
    ]  # fmt: skip


def restore_argv(task: Task, *options: str, tolerant: bool = False) -> list[str]:
    target = task.target.conninfo(task.patience, dbname=task.target.database)
    return [
        task.clients.pg_restore, "--no-password", f"--dbname={target}",
        # Without --verbose an error does not name its entry.
        "--no-owner", "--no-acl", "--no-tablespaces", "--verbose",
        *([] if tolerant else ["--exit-on-error"]), *options,
    ]  # fmt: skip


class NotADeadlock(Exception):
    """An error that a repeat would not cure."""


class Failures:
    """Collects the entries that failed after the server resolved a deadlock; an error before that stops the run.

    What needs a victim fails in its wake; the repeat shows whether it fails by itself. Workers write their
    lines in pieces into one pipe: a message is one piece, so it is whole, but anything may stand before it.
    """

    def __init__(self) -> None:
        self.dump_ids: set[str] = set()
        self.ignored = 0
        self._deadlock = False

    def line(self, text: str) -> None:
        self._deadlock = self._deadlock or "deadlock detected" in text
        if "could not execute query: " in text and not self._deadlock:
            raise NotADeadlock
        self.dump_ids.update(re.findall(r"from TOC entry (\d+);", text))
        found = re.search(r"errors ignored on restore: (\d+)", text)
        if found:
            self.ignored = int(found[1])

    def complete(self) -> bool:
        """Whether pg_restore reached its end, and every error it passed over is known by its entry.

        In parallel it counts each error twice: in the worker and for the entry.
        """
        return self.ignored > 0 and self.ignored in (len(self.dump_ids), 2 * len(self.dump_ids))


TROUBLE = ("error: ", "warning: ", "detail: ", "hint: ", "from TOC entry", "while ", "could not", "ERROR: ", "FATAL: ")


def is_progress(line: str) -> bool:
    return line.startswith(("pg_restore: ", "pg_dump: ")) and not any(words in line for words in TROUBLE)


def essence(lines: list[str]) -> str:
    """Return the first error and where it happened; not what follows it, and no rows."""
    for number, line in enumerate(lines):
        found = re.search(r"(?:error: |(?=could not execute query: ))(?:could not execute query: )?(.*)", line)
        if found:
            places = re.findall(r"from TOC entry .*", "\n".join(lines[:number]))
            return " ".join([found[1], *places[-1:]])
    return " ".join(lines[-2:])
