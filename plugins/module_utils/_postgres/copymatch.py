# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out what both sides mean the same by: columns and types."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import content, copysql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyformat import Form, Type, form_of
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task


class Match:
    """What is read once of both catalogues, and asked for each table. Columns come as [name, type's object id]."""

    def __init__(self, source: Session, target: Session, task: Task) -> None:
        self._task = task
        rows = source.ask_json(copysql.TYPES)
        self._types = {row["oid"]: Type(**{**row, "parts": tuple(row["parts"])}) for row in rows}
        theirs = target.ask_json(copysql.TARGET_COLUMNS)
        self._theirs = {row["ident"]: tuple(name for name, _oid in row["columns"]) for row in theirs}
        self._receivable = frozenset(content.names(target, copysql.TARGET_TYPES))

    def columns(self, ident: str, ours: list) -> tuple[str, ...]:
        """Return the columns in the target's order."""
        theirs = self._theirs.get(ident)
        if theirs is None or sorted(theirs) != sorted(name for name, _oid in ours):
            raise PostgresError(f"{ident} has other columns on the target than on the source")
        return theirs

    def form(self, columns: list) -> Form:
        return form_of(columns, self._types, self._task.options.format, self._task.encoding, self._receivable)
