# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what is copied and built in which order. Pure: no server, no clock.

A table is copied (in one part, rarely in several), then its indexes are built, as many at once as there are
workers, then it is finished: constraints get their indexes, statistics are gathered.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyformat import Form


@dataclass(frozen=True)
class Index:
    """An index of the source with a valid definition; `constraint` names the constraint that it is to serve."""

    oid: str
    table: str
    name: str
    ident: str
    definition: str
    bytes: int
    constraint_oid: str = ""
    constraint: str = ""
    contype: str = ""
    deferrable: bool = False
    deferred: bool = False
    clustered: bool = False
    replica_identity: bool = False


@dataclass(frozen=True)
class Part:
    """A range of a table's pages; without bounds it is the whole table."""

    number: int = 0
    first: int | None = None
    end: int | None = None

    @property
    def bounds(self) -> str:
        return "" if self.first is None else f"{self.first}-{'' if self.end is None else self.end}"


@dataclass(frozen=True)
class Table:
    """`condition` is None but for tables of extensions, of which only some rows are copied.

    `done` are the numbers of parts that an interrupted run has copied, each with its rows.
    """

    oid: str
    ident: str
    schema: str
    name: str
    columns: tuple[str, ...]
    bytes: int
    form: Form
    freeze: bool = True
    parts: tuple[Part, ...] = (Part(),)
    indexes: tuple[Index, ...] = ()
    analyze: bool = True
    kept: bool = False
    done: tuple[tuple[int, int], ...] = ()
    condition: str | None = None


def parts_of(size: int, pages: int, total: int, jobs: int, split_over: int) -> tuple[Part, ...]:
    """Split a table that would keep one worker busy while the others have nothing left to do.

    A split table cannot be frozen while it is copied, so a table that fits its fair share stays whole.
    """
    if not split_over or jobs < 2 or size <= split_over or size <= total / jobs or pages < jobs:
        return (Part(),)
    number = min(jobs, -(-size // split_over))
    bounds = [pages * n // number for n in range(number)]
    ends: list[int | None] = [*bounds[1:], None]
    # The last part has no end: what has been added to the file since belongs to no part of the snapshot, or to it.
    return tuple(Part(n, first, end) for n, (first, end) in enumerate(zip(bounds, ends, strict=True)))


def parts_done(parts: tuple[Part, ...], stored: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    """Return what is done of a table; nothing when it was split otherwise than it is now."""
    now = {part.bounds: part.number for part in parts if part.bounds}
    return tuple((now[bounds], rows) for bounds, rows in stored.items()) if stored.keys() <= now.keys() else ()


@dataclass(frozen=True)
class Job:
    """`kind` is copy, index or finish."""

    kind: str
    table: Table
    part: Part = Part()
    index: Index | None = None


class Board:
    """What is still to do, and which job a free worker gets.

    While rows and indexes both wait, half of the workers copy and the others build: copying waits for the source
    and the network, building for the target's processors. Biggest first in each kind, so that no long job is left
    for the end.
    """

    def __init__(
        self, tables: Iterable[Table], jobs: int, standing: frozenset[str] = frozenset(), index_jobs: int = 0
    ) -> None:
        """`standing` are the object ids (on the source) of indexes that are on the target already.

        `index_jobs` limits how many are built at once; 0 leaves that to the number of jobs.
        """
        self._jobs = jobs
        self._building_at_once = index_jobs or jobs
        self.copying_at_once = max(1, (jobs + 1) // 2)
        self._standing = standing
        self._copies: list[Job] = []
        self._builds: list[tuple[int, int, Job]] = []
        self._finishes: list[Job] = []
        self._parts_left: dict[str, int] = {}
        self._indexes_left: dict[str, int] = {}
        self.running: dict[str, int] = {"copy": 0, "index": 0, "finish": 0}
        for table in sorted(tables, key=lambda table: (-table.bytes, table.ident)):
            done = {number for number, _rows in table.done}
            left = [part for part in table.parts if part.number not in done]
            self._parts_left[table.oid] = len(left)
            self._indexes_left[table.oid] = len(self._missing(table))
            if table.kept or not left:
                self._loaded(table)
            else:
                self._copies += [Job("copy", table, part) for part in left]
        self._copies.reverse()

    @property
    def copies_left(self) -> int:
        return len(self._copies) + self.running["copy"]

    @property
    def left(self) -> int:
        waiting = len(self._copies) + len(self._builds) + len(self._finishes)
        return waiting + sum(self.running.values())

    @property
    def idle(self) -> int:
        """Workers that nothing waits for: so many processors of the target are free for a parallel index build."""
        waiting = len(self._copies) + len(self._builds) + len(self._finishes)
        return 0 if waiting else max(0, self._building_at_once - sum(self.running.values()))

    @property
    def workers(self) -> int:
        """How many can have something to do at the same time."""
        wanted = len(self._copies) + sum(self._indexes_left.values()) + len(self._finishes)
        return max(1, min(max(self._jobs, self._building_at_once), wanted))

    def next(self) -> Job | None:
        """Take the job that a free worker should do now; None when it has to wait for others."""
        enough = self.running["copy"] >= self.copying_at_once
        may_build = bool(self._builds) and self.running["index"] < self._building_at_once
        job = None
        if self._copies and self.running["copy"] < self._jobs and not (enough and (may_build or self._finishes)):
            job = self._copies.pop()
        elif self._finishes:
            job = self._finishes.pop()
        elif may_build:
            job = heapq.heappop(self._builds)[2]
        if job:
            self.running[job.kind] += 1
        return job

    def done(self, job: Job) -> None:
        self.running[job.kind] -= 1
        oid = job.table.oid
        if job.kind == "copy":
            self._parts_left[oid] -= 1
            if not self._parts_left[oid]:
                self._loaded(job.table)
        elif job.kind == "index":
            self._indexes_left[oid] -= 1
            if not self._indexes_left[oid]:
                self._finishes.append(Job("finish", job.table))

    def _missing(self, table: Table) -> list[Index]:
        return [index for index in table.indexes if index.oid not in self._standing]

    def _loaded(self, table: Table) -> None:
        missing = self._missing(table)
        for index in missing:
            heapq.heappush(self._builds, (-index.bytes, int(index.oid), Job("index", table, index=index)))
        if not missing:
            self._finishes.append(Job("finish", table))


@dataclass
class Progress:
    """What a watcher is told: the state of every table, its bytes and rows so far."""

    tables: dict[str, dict] = field(default_factory=dict)
    phase: str = ""
    # Of tables that are copied in parts: how many are left, of how many; bytes and rows of those that are there.
    _left: dict[str, tuple[int, int]] = field(default_factory=dict)
    _there: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Iterable[Table]) -> Progress:
        tables = list(tables)
        state = {
            table.ident: {"state": "kept" if table.kept else "waiting", "bytes": 0, "rows": 0, "total": table.bytes}
            for table in tables
        }
        progress = cls(state, _left={table.ident: (len(table.parts), len(table.parts)) for table in tables})
        for table in tables:
            for _number, rows in table.done:
                progress.part_there(table.ident, rows)
        return progress

    def set(self, ident: str, state: str, **figures: int) -> None:
        self.tables[ident] |= {"state": state, **figures}

    def part_there(self, ident: str, rows: int) -> str:
        """Take one part of a table, perhaps all of it; return the state that this brings the table into."""
        left, parts = self._left[ident]
        size, before = self._there.get(ident, (0, 0))
        self._left[ident] = (left - 1, parts)
        self._there[ident] = size, rows = (size + self.tables[ident]["total"] // parts, before + rows)
        self.set(ident, "copying" if left > 1 else "copied", bytes=size, rows=rows)
        return str(self.tables[ident]["state"])

    def moving(self, figures: Mapping[str, tuple[int, int]]) -> None:
        """Take {table: (bytes, rows)} of the parts that are being copied."""
        for ident, (size, rows) in figures.items():
            there = self._there.get(ident, (0, 0))
            self.tables[ident] |= {"bytes": there[0] + size, "rows": there[1] + rows}

    @property
    def state(self) -> dict:
        return {"phase": self.phase, "tables": {ident: dict(about) for ident, about in self.tables.items()}}
