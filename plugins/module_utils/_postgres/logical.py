# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""O(method=logical) of pg_migrate: the copy starts at a replication slot, and what is written later follows.

Each attempt at copying has a stream of its own: a publication of the tables that it copies, a slot whose
snapshot it copies under, a subscription. When an attempt is interrupted, the tables that it had finished stay,
their stream goes on from its own slot, and the next attempt begins another one for the rest.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalfacts as facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalkeep as keep
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalops as ops
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalsql as sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import marker, resume
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan, hash_objects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import READ_ONLY, Sides
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal

TIED = "{} others are copied again, since foreign keys tie them to tables that were not finished"
COVERED = "replication slots hold every change of the finished tables since their snapshots"
# wal_retrieve_retry_interval of the servers is 5 s.
WORKER_START, POLL = 15.0, 0.05
# A slot begins where no transaction is at work that began before it, in any database of the server.
_AT_WORK = """
select to_jsonb(format('process %s of %s in %s since %s', pid, usename, datname, xact_start::timestamp(0)))
from pg_catalog.pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
union all select to_jsonb(format('prepared transaction %s of %s in %s since %s', gid, owner, database,
  prepared::timestamp(0))) from pg_catalog.pg_prepared_xacts"""


def check_method(found: marker.Marker | None, method: str) -> None:
    """Refuse to go on with a run by another method than it was begun with."""
    if found is not None and method != ("logical" if "logical" in found.report else "copy"):
        raise PostgresError(
            f"run {found.run_id} on the target was begun with another method than method={method}: go on with that, or "
            "empty the target and begin anew; nothing was touched"
        )


def streams_of(found: marker.Marker | None) -> dict[str, list[str]]:
    """Return {stream: its tables} as the run has written them down, the oldest first."""
    streams = (found.report.get("logical") or {}).get("streams", {}) if found else {}
    return dict(sorted(streams.items(), key=lambda item: _number(item[0])))


def _number(name: str) -> int:
    return int(name.rsplit("_", 1)[1])


@dataclass
class Still:
    """O(method=copy): nothing follows the copy."""

    sides: Sides
    params: dict
    remarks: list[str] = field(default_factory=list)
    method = "copy"
    mark: dict = field(default_factory=dict)

    def check(self, found: marker.Marker | None, action: str) -> None:
        pass

    def covers(self, found: marker.Marker) -> str | None:  # noqa: ARG002
        return None

    def take_up(self, run_id: str, kept: resume.Kept | None) -> resume.Kept:  # noqa: ARG002
        return kept or resume.Kept("")

    def begin(self, run_id: str, plan: Plan, kept: Collection[str]) -> str:  # noqa: ARG002
        return self.sides.source_session.ask("select pg_catalog.pg_export_snapshot()")[0]

    def subscribe(self) -> None:
        pass

    def start(self) -> None:
        pass

    def go_on(self, found: marker.Marker | None, check_mode: bool) -> bool:  # noqa: ARG002
        return False

    def after_failure(self, run_id: str) -> str:  # noqa: ARG002
        return ""

    def not_followed(self, plan: Plan) -> list[dict]:  # noqa: ARG002
        return []

    def result(self) -> dict | None:
        return None


@dataclass
class Logical(Still):
    method = "logical"
    mark: dict = field(default_factory=lambda: {"logical": {}})
    streams: dict[str, list[str]] = field(default_factory=dict)
    tied: list[str] = field(default_factory=list)
    _control: Session | None = None

    @property
    def static(self) -> list[str]:
        return self.params["static_tables"] or []

    @property
    def control(self) -> Session:
        if self._control is None:
            self._control = ops.writing_session(self.sides, "source")
        return self._control

    def check(self, found: marker.Marker | None, action: str) -> None:
        """Refuse what cannot be replicated, before anything is written. Called within the source's transaction."""
        if action == "done":
            return
        source = facts.read(self.sides.source_session, self.sides.moved_tables)
        target = facts.read(self.sides.target_session)
        # An interrupted run holds a slot of its own already.
        problems = facts.publisher_blockers("source", source, 1 if found is None else 0)
        problems += facts.subscriber_blockers("target", target) + facts.table_blockers(source, self.static)
        if problems:
            raise PostgresError(
                "cannot migrate with method=logical, nothing was touched: " + "; ".join(problems),
                {"blockers": problems},
            )
        self.remarks = facts.remarks(source, self.static, sql.stem_of(found.run_id) if found else sql.PREFIX + "-")

    def covers(self, found: marker.Marker) -> str | None:
        """Return why the slots do not cover the gap since the interrupted run's copies; empty when they do."""
        done = resume.read_kept(self.sides.target_session, found.run_id).tables or {}
        finished = keep.divide(streams_of(found), done)
        self.streams = keep.whole(finished, map(list, self.control.ask_json(keep.REFERENCES)), self.static)
        self.tied = sorted({t for name, tables in finished.items() for t in tables if t not in self.streams[name]})
        slots = ops.find(self.control, sql.stem_of(found.run_id)).slots
        lost = [name for name, tables in self.streams.items() if tables and not ops.usable(slots.get(name))]
        return f"the replication slot {listed(lost)} is gone or has lost changes" if lost else ""

    def take_up(self, run_id: str, kept: resume.Kept | None) -> resume.Kept:
        """Keep the streams of the tables that stay, drop the others. No subscription has worked yet."""
        stem, session = sql.stem_of(run_id), self.sides.target_session
        ops.drop_subscriptions(session, ops.find(session, stem).subscriptions)
        self.streams = {name: tables for name, tables in self.streams.items() if tables} if kept else {}
        ops.drop_streams(self.control, session, stem, self.streams)
        for name, tables in self.streams.items():
            self.control.ask(sql.set_tables(name, tables))
        # No slot carries large objects: they are copied again.
        kept = replace(kept or resume.Kept(""), reason=COVERED, large_objects=False)
        if not self.tied or kept.tables is None:
            return kept
        session.ask(keep.forget_sql(run_id, self.tied))
        rows = {table: rows for table, rows in kept.tables.items() if table not in self.tied}
        return replace(kept, reason=f"{COVERED}; {TIED.format(len(self.tied))}", tables=rows)

    def begin(self, run_id: str, plan: Plan, kept: Collection[str]) -> str:
        """Publish what is to be copied, make the slot, and return the name of its snapshot.

        The source's session joins the slot's snapshot and exports it again, so the connection that made the slot,
        which must not be used while its own export is to live, is not needed any longer.
        """
        followed = [table["name"] for table in plan.tables if table["name"] not in {*kept, *self.static}]
        session = self.sides.source_session
        if followed:
            name = f"{sql.stem_of(run_id)}_{max([0, *map(_number, self.streams)]) + 1}"
            self.streams[name] = followed
            marker.note(self.sides.target_session, run_id, "logical", {"streams": self.streams, "static": self.static})
            self.control.ask(sql.create_publication(name, followed))
            self._slot(session, name)
            objects = self.sides.look_at_source().objects
            if hash_objects(objects) != plan.schema_hash:
                raise PostgresError("the source's schema was changed while this run began: run again")
        else:
            marker.note(self.sides.target_session, run_id, "logical", {"streams": self.streams, "static": self.static})
        return session.ask("select pg_catalog.pg_export_snapshot()")[0]

    def _slot(self, session: Session, name: str) -> None:
        """Make the slot; `session` is in its snapshot afterwards."""
        maker = Session(self.sides.commands, self.sides.psql, self.sides.source, replication=True)
        try:
            maker.connect()
            session.ask("rollback")
            (line,) = maker.ask(sql.create_slot_exporting(name), self._patience())
            snapshot = line.split("|")[2]
            session.ask(f"{READ_ONLY};\nset transaction snapshot {literal(snapshot)};\nselect 1")
        finally:
            maker.close()

    def _patience(self):
        deadline = time.monotonic() + self.params["slot_timeout"]

        def look() -> None:
            if time.monotonic() > deadline:
                # JSON texts in quotes: good enough to be read.
                names = [line.strip('"') for line in self.control.ask(_AT_WORK)]
                raise PostgresError(
                    f"the source's slot has not begun after {self.params['slot_timeout']} s: it waits for every "
                    f"transaction that was at work before it: {listed(names) or 'none is left now'}; end those, or "
                    "raise slot_timeout"
                )

        return look

    def subscribe(self) -> None:
        """Create the subscriptions, stopped, as soon as the tables exist: what forbids them is seen before the copy."""
        conninfo = ops.reach(self.params["source"], self.params["source_from_target"])
        for name in self.streams:
            ops.subscribe(self.sides.target_session, name, conninfo, "source_from_target")

    def start(self) -> None:
        """Let the changes in: rows, indexes and constraints are there, and were compared."""
        for name in self.streams:
            self.sides.target_session.ask(sql.enable(name))
        self._await_readers()

    def _await_readers(self) -> None:
        """See that the subscriptions work. The rows are there, so one that does not is no failure of the copy."""
        deadline = time.monotonic() + WORKER_START
        while idle := [slot["name"] for name in self.streams for slot in self._slots(name) if not slot["active"]]:
            if time.monotonic() > deadline:
                self.remarks.append(
                    f"the subscription {listed(idle)} has not begun to work within {WORKER_START:g} s: why is in the "
                    "target's log"
                )
                return
            time.sleep(POLL)

    def go_on(self, found: marker.Marker | None, check_mode: bool) -> bool:
        """See that a finished copy is followed; start what a killed run has not started. Return whether any was."""
        if found is None:
            return False
        cutover = found.report.get("cutover") or {}
        if cutover.get("side") == "target" or cutover.get("going") or cutover.get("finished"):
            return False
        names = self._standing(found, cutover)
        stopped = [name for name, about in names.items() if not about["enabled"]]
        if not check_mode:
            for name in stopped:
                self.sides.target_session.ask(sql.enable(name))
            self._await_readers()
        return bool(stopped)

    def _standing(self, found: marker.Marker, cutover: dict) -> dict[str, dict]:
        have = ops.find(self.sides.target_session, sql.stem_of(found.run_id)).subscriptions
        self.streams = cutover.get("streams") or streams_of(found)
        lost = [name for name in self.streams if name not in have]
        if lost:
            raise PostgresError(
                f"run {found.run_id} is done, but its subscription {listed(lost)} is no longer on the target: changes "
                "of the source do not arrive; empty the target and begin anew"
            )
        return have

    def after_failure(self, run_id: str) -> str:
        """Leave no slot behind that is of no use; say which ones stay."""
        stem, session = sql.stem_of(run_id), self.sides.target_session
        try:
            session.ask("rollback")
            if not (resume.read_kept(session, run_id).tables or {}):
                ops.drop_streams(self.control, session, stem)
                return ""
            names = sorted(ops.find(self.control, stem).slots)
        except PostgresError:
            names = list(self.streams)
        if not names:
            return ""
        return (
            f". The slot {listed(names)} on the source holds its WAL until the next run, or until pg_migrate_cutover "
            "with state=finished and abandon=true gives the migration up"
        )

    def not_followed(self, plan: Plan) -> list[dict]:
        return facts.not_followed(plan.large_objects, plan.objects)

    def result(self) -> dict:
        return {
            "streams": {name: len(tables) for name, tables in self.streams.items()},
            "slots": [slot for name in self.streams for slot in self._slots(name)],
            "static_tables": self.static,
        }

    def _slots(self, name: str) -> list[dict]:
        keys = ("name", "active", "wal_status", "lag_bytes", "retained_bytes")
        slot = ops.find(self.control, name.rpartition("_")[0]).slots.get(name)
        return [{key: slot[key] for key in keys}] if slot else []


def of(sides: Sides, params: dict) -> Still:
    return Logical(sides, params) if params.get("method") == "logical" else Still(sides, params)
