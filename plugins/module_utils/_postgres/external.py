# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration whose rows AWS DMS moves: we make what must stand before them, and what DMS leaves out after them.

Two runs of pg_migrate, DMS's full load between them. `section=pre-data` makes the schema and the primary keys (DMS
needs them for LOBs and to validate) and leaves the marker at AWAITS, with the id of the load that is to come.
`section=post-data` begins there: it counts the rows of both sides, makes the rest and ends the run.
Rows that are not the source's are never kept: the next run begins with an empty schema and asks for another load.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.assessment import Assessment
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.source import assess_source
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.task import replication_settings, table_mappings
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import marker, planner, resume, steps, toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.archive import Archive
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clear import end_leftovers
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import Clients
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.gate import Gate
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.handing import Handover
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import Migration
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan, make_plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import Request
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import number_of_jobs, opened
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task, Written
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

AWAITS = "awaits rows"
BEFORE, AFTER = "pre-data", "post-data"
PRIMARY_KEYS = "select oid from pg_catalog.pg_constraint where contype = 'p' and conrelid <> 0"
CONSTRAINT = "2606"  # pg_constraint's own object id, as pg_dump writes it


def migrate_by_dms(params: dict, check_mode: bool) -> dict:
    """Make what stands before DMS's load, or after it, as `section` says."""
    if params["section"] not in (BEFORE, AFTER):
        raise PostgresError(f"method=dms needs section={BEFORE} (before DMS's load) or section={AFTER} (after it)")
    jobs = number_of_jobs(params["jobs"])
    parent = steps.work_parent(params["workdir"])
    with opened(params, params["timeout"], Wish.of(params)) as sides:
        # No engine of ours: what an interrupted run of another method has copied is not kept.
        return DmsMigration(sides, {**params, "engine": "external"}, jobs, parent).run(check_mode)


class DmsMigration(Migration):
    """One half of the migration: Migration's preflight, claim, gate and end, without its way of the rows."""

    assessed: Assessment | None = None
    load_id = ""  # of the load that the target awaits; empty when it awaits none

    @property
    def before(self) -> bool:
        return bool(self.params["section"] == BEFORE)

    def _decide(self, found: marker.Marker | None, target: Facts) -> tuple[Plan, marker.Decision]:
        awaits = found is not None and found.state == "running" and found.report.get("phase") == AWAITS
        self.load_id = found.report.get("load", "") if awaits and found is not None else ""
        if awaits:  # what is there is meant to be there, and stays
            self.params = {**self.params, "on_nonempty": "resume"}
        if self.before and self.assessed is None and self._is_to_move(found, target):
            self.assessed = assess_source(self.sides, self.source, self.jobs)
        plan, decision = super()._decide(found, target)
        if decision.action != "done" and not self.before and not self.load_id:
            raise PostgresError(
                f"the {self.sides.target} awaits no rows of AWS DMS: begin with section={BEFORE}; nothing was touched"
            )
        return plan, decision

    def _is_to_move(self, found: marker.Marker | None, target: Facts) -> bool:
        """Tables with LOBs are read whole for the assessment: not when nothing is to be moved."""
        plan = make_plan(self.source, target, self._request())
        return marker.decide(found, target, plan, self.params["on_nonempty"]).action in ("move", "resume")

    def _request(self) -> Request:
        return replace(super()._request(), assessment=self.assessed)

    def _move(self, clients: Clients) -> dict:
        if self.before and self.load_id:
            plan, target = self._planned()
            return self._result(plan, target, changed=False, run_id=None)
        return super()._move(clients)

    def _planned(self) -> tuple[Plan, Facts]:
        target, found = self.sides.read_target()
        return self._decide(found, target)[0], target

    def _claim(self, plan: Plan, decision: marker.Decision, clients: Clients) -> str:
        if self.before:
            return super()._claim(plan, decision, clients)
        end_leftovers(self.sides.target_session, steps.application(decision.run_id))
        return decision.run_id

    def _fill(self, plan: Plan, target: Facts, run_id: str, clients: Clients, resumed: bool) -> dict:
        snapshot = self.sides.source_session.ask("select pg_catalog.pg_export_snapshot()")[0]
        if not self.params["maintenance_work_mem"]:
            memory = steps.index_memory(self.sides.target_session, self.jobs)
            self.params = {**self.params, "maintenance_work_mem": memory}
        with steps.private_folder(self.parent, self.sides) as folder:
            task = self._task(plan, target, run_id, clients, snapshot, folder)
            archive = self._read_archive(task, folder)
            if self.before:
                self._make_schema(archive, run_id)
                return self._result(plan, target, changed=True, run_id=run_id, resumed=resumed)
            gate = Gate(self.sides, self.params["verify"], self.jobs, plan)
            self._check_rows(gate, snapshot, run_id)
            with self._phase("restore"):
                archive.restore_rest([entry for entry in archive.entries if not self._is_primary_key(entry)])
            with self._phase("analyze"):
                self.statistics = planner.gather(self.sides, task, frozenset())
        return self._end(plan, target, run_id, gate)

    def _read_archive(self, task: Task, folder: Path) -> Archive:
        self._primary_keys = frozenset(self.sides.source_session.ask(PRIMARY_KEYS))
        archive = Archive(task, folder / "schema")
        with self._phase("dump"):
            archive.read("--format=custom", "--section=pre-data", "--section=post-data")
            if not self.before:
                planner.read(task)
        return archive

    def _is_primary_key(self, entry: toc.Entry) -> bool:
        return entry.catalog == CONSTRAINT and entry.oid in self._primary_keys

    def _make_schema(self, archive: Archive, run_id: str) -> None:
        with self._phase("restore"):
            archive.restore("pre-data", archive.entries)
            keys = [entry for entry in archive.entries if self._is_primary_key(entry)]
            if keys:
                archive.restore("post-data", keys)
            Handover(self.sides, self.source).rehearse()
        self.load_id = str(uuid.uuid4())
        marker.note(self.sides.target_session, run_id, "load", self.load_id)
        marker.set_phase(self.sides.target_session, run_id, AWAITS)
        self._release_source()

    def _check_rows(self, gate: Gate, snapshot: str, run_id: str) -> None:
        with self._phase("verify"):
            gate.read_source(snapshot, engine_counts=False)
            self._release_source()
            try:
                gate.compare_rows(None, frozenset())
            except PostgresError as problem:
                marker.set_phase(self.sides.target_session, run_id, resume.REST)
                raise PostgresError(
                    f"{problem}. DMS reads table after table without a common snapshot: stop what writes to the source "
                    "until the move has ended. What was loaded will not be kept",
                    problem.result,
                ) from problem
        # From here on a run that dies leaves what later runs could not tell from what is missing.
        marker.set_phase(self.sides.target_session, run_id, resume.REST)

    def _end(self, plan: Plan, target: Facts, run_id: str, gate: Gate) -> dict:
        with self._phase("sequences"):
            gate.bring_sequences_forward()
        with self._phase("verify"):
            self._compare_schema()
        tables = gate.tables(Written())
        self._finish(plan, run_id, tables)
        self.load_id = ""
        return self._result(plan, target, changed=True, run_id=run_id, tables=tables, verified=gate.verified)

    def _result(
        self, plan: Plan, target: Facts, changed: bool, run_id: str | None,
        resumed: bool = False, tables: list[dict] | None = None, verified: str = "not run",
    ) -> dict:  # fmt: skip
        changed = changed and not (self.before and bool(self.load_id) and run_id is None)
        result = super()._result(plan, target, changed, run_id, resumed, tables, verified)
        awaits = bool(self.load_id) or (self.before and changed)  # foreseen, in check mode
        told: dict = {"awaits_rows": awaits, "load_id": self.load_id}
        if self.assessed is not None:
            told["table_mappings"] = json.dumps(table_mappings(self.assessed))
            told["replication_settings"] = json.dumps(replication_settings(self.assessed))
        return {**result, "dms": told}
