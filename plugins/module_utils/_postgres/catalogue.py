# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL that lists every object of a database with its definition, one JSON object a line.

One list serves four ends: the fingerprint of the source, the proof that a target is empty, what a crashed
run may clear away, and the comparison of the two sides. Objects of extensions, of the system and of our
own marker are left out. search_path is empty, so every name in a definition is qualified.

Columns that only newer servers have are read through to_jsonb(), which knows what is there.
"""

from __future__ import annotations

MARKER_SCHEMA = "ansible_migrate"

# Kinds that exist by themselves; the others are parts of them.
STANDALONE = frozenset(
    (
        "schema", "table", "view", "materialized view", "sequence", "foreign table", "composite type", "type",
        "function", "procedure", "aggregate", "operator", "operator class", "operator family", "collation",
        "conversion", "text search configuration", "text search dictionary", "text search parser",
        "text search template", "cast", "server", "foreign-data wrapper", "access method", "transform", "language",
    )
)  # fmt: skip

COMMON = f"""
with member as materialized (select classid, objid from pg_catalog.pg_depend where deptype = 'e'),
ns as materialized (
  select oid, nspname from pg_catalog.pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', '{MARKER_SCHEMA}')
),
rel as materialized (
  select c.*, format('%I.%I', n.nspname, c.relname) as ident, pg_catalog.to_jsonb(c) as raw
  from pg_catalog.pg_class c join ns n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
    and (('pg_catalog.pg_class'::regclass)::oid, c.oid) not in (select * from member)
)
"""


def collation_name(oid: str) -> str:
    """Return the SQL of a collation's name: the type regcollation is there from 13 on."""
    return f"""(select case n.nspname when 'pg_catalog' then format('%I', l.collname)
      else format('%I.%I', n.nspname, l.collname) end from pg_catalog.pg_collation l
    join pg_catalog.pg_namespace n on n.oid = l.collnamespace where l.oid = {oid})"""


_SCHEMAS = """
select 'schema', format('%I', nspname), '', ('pg_catalog.pg_namespace'::regclass)::oid, oid from ns
where nspname <> 'public' and (('pg_catalog.pg_namespace'::regclass)::oid, oid) not in (select * from member)
"""

_RELATIONS = """
select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
                    when 'f' then 'foreign table' when 'c' then 'composite type' else 'table' end,
  ident,
  concat_ws(' ', relkind, relpersistence,
    (select string_agg(o, ',' order by o) from unnest(reloptions) o),
    case when relispartition then pg_catalog.pg_get_expr(relpartbound, oid) end,
    case when relkind = 'p' then 'partition by ' || pg_catalog.pg_get_partkeydef(oid) end,
    (select 'inherits ' || string_agg(i.inhparent::regclass::text, ',' order by i.inhseqno)
     from pg_catalog.pg_inherits i where i.inhrelid = rel.oid),
    case when relrowsecurity then 'row security' end, case when relforcerowsecurity then 'forced' end,
    (select 'using ' || m.amname from pg_catalog.pg_am m where m.oid = rel.relam and m.amname <> 'heap'),
    case when relkind in ('r', 'p', 'm') then 'replica identity ' || relreplident::text end,
    case when relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(oid) end,
    case when relkind = 'm' and not relispopulated then 'not populated' end,
    (select concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
     from pg_catalog.pg_sequence s where s.seqrelid = rel.oid),
    (select 'owned by ' || d.refobjid::regclass || ' ' || d.refobjsubid || d.deptype::text from pg_catalog.pg_depend d
     where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = rel.oid and relkind = 'S'
       and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0 limit 1)),
  'pg_catalog.pg_class'::regclass, oid
from rel
"""

# Positions are counted without the holes that dropped columns leave: a copy has none.
_COLUMNS = f"""
select 'column', rel.ident || '.' || format('%I', a.attname),
  concat_ws(' ', row_number() over (partition by a.attrelid order by a.attnum),
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> t.typcollation then 'collate ' || {collation_name("a.attcollation")} end,
    case when a.attnotnull then 'not null' end,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'generated ' || nullif(a.attgenerated::text, ''),
    'identity ' || nullif(a.attidentity::text, ''),
    case when a.attstorage <> t.typstorage then 'storage ' || a.attstorage::text end,
    'compression ' || nullif(pg_catalog.to_jsonb(a) ->> 'attcompression', ''),
    'statistics ' || nullif(coalesce(pg_catalog.to_jsonb(a) ->> 'attstattarget', '-1'), '-1'),
    'options ' || a.attoptions::text), 'pg_catalog.pg_class'::regclass, rel.oid
from rel join pg_catalog.pg_attribute a on a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where rel.relkind <> 'S'
"""

# Foreign keys of partitions follow from the parent's, under names the server chooses anew. NOT NULL is a constraint of
# domains from 17 on and of tables from 18 on: see printed.py.
_CONSTRAINTS = """
select 'constraint', format('%I on %s', c.conname, rel.ident), pg_catalog.pg_get_constraintdef(c.oid),
  'pg_catalog.pg_constraint'::regclass, c.oid
from pg_catalog.pg_constraint c join rel on rel.oid = c.conrelid
where c.contype in ('c', 'f', 'p', 'u', 'x', 'n') and not (c.contype = 'f' and c.conparentid <> 0)
union all
select 'constraint', format('%I on domain %s', c.conname, c.contypid::regtype), pg_catalog.pg_get_constraintdef(c.oid),
  'pg_catalog.pg_constraint'::regclass, c.oid
from pg_catalog.pg_constraint c join pg_catalog.pg_type t on t.oid = c.contypid join ns on ns.oid = t.typnamespace
where c.contype in ('c', 'n') and (('pg_catalog.pg_type'::regclass)::oid, t.oid) not in (select * from member)
"""

_INDEXES = """
select 'index', format('%I.%I', n.nspname, x.relname),
  concat_ws(' ', pg_catalog.pg_get_indexdef(i.indexrelid), case when i.indisclustered then 'clustered' end,
    case when i.indisreplident then 'replica identity' end, case when not i.indisvalid then 'INVALID' end),
  'pg_catalog.pg_class'::regclass, x.oid
from pg_catalog.pg_index i join rel on rel.oid = i.indrelid and rel.relkind in ('r', 'p', 'm')
join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = x.relnamespace
"""

_PARTS = """
select 'rule', format('%I on %s', r.rulename, rel.ident), pg_catalog.pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text,
  'pg_catalog.pg_rewrite'::regclass, r.oid
from pg_catalog.pg_rewrite r join rel on rel.oid = r.ev_class where r.rulename <> '_RETURN'
union all
select 'trigger', format('%I on %s', t.tgname, rel.ident),
  pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text, 'pg_catalog.pg_trigger'::regclass, t.oid
from pg_catalog.pg_trigger t join rel on rel.oid = t.tgrelid
where not t.tgisinternal and coalesce(pg_catalog.to_jsonb(t) ->> 'tgparentid', '0') = '0'
union all
select 'policy', format('%I on %s', p.polname, rel.ident),
  concat_ws(' ', p.polcmd, p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid),
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
    (select string_agg(case r when 0 then 'public' else pg_catalog.pg_get_userbyid(r) end, ',' order by r = 0, 1)
     from unnest(p.polroles) r)), 'pg_catalog.pg_policy'::regclass, p.oid
from pg_catalog.pg_policy p join rel on rel.oid = p.polrelid
union all
select 'statistics', format('%I.%I', n.nspname, s.stxname), pg_catalog.pg_get_statisticsobjdef(s.oid),
  'pg_catalog.pg_statistic_ext'::regclass, s.oid
from pg_catalog.pg_statistic_ext s join rel on rel.oid = s.stxrelid
join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
"""

# Constructors of ranges and multiranges depend internally on their type.
_FUNCTIONS = """
select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
  (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0)).identity,
  case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid)
       else (select concat_ws(' ', a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggsortop::regoperator,
               a.aggtranstype::regtype, a.agginitval) from pg_catalog.pg_aggregate a where a.aggfnoid = p.oid) end,
  'pg_catalog.pg_proc'::regclass, p.oid
from pg_catalog.pg_proc p join ns on ns.oid = p.pronamespace
where not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::regclass
                  and d.objid = p.oid and d.deptype in ('e', 'i'))
"""

_TYPES = f"""
select 'type', (pg_catalog.pg_identify_object('pg_catalog.pg_type'::regclass, t.oid, 0)).identity,
  concat_ws(' ', t.typtype,
    (select string_agg(pg_catalog.quote_literal(e.enumlabel), ',' order by e.enumsortorder)
     from pg_catalog.pg_enum e where e.enumtypid = t.oid),
    case when t.typtype = 'd' then concat_ws(' ', pg_catalog.format_type(t.typbasetype, t.typtypmod),
      case when t.typnotnull then 'not null' end, t.typdefault, {collation_name("t.typcollation")}) end,
    (select concat_ws(' ', r.rngsubtype::regtype, {collation_name("r.rngcollation")}, r.rngcanonical, r.rngsubdiff)
     from pg_catalog.pg_range r where r.rngtypid = t.oid)), 'pg_catalog.pg_type'::regclass, t.oid
from pg_catalog.pg_type t join ns on ns.oid = t.typnamespace
where t.typtype in ('e', 'd', 'r', 'b') and t.typrelid = 0
  and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
  and (('pg_catalog.pg_type'::regclass)::oid, t.oid) not in (select * from member)
"""

# Of the rarer kinds some are listed by name only.
_OTHERS = """
select o.type, o.identity, case o.type
  when 'collation' then (select concat_ws(' ', l.collprovider, coalesce(pg_catalog.to_jsonb(l) ->> 'colllocale',
      pg_catalog.to_jsonb(l) ->> 'colliculocale', l.collcollate), case when l.collprovider = 'c' then l.collctype end,
      pg_catalog.to_jsonb(l) ->> 'collicurules', case when not l.collisdeterministic then 'nondeterministic' end)
    from pg_catalog.pg_collation l where l.oid = c.oid)
  when 'operator' then (select concat_ws(' ', p.oprcode, p.oprcom::regoperator, p.oprnegate::regoperator, p.oprrest,
      p.oprjoin, p.oprcanmerge, p.oprcanhash) from pg_catalog.pg_operator p where p.oid = c.oid)
  when 'cast' then (select concat_ws(' ', p.castfunc::regprocedure, p.castcontext, p.castmethod)
    from pg_catalog.pg_cast p where p.oid = c.oid)
  when 'text search configuration' then (select string_agg(concat_ws(' ', m.maptokentype, m.mapdict::regdictionary),
      ', ' order by m.maptokentype, m.mapseqno) from pg_catalog.pg_ts_config_map m where m.mapcfg = c.oid)
  when 'text search dictionary' then (select concat_ws(' ', t.tmplname, d.dictinitoption)
    from pg_catalog.pg_ts_dict d join pg_catalog.pg_ts_template t on t.oid = d.dicttemplate where d.oid = c.oid)
  when 'server' then (select concat_ws(' ', s.srvtype, s.srvversion, s.srvoptions)
    from pg_catalog.pg_foreign_server s where s.oid = c.oid)
  else '' end, c.class, c.oid
from (select 'pg_catalog.pg_operator'::regclass, oid, oprnamespace from pg_catalog.pg_operator
  union all select 'pg_catalog.pg_opclass'::regclass, oid, opcnamespace from pg_catalog.pg_opclass
  union all select 'pg_catalog.pg_opfamily'::regclass, oid, opfnamespace from pg_catalog.pg_opfamily
  union all select 'pg_catalog.pg_collation'::regclass, oid, collnamespace from pg_catalog.pg_collation
  union all select 'pg_catalog.pg_conversion'::regclass, oid, connamespace from pg_catalog.pg_conversion
  union all select 'pg_catalog.pg_ts_config'::regclass, oid, cfgnamespace from pg_catalog.pg_ts_config
  union all select 'pg_catalog.pg_ts_dict'::regclass, oid, dictnamespace from pg_catalog.pg_ts_dict
  union all select 'pg_catalog.pg_ts_parser'::regclass, oid, prsnamespace from pg_catalog.pg_ts_parser
  union all select 'pg_catalog.pg_ts_template'::regclass, oid, tmplnamespace from pg_catalog.pg_ts_template
  union all select 'pg_catalog.pg_cast'::regclass, oid, 0 from pg_catalog.pg_cast
  union all select 'pg_catalog.pg_foreign_server'::regclass, oid, 0 from pg_catalog.pg_foreign_server
  union all select 'pg_catalog.pg_foreign_data_wrapper'::regclass, oid, 0 from pg_catalog.pg_foreign_data_wrapper
  union all select 'pg_catalog.pg_am'::regclass, oid, 0 from pg_catalog.pg_am
  union all select 'pg_catalog.pg_transform'::regclass, oid, 0 from pg_catalog.pg_transform
  union all select 'pg_catalog.pg_language'::regclass, oid, 0 from pg_catalog.pg_language
) as c (class, oid, namespace)
cross join lateral pg_catalog.pg_identify_object(c.class, c.oid, 0) o
where c.oid >= 16384
  and not exists (select from pg_catalog.pg_depend d where d.classid = c.class and d.objid = c.oid
                  and d.deptype in ('e', 'i'))
  and (c.namespace = 0 or c.namespace in (select oid from ns))
union all
select 'extension', format('%I', extname), '', 'pg_catalog.pg_extension'::regclass, oid
from pg_catalog.pg_extension where extname <> 'plpgsql'
"""

_COMMENTS = f"""
select 'comment', o.type || ' ' || o.identity, d.description, d.classoid, d.objoid
from pg_catalog.pg_description d
cross join lateral pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) o
where d.objoid >= 16384 and (d.classoid, d.objoid) not in (select * from member)
  and d.classoid not in ('pg_catalog.pg_extension'::regclass, 'pg_catalog.pg_largeobject'::regclass,
    'pg_catalog.pg_publication'::regclass, 'pg_catalog.pg_event_trigger'::regclass,
    'pg_catalog.pg_subscription'::regclass)
  and o.identity is not null and o.identity !~ '^{MARKER_SCHEMA}(\\.|$)'
"""

_LISTED = (
    " from ("
    + " union all ".join(
        (_SCHEMAS, _RELATIONS, _COLUMNS, _CONSTRAINTS, _INDEXES, _PARTS, _FUNCTIONS, _TYPES, _OTHERS, _COMMENTS)
    )
    + ") as listed (kind, ident, definition, class, oid)"
)  # fmt: skip
OBJECTS = (
    COMMON + "select pg_catalog.jsonb_build_object('kind', kind, 'ident', ident, 'definition', definition)" + _LISTED
)
# The places of the same in the catalogue, by which a dump's table of contents names them.
PLACES = (
    COMMON
    + "select pg_catalog.jsonb_build_object('kind', kind, 'ident', ident, 'place', class::oid::text || ' ' || oid)"
    + _LISTED
)
# Who depends on whom. The schema public has a low number.
DEPENDENCIES = """
select pg_catalog.jsonb_build_array(classid || ' ' || objid, refclassid || ' ' || refobjid, deptype)
from pg_catalog.pg_depend
where objid >= 16384 and (refobjid >= 16384 or refclassid = 'pg_catalog.pg_namespace'::regclass)
  and (classid, objid) <> (refclassid, refobjid)"""

TABLES = (
    COMMON
    + """
select pg_catalog.jsonb_build_object('ident', ident, 'oid', oid::text, 'kind', relkind,
  'hidden', relkind = 'r' and pg_catalog.row_security_active(oid),
  'rows', greatest(reltuples, 0)::bigint, 'bytes', pg_catalog.pg_table_size(oid),
  'readable', pg_catalog.has_schema_privilege(relnamespace, 'usage') and pg_catalog.has_table_privilege(oid, 'select'))
from rel where relkind in ('r', 'm') and (relkind = 'r' or relispopulated)
order by pg_catalog.pg_table_size(oid) desc, ident
"""
)

# What is needed to hash the rows of a table: names of types only where they are PostgreSQL's own.
SHAPES = (
    COMMON
    + """
select pg_catalog.jsonb_build_object('ident', ident,
  'pages', pg_catalog.pg_relation_size(oid) / current_setting('block_size')::int,
  'columns', (select coalesce(jsonb_agg(jsonb_build_array(a.attname, case when t.oid < 10000 then t.typname else '' end,
      a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
    where a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped),
  'key', (select coalesce(jsonb_agg(a.attname order by k.n), '[]') from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey) with ordinality as k (attnum, n)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = rel.oid and i.indisprimary and i.indisvalid and k.n <= i.indnkeyatts))
from rel where relkind in ('r', 'm') and (relkind = 'r' or relispopulated)
"""
)

# Sequences are listed apart: their values are read one by one.
SEQUENCES = COMMON + "select pg_catalog.to_jsonb(ident) from rel where relkind = 'S' order by ident"

UNREADABLE_SEQUENCES = (
    COMMON
    + """
select pg_catalog.to_jsonb(ident) from rel where relkind = 'S' and not (
  pg_catalog.has_schema_privilege(relnamespace, 'usage') and pg_catalog.has_sequence_privilege(oid, 'select'))
"""
)

# ANALYZE of a partitioned table goes into its partitions by itself.
ANALYZABLE = (
    COMMON
    + """
select pg_catalog.to_jsonb(ident) from rel where relkind in ('r', 'p', 'm') and not relispartition
  and (relkind <> 'm' or relispopulated) order by pg_catalog.pg_table_size(oid) desc, ident
"""
)
