# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that rises from our AWS code to the end of a module."""

from __future__ import annotations

from typing import Any


class ResourceError(Exception):
    """One sentence for a person: what failed, on which object, what was last seen, what to do.

    `details` are handed to fail_json beside the message, for programs that read the result.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
