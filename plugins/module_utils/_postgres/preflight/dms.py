# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of method dms: what AWS DMS cannot move, or moves with loss. The assessment finds it, they judge. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Check,
    Found,
    Rules,
)

# The newest major version that DMS's guide lists for sources and targets.
NEWEST_LISTED = 17
_ELSE = "or use migration_method=copy"

rules = Rules("dms")

# (name, severity, what it finds, what to do)
ASSESSED = (
    ("dms-no-table", BLOCKER, "There is no table that DMS could move.", "use migration_method=copy"),
    ("dms-large-objects", BLOCKER, "Large objects: DMS does not move them.", "use migration_method=copy"),
    ("dms-names", BLOCKER, "Names that DMS does not tell apart (case), or reads as wildcards (`%`, `[`, `]`).",
     f"rename them, {_ELSE}"),
    ("dms-types", BLOCKER, "Columns of types that DMS's guide does not list for sources.",
     f"store them in a type that it lists, {_ELSE}"),
    ("dms-lob-without-key", BLOCKER, "LOB columns (text, bytea, json, arrays ...) in tables without a primary key.",
     f"add one, {_ELSE}"),
    ("dms-lob-in-key", BLOCKER, "Primary keys with a LOB column.", f"give the column a length (varchar(n)), {_ELSE}"),
    ("dms-full-lob-not-null", BLOCKER, "NOT NULL LOBs where a value of the database is larger than 100 MB: only the"
     " full LOB mode takes it, which writes NULL first.", f"move the largest values elsewhere, {_ELSE}"),
    ("dms-inheritance", BLOCKER, "Tables that others inherit from: DMS reads the heirs' rows twice.",
     f"make partitions of them, {_ELSE}"),
    ("dms-coalesce-index", BLOCKER, "Unique indexes with coalesce.",
     f"drop them until the move has ended, {_ELSE}"),
    ("dms-deferrable-key", BLOCKER, "Deferrable primary keys, which stand while DMS loads.",
     f"make them NOT DEFERRABLE, {_ELSE}"),
    ("dms-numeric", ADVICE, "Numbers without precision: DMS is told on both sides to move them as text.",
     "nothing for the move; the comparison of contents afterwards (migration_verify=hash) tells whether they arrived"),
    ("dms-not-validated", ADVICE, "Tables without a primary key: DMS cannot validate them.",
     "nothing for the move; our comparison of contents covers them"),
)  # fmt: skip


def _spoken_by(name: str) -> Check:
    def check(case: Case) -> Iterator[Found]:
        problems = case.request.assessment.problems if case.request.assessment else ()
        yield from (Found(problem.object, problem.text) for problem in problems if problem.rule == name)

    return check


for _name, _severity, _finds, _todo in ASSESSED:
    rules.add(_name, _severity, _finds, _todo)(_spoken_by(_name))


@rules.add(
    "dms-version", ADVICE, f"A side is newer than PostgreSQL {NEWEST_LISTED}, the newest that DMS's guide lists.",
    "see whether DMS's guide lists it by now; else use migration_method=copy",
)  # fmt: skip
def _version(case: Case) -> Iterator[Found]:
    for side, facts in case.sides:
        if facts.major > NEWEST_LISTED:
            yield Found(side, f"the {side} is PostgreSQL {facts.server['version_text']}")
