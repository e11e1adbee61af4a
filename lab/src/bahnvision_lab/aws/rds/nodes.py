"""The servers of a cluster, and what all clusters of a lab share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bahnvision_lab import postgres, processes
from bahnvision_lab.aws.rds import bootstrap
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.router import Router
from bahnvision_lab.truth import Journal


@dataclass
class Site:
    """What all clusters of a lab share."""

    registry: processes.Registry
    router: Router
    authority: Authority
    journal: Journal
    closing: bool = False  # the lab is going down: no server starts any more


@dataclass(frozen=True)
class Secrets:
    """The passwords of the service's own roles. A restored database has those of its source."""

    admin: str = field(default_factory=bootstrap.new_password, repr=False)
    replication: str = field(default_factory=bootstrap.new_password, repr=False)


@dataclass
class Node:
    """One of the two servers."""

    record: str  # its name in the registry of processes
    server: postgres.Server

    def ask(self, query: str) -> Any:
        """Return the first value of the first row, if there is one, asked as the service's own superuser."""
        with self.server.connect(connect_timeout=20) as admin:
            answer = admin.execute(query.encode())
            row = answer.fetchone() if answer.description else None
            return row[0] if row else None


def until(what: str, check: Callable[[], Any], patience: float = 60) -> None:
    """Wait for it; a server that does not take connections yet is no answer."""
    deadline = time.monotonic() + patience
    problem: psycopg.Error | None = None
    while time.monotonic() < deadline:
        try:
            if check():
                return
        except psycopg.OperationalError as error:
            problem = error
        time.sleep(0.01)
    raise LabError(f"{what} after {patience:g} s" + (f": {problem}" if problem else ""))


def touch(path: Path) -> None:
    """Make one of the empty files that tell a server what it is to be."""
    path.touch()
    processes.give_to_servers(path)
