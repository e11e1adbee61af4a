# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cron's five fields, before the API server sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator

MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11,
    "dec": 12,
}  # fmt: skip
DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}), ("hour", 0, 23, {}), ("day of the month", 1, 31, {}), ("month", 1, 12, MONTHS),
    ("day of the week", 0, 6, DAYS),
)  # fmt: skip
PART = re.compile(r"(\*|\?|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/([0-9]+))?")


def problems(schedule: str) -> Iterator[str]:
    if schedule in MACROS:
        return
    fields = schedule.split()
    if len(fields) != len(FIELDS):
        yield f"{schedule!r} is no schedule: cron takes five fields (minute, hour, day, month, weekday)"
        return
    for field, (what, least, most, names) in zip(fields, FIELDS):  # noqa: B905  # Python 3.9
        if not all(_fits(part, least, most, names) for part in field.lower().split(",")):
            yield f"{field!r} is no {what} of a schedule ({least} to {most}, * , - , / or lists of them)"


def _fits(part: str, least: int, most: int, names: dict[str, int]) -> bool:
    found = PART.fullmatch(part)
    if not found or found[3] == "0":
        return False
    if found[1] in ("*", "?"):
        return not found[2]
    first = _number(found[1], names)
    last = _number(found[2], names) if found[2] else first
    return least <= first <= last <= most


def _number(text: str, names: dict[str, int]) -> int:
    return int(text) if text.isdigit() else names.get(text, -1)
