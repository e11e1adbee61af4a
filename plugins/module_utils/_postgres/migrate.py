# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join the rooms: connect, preflight, claim, dump, restore, sequences, analyze, verify, done."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content, marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clear import clear, end_leftovers
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import Clients, find_clients
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import compare_objects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyengine import CopyEngine
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.engine import DumpEngine, Engine
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import LOCK_KEY, Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.gate import Gate
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan, make_plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import run_all
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import (
    Sides,
    number_of_jobs,
    opened,
    without_lock,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Options, Task, Written

HEARTBEAT = 5.0
CTID_RANGES_SINCE = 14  # older servers read the whole table for each part
CONNECTION_CHECK = {"client_connection_check_interval": "2s"}  # servers from 14 on


def migrate(params: dict, check_mode: bool) -> dict:
    """Move one database, or say that it was moved before."""
    jobs = number_of_jobs(params["jobs"])
    for name in ("maintenance_work_mem", "split_over"):
        size_of(name, params[name])
    parent = work_parent(params["workdir"])
    began = time.monotonic()
    with opened(params, params["timeout"]) as sides:
        migration = Migration(sides, params, jobs, parent)
        migration.timings["connect"] = time.monotonic() - began
        return migration.run(check_mode)


def size_of(name: str, text: str | None) -> int:
    """Read a size as PostgreSQL writes it, in bytes; nothing is 0."""
    found = re.fullmatch(r"(\d+)(kB|MB|GB)|0", text or "0")
    if not found:
        raise PostgresError(f"{name} is {text!r}: give a size such as 512MB")
    return int(found[1]) << {"kB": 10, "MB": 20, "GB": 30}[found[2]] if found[1] else 0


def work_parent(workdir: str | None) -> Path:
    """Return the folder in which the private folder of this run is made."""
    parent = Path(workdir or tempfile.gettempdir())
    if not parent.is_absolute() or not parent.is_dir():
        raise PostgresError(f"workdir {parent} is not an existing folder with an absolute path")
    return parent


@dataclass
class Migration:
    sides: Sides
    params: dict
    jobs: int
    parent: Path
    timings: dict[str, float] = field(default_factory=dict)
    _heard: float = field(default_factory=time.monotonic)
    _source_held: bool = True

    def run(self, check_mode: bool) -> dict:
        with self._phase("preflight"):
            self.source = self.sides.read_source()
            target, found = self.sides.read_target()
            clients = find_clients(target.major, self.params["client_bindir"])
            plan, decision = self._decide(found, target)
            if decision.action != "done":
                self.sides.refuse_pooler()
        if decision.action == "done":
            return self._unchanged(plan, target, decision)
        if check_mode:
            return self._result(plan, target, changed=True, run_id=None, resumed=decision.action == "resume")
        return self._move(clients)

    def _decide(self, found: marker.Marker | None, target: Facts) -> tuple[Plan, marker.Decision]:
        """Raise what forbids the move, unless it was made already: then a full disk is no reason to fail."""
        dumps = self.params["engine"] == "dump"
        plan = make_plan(self.source, target, self.jobs, shutil.disk_usage(self.parent).free if dumps else None)
        decision = marker.decide(found, target, plan, self.params["on_nonempty"])
        if plan.blockers and decision.action != "done":
            raise PostgresError(
                "cannot migrate, nothing was touched: " + "; ".join(plan.blockers), {"blockers": list(plan.blockers)}
            )
        if decision.action == "refuse":
            raise PostgresError(f"cannot migrate to the {self.sides.target}: {decision.reason}")
        return plan, decision

    def _unchanged(self, plan: Plan, target: Facts, decision: marker.Decision) -> dict:
        tables = marker.done_tables(self.sides.target_session)
        return self._result(plan, target, changed=False, run_id=decision.run_id, tables=tables)

    def _move(self, clients: Clients) -> dict:
        session = self.sides.target_session
        with self._phase("claim"):
            if session.ask(f"select pg_catalog.pg_try_advisory_lock({LOCK_KEY})") != ["t"]:
                raise PostgresError(f"another run is at work on the {self.sides.target}: wait for its end")
            # Only what is seen under the lock counts.
            target, found = self.sides.read_target()
            target = without_lock(target)
            plan, decision = self._decide(found, target)
            if decision.action == "done":
                return self._unchanged(plan, target, decision)
            run_id = self._claim(plan, target, decision, clients)
        try:
            return self._fill(plan, target, run_id, clients, resumed=decision.action == "resume")
        except PostgresError as problem:
            raise PostgresError(
                f"{problem}. Nothing is finished on the target (run {run_id}): put the cause right and run again",
                {"run_id": run_id, **problem.result},
            ) from problem

    def _claim(self, plan: Plan, target: Facts, decision: marker.Decision, clients: Clients) -> str:
        session = self.sides.target_session
        run_id = decision.run_id or str(uuid.uuid4())
        if decision.action == "resume":
            end_leftovers(session, application(run_id))
            target, found = self.sides.read_target()
            self._decide(found, without_lock(target))
            clear(session, target, run_id)
        lsn = self.sides.source_session.ask(
            "select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end"
        )[0]
        oids = self.sides.source_session.ask("select oid from pg_catalog.pg_largeobject_metadata order by oid")
        marker.claim(session, run_id, plan, clients.version, lsn, oids)
        return run_id

    def _fill(self, plan: Plan, target: Facts, run_id: str, clients: Clients, resumed: bool) -> dict:
        snapshot = self.sides.source_session.ask("select pg_catalog.pg_export_snapshot()")[0]
        gate = Gate(self.sides, self.params["verify"], self.jobs, plan)
        with private_folder(self.parent, self.sides) as folder:
            written = self._write(self._task(plan, target, run_id, clients, snapshot, folder), gate)
        with self._phase("sequences"):
            gate.bring_sequences_forward()
        with self._phase("analyze"):
            self._analyze(written.analyzed)
        with self._phase("verify"):
            self._compare_schema()
        tables = gate.tables(written)
        marker.finish(self.sides.target_session, run_id, {"bytes": plan.bytes, "timings": self._rounded()}, tables)
        return self._result(
            plan, target, changed=True, run_id=run_id, resumed=resumed, tables=tables, verified=gate.verified
        )

    def _write(self, task: Task, gate: Gate) -> Written:
        engine: Engine = CopyEngine(task) if self.params["engine"] == "copy" else DumpEngine(task)
        with self._phase("dump"):
            engine.read()
        with self._phase("verify"):
            gate.read_source(task.snapshot, engine.needs_snapshot_for_rows)
        # A snapshot that is held keeps the source from cleaning up: give it free as soon as possible.
        if not engine.needs_snapshot_for_rows:
            self._release_source()
        with self._phase("restore"):
            engine.write_schema()
            written = engine.write_rows()
        self._release_source()
        with self._phase("verify"):
            gate.compare_rows(written.rows)
        with self._phase("restore"):
            engine.write_rest()
        return written

    def _release_source(self) -> None:
        if self._source_held:
            self.sides.release_source()
            self._source_held = False

    def _task(self, plan: Plan, target: Facts, run_id: str, clients: Clients, snapshot: str, folder: Path) -> Task:
        settings = {"synchronous_commit": "off"} | (CONNECTION_CHECK if target.major >= 14 else {})
        memory = self.params["maintenance_work_mem"] or self._memory()
        if memory:
            settings["maintenance_work_mem"] = memory
        return Task(
            commands=self.sides.commands, clients=clients, source=self.sides.source, target=self.sides.target,
            snapshot=snapshot, workdir=folder, jobs=self.jobs, lock_timeout=self.params["lock_timeout"],
            source_settings=CONNECTION_CHECK if self.source.major >= 14 else {}, target_settings=settings,
            application=application(run_id), extensions=tuple(name for name, _schema in plan.extensions),
            existing_schemas=self._prepare(plan), on_tick=self._heartbeat, run_id=run_id,
            source_session=self.sides.source_session, target_session=self.sides.target_session, tables=plan.tables,
            large_objects=plan.large_objects, target_major=target.major, encoding=self.source.server["encoding"],
            options=self._options(), on_copied=self._release_source,
        )  # fmt: skip

    def _memory(self) -> str:
        """Half of shared_buffers for all index builds together: on RDS that is an eighth of the memory."""
        if self.params["engine"] == "dump":
            return ""
        (kilobytes,) = self.sides.target_session.ask(
            "select greatest(pg_size_bytes(current_setting('maintenance_work_mem')), least(1073741824,"
            f" pg_size_bytes(current_setting('shared_buffers')) / {2 * self.jobs})) / 1024"
        )
        return f"{kilobytes}kB"

    def _options(self) -> Options:
        params = self.params
        split = size_of("split_over", params["split_over"]) if self.source.major >= CTID_RANGES_SINCE else 0
        return Options(params["format"], params["freeze"], split, params["stall_timeout"])

    def _prepare(self, plan: Plan) -> frozenset[str]:
        """Create the extensions; return the ids (on the source) of the schemas that exist on the target now."""
        session = self.sides.target_session
        wanted = ["public"] if self.source.server["has_public"] else []
        wanted += [schema for _name, schema in plan.extensions if not schema.startswith("pg_")]
        have = set(session.ask("select nspname from pg_catalog.pg_namespace"))
        for schema in dict.fromkeys(wanted):
            if schema not in have:
                session.ask(f"create schema {identifier(schema)}")
        for name, schema in plan.extensions:
            session.ask(f"create extension if not exists {identifier(name)} with schema {identifier(schema)} cascade")
        existing = ", ".join(literal(name) for name in [*have, *wanted])
        return frozenset(
            self.sides.source_session.ask(f"select oid from pg_catalog.pg_namespace where nspname in ({existing})")
        )

    def _heartbeat(self) -> None:
        """Notice within seconds that the lock or the snapshot is gone."""
        if time.monotonic() - self._heard < HEARTBEAT:
            return
        self._heard = time.monotonic()
        for session, held in ((self.sides.target_session, True), (self.sides.source_session, self._source_held)):
            if held:
                session.ask("select 1")

    def _analyze(self, done: frozenset[str]) -> None:
        all_names = content.names(self.sides.target_session, catalogue.ANALYZABLE)
        names = [name for name in all_names if name not in done]
        if not names:
            return
        sessions = content.open_sessions(
            self.sides.commands, self.sides.psql, self.sides.target, min(self.jobs, len(names))
        )
        (answers,) = run_all([(sessions, [(name, f"analyze {name}") for name in names])], self.sides.commands)
        for session in sessions:
            session.close()
        errors = [f"{name}: {answer.error}" for name, answer in answers.items() if answer.error]
        if errors:
            raise PostgresError(f"ANALYZE on the {self.sides.target} failed: {listed(errors, 3)}")

    def _compare_schema(self) -> None:
        if self.params["verify"] == "none":
            return
        target, _found = self.sides.read_target()
        differences = compare_objects(self.source.objects, target.objects, self.source.major == target.major)
        if differences:
            raise PostgresError(
                f"the target's schema differs from the source's: {listed(differences)}",
                {"verify": {"status": "failed", "differences": differences}},
            )

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
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
        moving = self.timings.get("dump", 0) + self.timings.get("restore", 0)
        names = "".join(f"{kind} {ident}\n" for kind, ident in plan.objects)
        return {
            "changed": changed,
            "run_id": run_id,
            "resumed": resumed,
            "source": self.source.summary,
            "target": target.summary,
            "plan": plan.summary,
            "tables": tables or [],
            # Not "skipped" and "warnings": Ansible takes a meaning of its own from these names.
            "not_moved": list(plan.skipped),
            "remarks": list(plan.warnings),
            "timings": self._rounded(),
            "throughput_mb_s": round(plan.bytes / 1e6 / moving, 2) if moving else None,
            "verify": {"status": verified, "differences": []},
            "diff": {"before": "" if changed else names, "after": names},
        }


def application(run_id: str) -> str:
    """The name by which a later run recognises server processes that still work for this one."""
    return f"ansible_migrate:{run_id}"


@contextmanager
def private_folder(parent: Path, sides: Sides) -> Iterator[Path]:
    """Make a folder that only we may enter; it is gone afterwards, even when we are killed."""
    with tempfile.TemporaryDirectory(prefix="pg_migrate.", dir=parent) as name:
        sides.commands.watchdog.folder_made(Path(name))
        yield Path(name)
