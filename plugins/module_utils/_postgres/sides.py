# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open both sides, read their facts, and close everything at the end, whatever happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import find_psql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import Commands, Deadline
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.content import TEXT_SETTINGS
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts, read_facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.marker import Marker, read_marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.narrow import narrow_source, narrow_target
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

MOST_JOBS = 8
READ_ONLY = "begin isolation level repeatable read read only"


@dataclass
class Sides:
    """`source_session` stays in one read-only transaction until release_source(): what it read stays true.

    The facts are those of what `wish` chooses.
    """

    commands: Commands
    psql: str
    source: Connection
    target: Connection
    source_session: Session
    target_session: Session
    wish: Wish = field(default_factory=Wish)
    _source: Facts | None = None

    def read_source(self) -> Facts:
        self.source_session.ask(READ_ONLY)
        return self.look_at_source()

    def look_at_source(self) -> Facts:
        """Read within the transaction that is open."""
        facts = narrow_source(self.source_session, read_facts(self.source_session, "source"), self.wish)
        self._source = facts
        return facts

    @property
    def moved_tables(self) -> frozenset[str]:
        """The names of the source's tables whose rows are moved, as it was read last."""
        return frozenset(table.ident for table in self._source.tables) if self._source else frozenset()

    def release_source(self) -> None:
        self.source_session.ask("rollback")

    def read_target(self, stay: bool = False) -> tuple[Facts, Marker | None]:
        """`stay` leaves the read-only transaction open."""
        self.target_session.ask(READ_ONLY)
        facts = read_facts(self.target_session, "target")
        facts = narrow_target(self.target_session, facts, self.wish, self._source)
        marker = read_marker(self.target_session)
        if not stay:
            self.target_session.ask("rollback")
        return facts, marker

    def pooled(self) -> tuple[str, ...]:
        """Name the sides behind a pooler that shares server connections between transactions.

        It would lose our advisory lock and our snapshot. Ask before a transaction is open.
        """
        sessions = (self.source_session, self.target_session)
        return tuple(session.connection.side for session in sessions if self._is_pooled(session))

    def _is_pooled(self, session: Session) -> bool:
        own = "select pg_catalog.pg_backend_pid()"
        before = session.ask(own)
        other = Session(self.commands, self.psql, session.connection)
        # While this transaction is open, it holds whichever server connection was free.
        other.ask(f"begin; {own}")
        after = session.ask(own)
        other.close()
        return before != after


@contextmanager
def opened(params: dict, timeout: float, wish: Wish | None = None) -> Iterator[Sides]:
    """Connect to both sides; on leaving, no child, file or connection is left."""
    psql = find_psql(params["client_bindir"])
    with ExitStack() as stack:
        commands = Commands(Deadline(timeout))
        stack.callback(commands.close)
        connections = []
        for side in ("source", "target"):
            connections.append(Connection.of(side, params[side]))
            stack.callback(connections[-1].close)
        # Definitions hold constants, such as the bounds of partitions: their text must not depend on settings.
        sessions = [Session(commands, psql, connection, TEXT_SETTINGS) for connection in connections]
        for session in sessions:
            session.connect()
        (source, target), (source_session, target_session) = connections, sessions
        yield Sides(commands, psql, source, target, source_session, target_session, wish or Wish())


def without_lock(facts: Facts) -> Facts:
    """Return the facts as they look to the holder of the lock."""
    return replace(facts, server={**facts.server, "lock": None})


def number_of_jobs(jobs: str) -> int:
    """Read O(jobs): a number, or auto for the processors of this machine."""
    if jobs == "auto":
        return min(max(os.cpu_count() or 2, 2), MOST_JOBS)
    if not jobs.isdigit() or not 1 <= int(jobs) <= 64:
        raise PostgresError(f"jobs is {jobs!r}: give a number from 1 to 64, or auto")
    return int(jobs)
