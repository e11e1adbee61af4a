# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move rows with COPY from server to server, and build indexes meanwhile.

Definitions go through an archive of pg_dump as in the dump engine; no row ever lies on this machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import content, copysql, planner, toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.archive import Archive
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.blobs import LargeObjects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copymatch import Match
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import (
    Index,
    Table,
    parts_done,
    parts_of,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyrun import Run
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, known, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task, Written


@dataclass
class CopyEngine:
    """COPY TO into COPY FROM, table by table, several at once, with a gate before each commit."""

    task: Task
    needs_snapshot_for_rows: bool = True
    archive: Archive = field(init=False)
    tables: list[Table] = field(default_factory=list)
    written: Written = field(default_factory=lambda: Written(rows={}))

    def __post_init__(self) -> None:
        self.archive = Archive(self.task, self.task.workdir / "schema")

    def read(self) -> None:
        self._lock()
        self.archive.read("--format=custom", "--section=pre-data", "--section=post-data")

    def write_schema(self) -> None:
        if self.task.kept is None:
            entries = [entry for entry in self.archive.entries if not toc.is_large_object(entry)]
            # pg_restore works off these one by one in any case: workers would connect for nothing.
            self.archive.restore("pre-data", entries, jobs=1)

    def write_rows(self) -> Written:
        self.tables = self._plan()
        standing, constraints = self._standing()
        if self.task.kept is not None:
            self._take_up()
        large = LargeObjects(self.task, self.archive)
        large.start()
        try:
            Run(self.task, self.tables, standing, constraints, self.written, large).all()
        finally:
            large.end()
        self.written.analyzed = frozenset(table.ident for table in self.tables if table.analyze)
        return self.written

    def _take_up(self) -> None:
        """Empty what was split otherwise, and say what stays and what only a count of the target can prove."""
        split = [table for table in self.tables if not table.kept and len(table.parts) > 1]
        done = [table for table in split if table.done]
        halves = [table.ident for table in split if not table.done]
        self.target.ask(copysql.empty_sql(self.task.run_id, halves, [table.ident for table in done]))
        self.written.kept_parts = {table.ident: self.task.kept_parts[table.ident] for table in done}
        there = {table.ident for table in self.tables if table.kept} | set(self.task.kept_parts)
        self.written.recount = frozenset(there | {table.ident for table in split})

    def write_rest(self) -> None:
        made = {("1259", index.oid) for table in self.tables for index in table.indexes if not index.constraint}
        made |= {("2606", i.constraint_oid) for table in self.tables for i in table.indexes if i.constraint}
        self.archive.restore_rest([entry for entry in self.archive.entries if (entry.catalog, entry.oid) not in made])

    def _lock(self) -> None:
        """Hold every table against TRUNCATE and DROP; what happened to one before is noticed."""
        if not self.task.tables:
            return
        session = self.source
        try:
            session.ask(copysql.lock_sql([table["name"] for table in self.task.tables], self.task.lock_timeout))
        except PostgresError as problem:
            raise PostgresError(
                f"{problem}: somebody changes a table's definition on the source; wait for that, or raise lock_timeout"
            ) from problem
        lost = content.names(session, copysql.rewritten_sql([table["oid"] for table in self.task.tables]))
        if lost:
            raise PostgresError(
                f"{listed(lost)} on the source was truncated or rewritten while this run began: run again"
            )

    @property
    def source(self) -> Session:
        return known(self.task.source_session)

    @property
    def target(self) -> Session:
        return known(self.task.target_session)

    def _plan(self) -> list[Table]:
        """Join what both catalogues say about the tables."""
        task = self.task
        oids = [table["oid"] for table in task.tables]
        about = {row["oid"]: row for row in self.source.ask_json(copysql.tables_sql(oids))}
        indexes: dict[str, list[Index]] = {}
        for row in self.source.ask_json(copysql.INDEXES):
            indexes.setdefault(row["table"], []).append(Index(**row))
        match = Match(self.source, self.target, task)
        total = sum(table["bytes"] for table in task.tables)
        analyzes = planner.how(task) == planner.ANALYZE
        made = [
            Table(
                oid=known["oid"], ident=known["name"], schema=row["schema"], name=row["name"],
                columns=match.columns(known["name"], row["columns"]), form=match.form(row["columns"]),
                bytes=known["bytes"], freeze=task.options.freeze, analyze=row["analyze"] and analyzes,
                parts=(parts := parts_of(known["bytes"], row["pages"], total, task.jobs, task.options.split_over)),
                done=parts_done(parts, task.kept_parts.get(known["name"], {})),
                indexes=tuple(indexes.get(known["oid"], ())), kept=known["name"] in (task.kept or {}),
            )
            for known in task.tables
            for row in (about[known["oid"]],)
        ]  # fmt: skip
        as_text = [f"{table.ident} ({table.form.why})" for table in made if table.form.format == "text"]
        if as_text and task.options.format == "binary":
            # The preflight cannot see what the target's versions of extensions can read.
            raise PostgresError(f"no binary form: {listed(as_text)}; use format=auto, which copies these as text")
        return made + self._of_extensions(match)

    def _of_extensions(self, match: Match) -> list[Table]:
        """Return the extensions' tables that hold rows of the user; their indexes came with the extension."""
        return [
            Table(
                oid=row["oid"], ident=row["ident"], schema=row["schema"], name=row["name"],
                columns=match.columns(row["ident"], row["columns"]), form=match.form(row["columns"]),
                bytes=0, analyze=False, condition=row["condition"],
            )
            for row in self.source.ask_json(copysql.EXTENSION_TABLES)
            if row["oid"] not in self.task.chosen.rowless
            and self.source.ask(copysql.has_rows_sql(row["ident"], row["condition"])) == ["t"]
        ]  # fmt: skip

    def _standing(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the source's ids of the indexes, and the names of the constraints, that the target has already."""
        if self.task.kept is None:
            return frozenset(), frozenset()
        rows = [tuple(row) for row in self.target.ask_json(copysql.TARGET_INDEXES)]
        names = {ident for ident, _constraint in rows}
        standing = frozenset(i.oid for table in self.tables for i in table.indexes if i.ident in names)
        return standing, frozenset(json.dumps(row) for row in rows)
