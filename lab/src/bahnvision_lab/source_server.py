"""The database that is to be moved: a PostgreSQL server "as in docker compose", kept until `lab reset`."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from urllib.parse import quote

from bahnvision_lab import postgres
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry
from bahnvision_lab.source import ensure_database
from bahnvision_lab.state import State, write_private

# What the compose file sets as POSTGRES_USER and POSTGRES_DB; the image makes the user a superuser.
USER = "bahnvision"
DATABASE = "bahnvision"


def start_source(state: State) -> dict[str, object]:
    """Start the source, making it first if need be; return its part of the status."""
    server = _server(state.source)
    if not server.exists:
        server.create()
    _start(server, state.registry)
    ensure_database(server)
    dsn = f"postgresql://{USER}:{quote(server.admin_password)}@127.0.0.1:{server.port}/{DATABASE}?sslmode=disable"
    return {
        "dsn": dsn,
        "host": "127.0.0.1",
        "port": server.port,
        "database": DATABASE,
        "user": USER,
        "password": server.admin_password,
        "sslmode": "disable",  # as in docker compose: the image has no TLS
        "server_version": postgres.server_version(server.bindir),
    }


def _start(server: postgres.Server, registry: Registry) -> None:
    server.start(record=lambda process: registry.add("source", process))


def _server(folder: Path) -> postgres.Server:
    """Describe the source as it was made, or make up a new one."""
    folder.mkdir(parents=True, exist_ok=True)
    record = folder.with_name("source.json")
    majors = postgres.require_majors()
    if not record.exists():
        # The oldest that is installed: with several, the rehearsal moves to a newer major as well.
        write_private(record, json.dumps({"major": min(majors), "password": secrets.token_urlsafe(18)}))
    made = json.loads(record.read_text())
    if made["major"] not in majors:
        raise LabError(
            f"the source was made with PostgreSQL {made['major']}, which is no longer installed: install it again, "
            "or let `lab reset` make a new source"
        )
    return postgres.Server(folder, majors[made["major"]], postgres.free_port(), USER, made["password"])
