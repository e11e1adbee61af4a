"""Live writers of a rehearsal: they follow the cut-over as an application does, and keep a ledger.

Where to write they read from a file whenever they connect; `cutover_point_command` of cut_over.yml writes it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bahnvision_lab.errors import LabError
from bahnvision_lab.ledger import TABLES, Writers
from bahnvision_lab.source.provision import APP_ROLE

PAUSE = 0.01  # a busy application, not a load test: two writers, some hundred rows a second
COLUMNS = [
    {"key": "state", "title": "Cut-over"},
    {"key": "downtime_ms", "title": "Milliseconds without writes", "kind": "count"},
    {"key": "gap_ms", "title": "Longest gap the writers saw (ms)", "kind": "count"},
    {"key": "writes", "title": "Writes acknowledged until then", "kind": "count"},
]
NOTE = (
    "From the fence to the release, as cut_over.yml measures it; and between two answers to the writers, who connect "
    "anew on the other side. No gap where no writers were at work."
)
_POINT = 'printf %s "$CUTOVER_SIDE" > "$1.new" && mv "$1.new" "$1"'


@dataclass(frozen=True)
class CutOver:
    """What one cut-over cost."""

    state: str
    downtime_ms: int
    gap_ms: int | None
    writes: int


@dataclass
class Drill:
    """`source` and `target` return libpq's parameters of the application's login on each side."""

    pointer: Path
    source: Callable[[], dict[str, Any]]
    target: Callable[[], dict[str, Any]]
    cut_overs: list[CutOver] = field(default_factory=list)
    writers: Writers | None = None
    proved: bool = False

    @property
    def point_command(self) -> list[str]:
        return ["/bin/sh", "-c", _POINT, "point", str(self.pointer)]

    def make_ledger(self, admin_dsn: str) -> None:
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            admin.execute(TABLES.encode())

    def begin(self) -> None:
        self.pointer.write_text("source")
        self.writers = Writers(self._connect, pause=PAUSE)
        self.writers.__enter__()

    def _connect(self) -> psycopg.Connection[Any]:
        side = {"source": self.source, "target": self.target}[self.pointer.read_text()]
        return psycopg.connect(**side(), connect_timeout=5)

    def cut_over(self, state: str, run: Callable[[], Path]) -> None:
        """`run` makes the cut-over and returns its report."""
        began, writers = time.monotonic(), self._writers()
        facts = json.loads(run().read_text())["facts"]
        gap = None
        if not writers.stopped:
            writers.wait_for_more()
            gap = round(writers.longest_gap(since=began) * 1000)
        downtime = facts["Milliseconds without writes in the last switch"]
        self.cut_overs.append(CutOver(state, int(downtime), gap, len(writers.acknowledged)))

    def end(self) -> None:
        if self.writers is not None:
            self.writers.stop()

    def prove(self) -> int:
        """Compare the ledger with the target; return the number of acknowledged writes."""
        writers = self._writers()
        with psycopg.connect(**self.target()) as connection:
            found = writers.faults(connection)
        if found:
            raise LabError("the writers' ledger and the target differ: " + "; ".join(found))
        self.proved = True
        return len(writers.acknowledged)

    def _writers(self) -> Writers:
        if self.writers is None:
            raise LabError("the writers were not started")
        return self.writers

    @property
    def figures(self) -> dict[str, Any]:
        writers = self.writers
        return {
            "cut_overs": [asdict(one) for one in self.cut_overs],
            "acknowledged": len(writers.acknowledged) if writers else 0,
            "unknown": len(writers.unknown) if writers else 0,
            "lost": 0 if self.proved else None,
            "doubled": 0 if self.proved else None,
        }

    @property
    def sections(self) -> list[dict[str, Any]]:
        rows = self.figures["cut_overs"]
        return [{"title": "Cut-overs", "kind": "table", "note": NOTE, "columns": COLUMNS, "rows": rows}] if rows else []

    @property
    def sentence(self) -> str:
        worst = max((one.downtime_ms for one in self.cut_overs), default=0)
        return (
            f"The application went on writing: {self.figures['acknowledged']:,} writes, none lost, none doubled; kept "
            f"out for {worst} ms at most in {len(self.cut_overs)} cut-overs."
        )


def source_login(source: dict[str, Any]) -> dict[str, Any]:
    """The application's role in the source; ensure_database gave it the superuser's password."""
    keys = {"host": "host", "port": "port", "dbname": "database", "password": "password", "sslmode": "sslmode"}
    return {"user": APP_ROLE, **{key: source[name] for key, name in keys.items()}}
