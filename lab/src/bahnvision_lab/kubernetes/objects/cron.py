"""Cron schedules: whether one is right, and when it is due."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
WORDS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
         "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}  # fmt: skip
NAMES = {
    3: {
        name: at
        for at, name in enumerate(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
        )
    },
    4: {name: at for at, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])},
}


def problem(schedule: str) -> str:
    """Return what is wrong, "" when nothing is."""
    fields = WORDS.get(schedule, schedule).split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{schedule}]"
    for number, field in enumerate(fields):
        try:
            values(field, number)
        except ValueError as wrong:
            return str(wrong)
    return ""


def zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)


def values(field: str, number: int) -> set[int]:
    """The numbers that one field allows."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        low, high = _span(span, number, bool(slash))
        if slash and (not step.isdigit() or step == "0"):
            raise ValueError(f"failed to parse int from {step}: step of range should be a positive number: {part}")
        found |= set(range(low, high + 1, int(step) if slash else 1))
    return found


def _span(span: str, number: int, stepped: bool) -> tuple[int, int]:
    lowest, highest = BOUNDS[number]
    if span in ("*", "?"):
        return lowest, highest
    first, dash, last = span.partition("-")
    low = _number(first, number)
    high = _number(last, number) if dash else highest if stepped else low
    if low < lowest:
        raise ValueError(f"beginning of range ({low}) below minimum ({lowest}): {span}")
    if high > highest:
        raise ValueError(f"end of range ({high}) above maximum ({highest}): {span}")
    if low > high:
        raise ValueError(f"beginning of range ({low}) beyond end of range ({high}): {span}")
    return low, high


def _number(text: str, number: int) -> int:
    named = NAMES.get(number, {}).get(text.lower())
    if named is not None:
        return named
    if not text.isdigit():
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def is_due(schedule: str, moment: datetime, zone: str | None) -> bool:
    """Whether the schedule names this minute."""
    here = moment.astimezone(ZoneInfo(zone)) if zone else moment
    fields = WORDS.get(schedule, schedule).split()
    minute, hour, day, month, weekday = (values(field, number) for number, field in enumerate(fields))
    days, weekdays = here.day in day, (here.weekday() + 1) % 7 in weekday
    # As in every cron: where both are narrowed, either will do.
    either = fields[2][0] not in "*?" and fields[4][0] not in "*?"
    right_day = (days or weekdays) if either else (days and weekdays)
    return here.minute in minute and here.hour in hour and here.month in month and right_day
