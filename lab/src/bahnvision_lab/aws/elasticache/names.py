"""Identifiers, windows, pages: what all operations check alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bahnvision_lab.aws.refusals import AwsError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def clash(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)


def identifier(parameter: str, name: str, longest: int) -> str:
    """Return the name as ElastiCache keeps it, in lower case."""
    if not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", name) or len(name) > longest:
        raise invalid(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain "
            f"only ASCII letters, digits, and hyphens; must not end with a hyphen or contain two consecutive hyphens; "
            f"and must not be longer than {longest} characters."
        )
    return name.lower()


def required(params: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not params.get(name):
            raise invalid(f"The parameter {name} must be provided and must not be blank.")


def text(parameter: str, value: str) -> str:
    if not value.strip() or len(value) > 255 or any(not " " <= letter <= "~" for letter in value):
        raise invalid(f"The parameter {parameter} must be provided and must be 1 to 255 printable ASCII characters.")
    return value


def page(params: Mapping[str, Any], rows: list[Any], most: int = 100) -> tuple[list[Any], str | None]:
    """Return the rows that were asked for, and the marker of the next page."""
    size = params.get("MaxRecords") or most
    if not 20 <= size <= most:
        raise invalid(f"Invalid value {size} for MaxRecords. Must be between 20 and {most}")
    marker = params.get("Marker") or "0"
    if not marker.isdigit():
        raise invalid(f"Invalid marker {marker}")
    following = int(marker) + size
    return rows[int(marker) : following], str(following) if following < len(rows) else None


def daily_window(value: str) -> range:
    """Return the minutes of the day that a SnapshotWindow such as 05:00-09:00 covers; may go beyond midnight."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", value)
    if match is None:
        raise invalid(f"Invalid snapshot window format: {value}. Should be specified as a range hh24:mi-hh24:mi.")
    numbers = [int(part) for part in match.groups()]
    begin, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    window = range(begin, end if end > begin else end + DAY)
    if len(window) < 60:
        raise invalid("The snapshot window must be at least 60 minutes.")
    return window


def weekly_window(value: str) -> range:
    """Return the minutes of the week that a PreferredMaintenanceWindow such as sun:23:00-mon:01:30 covers."""
    day = "|".join(DAYS)
    match = re.fullmatch(rf"({day}):([01]\d|2[0-3]):([0-5]\d)-({day}):([01]\d|2[0-3]):([0-5]\d)", value.lower())
    if match is None:
        raise invalid(
            f"Invalid maintenance window format: {value}. Should be specified as a range ddd:hh24:mi-ddd:hh24:mi."
        )
    first, last = match.groups()[:3], match.groups()[3:]
    begin, end = (DAYS.index(part[0]) * DAY + int(part[1]) * 60 + int(part[2]) for part in (first, last))
    window = range(begin, end if end > begin else end + WEEK)
    if len(window) < 60:
        raise invalid("The maintenance window must be at least 60 minutes.")
    return window


def check_windows(snapshot: str, maintenance: str) -> None:
    """The daily window must leave the weekly one alone."""
    daily, weekly = daily_window(snapshot), weekly_window(maintenance)
    busy = {minute % WEEK for minute in weekly}
    if any((number * DAY + minute) % WEEK in busy for number in range(7) for minute in daily):
        raise invalid("The snapshot window and maintenance window must not overlap.")
