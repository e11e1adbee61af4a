"""For the tests of every part: a lab of one's own, or a bare PostgreSQL server, ended in any case.

with running_lab(tmp_path / "lab") as lab:
    rds = lab.client("rds")
    subprocess.run([...], env={**os.environ, **lab.environment()})

with temporary_server(tmp_path / "pg", fsync="off") as server:
    server.connect()
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bahnvision_lab import control, faults, postgres
from bahnvision_lab.state import VARIABLE, State


@dataclass(frozen=True)
class Lab:
    """A lab that runs."""

    state: State

    def status(self) -> dict[str, Any]:
        """Return what `lab status --json` prints."""
        return self.state.read_status()

    def environment(self) -> dict[str, str]:
        """Return what a child process needs to find this lab and its AWS, to be added to the environment."""
        aws = self.status()["aws"]
        return {
            VARIABLE: str(self.state.folder),
            "AWS_ENDPOINT_URL": aws["endpoint_url"],
            "AWS_ACCESS_KEY_ID": aws["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"],
            "AWS_DEFAULT_REGION": aws["region"],
            # Another profile of the person at the keyboard must not win over the keys above.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of this lab's AWS; `options` win over the lab's own."""
        aws = self.status()["aws"]
        settings = {
            "endpoint_url": aws["endpoint_url"],
            "region_name": aws["region"],
            "aws_access_key_id": aws["access_key_id"],
            "aws_secret_access_key": aws["secret_access_key"],
        }
        return boto3.session.Session().client(service, **{**settings, **options})

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no server start or be forgotten until the end: what is under way stays under way, however slow we are."""
        with self.state.registry.locked():
            yield

    @contextmanager
    def stopped(self, record: str) -> Iterator[None]:
        """Stop the process of this record until the end, as a machine does that has other things to do."""
        pid = self.state.registry.all()[record].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def faults(self, **setting: Any) -> Iterator[None]:
        """Let go wrong what the setting says (see faults.py), on top of what does already, until the end."""
        before = faults.load(self.state.faults)
        faults.save(self.state.faults, faults.added(before, setting))
        try:
            yield
        finally:
            faults.save(self.state.faults, before)


@contextmanager
def running_lab(folder: Path, pace: float = 0) -> Iterator[Lab]:
    """Start a lab whose state lies in the folder; end it, whatever happens."""
    state = State(folder)
    control.up(state, pace)
    try:
        yield Lab(state)
    finally:
        control.down(state)


@contextmanager
def temporary_server(folder: Path, **settings: str) -> Iterator[postgres.Server]:
    """Start a PostgreSQL server of the newest installed major in the folder; its superuser is `admin`."""
    majors = postgres.require_majors()
    bindir = majors[max(majors)]
    server = postgres.Server(folder, bindir, postgres.free_port(), "admin", secrets.token_urlsafe(12), settings)
    if not server.exists:
        server.create()
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
