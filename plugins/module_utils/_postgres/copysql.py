# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL of the copy engine: what it reads from both catalogues, and the statements that move a table. Pure."""

from __future__ import annotations

import json

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import Index, Part, Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal

# A generated column's value is made by the target.
_COLUMNS = """(select coalesce(jsonb_agg(jsonb_build_array(a.attname, a.atttypid::bigint) order by a.attnum), '[]')
  from pg_catalog.pg_attribute a
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '')"""


def tables_sql(oids: list[str]) -> str:
    """Ask the source for the tables that are to be copied."""
    return f"""
select pg_catalog.jsonb_build_object('oid', c.oid::text, 'schema', n.nspname, 'name', c.relname,
  'columns', {_COLUMNS},
  'pages', pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::int,
  'analyze', not c.relispartition and not exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid)
    and not exists (select from pg_catalog.pg_statistic_ext s where s.stxrelid = c.oid))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = any ({_oids(oids)})"""


# Tables of extensions whose rows are the user's own, as pg_dump sees it; the condition begins with WHERE or is empty.
EXTENSION_TABLES = f"""
select pg_catalog.jsonb_build_object('oid', c.oid::text, 'schema', n.nspname, 'name', c.relname,
  'ident', format('%I.%I', n.nspname, c.relname), 'condition', k.condition, 'columns', {_COLUMNS})
from pg_catalog.pg_extension e cross join lateral unnest(e.extconfig, e.extcondition) as k (oid, condition)
join pg_catalog.pg_class c on c.oid = k.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'"""

# Enum values hash by their object id, so on the target the same row belongs to another partition.
HASHED_BY_ENUM = """
select pg_catalog.to_jsonb(format('%I.%I', n.nspname, c.relname))
from pg_catalog.pg_partitioned_table p join pg_catalog.pg_class c on c.oid = p.partrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where p.partstrat = 'h' and exists (
  select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_type b on b.oid = t.typbasetype
  where a.attrelid = c.oid and a.attnum = any (p.partattrs) and 'e' in (t.typtype, b.typtype))"""

TYPES = """
with recursive used (oid) as (
  select distinct a.atttypid from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  where c.relkind = 'r' and c.oid >= 16384 and a.attnum > 0 and not a.attisdropped
  union
  select parts.oid from used join pg_catalog.pg_type t on t.oid = used.oid cross join lateral (
    select t.typelem where t.typelem <> 0
    union all select t.typbasetype where t.typbasetype <> 0
    union all select a.atttypid from pg_catalog.pg_attribute a
      where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
    union all select r.rngsubtype from pg_catalog.pg_range r
      where t.oid in (r.rngtypid, (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid)
  ) as parts (oid))
select pg_catalog.jsonb_build_object('oid', t.oid::bigint, 'name', case when n.nspname = 'pg_catalog' then t.typname
    else format('%I.%I', n.nspname, t.typname) end,
  'typtype', t.typtype, 'binary', t.typsend <> 0 and t.typreceive <> 0, 'base', t.typbasetype::bigint,
  'element', case when t.typlen = -1 then t.typelem::bigint else 0 end,
  'subtype', coalesce((select r.rngsubtype::bigint from pg_catalog.pg_range r
    where t.oid in (r.rngtypid, (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid)), 0),
  'parts', coalesce((select jsonb_agg(a.atttypid::bigint order by a.attnum) from pg_catalog.pg_attribute a
    where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped), '[]'),
  'extension', (select e.extname from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_catalog.pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
      and d.refclassid = 'pg_catalog.pg_extension'::regclass))
from used join pg_catalog.pg_type t on t.oid = used.oid join pg_catalog.pg_namespace n on n.oid = t.typnamespace"""

# Left to pg_restore: indexes with a setting of a column's statistics or bound to an extension, those of
# exclusion (and of WITHOUT OVERLAPS), and those of partitioned tables and materialized views.
INDEXES = """
select pg_catalog.jsonb_build_object('oid', i.indexrelid::text, 'table', i.indrelid::text, 'name', x.relname,
  'ident', format('%I.%I', n.nspname, x.relname), 'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
  'bytes', pg_catalog.pg_relation_size(i.indexrelid), 'constraint_oid', coalesce(k.oid::text, ''),
  'constraint', coalesce(k.conname, ''), 'contype', coalesce(k.contype::text, ''),
  'deferrable', coalesce(k.condeferrable, false), 'deferred', coalesce(k.condeferred, false),
  'clustered', i.indisclustered, 'replica_identity', i.indisreplident)
from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_class c on c.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = x.relnamespace
left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid
  and k.contype in ('p', 'u', 'x')
where c.relkind = 'r' and i.indisvalid and i.indisready and not i.indisexclusion and c.oid >= 16384
  and coalesce(k.contype, 'u') <> 'x'
  and not exists (select from pg_catalog.pg_attribute a where a.attrelid = x.oid
    and coalesce((pg_catalog.to_jsonb(a) ->> 'attstattarget')::int, -1) >= 0)
  and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
    and d.objid = x.oid and d.deptype = 'x')"""

# The same columns in the order of the target: \\copy there names none.
TARGET_COLUMNS = f"""
select pg_catalog.jsonb_build_object('ident', format('%I.%I', n.nspname, c.relname), 'columns', {_COLUMNS})
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.oid >= 16384 and n.nspname <> '{MARKER_SCHEMA}'"""

TARGET_TYPES = """
select pg_catalog.to_jsonb(format('%I.%I', n.nspname, t.typname))
from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where t.oid >= 16384 and t.typtype = 'b' and t.typreceive <> 0 and t.typsend <> 0"""

TARGET_INDEXES = """
select pg_catalog.jsonb_build_array(format('%I.%I', n.nspname, x.relname), coalesce(k.conname, ''))
from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = x.relnamespace
left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid
  and k.contype in ('p', 'u', 'x')
where x.oid >= 16384 and i.indisvalid"""


def lock_sql(idents: list[str], seconds: int) -> str:
    """Keep TRUNCATE, DROP and rewrites away from the tables: no snapshot protects from those."""
    names = ", ".join(f"only {ident}" for ident in idents)
    return f"set local lock_timeout = '{seconds}s';\nlock table {names} in access share mode"


def has_rows_sql(ident: str, condition: str) -> str:
    return f"select exists (select from only {ident} {condition})"


def rewritten_sql(oids: list[str]) -> str:
    """Ask for tables that were truncated or rewritten between the snapshot and the locks."""
    return f"""
select pg_catalog.to_jsonb(format('%I.%I', n.nspname, c.relname))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = any ({_oids(oids)}) and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)"""


def _oids(oids: list[str]) -> str:
    return f"'{{{','.join(oids)}}}'::oid[]"


def file_argument(path: str) -> str:
    """Quote a file's name for psql's backslash commands."""
    if "\n" in path or "\r" in path:
        raise PostgresError(f"the folder {path!r} has a line break in its name: set workdir to another one")
    return "'" + path.replace("'", "''") + "'"


def copy_out(table: Table, part: Part, encoding: str, fifo: str) -> str:
    r"""Return the source's statement. In \g a backslash of the file's name is an escape, in \copy it is none."""
    columns = ", ".join(identifier(name) for name in table.columns)
    what = f"{table.ident} ({columns})" if columns else table.ident
    if table.condition is not None:
        what = f"(select {columns} from only {table.ident} {table.condition})"
    elif part.first is not None:
        bounds = [f"ctid >= '({part.first},0)'"] + ([] if part.end is None else [f"ctid < '({part.end},0)'"])
        what = f"(select {columns} from only {table.ident} where {' and '.join(bounds)})"
    target = file_argument(fifo).replace("\\", "\\\\")
    return f"copy {what} to stdout ({_options(table, encoding)}) \\g {target}\n\\echo :ROW_COUNT"


def copy_in(table: Table, part: Part, encoding: str, fifo: str) -> str:
    r"""Return the target's statements up to the end of the rows; nothing is committed.

    \copy never takes rows for commands, unlike a script with rows in it. It is one line: a table whose name has
    a line break goes by another name meanwhile.
    """
    name, rename = table.ident, ""
    if "\n" in table.ident or "\r" in table.ident:
        other = identifier(f"ansible_migrate_{table.oid}")
        rename = f"alter table {name} rename to {other};\nset local search_path = {identifier(table.schema)};\n"
        name = other
    # Only a table that is made or emptied in the same transaction can be frozen.
    empty = "" if part.first is not None else f"truncate only {table.ident};\n"
    if table.condition is not None:
        empty = f"delete from only {table.ident} {table.condition};\n"
    whole = part.first is None and table.condition is None
    freeze = ", freeze true" if table.freeze and whole else ""
    copy = f"\\copy {name} from {file_argument(fifo)} with ({_options(table, encoding)}{freeze})"
    return f"begin;\n{empty}{rename}{copy}\n\\echo :ROW_COUNT{_renamed_back(table, rename, name)}"


def _renamed_back(table: Table, rename: str, name: str) -> str:
    return f"\nalter table {name} rename to {identifier(table.name)};\nset local search_path = ''" if rename else ""


def _options(table: Table, encoding: str) -> str:
    if table.form.format == "binary":
        return "format binary"
    return "format text" if encoding == "UTF8" else f"format text, encoding {literal(encoding)}"


def commit_sql(run_id: str, table: Table, part: Part, rows: int, seconds: float) -> str:
    """Return the mark of the table and the commit of both: the mark is there if and only if the rows are."""
    if table.condition is not None:
        return "commit"
    share = table.bytes // len(table.parts)
    # A later run keeps only what is done as a whole.
    state = "done" if len(table.parts) == 1 else "part"
    return f"""
insert into {MARKER_SCHEMA}.item (run_id, kind, ident, part, bounds, state, rows, bytes, seconds)
values ({literal(run_id)}, 'table data', {literal(table.ident)}, {part.number}, '{part.bounds}', '{state}', {rows},
  {share}, {seconds:.3f})
on conflict (run_id, kind, ident, part) do update set state = excluded.state, rows = excluded.rows,
  bounds = excluded.bounds, bytes = excluded.bytes, seconds = excluded.seconds;
commit"""


def index_sql(index: Index, helpers: int) -> str:
    """Build with parallel workers only where processors would be idle: together they work more than one alone."""
    limit = f"least({helpers}, setting::int)::text"
    return (
        f"select count(set_config(name, {limit}, false)) from pg_catalog.pg_settings"
        f" where name = 'max_parallel_maintenance_workers';\n{index.definition}"
    )


def empty_sql(run_id: str, idents: list[str], kept: list[str]) -> str:
    """Take back the parts of split tables that an interrupted run has committed, and every record of other parts.

    A record that outlived its rows would let a later run leave them out.
    """
    empty = f"truncate only {', only '.join(idents)};\n" if idents else ""
    names = "'{}'" if not kept else f"array[{', '.join(literal(ident) for ident in kept)}]"
    return (
        f"begin;\n{empty}delete from {MARKER_SCHEMA}.item where state = 'part' and run_id = {literal(run_id)}"
        f" and ident <> all ({names}::text[]);\ncommit"
    )


def finish_sql(table: Table, constraints: frozenset[str]) -> str:
    """Return what makes a table whole after its last index; `constraints` are those that stand already."""
    only = f"alter table only {table.ident}"
    statements = []
    for index in table.indexes:
        name = identifier(index.name)
        if index.constraint and json.dumps([index.ident, index.constraint]) not in constraints:
            statements.append(f"{only} add constraint {identifier(index.constraint)} {_using(index)}")
        if index.clustered:
            statements.append(f"alter table {table.ident} cluster on {name}")
        if index.replica_identity:
            statements.append(f"{only} replica identity using index {name}")
    if table.analyze:
        statements.append(f"analyze {table.ident}")
    return ";\n".join(statements)


def _using(index: Index) -> str:
    words = "primary key" if index.contype == "p" else "unique"
    late = " deferrable" if index.deferrable else ""
    return f"{words} using index {identifier(index.name)}{late}{' initially deferred' if index.deferred else ''}"
