"""The real PostgreSQL clusters behind the DB instances of the API.

moto copies a DBInstance's attributes for snapshots and restores, so the clusters live here, in a registry of
their own. What a client connects to is `RealInstance.endpoint`: it stays the same over reboots and failovers.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import psycopg

from bahnvision_lab import postgres
from bahnvision_lab.aws.answering import after_the_answer
from bahnvision_lab.aws.rds import bootstrap
from bahnvision_lab.aws.rds.backups import Archive, Base, Vault, complete_archive, now
from bahnvision_lab.aws.rds.catalogue import major_of
from bahnvision_lab.aws.rds.cluster import Cluster
from bahnvision_lab.aws.rds.nodes import Secrets, Site
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry

Key = tuple[str, str, str]  # account, region, DBInstanceIdentifier


class Observer(Protocol):
    """Who wants to know of failovers: a proxy that holds its clients meanwhile."""

    def failing_over(self, key: Key) -> None:
        """Called before the primary is killed."""

    def moved(self, key: Key) -> None:
        """Called when the endpoint leads to the new primary."""


@dataclass
class Wish:
    """What the API asked for."""

    engine_version: str
    master_username: str
    master_password: str = field(repr=False)
    database: str | None
    settings: dict[str, str]
    multi_az: bool = False


@dataclass
class RealInstance:
    """One cluster, its master user, and whether clients may see its endpoint."""

    name: str
    wish: Wish
    cluster: Cluster
    archive: Archive
    bundle: Path
    ready: bool = False
    gone: bool = False
    awaits_reboot: bool = False  # a parameter was changed that takes effect with the next one
    lock: threading.Lock = field(default_factory=threading.Lock)
    passwords: list[tuple[datetime, str]] = field(default_factory=list, repr=False)  # of the master user, since when

    @property
    def endpoint(self) -> tuple[str, int] | None:
        return ("127.0.0.1", self.cluster.port) if self.ready and self.cluster.port else None

    @property
    def dsn(self) -> str:
        """The master user's way in, as libpq reads it."""
        wish = self.wish
        user, password = quote(wish.master_username, safe=""), quote(wish.master_password, safe="")
        database = quote(wish.database or "postgres", safe="")
        options = f"sslmode=verify-full&sslrootcert={quote(str(self.bundle), safe='/')}"
        return f"postgresql://{user}:{password}@127.0.0.1:{self.cluster.port}/{database}?{options}"

    @property
    def standby(self) -> str:
        """What the standby is doing, for people."""
        if self.cluster.synchronous:
            return "synchronous"
        return "being made" if self.wish.multi_az else "none"

    def configure(self) -> None:
        """Carry the wish over into what the servers will read."""
        self.cluster.parameters = self.wish.settings
        self.cluster.archive_command = self.archive.command

    def password_at(self, moment: datetime) -> str:
        return [password for since, password in self.passwords if since <= moment][-1]

    def wait_for_master(self, patience: float = 60) -> None:
        """Available means: the master user can log in, over TLS, with the certificate checked."""
        deadline = time.monotonic() + patience
        while True:
            try:
                psycopg.connect(self.dsn, connect_timeout=10).close()
                return
            except psycopg.OperationalError as problem:
                if time.monotonic() > deadline:
                    raise LabError(f"the master user of {self.name} cannot log in: {problem}") from problem
            time.sleep(0.05)


class Fleet:
    """All real instances of one lab."""

    def __init__(self, folder: Path, site: Site, on_change: Callable[[], None]) -> None:
        self.folder = folder
        self.site = site
        self.on_change = on_change
        self.observers: list[Observer] = []
        self.vault = Vault(folder / "snapshots")
        self._instances: dict[Key, RealInstance] = {}
        self._threads: list[threading.Thread] = []
        self._numbers = itertools.count(1)

    @property
    def registry(self) -> Registry:
        return self.site.registry

    @property
    def authority(self) -> Authority:
        return self.site.authority

    @property
    def closing(self) -> bool:
        return self.site.closing

    def find(self, key: Key) -> RealInstance | None:
        return self._instances.get(key)

    def all(self) -> dict[Key, RealInstance]:
        return dict(self._instances)

    def create(self, key: Key, resource: str, wish: Wish, secrets: Secrets | None = None) -> RealInstance:
        """Take the instance into the registry. Its servers are made by `build` or `restore`, in the background."""
        # Numbered: an instance may get a name that another one had before it was renamed.
        name = "-".join((str(next(self._numbers)), *key))
        bindir = postgres.installed_majors()[int(major_of(wish.engine_version))]
        cluster = Cluster(name, self.folder / name, bindir, self.site, secrets or Secrets())
        cluster.identifier = key[2]
        archive = Archive(self.folder / "archive" / resource)
        instance = RealInstance(name, wish, cluster, archive, self.site.authority.bundle)
        self._instances[key] = instance
        return instance

    def build(self, instance: RealInstance) -> None:
        instance.configure()
        instance.cluster.create()
        server, wish = instance.cluster.require_primary().server, instance.wish
        bootstrap.make_roles(server, wish.master_username, wish.master_password, instance.cluster.secrets.replication)
        bootstrap.make_databases(server, wish.master_username, wish.database)
        self._finish(instance)

    def restore(self, instance: RealInstance, base: Base, recovery: dict[str, str]) -> None:
        instance.configure()
        instance.cluster.restore(base.data, recovery)
        self._finish(instance)

    def _finish(self, instance: RealInstance) -> None:
        if instance.wish.multi_az:
            instance.cluster.ensure_standby()
        instance.passwords.append((now(), instance.wish.master_password))
        self._let_in(instance)

    def _let_in(self, instance: RealInstance) -> None:
        logical = instance.wish.settings.get("wal_level") == "logical"
        bootstrap.let_members_replicate(instance.cluster.require_primary().server, logical)
        instance.cluster.open()
        instance.wait_for_master()
        instance.ready = True

    def restart(self, instance: RealInstance) -> None:
        """What a reboot is: clients lose their connections, parameters that wait for it take effect."""
        instance.configure()
        instance.cluster.restart()
        self._let_in(instance)
        instance.awaits_reboot = False

    def reload(self, instance: RealInstance) -> None:
        """Let the settings that need no restart take effect."""
        instance.configure()
        instance.cluster.reload()

    def set_password(self, instance: RealInstance, password: str) -> None:
        with instance.cluster.require_primary().server.connect() as admin:
            bootstrap.set_password(admin, instance.wish.master_username, password)
        instance.wish.master_password = password
        instance.passwords.append((now(), password))

    def stop(self, instance: RealInstance) -> None:
        instance.ready = False
        if instance.archive.since is not None:
            instance.archive.until = complete_archive(instance.cluster, instance.archive)
        instance.cluster.stop()

    def start(self, instance: RealInstance) -> None:
        instance.configure()
        instance.cluster.start()
        instance.archive.until = None
        self._let_in(instance)
        instance.awaits_reboot = False

    def rename(self, key: Key, identifier: str) -> None:
        """The servers stay where they are; only the API's name for them changes."""
        instance = self._instances[(key[0], key[1], identifier)] = self._instances.pop(key)
        instance.cluster.identifier = identifier

    def destroy(self, key: Key, last: Callable[[RealInstance], None] = lambda _instance: None) -> None:
        """End it for good; `last` sees it once more, for the final snapshot."""
        instance = self._instances.pop(key)
        with instance.lock:
            instance.ready = False
            instance.gone = True
            last(instance)
            instance.cluster.destroy()
            instance.archive.end()

    def tell_observers(self, tell: Callable[[Observer], None]) -> None:
        """What goes wrong with one of them does not keep the database from failing over."""
        for observer in list(self.observers):
            try:
                tell(observer)
            except (LabError, OSError, psycopg.Error) as problem:
                print(f"observer of failovers: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)

    def in_background(self, subject: str, work: Callable[[], None], failed: Callable[[], None]) -> None:
        """Run the work beside the API. What goes wrong is told in the lab's log and in the instance's status."""

        def go() -> None:
            try:
                work()
            except (LabError, OSError, psycopg.Error) as problem:
                if not self.site.closing:
                    print(f"{subject}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
                    failed()
            self.on_change()

        thread = threading.Thread(target=go, name=subject, daemon=True)

        def start() -> None:
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()

        after_the_answer(start)

    def close(self) -> None:
        """No more starts; wait for those under way, so that no server escapes the end of the lab."""
        self.site.closing = True
        for thread in self._threads:
            thread.join(120)

    def describe(self, statuses: dict[Key, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the status's `databases`: what the API says of each instance, and how to reach its server."""
        described = {}
        for key, instance in self.all().items():
            host, port = instance.endpoint or (None, None)
            described[key[2]] = {
                "dsn": instance.dsn if instance.ready else None,
                "host": host,
                "port": port,
                "server_version": postgres.server_version(instance.cluster.bindir),
                "standby": instance.standby,
                **statuses.get(key, {}),
            }
        return described
