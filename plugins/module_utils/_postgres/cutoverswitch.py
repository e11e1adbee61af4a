# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One switch of the application's side.

Until the record says that the other side is the application's, everything can be taken back: the other side has
been written to by the replication only. The stream that led there is stopped, not dropped, before the one that leads
back is started, so no change can go round in a circle, whatever the servers' versions know of origins.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import cutoverfence as fence
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import cutoverplan as plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalfacts as facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalops as ops
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalsql as sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import compare_content, compare_objects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutovertell import tell
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverworld import World
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.readers import Readers, opened_readers

POLL = 0.02
# wal_retrieve_retry_interval of the servers is 5 s.
WORKER_START, WORKER_RETRY = 30.0, 6.0
_ABOUT = """
select pg_catalog.jsonb_build_array(format('%I.%I', n.nspname, c.relname), s.seqincrement, s.seqmin, s.seqmax)
from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace"""


def stream_problems(world: World, side: str, patience: float = WORKER_START) -> list[str]:
    """What is wrong with the streams that lead away from a side. A worker that has just been told to start is given
    the time that its server takes between two starts."""
    deadline = time.monotonic() + patience
    while True:
        found = plan.problems(world.streams(side), world.expected(side))
        starting = found and all(plan.NOT_WORKING in text for text in found)
        if not starting or time.monotonic() > deadline:
            return found
        time.sleep(POLL)


class Switch:
    """`here` is the side that the application leaves, `there` the one it goes to."""

    def __init__(self, world: World, to: str) -> None:
        self.world, self.there, self.here = world, to, plan.other(to)
        self.sender, self.taker = world.pair(self.here)
        self.back = plan.stream_to(to, world.run_id)
        self.steps: list[dict] = []
        self._began = self._last = time.monotonic()
        self._fenced = 0.0

    def check(self) -> None:
        """Refuse before anybody is kept out. Reads only."""
        world, params = self.world, self.world.params
        problems = fence.blockers(self.sender, self.here)
        # Of an interrupted switch the streams may be stopped; run() starts them again.
        if world.record.going is None:
            problems += stream_problems(world, self.here)
        if not world.expected(self.here):
            problems.append(f"no replication leads to the {self.there}: the last switch was made with reverse=false")
        writers = facts.read(self.sender).server["subscribed"]
        if writers:
            problems.append(f"the {self.here} takes in changes by the subscription {listed(writers)}: end it first")
        if params["reverse"]:
            problems += self._no_way_back()
        problems += self._drift()
        if problems:
            raise PostgresError(
                f"cannot switch to the {self.there}, nothing was touched: {listed(problems)}", {"problems": problems}
            )

    def _no_way_back(self) -> list[str]:
        sender = facts.read(self.taker, {*self.world.tables, *self.world.static})
        found = facts.publisher_blockers(self.there, sender)
        found += facts.subscriber_blockers(self.here, facts.read(self.sender))
        found += facts.table_blockers(sender, self.world.static)
        return [f"{text} (or set reverse=false: then there is no way back)" for text in found]

    def _drift(self) -> list[str]:
        source, target = self._facts()
        self._leave()
        return compare_objects(source.objects, target.objects, (source.major, target.major))

    def _facts(self) -> tuple[Facts, Facts]:
        sides = self.world.sides
        return sides.read_source(), sides.read_target(stay=True)[0]

    def _leave(self) -> None:
        for session in (self.world.sides.source_session, self.world.sides.target_session):
            session.ask("rollback")

    def run(self) -> None:
        """Make the switch, or leave the application where it is and writing."""
        world = self.world
        try:
            if world.record.going is not None:
                self.undo()
            if world.params["reverse"]:
                self.prepare_back()
            self._drain(world.params["catch_up_timeout"], "before the fence")
            self._step("caught up")
            self._fenced = time.monotonic()
            world.close_side(self.here)
            self._step("fenced")
            lsn = self._drain(world.params["drain_timeout"], "behind the fence")
            self._step("drained")
            self._sequences()
            self._step("sequences set")
            self._verify()
            self._step("verified")
            self._cut(lsn)
            self._step("cut")
        except PostgresError as problem:
            raise self._taken_back(problem) from problem
        self._release()

    def _release(self) -> None:
        """From here on there is no way but forward; a run that is killed now is completed by the next one."""
        world = self.world
        streams = {self.back: world.tables} if world.params["reverse"] else {}
        last = {"to": self.there, "steps": self.steps, "write_downtime_ms": self._downtime()}
        world.write(side=self.there, streams=streams, last=last)
        world.open_side(self.there)
        self._step("released")
        last |= {"steps": self.steps, "write_downtime_ms": self._downtime()}
        world.write(going=None, last=last)
        untold = self._tell()
        ops.drop_streams(self.sender, self.taker, world.stem)
        self._step("tidied up")
        world.write(last={**last, "steps": self.steps})
        if untold is not None:
            raise untold

    def _tell(self) -> PostgresError | None:
        """Return why the application could not be told; the rest is done all the same."""
        if not self.world.params["point_command"]:
            return None
        try:
            tell(self.world, self.there)
            self._step("application told")
        except PostgresError as problem:
            return problem
        return None

    def _downtime(self) -> int:
        return round((time.monotonic() - self._fenced) * 1000)

    def _taken_back(self, problem: PostgresError) -> PostgresError:
        try:
            self.go_back()
        except PostgresError as another:
            state = "is open for writing again" if self.world.opened == self.here else "may still be fenced"
            return PostgresError(
                f"{problem}. The {self.here} {state}, but the rest could not be taken back: {another}. Run "
                f"state={plan.STATE_OF[self.here]} until it succeeds",
                problem.result,
            )
        return PostgresError(
            f"{problem}. The application stays on the {self.here}, which is open for writing; the replication to the "
            f"{self.there} goes on",
            problem.result,
        )

    def go_back(self) -> None:
        """Open the application's side again first, then put the replication back."""
        self.world.open_side(self.here)
        self.undo()
        self.world.write(going=None)

    def undo(self) -> None:
        """Take the half-made way back away and let the changes in again. Only replication has written there."""
        ops.drop_streams(self.taker, self.sender, self.world.stem)
        for name, about in ops.find(self.taker, self.world.stem).subscriptions.items():
            if not about["enabled"]:
                self.taker.ask(sql.enable(name))

    def prepare_back(self) -> None:
        """Make what takes time before anybody is kept out: the server proves that it reaches the other one."""
        world = self.world
        ops.drop_streams(self.taker, self.sender, world.stem)
        self.taker.ask(sql.create_publication(self.back, world.tables))
        option = f"{self.there}_from_{self.here}"
        conninfo = ops.reach(world.params[self.there], world.params[option])
        ops.subscribe(self.sender, self.back, conninfo, option)
        self._step("way back prepared")

    def _drain(self, patience: float, when: str) -> str:
        """Wait until the other side has committed everything up to now; return that point of the log."""
        stem = self.world.stem
        (lsn,) = self.sender.ask(sql.END_OF_LOG)
        deadline = time.monotonic() + patience
        while self.sender.ask(sql.behind(stem, lsn)):
            if time.monotonic() > deadline:
                lags = {name: about["lag_bytes"] for name, about in self.world.streams(self.here).items()}
                raise PostgresError(
                    f"the {self.there} has not caught up within {patience:g} s {when}: bytes behind {lags}; what keeps "
                    "it is in its server's log"
                )
            time.sleep(POLL)
        return lsn

    def _sequences(self) -> None:
        rows = self.sender.ask_json(_ABOUT)
        about = {str(row[0]): plan.Sequence(*row[1:]) for row in map(list, rows)}
        # A selection may have left some of them behind; that no other is missing was seen before.
        present = set(content.names(self.taker, catalogue.SEQUENCES))
        names = [name for name in content.names(self.sender, catalogue.SEQUENCES) if name in present]
        ours, theirs = (content.read_sequences(session, names) for session in (self.sender, self.taker))
        values = plan.bring_forward(ours, theirs, about, self.world.params["sequence_margin"])
        if values:
            content.set_sequences(self.taker, values)

    def _verify(self) -> None:
        """Compare definitions, and rows as far as asked for; what is not followed is compared by its contents."""
        mode = self.world.params["verify"]
        source, target = self._facts()
        try:
            differences = compare_objects(source.objects, target.objects, (source.major, target.major))
            if mode != "none" and not differences:
                with opened_readers(self.world.sides, source, target, self.world.jobs) as readers:
                    differences = self._compare_rows(readers, source, mode == "hash")
        finally:
            self._leave()
        if differences:
            raise PostgresError(
                f"the {self.there} does not hold what the {self.here} holds: {listed(differences)}",
                {"differences": differences},
            )

    def _compare_rows(self, readers: Readers, source: Facts, hashed: bool) -> list[str]:
        # What a materialized view shows is what it was when it was refreshed last, on either side.
        tables = [table.ident for table in source.tables if table.kind == "r"]
        whole = tables if hashed else [name for name in tables if name in self.world.static]
        counted = [{name: [content.count_sql(name)] for name in tables if name not in whole}] * 2
        found = []
        for reads, with_hash in ((readers.hash(whole), True), (readers.read(*counted), False)):
            ours, theirs = reads
            for name in ours:
                row = compare_content(name, ours[name], theirs.get(name), with_hash)
                found += [text for text in (row.difference, row.not_checked) if text]
        return found

    def _cut(self, lsn: str) -> None:
        """Stop the stream, prove that nobody got past the fence, and start the stream that leads back."""
        names = sorted(self.world.expected(self.here))
        for name in names:
            self.taker.ask(sql.disable(name))
        for name in names:
            self._idle(name)
            (late,) = self.sender.ask(sql.written_since(name, lsn))
            if late != "0":
                raise PostgresError(
                    f"{late} transactions have written to the {self.here} in spite of the fence (a session that asks "
                    "for READ WRITE by itself): stop the application, then run again"
                )
        if self.world.params["reverse"]:
            self.taker.ask(sql.create_slot(self.back))
            self.sender.ask(sql.enable(self.back))

    def _idle(self, name: str) -> None:
        deadline = time.monotonic() + ops.PATIENCE
        while ops.find(self.sender, self.world.stem).slots[name]["active"]:
            if time.monotonic() > deadline:
                raise PostgresError(f"the slot {name} is still read after its subscription was stopped")
            time.sleep(POLL)

    def _step(self, name: str) -> None:
        at = time.monotonic()
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017
        self.steps.append({"name": name, "at": now, "ms": round((at - self._last) * 1000)})
        self._last = at
