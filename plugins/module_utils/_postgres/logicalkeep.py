# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which finished tables of an interrupted copy may keep their stream. Pure.

Tables that foreign keys tie together must be of one snapshot and one stream. Of two snapshots, the key could not be
made: the row that another refers to may not be there yet. In two streams, a TRUNCATE of both comes in two parts, and a
server refuses to truncate a table that another one refers to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal

# The pairs of tables; keys to and from partitions are in the catalogue one by one.
REFERENCES = """
select pg_catalog.jsonb_build_array(format('%I.%I', n.nspname, c.relname), format('%I.%I', m.nspname, f.relname))
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class f on f.oid = k.confrelid join pg_catalog.pg_namespace m on m.oid = f.relnamespace
where k.contype = 'f' and k.conrelid <> k.confrelid"""


def divide(streams: dict[str, list[str]], tables: Collection[str]) -> dict[str, list[str]]:
    """Give each table to the newest stream that has begun to copy it."""
    owner = {table: name for name, members in streams.items() for table in members}
    return {name: [t for t in members if t in tables and owner[t] == name] for name, members in streams.items()}


def whole(
    streams: dict[str, list[str]], references: Iterable[Iterable[str]], static: Collection[str]
) -> dict[str, list[str]]:
    """Leave out tables whose foreign keys lead, directly or not, to one that is in another stream or in none.

    Nobody writes to static tables, so they tie nothing together.
    """
    owner = {table: name for name, members in streams.items() for table in members}
    group: dict[str, set[str]] = {}
    for pair in references:
        if not set(pair) & set(static):
            joined = set().union(*(group.get(table, {table}) for table in pair))
            group.update(dict.fromkeys(joined, joined))
    return {
        name: [t for t in members if {owner.get(other) for other in group.get(t, {t})} == {name}]
        for name, members in streams.items()
    }


def forget_sql(run_id: str, tables: Iterable[str]) -> str:
    """Take back the marks of tables that are to be copied again: a later run must not take their old rows for new."""
    return (
        f"delete from {MARKER_SCHEMA}.item where kind = 'table data' and run_id = {literal(run_id)}"
        f" and ident in ({', '.join(map(literal, tables))})"
    )
