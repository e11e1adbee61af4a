# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cut-over has to do, from what is written down about the one before. Pure.

The application is on one side at a time. Both ways between them are the same steps with the sides exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalsql import stem_of

SOURCE, TARGET = "source", "target"
NOT_WORKING = "does not work"
WANTED_SIDE = {"switched": TARGET, "rolled_back": SOURCE}
STATE_OF = {side: state for state, side in WANTED_SIDE.items()}
BACK, FORTH = "back", "forth"


@dataclass(frozen=True)
class Record:
    """What the marker on the target holds. It is written before each step that it makes true.

    `side` is where the application may write; `going` where a switch that has not ended was going to; `fences` maps a
    fenced side to the database's own setting from before; `last` is the report of the last switch.
    """

    side: str = SOURCE
    going: str | None = None
    fences: dict[str, str | None] = field(default_factory=dict)
    last: dict = field(default_factory=dict)
    streams: dict[str, list[str]] = field(default_factory=dict)
    finished: str | None = None

    @classmethod
    def of(cls, report: Mapping) -> Record:
        """Read it from a run's report; before the first switch it follows from the copy."""
        return cls(**report.get("cutover", {}))

    def with_(self, **changes: object) -> Record:
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def as_json(self) -> dict:
        return asdict(self)

    @property
    def state(self) -> str:
        if self.finished:
            return "finished"
        if self.going:
            return "interrupted"
        if self.side == TARGET:
            return "switched"
        return "rolled_back" if self.last else "replicating"


@dataclass(frozen=True)
class Step:
    """`action` is nothing, switch, release, tidy, finish or refuse; `to` the side that a switch goes to."""

    action: str
    to: str = ""
    reason: str = ""


def decide(wanted: str, record: Record, abandon: bool = False) -> Step:
    """Say what the wanted state needs."""
    if record.finished:
        if wanted == "finished":
            return Step("nothing")
        return Step("refuse", reason=f"the migration was finished at {record.finished}: nothing replicates any more")
    if wanted == "finished":
        return _finish(record, abandon)
    to = WANTED_SIDE[wanted]
    if record.side != to:
        return Step("switch", to)
    # A switch away from here was begun and not ended: the application's side opens again.
    return Step("release", to) if record.going else Step("tidy", to)


def _finish(record: Record, abandon: bool) -> Step:
    if record.going and not abandon:
        return Step(
            "refuse",
            reason=f"a switch to the {record.going} was interrupted: run state=switched or state=rolled_back first",
        )
    if record.side == SOURCE and not abandon:
        return Step(
            "refuse",
            reason="the application still writes to the source: state=switched comes first; to give the migration up, "
            "set abandon=true",
        )
    return Step("finish")


def other(side: str) -> str:
    return SOURCE if side == TARGET else TARGET


def stream_to(publisher: str, run_id: str) -> str:
    """Name the stream that a switch leaves behind for the way back."""
    return f"{stem_of(run_id)}_{BACK if publisher == TARGET else FORTH}"


@dataclass(frozen=True)
class Sequence:
    increment: int
    least: int
    most: int


def bring_forward(
    ours: Mapping[str, tuple[int, bool]],
    theirs: Mapping[str, tuple[int, bool]],
    about: Mapping[str, Sequence],
    margin: int = 0,
) -> dict[str, tuple[int, bool]]:
    """Return the values to set on the other side: ours and a margin, unless it is further on already."""
    found = {}
    for name, (value, called) in ours.items():
        known = about[name]
        ahead = value + margin * known.increment if called and margin else value
        wanted = (min(max(ahead, known.least), known.most), called)
        if name in theirs:
            wanted = max(wanted, theirs[name], key=lambda item: (item[0] * (1 if known.increment > 0 else -1), item[1]))
        if theirs.get(name) != wanted:
            found[name] = wanted
    return found


def problems(streams: Mapping[str, dict], expected: Mapping[str, object], retained_limit: int = 0) -> list[str]:
    """Name what keeps a switch from being made: a stream that is missing, stopped, lost or not complete."""
    found = [f"the stream {name} is missing" for name in expected if name not in streams]
    for name, about in streams.items():
        if about.get("wal_status") == "lost":
            found.append(f"the slot {name} has lost changes: the copy must be made anew")
        if not about["enabled"]:
            found.append(f"the subscription {name} is stopped")
        elif not about["working"]:
            found.append(f"the subscription {name} {NOT_WORKING}: its error is in its server's log")
        open_ones = sorted(table for table, state in about["tables"].items() if state != "r")
        if open_ones:
            found.append(f"the subscription {name} is not ready for {', '.join(open_ones[:5])}")
        if retained_limit and (about.get("retained_bytes") or 0) > retained_limit:
            found.append(f"the slot {name} holds {about['retained_bytes'] >> 20} MiB of WAL")
    return found
