# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach the database: as the master user for the moment of use, and as the application's user for the proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import find_psql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import Commands, Deadline
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OUT_OF_REACH = (
    "timeout expired", "No route to host", "Network is unreachable", "Connection refused",
    "could not translate host name", "Name or service not known", "Temporary failure in name resolution",
)  # fmt: skip
REFUSED = ("password authentication failed", "is not permitted to log in", "does not exist")
# The password was right: these come after it was checked.
RIGHT = ("too many connections for role", "permission denied for database", "User does not have CONNECT privilege")
ADVICE = (
    "The database lies in subnets of its own: this step needs a host within reach of it, with psql and with AWS "
    "credentials. Name one of the inventory in rds_sql_delegate_to (the group runners), or let this one in "
    "(rds_client_cidrs, a VPN, a member of the client security group)"
)


class OutOfReach(ResourceError):
    """Nothing answers at the endpoint from here."""


class Access:
    """One instance's endpoint, and the sessions that are open to it."""

    def __init__(self, commands: Commands, psql: str, params: Mapping[str, Any], endpoint: Mapping[str, Any]) -> None:
        self.commands, self.psql, self.params, self.endpoint = commands, psql, params, endpoint
        self._stack = ExitStack()

    def session(self, side: str, user: str, password: str) -> Session:
        connection = Connection.of(side, {
            "host": self.endpoint["Address"], "port": self.endpoint["Port"], "database": self.params["database"],
            "user": user, "password": password, "sslmode": "verify-full",
            "sslrootcert": self.params.get("sslrootcert"), "connect_timeout": self.params["connect_timeout"],
        })  # fmt: skip
        self._stack.callback(connection.close)
        session = Session(self.commands, self.psql, connection)
        try:
            session.connect()
        except PostgresError as problem:
            session.close()
            if any(words in str(problem) for words in OUT_OF_REACH):
                raise OutOfReach(f"{problem} {ADVICE}.") from problem
            raise
        return session

    def logs_in(self, user: str, password: str) -> bool:
        """Return whether the server takes the pair; raise when that cannot be told."""
        try:
            session = self.session("database for the application", user, password)
        except PostgresError as problem:
            told = str(problem)
            if any(words in told for words in RIGHT):
                return True
            if any(words in told for words in REFUSED):
                return False
            raise
        session.close()
        return True

    def close(self) -> None:
        self._stack.close()


@contextmanager
def opened(params: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Iterator[Access]:
    """Yield the way in; at the end no child, descriptor or password is left."""
    try:
        psql = find_psql(params.get("client_bindir"))
        commands = Commands(Deadline(params["timeout"]))
        access = Access(commands, psql, params, endpoint)
        try:
            yield access
        finally:
            commands.close()
            access.close()
    except PostgresError as problem:
        raise ResourceError(str(problem)) from problem
