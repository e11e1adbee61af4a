"""The database that is to be moved: a PostgreSQL server "as in docker compose", kept until `lab reset`.

It is made ready for the move with little downtime, as the runbook asks of a user: wal_level = logical, TLS for the RDS
instance that connects to it, and the file with RDS's authorities for the way back.
"""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from urllib.parse import quote

from bahnvision_lab import postgres, processes
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry
from bahnvision_lab.source import ensure_database
from bahnvision_lab.state import State, write_private

# What the compose file sets as POSTGRES_USER and POSTGRES_DB; the image makes the user a superuser.
USER = "bahnvision"
DATABASE = "bahnvision"


def start_source(state: State, authority: Authority) -> dict[str, object]:
    """Start the source, making it first if need be; return its part of the status."""
    server = _server(state.source)
    if not server.exists:
        server.create()
    bundle = _make_ready_to_replicate(server, authority)
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
        "sslmode": "disable",  # as in docker compose, whose image has no TLS
        "ca_bundle": str(bundle),  # of RDS, where the source's server can read it
        "server_version": postgres.server_version(server.bindir),
    }


def _make_ready_to_replicate(server: postgres.Server, authority: Authority) -> Path:
    bundle = server.folder / "rds-authorities.pem"
    shutil.copy(authority.bundle, bundle)
    processes.give_to_servers(bundle)
    authority.issue(server.folder)
    server.settings = {
        "wal_level": "logical",
        "ssl": "on",
        "ssl_cert_file": str(server.folder / "server.crt"),
        "ssl_key_file": str(server.folder / "server.key"),
    }
    return bundle


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
