# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A psql that stays: statements go to its standard input, answers come back line by line.

It holds what lives as long as a connection: an advisory lock, a transaction with an exported snapshot.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import TICK, Commands, piped
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import (
    APPLICATION,
    SILENCE,
    Connection,
    connect_error,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

# Limits that a role's settings may have brought; some only newer servers know, so they cannot be startup options.
_NO_LIMITS = (
    "select count(set_config(name, '0', false)) from pg_catalog.pg_settings"
    " where name in ('idle_session_timeout', 'transaction_timeout', 'lock_timeout')"
)


@dataclass(frozen=True)
class Answer:
    lines: list[str]
    error: str
    seconds: float


class Session:
    """One connection. ask() raises on an error; send() and feed() are for many sessions at once."""

    def __init__(
        self,
        commands: Commands,
        psql: str,
        connection: Connection,
        settings: Mapping[str, str] | None = None,
        application: str = APPLICATION,
        replication: bool = False,
        silence: int = SILENCE,
    ) -> None:
        """`replication` opens a connection that also takes replication commands; `silence` as in conninfo()."""
        self.connection = connection
        self.commands = commands
        self._token = f"--{secrets.token_hex(12)}"
        self._out = b""
        self._lines: list[str] = []
        self.sent = 0.0
        # No password prompt, no ~/.psqlrc, one row a line.
        argv = [psql, "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only"]
        more = {"replication": "database"} if replication else {}
        argv.append(f"--dbname={connection.conninfo(silence, **more)}")
        self.child = commands.start(
            argv,
            connection.environment(settings, application),
            connection.pass_fds,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._in = piped(self.child.stdin)
        self.fd, self._error_fd = piped(self.child.stdout).fileno(), piped(self.child.stderr).fileno()
        for fd in (self.fd, self._error_fd):
            os.set_blocking(fd, False)

    def connect(self) -> None:
        """Wait for the connection; the error names side, host, port, database and user."""
        self.send(f"{_NO_LIMITS};\nselect 1")
        answer = _wait(self)
        if answer.lines[-1:] != ["1"]:
            raise connect_error(self.connection, answer.error)

    def ask(self, sql: str, on_tick: Callable[[], None] = lambda: None) -> list[str]:
        self.send(sql)
        answer = _wait(self, on_tick)
        if answer.error:
            raise PostgresError(f"{self.connection}: {answer.error}")
        return answer.lines

    def ask_json(self, sql: str, on_tick: Callable[[], None] = lambda: None) -> list[dict]:
        return [json.loads(line) for line in self.ask(sql, on_tick)]

    def patience(self, seconds: float) -> Callable[[], None]:
        """Return what to call while an answer is awaited that a living server gives at once."""
        deadline = time.monotonic() + seconds

        def check() -> None:
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"the {self.connection} has not answered for {seconds:g} s: look at the server, and the network"
                )

        return check

    def send(self, sql: str) -> None:
        self._lines, self._out, self.sent = [], b"", time.monotonic()
        # A psql that has ended is told by feed(), with its last words.
        with contextlib.suppress(BrokenPipeError):
            self._in.write(f"{sql}\n;\n\\echo {self._token}\n".encode())
            self._in.flush()

    def feed(self) -> Answer | None:
        """Take what has arrived; return the answer when it is whole or the connection has ended."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self.fd, 1 << 18)
            if not chunk:
                return self._answer(self._errors(ended=True) or "the connection ended")
            *whole, self._out = (self._out + chunk).split(b"\n")
            self._lines += [line.decode(errors="replace") for line in whole]
        if self._lines and self._lines[-1] == self._token:
            self._lines.pop()
            return self._answer(self._errors())
        return None

    def close(self) -> None:
        self.commands.end(self.child)

    def _answer(self, error: str) -> Answer:
        return Answer(self._lines, error, time.monotonic() - self.sent)

    def _errors(self, ended: bool = False) -> str:
        """Return what psql wrote to standard error: unbuffered, so it is there before the token is."""
        if ended:
            self.child.wait()
        text = b""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._error_fd, 65536):
                text += chunk
        return _without_data(text.decode(errors="replace"))


NOISE = ("DETAIL:", "CONTEXT:", "LINE ", "^", "password retrieved from file")


def _without_data(text: str) -> str:
    """Keep the error, drop DETAIL and CONTEXT: they may show rows."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(NOISE))


def _wait(session: Session, on_tick: Callable[[], None] = lambda: None) -> Answer:
    """Return the answer of one session that was sent something."""
    ((_session, answer),) = as_answered([session], session.commands, on_tick)
    return answer


def as_answered(
    sessions: Iterable[Session], commands: Commands, on_tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[Session, Answer]]:
    """Yield (session, answer) for sessions that were sent something, as their answers become whole.

    A session that its receiver sends something again before the next step is waited for again.
    """
    with selectors.DefaultSelector() as selector:
        for session in sessions:
            selector.register(session.fd, selectors.EVENT_READ, session)
        waiting = len(selector.get_map())
        while waiting:
            silent = sorted({str(key.data.connection) for key in selector.get_map().values()})
            commands.deadline.check(f"the answer of the {' and the '.join(silent)}")
            on_tick()
            for key, _events in selector.select(TICK):
                answer = key.data.feed()
                if answer is None:
                    continue
                before = key.data.sent
                yield key.data, answer
                if key.data.sent == before:
                    selector.unregister(key.fd)
                    waiting -= 1


def run_all(pools: list[tuple[list[Session], list[tuple[str, str]]]], commands: Commands) -> list[dict[str, Answer]]:
    """Run each pool's (key, sql) list on its sessions, all pools at once; return {key: answer} for each pool."""
    results: list[dict[str, Answer]] = [{} for _pool in pools]
    todo = [list(reversed(tasks)) for _sessions, tasks in pools]
    home: dict[Session, int] = {}
    doing: dict[Session, str] = {}

    def give(session: Session) -> bool:
        queue = todo[home[session]]
        if not queue:
            return False
        doing[session], sql = queue.pop()
        session.send(sql)
        return True

    for number, (sessions, _tasks) in enumerate(pools):
        home |= dict.fromkeys(sessions, number)
    busy = [session for session in home if give(session)]
    for session, answer in as_answered(busy, commands):
        results[home[session]][doing[session]] = answer
        give(session)
    return results
