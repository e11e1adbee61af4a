# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach one side: libpq's environment, with the password in memory only.

libpq reads a password file again for every connection and wants a regular file that nobody else may
read. An anonymous memory file is one: it has no path on a disk, only the children that inherit its
descriptor can open it, and the password is neither in their arguments nor in their environment.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

APPLICATION = "ansible_migrate"
# What must hold in every session, whatever a role's settings are: no limits, and the rules of quoting that we and the
# text of arrays rely on: with array_nulls off, a null in one would arrive as the word NULL.
SAFE_SETTINGS = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "client_min_messages": "error",
    # Through NAT and load balancers idle connections die after 350 s or less.
    "tcp_keepalives_idle": "60",
}

# A connection that dies without a word is noticed after about two minutes: libpq's parameters for it have no
# environment variable. Nothing in them is secret.
KEEPALIVES = {"keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6"}
SILENCE = 120


class PasswordFile:
    """A password file in memory (Linux), or else in a private folder until close()."""

    def __init__(self, password: str) -> None:
        self.fd, self._folder = -1, None
        line = password_line(password)
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("pgpass")
            os.fchmod(self.fd, 0o600)
            os.write(self.fd, line)
            self.path = f"/proc/self/fd/{self.fd}"
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="pgpass.")
            path = Path(self._folder.name) / "pgpass"
            path.touch(mode=0o600)
            path.write_bytes(line)
            self.path = str(path)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
        elif self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def password_line(password: str) -> bytes:
    if "\n" in password or "\0" in password:
        raise PostgresError("a password with a line break or a zero byte cannot be given to the PostgreSQL clients")
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n".encode()


@dataclass
class Connection:
    """One side of the move. `side` is "source" or "target" and only serves messages."""

    side: str
    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    sslrootcert: str | None = None
    connect_timeout: int = 10
    _file: PasswordFile | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, side: str, params: dict) -> Connection:
        connection = cls(side, **params)
        if connection.password is not None:
            connection._file = PasswordFile(connection.password)
        return connection

    def __str__(self) -> str:
        return f"{self.side} (database {self.database} on {self.host}:{self.port} as user {self.user})"

    @property
    def pass_fds(self) -> tuple[int, ...]:
        return (self._file.fd,) if self._file is not None and self._file.fd >= 0 else ()

    def environment(
        self,
        settings: Mapping[str, str] | None = None,
        application: str = APPLICATION,
        base: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Return the environment of a child. PG* variables of the caller are dropped: they could redirect it."""
        inherited = os.environ if base is None else base
        env = {name: value for name, value in inherited.items() if not name.startswith("PG")}
        if self._file is None and "PGPASSFILE" in inherited:
            env["PGPASSFILE"] = inherited["PGPASSFILE"]
        env |= {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": self.database,
            "PGUSER": self.user,
            "PGSSLMODE": self.sslmode,
            "PGCONNECT_TIMEOUT": str(self.connect_timeout),
            "PGCLIENTENCODING": "UTF8",
            "PGAPPNAME": application,
            "PGOPTIONS": options_text({**SAFE_SETTINGS, **(settings or {})}),
            # Messages are searched for words.
            "LC_ALL": "C.UTF-8",
        }
        if self.sslrootcert:
            env["PGSSLROOTCERT"] = self.sslrootcert
        if self._file is not None:
            env["PGPASSFILE"] = self._file.path
        return env

    def conninfo(self, silence: int = SILENCE, **more: str) -> str:
        """Return the connection string for a child's arguments; the environment says the rest.

        `silence` is for how many seconds what was sent may stay without an answer of the other end's system. A server
        that does not take rows in for a while is as silent as a dead one, so whoever sends rows is given more.
        """
        parameters = {**more, **KEEPALIVES, "tcp_user_timeout": str(silence * 1000)}
        return " ".join(f"{name}={conninfo_value(value)}" for name, value in parameters.items())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def conninfo_value(text: str) -> str:
    """Quote a value of a libpq connection string: a bare database name with '=' would be read as one."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def options_text(settings: Mapping[str, str]) -> str:
    """Return settings as libpq's `options`: blanks and backslashes in values are escaped."""
    escaped = ((name, value.replace("\\", "\\\\").replace(" ", "\\ ")) for name, value in settings.items())
    return " ".join(f"-c {name}={value}" for name, value in escaped)


# (words in libpq's last message, what a person can do about it)
ADVICE = (
    ("password authentication failed", "check the user and the password"),
    ("no password supplied", "give the password"),
    ("could not translate host name", "check the host name"),
    ("Name or service not known", "check the host name"),
    ("Connection refused", "no server listens there: check the host and the port, and that the server runs"),
    ("timeout expired", "no answer: check the host, the port, routes and security groups"),
    ("No route to host", "check routes and security groups"),
    ("Network is unreachable", "check routes and security groups"),
    ("does not match host name", "use the host name that the certificate was issued for"),
    (
        "certificate verify failed",
        "check sslrootcert: it must hold the authority that signed the server's certificate,"
        " not an older authority of that name",
    ),
    ("root certificate file", "set sslrootcert to the file with the authority's certificate"),
    ("does not exist", "check the name of the database and of the user"),
    ("SSL error", "TLS failed: check that sslrootcert is today's file, not one of an older authority of that name"),
    ("server does not support SSL", "the server has no TLS: turn it on there, or set a weaker sslmode"),
    ("no pg_hba.conf entry", "the server does not admit this user from here: check pg_hba.conf and sslmode"),
    ("too many clients", "the server has no free connection: raise max_connections or wait"),
    (
        "too many connections for role",
        "the role's CONNECTION LIMIT is reached: end its other sessions, or ALTER ROLE"
        " ... CONNECTION LIMIT (-1 for none)",
    ),
    (
        "too many connections for database",
        "the database's CONNECTION LIMIT is reached: end other sessions, or ALTER"
        " DATABASE ... CONNECTION LIMIT (-1 for none)",
    ),
    ("remaining connection slots", "the server has no free connection: raise max_connections or wait"),
    ("unsupported startup parameter", "a pooler is in front: connect to the server itself"),
)


def connect_error(connection: Connection, output: str) -> PostgresError:
    """Make one line of what psql said when it could not connect."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "psql ended without a word"
    for noise in ("psql: error: ", "FATAL:  "):
        last = last.split(noise, 1)[-1]
    advice = next((text for words, text in ADVICE if words in output), "read the server's log")
    return PostgresError(f"cannot connect to the {connection}: {last}. What to do: {advice}.")
