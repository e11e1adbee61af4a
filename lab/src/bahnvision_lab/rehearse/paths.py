"""Walk the ways in that the application will use: its own user through the proxy and to the instance, its own cache.

With real clients, certificates checked and no code of the collection. A way that also opens without TLS is a failure.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from bahnvision_lab.errors import LabError
from bahnvision_lab.rehearse.counts import FOREIGN_SCHEMAS, TABLES, count

Secret = dict[str, Any]


@dataclass(frozen=True)
class Path:
    """One way in: a function that goes it and returns the rows it saw, and one that must not get in."""

    name: str
    enter: Callable[[], int | None]
    plain: Callable[[], None]


def read_secret(client: Any, name: str) -> Secret:
    return json.loads(client.get_secret_value(SecretId=name)["SecretString"])


def database(name: str, host: str, port: int, secret: Mapping[str, Any], bundle: str) -> Path:
    """The application's user reads every table that moved, and plain text is refused."""
    options = {
        "host": host, "port": port, "user": secret["username"], "password": secret["password"],
        "dbname": secret["dbname"], "connect_timeout": 10,
    }  # fmt: skip

    def enter() -> int:
        with psycopg.connect(**options, sslmode="verify-full", sslrootcert=bundle) as connection:
            tables = connection.execute(TABLES, [list(FOREIGN_SCHEMAS)]).fetchall()
            return sum(count(connection, schema, table) for schema, table, _size in tables)

    def plain() -> None:
        psycopg.connect(**options, sslmode="disable").close()

    return Path(name, enter, plain)


def cache(name: str, host: str, port: int, secret: Mapping[str, Any], bundle: str) -> Path:
    """The application's user writes, reads and removes a key, and plain text is refused."""
    user = {"username": secret["username"], "password": secret["password"], "socket_timeout": 10}

    def enter() -> None:
        key, value = f"rehearsal:{secrets.token_hex(8)}", secrets.token_hex(8)
        client = redis.Redis(
            host=host, port=port, ssl=True, ssl_ca_certs=bundle, ssl_cert_reqs="required", ssl_check_hostname=True,
            decode_responses=True, **user,
        )  # fmt: skip
        with client:
            client.set(key, value, ex=60)
            if client.get(key) != value:
                raise LabError(f"{name}: a value that was written is not there")
            client.delete(key)

    def plain() -> None:
        with redis.Redis(host=host, port=port, **user) as client:
            client.ping()

    return Path(name, enter, plain)


def walk(paths: list[Path], rows: int) -> None:
    """Go every way; raise what is wrong with any of them in one sentence each."""
    wrong = [sentence for path in paths for sentence in _troubles(path, rows)]
    if wrong:
        raise LabError("; ".join(wrong))


def _troubles(path: Path, rows: int) -> list[str]:
    troubles = []
    try:
        seen = path.enter()
        if seen is not None and seen != rows:
            troubles.append(f"{path.name}: the application's user sees {seen:,} rows of {rows:,}")
    except (psycopg.Error, redis.RedisError, LabError) as problem:
        troubles.append(f"{path.name}: {problem}")
    try:
        path.plain()
        troubles.append(f"{path.name}: it opens without TLS")
    except (psycopg.OperationalError, redis.RedisError):
        return troubles
    return troubles
