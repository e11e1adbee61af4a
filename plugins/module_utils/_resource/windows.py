# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows of AWS's managed services (UTC): "hh:mm-hh:mm" every day, "ddd:hh:mm-ddd:hh:mm" every week."""

from __future__ import annotations

import re
from collections.abc import Iterator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60

Window = tuple[int, int]


def minutes(text: str) -> int | None:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text)
    return int(found[1]) * 60 + int(found[2]) if found else None


def daily(window: str, shortest: int) -> Window | None:
    """Return (start, length) in minutes of the day, or None when that is no daily window."""
    start, _dash, end = window.partition("-")
    first, last = minutes(start), minutes(end)
    if first is None or last is None:
        return None
    length = (last - first) % DAY
    return (first, length) if length >= shortest else None


def weekly(window: str, shortest: int) -> Window | None:
    """Return (start, length) in minutes of the week, or None when that is no weekly window."""
    found = re.fullmatch(r"([a-z]{3}):([0-9:]{5})-([a-z]{3}):([0-9:]{5})", window.lower())
    if not found or found[1] not in DAYS or found[3] not in DAYS:
        return None
    first, last = minutes(found[2]), minutes(found[4])
    if first is None or last is None:
        return None
    start = DAYS.index(found[1]) * DAY + first
    length = (DAYS.index(found[3]) * DAY + last - start) % WEEK
    return (start, length) if shortest <= length <= DAY else None


def overlap(nightly: Window, week: Window) -> bool:
    """Return whether the daily window meets the weekly one on any day."""
    starts = (day * DAY + nightly[0] for day in range(7))
    return any((start - week[0]) % WEEK < week[1] or (week[0] - start) % WEEK < nightly[1] for start in starts)


def window_problems(option: str, nightly: str | None, maintenance: str | None, shortest: int) -> Iterator[str]:
    """Say what is wrong with a daily window, which `option` names, and the weekly one of the maintenance."""
    day = daily(nightly, shortest) if nightly else None
    week = weekly(maintenance, shortest) if maintenance else None
    if nightly and day is None:
        yield f"{option} {nightly!r} must be hh:mm-hh:mm (UTC), at least {shortest} minutes"
    if maintenance and week is None:
        yield f"maintenance_window {maintenance!r} must be ddd:hh:mm-ddd:hh:mm (UTC), {shortest} minutes to 24 hours"
    if day and week and overlap(day, week):
        yield f"{option} {nightly} lies within maintenance_window {maintenance}; move one of them"
