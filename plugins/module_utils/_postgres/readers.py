# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the tables of both sides, each as of one moment, several statements of each side at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import Read
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import (
    CTID_RANGES_SINCE,
    HASH_RECORD_SINCE,
    Shape,
    hash_sql,
    parts,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Answer, Session, run_all
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides

# A part below this is not worth a statement of its own; a table has so many parts that the last ones end together.
LEAST_PART = 32 << 20
PARTS_PER_JOB = 4

Reads = dict[str, Read]


@dataclass
class Side:
    """One side with the sessions that read it; all of them see what its first transaction sees."""

    facts: Facts
    shapes: dict[str, Shape]
    snapshot: str
    sessions: list[Session]

    def tasks(self, statements: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
        """Return {name: statements} as tasks of their own, in the order given."""
        return [
            (f"{name}\0{number}", content.under_snapshot(self.snapshot, sql))
            for name, parts_of_it in statements.items()
            for number, sql in enumerate(parts_of_it)
        ]


@dataclass
class Readers:
    """Both sides. `records`: both can hash rows without writing them as text."""

    sides: Sides
    source: Side
    target: Side

    @property
    def both(self) -> tuple[Side, Side]:
        return self.source, self.target

    @property
    def records(self) -> bool:
        return min(side.facts.major for side in self.both) >= HASH_RECORD_SINCE

    @property
    def large_objects(self) -> list[str]:
        """The name under which large objects are compared, unless the selection leaves them out."""
        return [content.LARGE_OBJECTS_NAME] if self.sides.wish.large_objects else []

    def ask(self, *statements: Mapping[str, Iterable[str]]) -> list[dict[str, list[Answer]]]:
        """Run {name: statements} of the source and of the target; return {name: answers} of each."""
        pools = [(side.sessions, side.tasks(wanted)) for side, wanted in zip(self.both, statements, strict=True)]
        return [_grouped(answers) for answers in run_all(pools, self.sides.commands)]

    def read(self, *statements: Mapping[str, Iterable[str]]) -> list[Reads]:
        """The same for statements that count and hash: parts of one name are added up."""
        return [{name: _added(answers) for name, answers in side.items()} for side in self.ask(*statements)]

    def count(self) -> list[Reads]:
        """Count the rows of every table and the large objects of both sides."""
        large = {name: [content.LARGE_OBJECT_COUNT] for name in self.large_objects}
        counted = [{table.ident: [content.count_sql(table.ident)] for table in side.facts.tables} for side in self.both]
        return self.read(*(wanted | large for wanted in counted))

    def hash(self, names: Iterable[str], large_objects: bool = True) -> list[Reads]:
        """Hash tables that both sides have, and the large objects."""
        large = {name: [content.LARGE_OBJECTS] for name in self.large_objects if large_objects}
        idents = list(names)
        return self.read(*(self._hashes(side, idents) | large for side in self.both))

    def _hashes(self, side: Side, idents: list[str]) -> dict[str, list[str]]:
        """Columns are hashed as the source declares them; that the target's are the same is compared elsewhere."""
        sizes = {table.ident: table.bytes for table in side.facts.tables}
        share = max(LEAST_PART, sum(sizes.values()) // (PARTS_PER_JOB * max(len(side.sessions), 1)))
        splits = side.facts.major >= CTID_RANGES_SINCE and len(side.sessions) > 1
        return {
            ident: [
                hash_sql(self.source.shapes[ident], self.records, where)
                for where in parts(side.shapes[ident].pages, -(-sizes[ident] // share) if splits else 1)
            ]
            for ident in idents
        }


@contextmanager
def opened_readers(sides: Sides, source: Facts, target: Facts, jobs: int) -> Iterator[Readers]:
    """Open the sessions; both sides' own transactions must be open, and stay so."""
    made = []
    try:
        for main, connection, facts in (
            (sides.source_session, sides.source, source),
            (sides.target_session, sides.target, target),
        ):
            shapes = {row["ident"]: Shape.of(row) for row in main.ask_json(catalogue.SHAPES)}
            snapshot = main.ask("select pg_catalog.pg_export_snapshot()")[0]
            sessions = content.open_sessions(sides.commands, sides.psql, connection, jobs)
            made.append(Side(facts, shapes, snapshot, sessions))
        yield Readers(sides, *made)
    finally:
        for side in made:
            for session in side.sessions:
                session.close()


def _grouped(answers: Mapping[str, Answer]) -> dict[str, list[Answer]]:
    grouped: dict[str, list[Answer]] = {}
    for key, answer in answers.items():
        grouped.setdefault(key.split("\0")[0], []).append(answer)
    return grouped


def _added(answers: list[Answer]) -> Read:
    """Add up the parts of one table; an error in one of them is the table's."""
    for answer in answers:
        if answer.error:
            return Read(None, error=answer.error)
    found = [content.parse(answer.lines) for answer in answers]
    digests = [int(digest) for _rows, digest in found if digest is not None]
    return Read(sum(rows for rows, _digest in found), str(sum(digests)) if digests else None)
