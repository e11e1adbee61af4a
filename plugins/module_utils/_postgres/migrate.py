# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join the rooms: connect, preflight, claim, dump, restore, sequences, analyze, verify, done."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import (
    foreignkeys,
    logical,
    marker,
    planner,
    resume,
    steps,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clear import (
    clear,
    clear_large_objects,
    end_leftovers,
    end_orphans,
    refuse_foreign_large_objects,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import Clients, find_clients
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyengine import CopyEngine
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.engine import DumpEngine, Engine
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import LOCK_KEY, Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.gate import Gate
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.handing import Handover
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan, make_plan, refusal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import Request
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.tables import text_only
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progress import ProgressFile
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import dump_options
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import (
    Sides,
    number_of_jobs,
    opened,
    without_lock,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task, Written
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.tuning import (
    CONNECTION_CHECK,
    for_source,
    options_of,
    target_settings,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

HEARTBEAT = 5.0


def migrate(params: dict, check_mode: bool) -> dict:
    """Move one database, or say that it was moved before."""
    jobs = number_of_jobs(params["jobs"])
    options_of(params)
    parent = steps.work_parent(params["workdir"])
    began = time.monotonic()
    with opened(params, params["timeout"], Wish.of(params)) as sides:
        migration = Migration(sides, params, jobs, parent)
        migration.timings["connect"] = time.monotonic() - began
        return migration.run(check_mode)


@dataclass
class Migration:
    sides: Sides
    params: dict
    jobs: int
    parent: Path
    timings: dict[str, float] = field(default_factory=dict)
    _heard: float = field(default_factory=time.monotonic)
    _source_held: bool = True
    kept: resume.Kept | None = None
    pooled: tuple[str, ...] = ()
    text_only: tuple[str, ...] = ()
    late_keys: tuple[foreignkeys.ForeignKey, ...] = ()
    statistics: dict | None = None

    def __post_init__(self) -> None:
        self.replication = logical.of(self.sides, self.params)
        self.progress = ProgressFile.of(self.params.get("progress_path"))

    def run(self, check_mode: bool) -> dict:
        with self._phase("preflight"):
            self.pooled = self.sides.pooled()
            self.source = self.sides.read_source()
            if not check_mode:
                end_orphans(self.sides.target_session, steps.application)
            target, found = self.sides.read_target()
            if self.sides.wish.mode == "only":
                plan = steps.only_extensions(make_plan(self.source, target, self._request()))
                changed = steps.make_extensions(self.sides, plan, target, check_mode)
                return self._result(plan, target, changed, run_id=None)
            clients = find_clients(target.major, self.params["client_bindir"])
            self.text_only = text_only(self.sides.source_session, self.source, self.params["format"])
            plan, decision = self._decide(found, target)
            self.replication.check(found, decision.action)
        if decision.action == "done":
            return self._unchanged(plan, target, decision, self.replication.go_on(found, check_mode))
        if check_mode:
            return self._result(plan, target, changed=True, run_id=None, resumed=decision.action == "resume")
        return self._move(clients)

    def _decide(self, found: marker.Marker | None, target: Facts) -> tuple[Plan, marker.Decision]:
        """Raise what forbids the move, unless it was made already: then a full disk is no reason to fail."""
        plan = make_plan(self.source, target, self._request())
        decision = marker.decide(found, target, plan, self.params["on_nonempty"])
        if plan.blockers and decision.action != "done":
            raise refusal(plan, {"blockers": list(plan.blockers)})
        if decision.action == "refuse":
            raise PostgresError(f"cannot migrate to the {self.sides.target}: {decision.reason}")
        logical.check_method(found, self.replication.method)
        return plan, decision

    def _request(self) -> Request:
        return steps.request(self.params, self.jobs, self.parent, self.pooled, self.sides.wish, self.text_only)

    def _unchanged(self, plan: Plan, target: Facts, decision: marker.Decision, started: bool = False) -> dict:
        tables = marker.done_tables(self.sides.target_session)
        return self._result(plan, target, changed=started, run_id=decision.run_id, tables=tables)

    def _move(self, clients: Clients) -> dict:
        with self._phase("claim"):
            if self.sides.target_session.ask(f"select pg_catalog.pg_try_advisory_lock({LOCK_KEY})") != ["t"]:
                raise PostgresError(f"another run is at work on the {self.sides.target}: wait for its end")
            # Only what is seen under the lock counts.
            target, found = self.sides.read_target()
            target = without_lock(target)
            plan, decision = self._decide(found, target)
            if decision.action == "done":
                return self._unchanged(plan, target, decision)
            run_id = self._claim(plan, decision, clients)
        try:
            return self._fill(plan, target, run_id, clients, resumed=decision.action == "resume")
        except PostgresError as problem:
            raise PostgresError(
                f"{problem}. Nothing is finished on the target (run {run_id}): put the cause right and run again"
                f"{self.replication.after_failure(run_id)}",
                {"run_id": run_id, **problem.result},
            ) from problem

    def _claim(self, plan: Plan, decision: marker.Decision, clients: Clients) -> str:
        session = self.sides.target_session
        run_id = decision.run_id or str(uuid.uuid4())
        state = resume.source_state(self.sides.source_session)
        if decision.action == "resume":
            self.kept = self._take_up(plan, run_id, state)
            if self.kept.tables is not None:
                return run_id
        lsn = self.sides.source_session.ask(
            "select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end"
        )[0]
        oids = self.sides.source_session.ask("select oid from pg_catalog.pg_largeobject_metadata order by oid")
        marker.claim(session, run_id, plan, clients.version, lsn, oids, state, self.replication.mark)
        return run_id

    def _take_up(self, plan: Plan, run_id: str, state: dict) -> resume.Kept:
        """Make an interrupted run's target ready to go on with: clear it, or keep what is proved to be true."""
        session = self.sides.target_session
        end_leftovers(session, steps.application(run_id))
        target, found = self.sides.read_target()
        self._decide(found, without_lock(target))
        refuse_foreign_large_objects(session, run_id)
        if found is None:
            raise PostgresError(f"the record of run {run_id} has gone from the {self.sides.target} meanwhile")
        covered = self.replication.covers(found)
        why_not = resume.decide_kept(found, self.params["engine"], state, target.objects, plan.objects, covered)
        if why_not:
            self.replication.take_up(run_id, None)
            clear(session, target)
            return resume.Kept(why_not)
        kept = self.replication.take_up(run_id, resume.read_kept(session, run_id, parts=covered is None))
        if not kept.large_objects:
            clear_large_objects(session)
        return kept

    def _fill(self, plan: Plan, target: Facts, run_id: str, clients: Clients, resumed: bool) -> dict:
        with self._phase("snapshot"):
            snapshot = self.replication.begin(run_id, plan, (self.kept and self.kept.tables) or {})
        gate = Gate(self.sides, self.params["verify"], self.jobs, plan)
        self.progress.plan(plan.tables)
        with steps.private_folder(self.parent, self.sides) as folder:
            task = self._task(plan, target, run_id, clients, snapshot, folder)
            written = self._write(task, gate)
            with self._phase("analyze"):
                self.statistics = planner.gather(self.sides, task, written.analyzed)
        with self._phase("sequences"):
            gate.bring_sequences_forward()
        with self._phase("verify"):
            gate.compare_definitions(self.source, self.late_keys)
        tables = gate.tables(written)
        self._finish(plan, run_id, tables)
        self.replication.start()
        return self._result(
            plan, target, changed=True, run_id=run_id, resumed=resumed, tables=tables, verified=gate.verified
        ) | {"timeline": written.spans}

    def _finish(self, plan: Plan, run_id: str, tables: list[dict]) -> None:
        report = {"bytes": plan.bytes, "timings": self._rounded()}
        marker.finish(self.sides.target_session, run_id, report, tables, last=Handover(self.sides, self.source).make)

    def _write(self, task: Task, gate: Gate) -> Written:
        engine: Engine = CopyEngine(task) if self.params["engine"] == "copy" else DumpEngine(task)
        with self._phase("dump"):
            engine.read()
            planner.read(task)
        with self._phase("verify"):
            gate.read_source(task.snapshot, engine.needs_snapshot_for_rows)
        # A snapshot that is held keeps the source from cleaning up: give it free as soon as possible.
        if not engine.needs_snapshot_for_rows:
            self._release_source()
        session, run_id = self.sides.target_session, task.run_id
        with self._phase("restore"):
            engine.write_schema()
            Handover(self.sides, self.source).rehearse()
            self.replication.subscribe()
            marker.set_phase(session, run_id, resume.ROWS if isinstance(engine, CopyEngine) else resume.REST)
            written = engine.write_rows()
        self.timings["commit"] = written.commit
        self.kept = self.kept and replace(self.kept, parts=written.kept_parts)
        self._release_source()
        with self._phase("verify"):
            try:
                gate.compare_rows(written.rows, written.recount)
            finally:
                # What is wrong must not be kept; nor what later runs could not tell from what is missing.
                marker.set_phase(session, run_id, resume.REST)
        with self._phase("restore"):
            engine.write_rest()
        return written

    def _release_source(self) -> None:
        if self._source_held:
            self.sides.release_source()
            self._source_held = False

    def _task(self, plan: Plan, target: Facts, run_id: str, clients: Clients, snapshot: str, folder: Path) -> Task:
        options, objects = for_source(options_of(self.params), self.source.major), self.source.objects
        self.late_keys = foreignkeys.read(self.sides.source_session, objects, options.foreign_keys)
        settings = target_settings(self.sides, self.params, options, self.jobs, target.major)
        existing = steps.prepare(self.sides, plan, self.source.server["has_public"])
        return Task(
            commands=self.sides.commands, clients=clients, source=self.sides.source, target=self.sides.target,
            snapshot=snapshot, workdir=folder, jobs=self.jobs, lock_timeout=self.params["lock_timeout"],
            source_settings=CONNECTION_CHECK if self.source.major >= 14 else {}, target_settings=settings,
            application=steps.application(run_id), extensions=tuple(name for name, _schema in plan.extensions),
            existing_schemas=existing, on_tick=self._heartbeat, run_id=run_id,
            source_session=self.sides.source_session, target_session=self.sides.target_session, tables=plan.tables,
            large_objects=plan.large_objects, target_major=target.major, encoding=self.source.server["encoding"],
            options=options, on_copied=self._release_source, on_progress=self.progress.take,
            kept=self.kept.tables if self.kept else None, kept_parts=self.kept.parts if self.kept else {},
            large_objects_kept=bool(self.kept and self.kept.large_objects), chosen=self.source.chosen,
            dump_options=dump_options(self.sides.wish, self.source.chosen, rows=self.params["engine"] == "dump"),
            not_validated=self.late_keys,
        )  # fmt: skip

    def _heartbeat(self) -> None:
        """Notice within seconds that the lock or the snapshot is gone."""
        self.progress.tick()
        if time.monotonic() - self._heard < HEARTBEAT:
            return
        self._heard = time.monotonic()
        for session, held in ((self.sides.target_session, True), (self.sides.source_session, self._source_held)):
            if held:
                session.ask("select 1", session.patience(self.params["stall_timeout"]))

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.progress.phase(name)
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.monotonic() - began

    def _rounded(self) -> dict[str, float]:
        return {name: round(seconds, 3) for name, seconds in self.timings.items()}

    def _result(
        self, plan: Plan, target: Facts, changed: bool, run_id: str | None,
        resumed: bool = False, tables: list[dict] | None = None, verified: str = "not run",
    ) -> dict:  # fmt: skip
        late = foreignkeys.told(self.source.objects, target.objects, self.late_keys)
        # Not "skipped" and "warnings": Ansible takes a meaning of its own from these names.
        return steps.outcome(plan, changed, self._rounded()) | {
            "run_id": run_id, "resumed": resumed, "source": self.source.summary, "target": target.summary,
            "tables": tables or [], "verify": {"status": verified, "differences": []},
            "not_moved": [*plan.skipped, *self.replication.not_followed(plan), *late],
            "remarks": list(plan.warnings) + self.replication.remarks + planner.remarks(self.statistics),
            "statistics": self.statistics, "kept": self.kept.result if self.kept else None,
            "replication": self.replication.result(),
        }  # fmt: skip
