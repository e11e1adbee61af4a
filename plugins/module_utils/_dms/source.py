# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read of the source's catalogue what the assessment needs, and measure its LOBs."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.assessment import Assessment, Table, assess
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import run_all
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier

# A domain is what it is made of.
TABLES = """
with recursive col as (
  select a.attrelid, a.attnum, a.attname, a.attnotnull, a.attgenerated, a.atttypid as typid, a.atttypmod as typmod
  from pg_catalog.pg_attribute a where a.attrelid in ({oids}) and a.attnum > 0 and not a.attisdropped
  union all
  select col.attrelid, col.attnum, col.attname, col.attnotnull or t.typnotnull, col.attgenerated, t.typbasetype,
    t.typtypmod
  from col join pg_catalog.pg_type t on t.oid = col.typid where t.typtype = 'd'
),
told as (
  select col.attrelid, col.attnum, pg_catalog.jsonb_build_object('name', col.attname, 'not_null', col.attnotnull,
    'generated', col.attgenerated <> '', 'unbounded', col.typmod = -1,
    'type', case when t.typcategory = 'A' then 'array' when t.typtype = 'c' then 'composite'
      when t.typtype = 'e' then 'enum' when t.typname = 'varchar' and col.typmod = -1 then 'long varchar'
      else t.typname end) as about
  from col join pg_catalog.pg_type t on t.oid = col.typid where t.typtype <> 'd'
)
select pg_catalog.jsonb_build_object('schema', n.nspname, 'name', c.relname,
  'ident', pg_catalog.format('%I.%I', n.nspname, c.relname),
  'columns', (select pg_catalog.jsonb_agg(about order by attnum) from told where told.attrelid = c.oid),
  'key', (select pg_catalog.jsonb_agg(a.attname order by a.attnum) from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
    where i.indrelid = c.oid and i.indisprimary),
  'deferrable_key', exists (select from pg_catalog.pg_index i
    where i.indrelid = c.oid and i.indisprimary and not i.indimmediate),
  'has_heirs', exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid),
  'coalesce_index', coalesce((select min(x.relname) from pg_catalog.pg_index i
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    where i.indrelid = c.oid and i.indisunique and pg_catalog.pg_get_indexdef(i.indexrelid) ~* 'coalesce\\('), ''))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid in ({oids}) order by pg_catalog.pg_table_size(c.oid) desc, n.nspname, c.relname
"""


def assess_source(sides: Sides, source: Facts, jobs: int) -> Assessment:
    """Read inside the transaction that the source's session is in. Tables with LOBs are read whole, once."""
    holding = [table for table in source.tables if table.kind == "r"]
    oids = ", ".join(table.oid for table in holding)
    rows = sides.source_session.ask_json(TABLES.format(oids=oids)) if oids else []
    tables = [Table.of(row) for row in rows]
    # What may not be read cannot be measured: rules of their own refuse it.
    readable = {table.ident for table in holding if table.readable and not table.hidden}
    measured = _largest_lobs(sides, [table for table in tables if table.ident in readable], jobs)
    return assess(tables, measured, source.server["large_objects"])


def lob_sql(table: Table) -> str:
    """Bytes of the largest value as DMS counts: a character of a text is up to four bytes to it."""
    sizes = [
        f"max(octet_length({identifier(column.name)}))"
        if column.type == "bytea"
        else f"max(4 * char_length({identifier(column.name)}::text))"
        for column in table.lobs
    ]
    return f"select coalesce(greatest({', '.join(sizes)}), 0), null from only {table.ident}"


def _largest_lobs(sides: Sides, tables: list[Table], jobs: int) -> dict[str, int]:
    tasks = [(table.ident, content.under_snapshot(None, lob_sql(table))) for table in tables if table.lobs]
    if not tasks:
        return {}
    sessions = content.open_sessions(sides.commands, sides.psql, sides.source, min(jobs, len(tasks)))
    (answers,) = run_all([(sessions, tasks)], sides.commands)
    for session in sessions:
        session.close()
    errors = [f"{name}: {answer.error}" for name, answer in answers.items() if answer.error]
    if errors:
        raise PostgresError(f"the LOBs on the {sides.source} cannot be measured: {listed(errors, 3)}")
    return {name: content.parse(answer.lines)[0] for name, answer in answers.items()}
