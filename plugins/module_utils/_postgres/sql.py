# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quote names and texts for SQL that goes to psql by standard input."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError


def identifier(name: str) -> str:
    return '"' + _checked(name).replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """Return a string literal. Every session of ours sets standard_conforming_strings=on."""
    return "NULL" if text is None else "'" + _checked(text).replace("'", "''") + "'"


def _checked(text: str) -> str:
    # psql would cut the statement at a zero byte; PostgreSQL has no such names or texts anyway.
    if "\0" in text:
        raise PostgresError("a name or text with a zero byte cannot be sent to PostgreSQL")
    return text
