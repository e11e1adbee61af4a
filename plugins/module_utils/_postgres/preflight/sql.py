# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL of the facts that only the rules of the preflight ask for. All of it reads, with search_path = pg_catalog.

Settings and columns that only some servers have are read from lists (pg_settings, to_jsonb), which know what
is there: naming them would be an error elsewhere.
"""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA

SETTINGS = (
    "maintenance_work_mem", "max_connections", "max_locks_per_transaction", "max_prepared_transactions",
    "max_slot_wal_keep_size", "max_wal_size", "old_snapshot_threshold", "rds.extensions", "shared_buffers",
    "shared_preload_libraries", "temp_file_limit", "wal_level", "wal_sender_timeout",
)  # fmt: skip
# What ends long work. Our sessions override all of them but temp_file_limit, which only a superuser may change.
LIMITS = (
    "statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout",
    "lock_timeout",
)  # fmt: skip
LONG_MINUTES = 5


def _names(names: tuple[str, ...]) -> str:
    return f"'{{{','.join(names)}}}'::text[]"


# Of settings with a unit the number is told in the unit's own bytes or milliseconds by pg_settings: kept as it is.
BOTH = f"""
select jsonb_build_object(
  'settings', (select coalesce(jsonb_object_agg(name, setting), '{{}}') from pg_settings
    where name = any ({_names(SETTINGS)})),
  'limits', (select coalesce(jsonb_object_agg(name, reset_val), '{{}}') from pg_settings
      where name = any ({_names(LIMITS)}) and reset_val <> '0')
    || (select coalesce(jsonb_object_agg(split_part(s, '=', 1), split_part(s, '=', 2)
          order by (setrole <> 0)::int, (setdatabase <> 0)::int), '{{}}')
        from pg_db_role_setting, unnest(setconfig) s
        where setrole in (0, r.oid) and setdatabase in (0, d.oid)
          and split_part(s, '=', 1) = any ({_names(LIMITS)}) and split_part(s, '=', 2) <> '0'),
  'recovery', pg_is_in_recovery(),
  'tls', coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false),
  'clock', extract(epoch from clock_timestamp())::float8,
  'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
  'sees_activity', r.rolsuper or pg_has_role('pg_read_all_stats', 'usage'),
  'prepared', (select coalesce(jsonb_agg(gid), '[]') from pg_prepared_xacts where database = d.datname),
  'long_transactions', (select coalesce(jsonb_agg(format('server process %s of %s, for %s min', pid,
      coalesce(usename, 'the server'), (extract(epoch from clock_timestamp() - xact_start) / 60)::int)
      order by xact_start), '[]')
    from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'
      and (datid = d.oid or backend_xid is not null)
      and xact_start < clock_timestamp() - interval '{LONG_MINUTES} min'),
  'invalid_databases', (select coalesce(jsonb_agg(datname), '[]') from pg_database where datconnlimit = -2),
  'databases_bytes', (select sum(pg_database_size(oid)) from pg_database
    where datconnlimit <> -2 and (oid = d.oid or has_database_privilege(oid, 'connect')
      or pg_has_role('pg_read_all_stats', 'usage'))))
from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user
"""

# The version that the operating system or ICU has now; the function is there from 15 on.
ACTUAL_COLLATION = r"""
select current_setting('server_version_num')::int >= 150000 as tells_version \gset
\if :tells_version
select jsonb_build_object('collation_actual', pg_database_collation_actual_version(oid))
from pg_database where datname = current_database();
\endif
"""

_USER_RELATIONS = f"""
with rel as materialized (
  select c.*, format('%I.%I', n.nspname, c.relname) as ident
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', '{MARKER_SCHEMA}')
)
"""

# Who keeps others from looking at a table.
LOCK_HOLDERS = (
    _USER_RELATIONS
    + """
select to_jsonb(format('%s (server process %s)', rel.ident, coalesce(l.pid::text, 'none')))
from pg_catalog.pg_locks l join rel on rel.oid = l.relation
where l.locktype = 'relation' and l.granted and l.mode = 'AccessExclusiveLock' and relkind in ('r', 'p', 'm')
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())"""
)

SOURCE = (
    _USER_RELATIONS
    + """
select jsonb_build_object(
  'lockable', (select count(*) from rel where relkind in ('r', 'p')),
  'indexes', (select jsonb_build_object('number', count(*), 'bytes', coalesce(sum(size), 0),
      'largest', coalesce((array_agg(size order by size desc))[1:64], '{}'))
    from (select pg_relation_size(i.indexrelid) from pg_index i join rel on rel.oid = i.indrelid) as s (size)),
  'large_object_bytes', pg_total_relation_size('pg_largeobject'),
  'unlogged', (select coalesce(jsonb_agg(ident order by ident), '[]') from rel
    where relkind in ('r', 'p') and relpersistence = 'u'),
  'foreign_servers', (select coalesce(jsonb_agg(srvname), '[]') from pg_foreign_server),
  'logical_slots', (select coalesce(jsonb_agg(slot_name), '[]') from pg_replication_slots
    where database = current_database()),
  'reg_columns', (select coalesce(jsonb_agg(rel.ident || '.' || format('%I', a.attname)
      order by rel.ident, a.attnum), '[]')
    from pg_attribute a join rel on rel.oid = a.attrelid and rel.relkind in ('r', 'p')
    join pg_type t on t.oid = a.atttypid
    where a.attnum > 0 and not a.attisdropped and array['regproc', 'regprocedure', 'regoper', 'regoperator', 'regrole',
      'regconfig', 'regdictionary', 'regnamespace', 'regcollation']::name[]
      @> array[coalesce((select e.typname from pg_type e where e.oid = t.typelem and t.typlen = -1), t.typname)]),
  'generated', (select coalesce(jsonb_agg(rel.ident || '.' || format('%I', a.attname)
      order by rel.ident, a.attnum), '[]')
    from pg_attribute a join rel on rel.oid = a.attrelid and rel.relkind in ('r', 'p')
    where a.attnum > 0 and not a.attisdropped and a.attgenerated <> ''),
  'nullable_children', (select coalesce(jsonb_agg(rel.ident || '.' || format('%I', a.attname)
      order by rel.ident, a.attnum), '[]')
    from pg_inherits i join rel on rel.oid = i.inhrelid and rel.relkind = 'r'
    join pg_attribute p on p.attrelid = i.inhparent and p.attnum > 0 and p.attnotnull and not p.attisdropped
    join pg_attribute a on a.attrelid = rel.oid and a.attname = p.attname and not a.attnotnull and not a.attisdropped),
  'long_names', (select coalesce(jsonb_agg(ident order by ident), '[]') from (
    select ident from rel where octet_length(relname::text) = 63
    union all select rel.ident || '.' || format('%I', a.attname) from pg_attribute a join rel on rel.oid = a.attrelid
      where a.attnum > 0 and not a.attisdropped and octet_length(a.attname::text) = 63) as s),
  'collations_used', (select coalesce(jsonb_agg(distinct c.collname), '[]')
    from pg_depend d join pg_collation c on c.oid = d.refobjid and c.collnamespace = 'pg_catalog'::regnamespace
    where d.refclassid = 'pg_collation'::regclass and d.objid >= 16384),
  'collated_partitions', (select coalesce(jsonb_agg(ident order by ident), '[]')
    from pg_partitioned_table p join rel on rel.oid = p.partrelid
    where p.partstrat = 'r' and exists (select from unnest(p.partcollation) k where k not in (0, 950, 951))))
"""
)

TARGET = """
select jsonb_build_object(
  'guarded_extensions', (select coalesce(jsonb_agg(v.name), '[]') from pg_available_extension_versions v
    join pg_available_extensions e on e.name = v.name and e.default_version = v.version
    where v.superuser and not coalesce((to_jsonb(v) ->> 'trusted')::bool, false)),
  'rds', exists (select from pg_roles where rolname = 'rds_superuser'),
  'collations', (select jsonb_agg(distinct collname) from pg_collation
    where collencoding in (-1, (select encoding from pg_database where datname = current_database()))),
  'may_become', (select jsonb_agg(rolname) from pg_roles where pg_has_role(oid,
    case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)),
  'may_grant', (select coalesce(jsonb_agg(r.rolname), '[]') from pg_roles r, pg_roles me where me.rolname = current_user
    and not pg_has_role(r.oid, me.oid, 'member') and (me.rolsuper or not r.rolsuper
      and (pg_has_role(r.oid, 'member with admin option')
        or me.rolcreaterole and current_setting('server_version_num')::int < 160000))),
  'may_grant_public', coalesce((select has_schema_privilege(oid, 'create with grant option') from pg_namespace
    where nspname = 'public'), true),
  'may_create_in_public', (select coalesce(jsonb_agg(r.rolname), '[]') from pg_roles r, pg_namespace n
    where n.nspname = 'public' and has_schema_privilege(r.oid, n.oid, 'create')))
"""


def table_sizes(oids: list[str]) -> str:
    """Ask for the number and the bytes of each table's indexes."""
    return f"""
select jsonb_build_object('oid', indrelid::text, 'indexes', count(*), 'bytes', sum(pg_relation_size(indexrelid)))
from pg_catalog.pg_index where indrelid = any ('{{{",".join(oids)}}}'::oid[]) group by indrelid"""
