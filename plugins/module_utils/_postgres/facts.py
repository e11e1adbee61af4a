# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what each side is: in one transaction, so that all of it is true at the same moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content, copysql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight import sql as preflight_sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session

# One bigint for the whole collection: the advisory lock belongs to one database, not to the server.
LOCK_KEY = 0x616E7369626C65

LOCK_PATIENCE = "10s"

# pg_control_system() may be forbidden; \if keeps the statement from being sent then.
_IDENTITY = r"""
select pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may_identify \gset
\if :may_identify
select pg_catalog.jsonb_build_object('system_identifier', system_identifier::text)
from pg_catalog.pg_control_system();
\endif
"""

_SERVER = f"""
select pg_catalog.jsonb_build_object('version', current_setting('server_version_num')::int,
  'version_text', split_part(current_setting('server_version'), ' ', 1),
  'address', host(inet_server_addr()), 'port', inet_server_port(), 'started', pg_postmaster_start_time()::text,
  'database', d.datname, 'user', current_user, 'superuser', r.rolsuper,
  'encoding', pg_encoding_to_char(d.encoding), 'collation', d.datcollate, 'ctype', d.datctype,
  'provider', to_jsonb(d) ->> 'datlocprovider', 'collation_version', to_jsonb(d) ->> 'datcollversion',
  'size', pg_database_size(d.oid),
  'read_only', pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on',
  'may_create', has_database_privilege(d.oid, 'create')
    and coalesce((select has_schema_privilege(oid, 'create') from pg_namespace where nspname = 'public'), true),
  'free_connections', jsonb_build_object(
    'server', current_setting('max_connections')::int - used.server - case when r.rolsuper then 0 else (select coalesce(
      sum(setting::int), 0) from pg_settings where name = any ('{{superuser_reserved_connections,reserved_connections,
        rds.rds_superuser_reserved_connections}}'::text[])) end,
    'role', case when r.rolconnlimit >= 0 and not r.rolsuper then r.rolconnlimit - used.role end,
    'database', case when d.datconnlimit >= 0 and not r.rolsuper then d.datconnlimit - used.database end),
  'extensions', (select coalesce(jsonb_object_agg(e.extname, jsonb_build_object('version', e.extversion,
      'schema', n.nspname, 'order', e.oid::bigint)), '{{}}')
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'),
  'large_objects', (select count(*) from pg_largeobject_metadata),
  'lock', (select jsonb_build_object('pid', l.pid, 'since', a.backend_start::text, 'client', host(a.client_addr))
    from pg_locks l left join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and l.database = d.oid and l.objsubid = 1
      and (l.classid::bigint << 32) + l.objid::bigint = {LOCK_KEY} limit 1))
from pg_database d, pg_roles r, lateral (select count(*)::int as server,
    (count(*) filter (where usesysid = r.oid))::int as role, (count(*) filter (where datid = d.oid))::int as database
  from pg_stat_activity
  -- Of other roles' sessions an ordinary role sees neither kind nor state.
  where coalesce(backend_type, 'client backend') = 'client backend' and usesysid is not null) as used
where d.datname = current_database() and r.rolname = current_user
"""

_SOURCE_ONLY = """
select pg_catalog.jsonb_build_object('policy_roles', (select coalesce(jsonb_agg(distinct pg_get_userbyid(r)), '[]')
    from pg_policy p, unnest(p.polroles) r where r <> 0),
  'tablespaces', (select coalesce(jsonb_agg(distinct t.spcname), '[]') from pg_class c
    join pg_tablespace t on t.oid = c.reltablespace where t.spcname <> 'pg_global'),
  'publications', (select coalesce(jsonb_agg(pubname), '[]') from pg_publication),
  'subscriptions', (select coalesce(jsonb_agg(subname), '[]') from pg_subscription
    where subdbid = (select oid from pg_database where datname = current_database())),
  'event_triggers', (select coalesce(jsonb_agg(evtname), '[]') from pg_event_trigger e where not exists (select from
    pg_depend where classid = 'pg_event_trigger'::regclass and objid = e.oid and deptype = 'e')),
  'user_mappings', (select coalesce(jsonb_agg(usename || ' on ' || srvname), '[]') from pg_user_mappings),
  'security_labels', (select count(*) from pg_seclabel),
  'owners', (select coalesce(jsonb_agg(distinct pg_get_userbyid(relowner)), '[]') from pg_class where oid >= 16384),
  'granted', (select count(*) from pg_class where oid >= 16384 and relacl is not null)
    + (select count(*) from pg_default_acl),
  'settings_of_roles', (select coalesce(jsonb_agg(split_part(s, '=', 1)), '[]')
    from pg_db_role_setting, unnest(setconfig) s
    where setdatabase = (select oid from pg_database where datname = current_database())),
  'has_public', exists (select from pg_namespace where nspname = 'public'),
  'unreadable_large_objects', (select count(*) from pg_largeobject_metadata m
    where not pg_has_role(m.lomowner, 'usage') and not exists (select from aclexplode(m.lomacl) a
      where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_has_role(a.grantee, 'usage')))),
  'superuser_only', (select coalesce(jsonb_agg(p.oid::regprocedure::text), '[]')
    from pg_proc p join pg_language l on l.oid = p.prolang
    where p.oid >= 16384 and p.prokind <> 'a' and (not l.lanpltrusted and l.lanname <> 'sql' or p.proleakproof)
      and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid
                      and deptype in ('e', 'i'))))
"""

_TARGET_ONLY = """
select pg_catalog.jsonb_build_object(
  'available', (select jsonb_object_agg(name, default_version) from pg_available_extensions),
  'allowed', coalesce(nullif(current_setting('rds.allowed_extensions', true), ''), '*'),
  'roles', (select jsonb_agg(rolname) from pg_roles))
"""


@dataclass(frozen=True)
class Table:
    ident: str
    oid: str
    kind: str
    rows: int
    bytes: int
    readable: bool
    hidden: bool = False


@dataclass(frozen=True)
class Facts:
    """One side. `objects` maps (kind, identity) to the definition. `chosen` says what a selection has taken off."""

    server: dict
    tables: tuple[Table, ...] = ()
    objects: dict[tuple[str, str], str] = field(default_factory=dict)
    chosen: Chosen = field(default_factory=Chosen)

    @property
    def major(self) -> int:
        return self.server["version"] // 10000

    @property
    def summary(self) -> dict:
        """What the task returns: facts that name no secret."""
        keys = ("host", "port", "database", "user", "size", "encoding", "collation", "ctype", "collation_version")
        return {"version": self.server["version_text"]} | {key: self.server.get(key) for key in keys}


def read_facts(session: Session, side: str) -> Facts:
    """Read one side inside the transaction that the session is in."""
    # Sizes and some definitions wait for whoever holds a table exclusively.
    session.ask(f"set local lock_timeout = '{LOCK_PATIENCE}'")
    try:
        return _read(session, side)
    except PostgresError as problem:
        if "lock timeout" not in str(problem):
            raise
        session.ask("rollback")
        holders = content.names(session, preflight_sql.LOCK_HOLDERS)
        raise PostgresError(
            f"{session.connection}: tables are locked exclusively and cannot be looked at: "
            f"{listed(holders) or 'unknown'}: wait for the end of those sessions, or end them"
        ) from problem


def _read(session: Session, side: str) -> Facts:
    server: dict = {"host": session.connection.host}
    own = (_SOURCE_ONLY, preflight_sql.SOURCE) if side == "source" else (_TARGET_ONLY, preflight_sql.TARGET)
    # The names and definitions must not depend on what a role's search_path happens to be.
    session.ask("set local search_path = pg_catalog")
    for sql in (_IDENTITY, _SERVER, preflight_sql.BOTH, preflight_sql.ACTUAL_COLLATION, *own):
        for row in session.ask_json(sql):
            server |= row
            if "clock" in row:
                server["clock_skew"] = round(row["clock"] - time.time(), 3)
    session.ask("set local search_path = ''")
    if side == "source":
        server["unreadable_sequences"] = content.names(session, catalogue.UNREADABLE_SEQUENCES)
        server["hashed_by_enum"] = content.names(session, copysql.HASHED_BY_ENUM)
    tables = [Table(**row) for row in session.ask_json(catalogue.TABLES)]
    objects = {(row["kind"], row["ident"]): row["definition"] for row in session.ask_json(catalogue.OBJECTS)}
    return Facts(server, tuple(tables), objects)


def same_cluster(source: Facts, target: Facts) -> bool:
    """Tell whether both sides are one server, or a replica of it."""
    ours, theirs = source.server, target.server
    if ours.get("system_identifier") and theirs.get("system_identifier"):
        keys: tuple[str, ...] = ("system_identifier",)
    else:
        keys = ("address", "port", "started")
    return all(ours[key] == theirs[key] for key in keys)


def same_database(source: Facts, target: Facts) -> bool:
    """Tell whether both sides are one database, or a replica of it."""
    return same_cluster(source, target) and source.server["database"] == target.server["database"]
