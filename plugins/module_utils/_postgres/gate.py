# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be equal before a migration may be called done."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import Read, compare_content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import (
    HASH_RECORD_SINCE,
    Shape,
    hash_sql,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import run_all
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Written

LARGE_OBJECTS = "large objects"


@dataclass
class Gate:
    """Reads the source under the dump's snapshot and the target before its constraints and policies exist.

    So the counts are exact while the source is written to, and no row-security policy of the target can
    hide rows.
    """

    sides: Sides
    verify: str
    jobs: int
    plan: Plan
    source: dict[str, Read] = field(default_factory=dict)
    target: dict[str, Read] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    records: bool = False

    @property
    def verified(self) -> str:
        return "not run" if self.verify == "none" else "passed"

    def read_source(self, snapshot: str, engine_counts: bool) -> None:
        """Read the tables, unless the engine counts what it moves and no more than counts are asked for."""
        if self.verify == "hash":
            self._learn()
        if self.verify == "hash" or (self.verify == "counts" and not engine_counts):
            self.source = self._read(self.sides.source, snapshot)

    def compare_rows(self, counted: dict[str, tuple[int, int]] | None, kept: frozenset[str]) -> None:
        if counted is not None and self.verify != "hash":
            self._take(counted, kept)
        if self.verify == "none":
            return
        if not self.target:
            self.target = self._read(self.sides.target, None)
        compared = [
            compare_content(name, read, self.target[name], self.verify == "hash" and name != LARGE_OBJECTS)
            for name, read in self.source.items()
        ]
        problems = [item.difference or item.not_checked for item in compared if item.difference or item.not_checked]
        if problems:
            raise PostgresError(
                f"the rows on the target are not those of the source's snapshot: {listed(problems)}",
                {"verify": {"status": "failed", "differences": problems}},
            )

    def bring_sequences_forward(self) -> None:
        """Set the sequences to where the source's are now: it may have gone on since the snapshot."""
        names = content.names(self.sides.target_session, catalogue.SEQUENCES)
        wanted = content.read_sequences(self.sides.source_session, names)
        have = content.read_sequences(self.sides.target_session, names)
        behind = {name: value for name, value in wanted.items() if have[name] != value}
        if behind:
            content.set_sequences(self.sides.target_session, behind)

    def tables(self, written: Written) -> list[dict]:
        none, seconds = Read(None), written.seconds
        return [
            {
                "name": table["name"],
                "rows_source": self.source.get(table["name"], none).rows,
                "rows_target": self.target.get(table["name"], none).rows,
                "bytes": table["bytes"],
                "seconds": round(seconds[table["oid"]], 3) if table["oid"] in seconds else None,
                "hash": self.target.get(table["name"], none).digest,
                "status": "kept" if written.how.get(table["name"]) == "kept" else "copied",
                "format": written.how.get(table["name"], "text"),
            }
            for table in self.plan.tables
        ]

    def _take(self, counted: dict[str, tuple[int, int]], kept: frozenset[str]) -> None:
        """Believe the numbers that both ends of each COPY have told; the rest of the target is counted anew."""
        self.source = {name: Read(rows) for name, (rows, _written) in counted.items()}
        if self.sides.wish.large_objects:
            self.source[LARGE_OBJECTS] = Read(self.plan.large_objects)
        self.target = {name: Read(rows) for name, (_read, rows) in counted.items()}
        self.target |= self._read(self.sides.target, None, kept)

    def _learn(self) -> None:
        """Read what is needed to hash both sides' rows in the same way: as the source declares them."""
        sessions = (self.sides.source_session, self.sides.target_session)
        majors = [int(session.ask("show server_version_num")[0]) // 10000 for session in sessions]
        self.records = min(majors) >= HASH_RECORD_SINCE
        self.shapes = {row["ident"]: Shape.of(row) for row in sessions[0].ask_json(catalogue.SHAPES)}

    def _statement(self, name: str) -> str:
        return hash_sql(self.shapes[name], self.records) if self.verify == "hash" else content.count_sql(name)

    def _read(self, side: Connection, snapshot: str | None, only: frozenset[str] | None = None) -> dict[str, Read]:
        names = [table["name"] for table in self.plan.tables if only is None or table["name"] in only]
        tasks = [(name, self._statement(name)) for name in names]
        if self.sides.wish.large_objects:
            tasks.append((LARGE_OBJECTS, content.LARGE_OBJECT_COUNT))
        wrapped = [(name, content.under_snapshot(snapshot, sql)) for name, sql in tasks]
        sessions = content.open_sessions(self.sides.commands, self.sides.psql, side, min(self.jobs, len(tasks)))
        (answers,) = run_all([(sessions, wrapped)], self.sides.commands)
        for session in sessions:
            session.close()
        return content.as_reads(answers)
