# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both sides of a cut-over, and its record on the target."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import cutoverfence as fence
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import logicalops as ops
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import marker
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutoverplan import Record, other
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalsql import stem_of
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides


@dataclass
class World:
    """`sessions` may write on a fenced side, too."""

    sides: Sides
    params: dict
    sessions: dict[str, Session]
    run_id: str
    report: dict
    jobs: int
    record: Record = field(init=False)
    opened: str = ""

    def __post_init__(self) -> None:
        self.record = Record.of(self.report)
        self.stem = stem_of(self.run_id)

    @property
    def static(self) -> list[str]:
        return self.report["logical"].get("static") or []

    @property
    def tables(self) -> list[str]:
        """Return the tables that are followed."""
        return sorted({table for members in self.report["logical"]["streams"].values() for table in members})

    def pair(self, publisher: str) -> tuple[Session, Session]:
        return self.sessions[publisher], self.sessions[other(publisher)]

    def read_record(self) -> None:
        """Read it again: only what is seen under the lock counts."""
        found = marker.read_marker(self.sessions["target"])
        if found is not None:
            self.report, self.record = found.report, Record.of(found.report)

    def write(self, **changes: object) -> None:
        """Write the record down before what it says is made true, and on to disk."""
        self.record = self.record.with_(**changes)
        marker.note(self.sessions["target"], self.run_id, "cutover", self.record.as_json)

    def expected(self, publisher: str) -> dict[str, list[str]]:
        """Return the streams that must lead from this side to the other one."""
        if self.record.streams or self.record.last:
            return self.record.streams if publisher == self.record.side else {}
        return self.report["logical"]["streams"] if publisher == "source" else {}

    def streams(self, publisher: str) -> dict[str, dict]:
        """Return what leads from this side to the other, by name: its slot and its subscription in one."""
        sender, taker = self.pair(publisher)
        slots, subscriptions = ops.find(sender, self.stem).slots, ops.find(taker, self.stem).subscriptions
        none: dict = {"enabled": False, "working": False, "heard": None, "tables": {}}
        return {name: {**none, **slot, **subscriptions.get(name, {})} for name, slot in slots.items()}

    def own_pids(self, side: str) -> list[str]:
        """Return the server processes that work for us."""
        sessions = (self.sessions[side], getattr(self.sides, f"{side}_session"))
        return [session.ask("select pg_catalog.pg_backend_pid()")[0] for session in sessions]

    def close_side(self, side: str) -> None:
        """Fence one side. What was set there before is written down first, and only once."""
        session = self.sessions[side]
        if side not in self.record.fences:
            self.write(fences={**self.record.fences, side: fence.saved(session)}, going=other(side))
        fence.close(session, self.own_pids(side), self.params["fence_timeout"])

    def open_side(self, side: str) -> None:
        if side in self.record.fences:
            before = self.record.fences[side]
            fence.open_again(self.sessions[side], before, self.own_pids(side), self.params["fence_timeout"])
            self.opened = side
            self.write(fences={name: value for name, value in self.record.fences.items() if name != side})
