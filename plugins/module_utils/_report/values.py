# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values look on a page: escaped, in units a person reads, with the raw value kept beside the rounded one."""

from __future__ import annotations

from html import escape
from typing import Any

NOTHING = "–"  # noqa: RUF001 - an en dash says "no value" in a table
RESULTS = {"pass": "Passed", "fail": "Failed", "warn": "Warning", "skip": "Skipped", "info": "Note"}
NUMERIC_KINDS = ("count", "bytes", "seconds")
_UNITS = ("kB", "MB", "GB", "TB", "PB")


def plain(value: Any) -> str:
    """Return any JSON value as one line of text for a person."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value) or NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) or NOTHING
    if isinstance(value, int):
        return count(value)
    return str(value)


def count(value: float) -> str:
    """Return a number with a thin space between thousands."""
    return f"{value:,}".replace(",", "\u2009")


def size(value: float) -> str:
    """Return a number of bytes in decimal units, as storage is sold."""
    if value < 1000:
        return f"{value:.0f} B"
    power = 1
    while value / 1000**power >= 999.5 and power < len(_UNITS):
        power += 1
    return f"{value / 1000**power:.3g} {_UNITS[power - 1]}"


def duration(value: float) -> str:
    """Return seconds with the precision that matters at that length."""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def cell(value: Any, kind: str = "text") -> str:
    """Return the HTML of one value; a rounded number carries the exact one in its data element."""
    if kind == "result" and value in RESULTS:
        return badge(value)
    if kind in NUMERIC_KINDS and is_number(value):
        shown = {"count": count, "bytes": size, "seconds": duration}[kind](value)
        return f'<data value="{value}">{escape(shown)}</data>'
    return escape(plain(value))


def badge(result: str) -> str:
    """Return a result as a coloured word: never colour alone."""
    return f'<span class="badge {result}">{RESULTS[result]}</span>'
