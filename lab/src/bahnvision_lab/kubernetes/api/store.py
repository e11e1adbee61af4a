"""The objects of one cluster, with resource versions and a history that watchers follow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bahnvision_lab.kubernetes.status import ApiError

Object = dict[str, Any]
Place = tuple[str, str]  # group and plural: all versions of a kind are one
Name = tuple[str, str]  # namespace ("" for what has none) and name
HISTORY = 20_000


@dataclass(frozen=True)
class Event:
    """One change. `before` is what a selector needs to tell a MODIFIED that leaves it from one that stays."""

    version: int
    kind: str
    place: Place
    now: Object
    before: Object | None


def name_of(one: Object) -> Name:
    return str(one["metadata"].get("namespace", "")), str(one["metadata"]["name"])


class Store:
    """Objects in it are never changed in place: a change puts a new one in."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = 1
        self.closed = False
        self._objects: dict[Place, dict[Name, Object]] = {}
        self._history: deque[Event] = deque(maxlen=HISTORY)

    def find(self, place: Place, namespace: str, name: str) -> Object | None:
        return self._objects.get(place, {}).get((namespace, name))

    def every(self, place: Place, namespace: str = "") -> list[Object]:
        """All of a kind, or those of one namespace, in the order in which the API server lists them."""
        with self.lock:
            found = sorted(self._objects.get(place, {}).items())
        return [one for (space, _name), one in found if not namespace or space == namespace]

    def everything(self) -> Iterator[tuple[Place, Object]]:
        with self.lock:
            found = [(place, one) for place, objects in self._objects.items() for one in objects.values()]
        yield from found

    def put(self, place: Place, one: Object) -> Object:
        """Store a new state; the caller holds the lock and has checked it."""
        objects = self._objects.setdefault(place, {})
        before = objects.get(name_of(one))
        self.version += 1
        one["metadata"]["resourceVersion"] = str(self.version)
        objects[name_of(one)] = one
        self._tell(Event(self.version, "MODIFIED" if before else "ADDED", place, one, before))
        return one

    def remove(self, place: Place, one: Object) -> Object:
        """Take it out for good."""
        before = self._objects.get(place, {}).pop(name_of(one), None)
        self.version += 1
        last = {**one, "metadata": {**one["metadata"], "resourceVersion": str(self.version)}}
        if before is not None:
            self._tell(Event(self.version, "DELETED", place, last, before))
        return last

    def _tell(self, event: Event) -> None:
        self._history.append(event)
        self.changed.notify_all()

    def since(self, version: int, place: Place) -> list[Event]:
        """The changes after a version; 410 when they are no longer known."""
        with self.lock:
            if self._history and version < self._history[0].version - 1 and len(self._history) == HISTORY:
                oldest = self._history[0].version
                raise ApiError(410, f"too old resource version: {version} ({oldest})")
            recent = []
            for event in reversed(self._history):
                if event.version <= version:
                    break
                recent.append(event)
            return [event for event in reversed(recent) if event.place == place]

    def wait(self, version: int, seconds: float) -> None:
        """Until something changed after the version, or time is up, or the cluster ends."""
        with self.changed:
            self.changed.wait_for(lambda: self.version > version or self.closed, seconds)

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()
