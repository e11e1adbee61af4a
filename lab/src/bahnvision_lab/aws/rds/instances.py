"""The real PostgreSQL servers behind the DB instances of the API.

moto copies a DBInstance's attributes for snapshots and restores, so the servers live here, in a registry of
their own. What a client connects to is `RealInstance.endpoint`: a router or a standby can later stand behind it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any
from urllib.parse import quote

import psycopg

from bahnvision_lab import postgres
from bahnvision_lab.aws.rds import bootstrap
from bahnvision_lab.aws.rds.catalogue import major_of
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry

Key = tuple[str, str, str]  # account, region, DBInstanceIdentifier


@dataclass
class Wish:
    """What the API asked for."""

    engine_version: str
    master_username: str
    master_password: str = field(repr=False)
    database: str | None
    settings: dict[str, str]


@dataclass
class RealInstance:
    """One server, its master user, and whether clients may see its endpoint."""

    name: str
    wish: Wish
    server: postgres.Server
    bundle: Path
    ready: bool = False
    awaits_reboot: bool = False  # a parameter was changed that takes effect with the next one
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> tuple[str, int] | None:
        return ("127.0.0.1", self.server.port) if self.ready else None

    @property
    def dsn(self) -> str:
        """The master user's way in, as libpq reads it."""
        wish = self.wish
        user, password = quote(wish.master_username, safe=""), quote(wish.master_password, safe="")
        database = quote(wish.database or "postgres", safe="")
        options = f"sslmode=verify-full&sslrootcert={quote(str(self.bundle), safe='/')}"
        return f"postgresql://{user}:{password}@127.0.0.1:{self.server.port}/{database}?{options}"

    def configure(self) -> None:
        """Carry the wish over into the server's files."""
        self.server.settings = bootstrap.settings(self.server.folder, self.wish.settings)
        self.server.hba = bootstrap.access_rules(self.wish.settings["rds.force_ssl"] == "1")

    def wait_for_master(self, patience: float = 30) -> None:
        """Available means: the master user can log in, over TLS, with the certificate checked."""
        deadline = time.monotonic() + patience
        while True:
            try:
                psycopg.connect(self.dsn, connect_timeout=3).close()
                return
            except psycopg.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise LabError(f"the master user of {self.name} cannot log in: {problem}") from problem
            time.sleep(0.05)


class Fleet:
    """All real instances of one lab."""

    def __init__(self, folder: Path, registry: Registry, authority: Authority, on_change: Callable[[], None]) -> None:
        self.folder = folder
        self.registry = registry
        self.authority = authority
        self.on_change = on_change
        self.closing = False
        self._instances: dict[Key, RealInstance] = {}
        self._threads: list[threading.Thread] = []

    def find(self, key: Key) -> RealInstance | None:
        return self._instances.get(key)

    def all(self) -> dict[Key, RealInstance]:
        return dict(self._instances)

    def create(self, key: Key, wish: Wish) -> RealInstance:
        """Take the instance into the registry. The server itself is made by `build`, in the background."""
        name = "-".join(key)
        bindir = postgres.installed_majors()[int(major_of(wish.engine_version))]
        server = postgres.Server(
            self.folder / name, bindir, postgres.free_port(), bootstrap.ADMIN, bootstrap.new_password()
        )
        instance = RealInstance(name, wish, server, self.authority.bundle)
        self._instances[key] = instance
        return instance

    def build(self, instance: RealInstance) -> None:
        instance.server.create()
        self.authority.issue(instance.server.folder)
        instance.configure()
        self.start(instance)
        bootstrap.make_roles(instance.server, instance.wish.master_username, instance.wish.master_password)
        bootstrap.make_databases(instance.server, instance.wish.master_username, instance.wish.database)
        instance.wait_for_master()
        instance.ready = True

    def start(self, instance: RealInstance) -> None:
        if self.closing:
            raise LabError("the lab is going down")
        instance.server.start(record=lambda process: self.registry.add(f"rds:{instance.name}", process))

    def restart(self, instance: RealInstance) -> None:
        """What a reboot is: clients lose their connections, parameters that wait for it take effect."""
        instance.server.stop(signal.SIGINT)
        instance.configure()
        self.start(instance)
        instance.wait_for_master()
        instance.ready = True
        instance.awaits_reboot = False

    def reload(self, instance: RealInstance) -> None:
        """Let the settings that need no restart take effect."""
        instance.configure()
        instance.server.reload()

    def set_password(self, instance: RealInstance, password: str) -> None:
        with instance.server.connect() as admin:
            bootstrap.set_password(admin, instance.wish.master_username, password)
        instance.wish.master_password = password

    def stop(self, instance: RealInstance) -> None:
        instance.ready = False
        instance.server.stop(signal.SIGINT)
        self.registry.discard(f"rds:{instance.name}")

    def rename(self, key: Key, identifier: str) -> None:
        """The server stays where it is; only the API's name for it changes."""
        self._instances[(key[0], key[1], identifier)] = self._instances.pop(key)

    def destroy(self, key: Key) -> None:
        instance = self._instances.pop(key)
        with instance.lock:
            instance.ready = False
            instance.server.stop(signal.SIGQUIT)
            self.registry.discard(f"rds:{instance.name}")
            rmtree(instance.server.folder, ignore_errors=True)

    def in_background(self, subject: str, work: Callable[[], None], failed: Callable[[], None]) -> None:
        """Run the work beside the API. What goes wrong is told in the lab's log and in the instance's status."""

        def go() -> None:
            try:
                work()
            except (LabError, OSError, psycopg.Error) as problem:
                if not self.closing:
                    print(f"{subject}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
                    failed()
            self.on_change()

        thread = threading.Thread(target=go, name=subject, daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def close(self) -> None:
        """No more starts; wait for those under way, so that no server escapes the end of the lab."""
        self.closing = True
        for thread in self._threads:
            thread.join(30)

    def describe(self, statuses: dict[Key, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the status's `databases`: what the API says of each instance, and how to reach its server."""
        described = {}
        for key, instance in self.all().items():
            host, port = instance.endpoint or (None, None)
            described[key[2]] = {
                "dsn": instance.dsn if instance.ready else None,
                "host": host,
                "port": port,
                "server_version": postgres.server_version(instance.server.bindir),
                **statuses.get(key, {}),
            }
        return described
