# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two sides that were read. Pure: facts in, differences out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.printed import (
    alike,
    is_printed,
    listed_by_both,
    schemas_of,
)

Key = tuple[str, str]


@dataclass(frozen=True)
class Read:
    """What was read of one table or of all large objects on one side; `error` when it could not be."""

    rows: int | None
    digest: str | None = None
    error: str = ""


@dataclass(frozen=True)
class Compared:
    name: str
    rows_source: int | None
    rows_target: int | None
    hash_equal: bool | None
    difference: str = ""
    not_checked: str = ""
    checked: str = "nothing"
    rows_compared: int | None = None

    @property
    def result(self) -> dict:
        keys = ("name", "rows_source", "rows_target", "hash_equal", "checked", "rows_compared")
        return {key: getattr(self, key) for key in keys}


def compare_objects(source: dict[Key, str], target: dict[Key, str], majors: tuple[int, int]) -> list[str]:
    """Name every object that one side lacks or that is defined otherwise. `majors` are those of both sides."""
    # pg_dump leaves invalid indexes out, on purpose: the source's are no loss.
    expected = {key: text for key, text in source.items() if not (key[0] == "index" and _invalid(text))}
    expected, target = listed_by_both(expected, majors), listed_by_both(target, majors)
    schemas = schemas_of(source) if majors[0] != majors[1] else None
    differences = []
    for key in sorted(expected.keys() | target.keys()):
        name = f"{key[0]} {key[1]}"
        if key not in target:
            differences.append(f"{name} is missing on the target")
        elif key not in expected:
            differences.append(f"{name} is only on the target")
        elif expected[key] != target[key] and not (
            schemas is not None and is_printed(key[0], expected[key]) and alike(expected[key], target[key], schemas)
        ):
            ours, theirs = _told(expected[key], target[key])
            differences.append(f"{name} is {ours} on the source, {theirs} on the target")
    return differences


def _invalid(definition: str) -> bool:
    return definition.endswith(" INVALID") and "ON ONLY" not in definition


def _told(ours: str, theirs: str, most: int = 160) -> tuple[str, str]:
    """Show both definitions; of long ones, the stretch in which they begin to differ."""
    texts = [" ".join((text or "without definition").split()) for text in (ours, theirs)]
    same = next(
        (n for n, (ours, theirs) in enumerate(zip(*texts, strict=False)) if ours != theirs), min(map(len, texts))
    )
    start = max(0, same - most // 2) if max(map(len, texts)) > most else 0
    shown = [
        f"({'…' if start else ''}{text[start : start + most]}{'…' if len(text) > start + most else ''})"
        for text in texts
    ]
    return shown[0], shown[1]


def compare_content(name: str, source: Read | None, target: Read | None, hashed: bool) -> Compared:
    """Compare one table. What could not be read on either side is never equal."""
    if source is None or target is None:
        side = "source" if source is None else "target"
        # That the table is missing is told by compare_objects(); here it stays unchecked, not passed.
        return Compared(
            name,
            source.rows if source else None,
            target.rows if target else None,
            None,
            not_checked=f"{name}: not on the {side}",
        )
    errors = [f"{side}: {read.error}" for side, read in (("source", source), ("target", target)) if read.error]
    if errors:
        return Compared(name, source.rows, target.rows, None, not_checked=f"{name}: {'; '.join(errors)}")
    # Contents that were asked for and not read on either side are not equal contents.
    if hashed and None in (source.digest, target.digest):
        return Compared(name, source.rows, target.rows, None, not_checked=f"{name}: its contents were not read")
    equal = source.digest == target.digest if hashed else None
    difference = ""
    if source.rows != target.rows:
        difference = f"{name} has {source.rows} rows on the source, {target.rows} on the target"
    elif equal is False:
        difference = f"{name} has other contents in its {source.rows} rows on the target"
    checked, rows = ("hash", source.rows) if hashed else ("counts", 0)
    return Compared(name, source.rows, target.rows, equal, difference, checked=checked, rows_compared=rows)


def compare_sample(counted: Compared, source: Read, target: Read) -> Compared:
    """Add what was seen of a random part of the rows. That they are equal says nothing of the others."""
    if counted.difference or counted.not_checked:
        return counted
    unread = "; ".join(f"{side}: {read.error}" for side, read in (("source", source), ("target", target)) if read.error)
    if unread:
        return replace(counted, not_checked=f"{counted.name}: {unread}")
    equal = (source.rows, source.digest) == (target.rows, target.digest)
    difference = f"{counted.name} has other contents on the target: {source.rows} rows were drawn on either side and "
    difference += f"found on the source, {target.rows} on the target, and they differ"
    return replace(
        counted,
        hash_equal=None if equal else False,
        difference="" if equal else difference,
        checked="sample",
        rows_compared=source.rows,
    )


def compare_sequences(source: dict[str, tuple[int, bool]], target: dict[str, tuple[int, bool]]) -> list[dict]:
    """Return one entry for each sequence of either side."""
    return [
        {
            "name": name,
            "source": source.get(name, (None, None))[0],
            "target": target.get(name, (None, None))[0],
            "equal": source.get(name) == target.get(name),
            "difference": _sequence_difference(name, source.get(name), target.get(name)),
        }
        for name in sorted(source.keys() | target.keys())
    ]


def _sequence_difference(name: str, source: tuple[int, bool] | None, target: tuple[int, bool] | None) -> str:
    if source == target:
        return ""

    def told(value: tuple[int, bool] | None) -> str:
        return "missing" if value is None else f"{value[0]}{'' if value[1] else ' (not handed out yet)'}"

    return f"sequence {name} is at {told(source)} on the source, {told(target)} on the target"


def weaker_checks(objects: dict[Key, str], source_major: int, target_major: int) -> list[str]:
    """Name the definitions of which compare_objects() compares less than the text."""
    if source_major == target_major:
        return []
    return [
        f"{kind} {ident}: PostgreSQL {source_major} and {target_major} print it in different ways: its words were "
        "compared, but for the tables that its columns are told with"
        for (kind, ident), text in sorted(objects.items())
        if is_printed(kind, text)
    ]
