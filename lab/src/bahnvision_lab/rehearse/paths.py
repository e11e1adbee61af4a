"""Walk the ways in that the application will use: its own user through the proxy and to the instance, its own cache.

With real clients, certificates checked and no code of the collection. A way that also opens without TLS is a failure.
The last one is a Pod's: with nothing but what its container is told, as a kubelet would put it together.
"""

from __future__ import annotations

import json
import pathlib as files
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from bahnvision_lab.errors import LabError
from bahnvision_lab.kubernetes.kubelet import Container, Reader
from bahnvision_lab.rehearse.counts import FOREIGN_SCHEMAS, TABLES, count

Secret = dict[str, Any]


@dataclass(frozen=True)
class Path:
    """One way in: a function that goes it and returns the rows it saw, and one, if any, that must not get in."""

    name: str
    enter: Callable[[], int | None]
    plain: Callable[[], None] | None


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
            return _rows(connection)

    def plain() -> None:
        psycopg.connect(**options, sslmode="disable").close()

    return Path(name, enter, plain)


def cache(name: str, host: str, port: int, secret: Mapping[str, Any], bundle: str) -> Path:
    """The application's user writes, reads and removes a key, and plain text is refused."""
    user = {"username": secret["username"], "password": secret["password"], "socket_timeout": 10}

    def enter() -> None:
        client = redis.Redis(
            host=host, port=port, ssl=True, ssl_ca_certs=bundle, ssl_cert_reqs="required", ssl_check_hostname=True,
            **user,
        )  # fmt: skip
        with client:
            _write_and_read(name, client)

    def plain() -> None:
        with redis.Redis(host=host, port=port, **user) as client:
            client.ping()

    return Path(name, enter, plain)


def pod(name: str, reader: Reader, namespace: str, deployment: str, folder: files.Path) -> Path:
    """What the Deployment's Pods are told opens the database and the cache."""

    def enter() -> int:
        told = reader.ask(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")
        if not told.get("status", {}).get("availableReplicas"):
            raise LabError(f"Deployment {deployment} in {namespace} has no Pod that is available")
        container = Container(reader, namespace, told["spec"]["template"], folder)
        with container.cache() as client:
            _write_and_read(name, client)
        with container.database() as connection:
            return _rows(connection)

    return Path(name, enter, None)


def _rows(connection: psycopg.Connection[Any]) -> int:
    tables = connection.execute(TABLES, [list(FOREIGN_SCHEMAS)]).fetchall()
    return sum(count(connection, schema, table) for schema, table, _size in tables)


def _write_and_read(name: str, client: redis.Redis) -> None:
    key, value = f"rehearsal:{secrets.token_hex(8)}", secrets.token_bytes(8)
    client.set(key, value, ex=60)
    if client.get(key) != value:
        raise LabError(f"{name}: a value that was written is not there")
    client.delete(key)


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
    if path.plain is None:
        return troubles
    try:
        path.plain()
        troubles.append(f"{path.name}: it opens without TLS")
    except (psycopg.OperationalError, redis.RedisError):
        return troubles
    return troubles
