"""What really happened, for drills to be judged by: one JSON line per moment, in the state folder.

`monotonic_ns` is CLOCK_MONOTONIC, the same clock in every process of the machine: a probe's own figures compare
with it directly. `wall` is for people, events and points in time.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Journal:
    """Append-only; it tells of one lab, from `lab up` to `lab down`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.unlink(missing_ok=True)

    def write(self, event: str, subject: str, at: int | None = None, **details: Any) -> int:
        """Note the event of this database or cache; `at` when it happened earlier than now. Return the moment (ns)."""
        moment = time.monotonic_ns() if at is None else at
        line = {"monotonic_ns": moment, "wall": _wall(moment), "event": event, "id": subject, **details}
        with self._lock:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w") as journal:
                journal.write(json.dumps(line) + "\n")
        return moment


def _wall(moment: int) -> float:
    return round(time.time() - (time.monotonic_ns() - moment) / 1e9, 6)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the journal's lines; none when there is no journal."""
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []
