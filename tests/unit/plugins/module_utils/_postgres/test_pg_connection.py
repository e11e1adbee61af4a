from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import (
    Connection,
    connect_error,
    options_text,
    password_line,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError

PARAMS = {
    "host": "db", "port": 5432, "database": "a=b", "user": "me", "password": "ca:na\\ry", "sslmode": "verify-full",
    "sslrootcert": "/ca.pem", "connect_timeout": 3,
}  # fmt: skip


@pytest.fixture
def connection():
    made = Connection.of("target", dict(PARAMS))
    yield made
    made.close()


def test_the_password_is_in_a_private_file_in_memory_only(connection: Connection) -> None:
    env = connection.environment(base={"PATH": "/bin"})

    assert "ca:na" not in str(env) + repr(connection) + str(connection)
    path = Path(env["PGPASSFILE"])
    assert str(path.readlink()).startswith("/memfd:")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == path.read_bytes() == b"*:*:*:*:ca\\:na\\\\ry\n"
    assert connection.pass_fds == (int(path.name),)


def test_without_memory_files_a_private_file_lives_until_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    connection = Connection.of("source", dict(PARAMS))
    path = Path(connection.environment()["PGPASSFILE"])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert connection.pass_fds == ()
    connection.close()
    assert not path.parent.exists()


def test_the_callers_libpq_variables_do_not_redirect_us(connection: Connection) -> None:
    env = connection.environment(base={"PGHOSTADDR": "10.9.9.9", "PGSERVICE": "x", "PGPASSWORD": "y", "HOME": "/h"})

    assert {"PGHOSTADDR", "PGSERVICE", "PGPASSWORD"} & env.keys() == set()
    assert (env["HOME"], env["PGHOST"], env["PGDATABASE"], env["PGSSLMODE"]) == ("/h", "db", "a=b", "verify-full")


def test_without_a_password_the_callers_own_password_file_counts() -> None:
    connection = Connection.of("source", {**PARAMS, "password": None})

    assert connection.environment(base={"PGPASSFILE": "/home/me/pgpass"})["PGPASSFILE"] == "/home/me/pgpass"
    assert connection.pass_fds == ()


@pytest.mark.parametrize("password", ["two\nlines", "zero\0byte"])
def test_a_password_that_a_password_file_cannot_hold_is_refused(password: str) -> None:
    with pytest.raises(PostgresError, match="line break") as caught:
        password_line(password)
    assert password not in str(caught.value)


def test_options_escape_blanks_and_backslashes() -> None:
    assert options_text({"search_path": "a b", "x": "\\"}) == "-c search_path=a\\ b -c x=\\\\"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('psql: error: connection to server at "db" failed: FATAL:  password authentication failed for user "me"',
         'user me): password authentication failed for user "me". What to do: check the user and the password.'),
        ('psql: error: could not translate host name "db" to address: Name unknown', "check the host name."),
        ('psql: error: connection failed: Connection refused\n\tIs the server running?', "no server listens there"),
        ("psql: error: timeout expired", "routes and security groups"),
        ('psql: error: root certificate file "/ca.pem" does not exist', "set sslrootcert to the file"),
        ("", "psql ended without a word"),
    ],
)  # fmt: skip
def test_a_failed_connection_is_one_line_with_advice(connection: Connection, said: str, words: str) -> None:
    text = str(connect_error(connection, said))

    assert text.startswith("cannot connect to the target (database a=b on db:5432 as user me): ")
    assert words in text
    assert "\n" not in text
