# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how each table would be copied: form, parts, indexes; the engine decides the same when it runs."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import copysql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyformat import Type, form_of
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import parts_of
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session


def text_only(session: Session, source: Facts, wanted: str) -> tuple[str, ...]:
    """Name the tables that cannot be copied in binary form, each with the reason, where nothing else is wanted."""
    if wanted != "binary":
        return ()
    tables = {table.oid: table.ident for table in source.tables if table.kind == "r"}
    types = {row["oid"]: Type(**{**row, "parts": tuple(row["parts"])}) for row in session.ask_json(copysql.TYPES)}
    forms = {
        tables[row["oid"]]: form_of(row["columns"], types, "auto", source.server["encoding"])
        for row in session.ask_json(copysql.tables_sql(list(tables)))
    }
    return tuple(f"{ident} ({form.why})" for ident, form in sorted(forms.items()) if form.format == "text")


def planned_tables(
    plan: Plan, details: Iterable[dict], types: Iterable[dict], indexes: Iterable[dict], how: dict
) -> list[dict]:
    """Return the tables, biggest first. `how` holds jobs, format, encoding, split_over and freeze."""
    about = {row["oid"]: row for row in details}
    built = {row["oid"]: row for row in indexes}
    known = {row["oid"]: Type(**{**row, "parts": tuple(row["parts"])}) for row in types}
    made = []
    for table in plan.tables:
        row, index = about[table["oid"]], built.get(table["oid"], {"indexes": 0, "bytes": 0})
        # Which types the target reads in binary form is only known when it has the extensions: taken for granted.
        form = form_of(row["columns"], known, how["format"], how["encoding"])
        parts = parts_of(table["bytes"], row["pages"], plan.bytes, how["jobs"], how["split_over"])
        made.append(
            {
                "name": table["name"],
                "rows_estimated": table["rows"],
                "bytes": table["bytes"],
                "indexes": index["indexes"],
                "index_bytes": index["bytes"],
                "format": form.format,
                "why_text": form.why,
                "parts": len(parts),
                "frozen": how["freeze"] and len(parts) == 1,
            }
        )
    return made
