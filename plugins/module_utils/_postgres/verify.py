# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that two databases hold the same, without changing either."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import (
    catalogue,
    compare,
    content,
    grants,
    sample,
    versions,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import Compared
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts, same_database
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.keys import differing_keys
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.readers import Readers, Reads, opened_readers
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides, number_of_jobs, opened
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import CHOICE, Wish


@dataclass(frozen=True)
class Wanted:
    """What is to be compared; see the module's options."""

    mode: str = "hash"
    sample_rows: int = 10000
    keys: int = 0
    owners: bool = False
    acl: bool = False
    role_map: tuple[tuple[str, str], ...] = ()
    strict: bool = False

    @classmethod
    def of(cls, params: dict) -> Wanted:
        given = {name: params[name] for name in ("mode", "sample_rows", "keys", "owners", "acl", "strict")
                 if params.get(name) is not None}  # fmt: skip
        wanted = cls(**given, role_map=tuple((params.get("role_map") or {}).items()))
        if wanted.sample_rows < 1 or wanted.keys < 0:
            raise PostgresError("sample_rows must be 1 or more, and keys 0 or more")
        return wanted


def verify(params: dict) -> dict:
    """Return what was compared; raise PostgresError, with the same, when anything differs or stays unchecked."""
    jobs, wanted = number_of_jobs(params["jobs"]), Wanted.of(params)
    began = time.monotonic()
    with opened(params, params["timeout"], Wish.of(params, CHOICE)) as sides:
        result = _compare(sides, jobs, wanted)
    result["seconds"] = round(time.monotonic() - began, 3)
    problems = result["differences"] + result["not_checked"]
    if problems:
        told = f"{len(result['differences'])} differences, {len(result['not_checked'])} not checked"
        raise PostgresError(f"source and target are not proved equal ({told}): {listed(problems)}", result)
    return result


def _compare(sides: Sides, jobs: int, wanted: Wanted) -> dict:
    source = sides.read_source()
    if source.chosen.faults:
        raise PostgresError(f"nothing was compared: {'; '.join(source.chosen.faults)}")
    # The target's transaction stays open as well: all of it is compared as of one moment.
    target, _marker = sides.read_target(stay=True)
    if same_database(source, target):
        raise PostgresError("source and target are the same database: nothing would be proved")
    with opened_readers(sides, source, target, jobs) as readers:
        rows, remarks = _compare_rows(readers, wanted)
        keys = {row.name: _keys(readers, row, wanted.keys) for row in rows if wanted.keys and row.difference}
    sequences, unread = _compare_sequences(sides, source)
    others, weaker = _compare_others(sides, source, target, wanted)
    return {
        "changed": False,
        "mode": wanted.mode,
        "source": source.summary,
        "target": target.summary,
        "tables": [{**row.result, **keys.get(row.name, {})} for row in rows],
        "sequences": sequences,
        "differences": compare.compare_objects(source.objects, target.objects, (source.major, target.major))
        + others
        + [_told(row, keys.get(row.name)) for row in rows if row.difference]
        + [entry["difference"] for entry in sequences if entry["difference"]],
        "not_checked": [row.not_checked for row in rows if row.not_checked] + unread,
        "remarks": compare.weaker_checks(source.objects, source.major, target.major) + weaker + remarks,
    }


def _compare_rows(readers: Readers, wanted: Wanted) -> tuple[list[Compared], list[str]]:
    """Compare every table of either side; return what is to be said of weaker checks, too."""
    names = list(dict.fromkeys(table.ident for side in readers.both for table in side.facts.tables))
    owned = [{table.ident for table in side.facts.tables} for side in readers.both]
    both = [name for name in names if all(name in idents for idents in owned)]
    if wanted.mode == "hash":
        reads, hashed = readers.hash(both), set(names)
        # A table of one side only is no less a difference for being counted.
        missing = [{table.ident: [content.count_sql(table.ident)] for table in side.facts.tables
                    if table.ident not in both} for side in readers.both]  # fmt: skip
        for read, more in zip(reads, readers.read(*missing), strict=True):
            read |= more
    else:
        reads, hashed = readers.count(), set()
    names += readers.large_objects
    if wanted.mode != "sample":
        hashed |= set(readers.large_objects) if wanted.mode == "hash" else set()
        return _compared(names, reads, hashed), []
    return _sampled(readers, names, both, reads, wanted.sample_rows)


def _compared(names: list[str], reads: list[Reads], hashed: set[str]) -> list[Compared]:
    ours, theirs = reads
    return [compare.compare_content(name, ours.get(name), theirs.get(name), name in hashed) for name in names]


def _sampled(
    readers: Readers, names: list[str], both: list[str], counts: list[Reads], wanted: int
) -> tuple[list[Compared], list[str]]:
    """Compare small tables as a whole, of others the rows drawn; those of which none can be drawn are named."""
    counted = {row.name: row for row in _compared(names, counts, set())}
    open_ones = [name for name in both if not counted[name].difference and not counted[name].not_checked]
    small = [name for name in open_ones if (counts[0][name].rows or 0) <= wanted]
    hashed = readers.hash(small, large_objects=False)
    counted |= {row.name: row for row in _compared(small, hashed, set(small))}
    drawn, reasons = sample.sample(readers, counts[0], [name for name in open_ones if name not in small], wanted)
    ours, theirs = drawn
    counted |= {name: compare.compare_sample(counted[name], ours[name], theirs[name]) for name in ours}
    remarks = [f"{name}: its rows were only counted: {reason}" for name, reason in sorted(reasons.items())]
    remarks += [f"{name} were only counted" for name in readers.large_objects]
    return [counted[name] for name in names], remarks + sample.told(counts[0], ours)


def _keys(readers: Readers, row: Compared, limit: int) -> dict:
    """Name the keys whose rows differ, or say why they cannot be named."""
    shapes = [side.shapes.get(row.name) for side in readers.both]
    if row.name == content.LARGE_OBJECTS_NAME or shapes[0] is None or not shapes[0].key:
        return {"keys": [], "keys_remark": "without a primary key on the source no keys can be named"}
    try:
        found, complete = differing_keys(readers, row.name, limit)
    except PostgresError as problem:
        return {"keys": [], "keys_remark": str(problem)}
    return {"keys": found, "keys_remark": "" if complete else f"there are more than the {limit} that were asked for"}


def _told(row: Compared, keys: dict | None) -> str:
    if not keys:
        return row.difference
    names = [
        ", ".join(f"{name}={value}" for name, value in entry["key"].items()) + f" {entry['difference']}"
        for entry in keys["keys"]
    ]
    return f"{row.difference}: {'; '.join([*names, *filter(None, [keys['keys_remark']])])}"


def _compare_others(sides: Sides, source: Facts, target: Facts, wanted: Wanted) -> tuple[list[str], list[str]]:
    """Compare owners, privileges and versions; return differences, and what is allowed but worth a look."""
    sessions = (sides.source_session, sides.target_session)
    differences, other = versions.compare_extensions(source.server["extensions"], target.server["extensions"])
    ours, theirs = (
        versions.read_collations(session, facts.major)
        for session, facts in zip(sessions, (source, target), strict=True)
    )
    differences += [f"on the target {text}" for text in versions.outdated(theirs)]
    other += [f"on the source {text}" for text in versions.outdated(ours)] + versions.other_collations(ours, theirs)
    if wanted.owners or wanted.acl:
        sets = [
            grants.as_grants(grants.read_grants(session), roles)
            for session, roles in zip(sessions, (dict(wanted.role_map), {}), strict=True)
        ]
        differences += grants.compare_grants(sets[0], sets[1], wanted.owners, wanted.acl)
    return (differences + other, []) if wanted.strict else (differences, other)


def _compare_sequences(sides: Sides, source: Facts) -> tuple[list[dict], list[str]]:
    """Compare where the sequences are; one that may not be read is named, not passed over."""
    values, unread = [], []
    for session in (sides.source_session, sides.target_session):
        names = content.names(session, catalogue.SEQUENCES)
        if session is sides.source_session:
            names = [name for name in names if ("sequence", name) in source.objects]
        hidden = [name for name in content.names(session, catalogue.UNREADABLE_SEQUENCES) if name in names]
        unread += [
            f"sequence {name}: {session.connection.user} may not read it on the {session.connection.side}"
            for name in hidden
        ]
        values.append(content.read_sequences(session, [name for name in names if name not in hidden]))
    skip = {text.split(":")[0].removeprefix("sequence ") for text in unread}
    ours, theirs = ({name: value for name, value in side.items() if name not in skip} for side in values)
    return compare.compare_sequences(ours, theirs), unread
