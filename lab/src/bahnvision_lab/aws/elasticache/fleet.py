"""All real replication groups of one lab, and the work beside the API that changes them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from bahnvision_lab import pace
from bahnvision_lab.aws.answering import after_the_answer
from bahnvision_lab.aws.elasticache.books import Books, Group
from bahnvision_lab.aws.elasticache.real import RealGroup
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.faults import Faults
from bahnvision_lab.processes import Registry
from bahnvision_lab.router import Router
from bahnvision_lab.truth import Journal

Key = tuple[str, str, str]  # account, region, ReplicationGroupId


@dataclass
class Fleet:
    """Where servers live (`folder`), who remembers their processes, who plays DNS and fate, who tells the truth."""

    folder: Path
    registry: Registry
    authority: Authority
    router: Router
    journal: Journal
    faults: Faults
    on_change: Callable[[], None]
    closing: bool = False
    _real: dict[Key, RealGroup] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    def add(self, books: Books, group: Group) -> RealGroup:
        real = RealGroup(self, books, group)
        self._real[(books.account, books.region, group.identifier)] = real
        return real

    def find(self, books: Books, group: Group) -> RealGroup:
        return self._real[(books.account, books.region, group.identifier)]

    def known(self, books: Books, group: Group) -> RealGroup | None:
        """As `find`, for work beside the API: the group may have gone meanwhile."""
        return self._real.get((books.account, books.region, group.identifier))

    def discard(self, books: Books, group: Group) -> None:
        self._real.pop((books.account, books.region, group.identifier))

    def work(
        self, real: RealGroup, status: str, task: Callable[[], Any], kind: str, then: str | None = "available"
    ) -> None:
        """Set the group's status, do the task beside the API, and set the status that follows from it."""
        group = real.group
        group.status = status
        began = time.monotonic()

        def go() -> None:
            with real.lock:
                task()
            pace.at_least(kind, began)
            # Before the API says so: who sees the new status finds the endpoints in the lab's own status.
            self.on_change()
            if then is not None:
                group.status = then

        def failed() -> None:
            group.status = "create-failed"
            with real.books.lock:
                real.books.event("replication-group", group.identifier, f"The lab failed: {status}; see its log")

        self.in_background(f"cache {group.identifier} {status}", go, failed)
        self.on_change()

    def in_background(self, subject: str, work: Callable[[], None], failed: Callable[[], None] | None = None) -> None:
        """What goes wrong is told in the lab's log, and in the status that `failed` sets."""

        def go() -> None:
            try:
                work()
            except (LabError, OSError, redis.RedisError) as problem:
                if not self.closing:
                    print(f"{subject}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
                    if failed is not None:
                        failed()
            self.on_change()

        thread = threading.Thread(target=go, name=subject, daemon=True)

        def start() -> None:
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()

        after_the_answer(start)

    def close(self) -> None:
        """No more starts; wait for those under way, so that no server escapes the end of the lab."""
        self.closing = True
        for thread in self._threads:
            thread.join(120)

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the status's `caches`: what stands, and how to reach it. No passwords."""
        return {key[2]: _described(real.group) for key, real in dict(self._real).items()}


def _described(group: Group) -> dict[str, Any]:
    def endpoint(name: str) -> dict[str, Any] | None:
        port = group.endpoints.get(name)
        return {"host": "127.0.0.1", "port": port} if port else None

    return {
        "status": group.status,
        "mode": "cluster" if group.clustered else "single",
        "engine": group.engine,
        "engine_version": group.version,
        "tls": group.transit,
        "primary": endpoint("primary"),
        "reader": endpoint("reader"),
        "configuration": endpoint("configuration"),
        "nodes": [
            {"id": member.identifier, "host": member.host, "port": member.port, "role": member.role,
             "zone": member.zone, "shard": member.shard}
            for member in group.members
        ],
    }  # fmt: skip
