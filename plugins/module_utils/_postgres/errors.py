# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors of the PostgreSQL rooms."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class PostgresError(Exception):
    """What failed, on which object, and what to do; written for the person who reads the task's output.

    `result` holds what is worth returning beside the message (the differences found, the plan refused).
    """

    def __init__(self, message: str, result: dict | None = None) -> None:
        super().__init__(message)
        self.result = result or {}


def listed(names: list[str], most: int = 20) -> str:
    """Join names for a message, without flooding it."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def known(value: T | None) -> T:
    """Return a value that is always there by now, which its type cannot say."""
    if value is None:
        raise AssertionError("a step of the engine came before the one that it stands on")
    return value
