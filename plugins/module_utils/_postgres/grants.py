# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare owners and privileges, under a map of the source's roles to the target's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import COMMON
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session

# [kind, name, owner, [[grantee, privilege, with grant option]]]. What an owner may do goes without saying, and PUBLIC
# has rights by default that nobody granted: acldefault() knows both.
GRANTS = (
    COMMON
    + """
select pg_catalog.jsonb_build_array(kind, ident, pg_catalog.pg_get_userbyid(owner), coalesce((
  select jsonb_agg(jsonb_build_array(case a.grantee when 0 then 'public' else pg_catalog.pg_get_userbyid(a.grantee) end,
    a.privilege_type, a.is_grantable))
  from pg_catalog.aclexplode(acl) a where a.grantee <> owner), '[]'))
from (
  select 'schema', format('%I', nspname), nspowner, coalesce(nspacl, pg_catalog.acldefault('n', nspowner))
  from pg_catalog.pg_namespace where oid in (select oid from ns)
    and (('pg_catalog.pg_namespace'::regclass)::oid, oid) not in (select * from member)
  union all select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
      when 'f' then 'foreign table' else 'table' end, ident, relowner,
    coalesce(relacl, pg_catalog.acldefault((case relkind when 'S' then 's' else 'r' end)::"char", relowner))
  from rel where relkind <> 'c'
  union all select 'column', rel.ident || '.' || format('%I', a.attname), rel.relowner, a.attacl
  from rel join pg_catalog.pg_attribute a on a.attrelid = rel.oid and not a.attisdropped and a.attacl is not null
  union all select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0)).identity, p.proowner,
    coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
  from pg_catalog.pg_proc p join ns on ns.oid = p.pronamespace
  where not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::regclass
                    and d.objid = p.oid and d.deptype in ('e', 'i'))
  union all select 'type', (pg_catalog.pg_identify_object('pg_catalog.pg_type'::regclass, t.oid, 0)).identity,
    t.typowner, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
  from pg_catalog.pg_type t join ns on ns.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
  where (t.typtype in ('e', 'd', 'r', 'b') or c.relkind = 'c')
    and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
    and (('pg_catalog.pg_type'::regclass)::oid, t.oid) not in (select * from member)
  union all select o.type, o.identity, c.owner, null
  from (select 'pg_catalog.pg_operator'::regclass, oid, oprnamespace, oprowner from pg_catalog.pg_operator
    union all select 'pg_catalog.pg_opclass'::regclass, oid, opcnamespace, opcowner from pg_catalog.pg_opclass
    union all select 'pg_catalog.pg_opfamily'::regclass, oid, opfnamespace, opfowner from pg_catalog.pg_opfamily
    union all select 'pg_catalog.pg_collation'::regclass, oid, collnamespace, collowner from pg_catalog.pg_collation
    union all select 'pg_catalog.pg_conversion'::regclass, oid, connamespace, conowner from pg_catalog.pg_conversion
    union all select 'pg_catalog.pg_ts_config'::regclass, oid, cfgnamespace, cfgowner from pg_catalog.pg_ts_config
    union all select 'pg_catalog.pg_ts_dict'::regclass, oid, dictnamespace, dictowner from pg_catalog.pg_ts_dict
  ) as c (class, oid, namespace, owner) cross join lateral pg_catalog.pg_identify_object(c.class, c.oid, 0) o
  where c.oid >= 16384 and c.namespace in (select oid from ns) and not exists (select from pg_catalog.pg_depend d
    where d.classid = c.class and d.objid = c.oid and d.deptype in ('e', 'i'))
  union all select 'statistics', format('%I.%I', n.nspname, s.stxname), s.stxowner, null
  from pg_catalog.pg_statistic_ext s join rel on rel.oid = s.stxrelid
  join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
  union all select 'server', format('%I', srvname), srvowner, coalesce(srvacl, pg_catalog.acldefault('S', srvowner))
  from pg_catalog.pg_foreign_server
  where (('pg_catalog.pg_foreign_server'::regclass)::oid, oid) not in (select * from member)
  union all select 'large object', oid::text, lomowner, coalesce(lomacl, pg_catalog.acldefault('L', lomowner))
  from pg_catalog.pg_largeobject_metadata
  union all select 'database', '', datdba, coalesce(datacl, pg_catalog.acldefault('d', datdba))
  from pg_catalog.pg_database where datname = current_database()
  union all select 'default privileges', concat_ws(' in schema ', case defaclobjtype when 'r' then 'tables'
      when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas'
      when 'L' then 'large objects' else defaclobjtype::text end,
      (select format('%I', nspname) from pg_catalog.pg_namespace n
      where n.oid = defaclnamespace)), defaclrole, defaclacl
  from pg_catalog.pg_default_acl
) as listed (kind, ident, owner, acl)"""
)
# Nobody chose these owners: initdb or the service did.
UNCHOSEN = frozenset((("database", ""), ("schema", "public")))


@dataclass(frozen=True)
class Granted:
    owner: str
    privileges: frozenset[tuple[str, str]]


Grants = dict[tuple[str, str], Granted]


def read_grants(session: Session) -> list[list]:
    return [list(row) for row in session.ask_json(GRANTS)]


def as_grants(rows: Iterable[list], roles: Mapping[str, str]) -> Grants:
    """Take rows of GRANTS; `roles` renames, and its key * renames all that it does not name."""

    def renamed(role: str) -> str:
        return role if role == "public" else roles.get(role, roles.get("*", role))

    grants = {}
    for kind, ident, owner, privileges in rows:
        given = frozenset(
            (renamed(grantee), f"{privilege}{' with grant option' if grantable else ''}")
            for grantee, privilege, grantable in privileges
        )
        # Every role has default privileges of its own.
        name = f"{ident} made by {renamed(owner)}" if kind == "default privileges" else ident
        grants[kind, name] = Granted(renamed(owner), given)
    return grants


def compare_grants(source: Grants, target: Grants, owners: bool, acl: bool) -> list[str]:
    """Name every object of both sides with another owner or other privileges; missing ones are told elsewhere."""
    differences = []
    for key in sorted(source.keys() | target.keys()):
        ours, theirs = source.get(key), target.get(key)
        name = " ".join(filter(None, key))
        # Columns and default privileges are only listed where something was granted.
        ours = ours or (Granted("", frozenset()) if _optional(key) else None)
        theirs = theirs or (Granted("", frozenset()) if _optional(key) else None)
        if ours is None or theirs is None:
            continue
        if owners and key not in UNCHOSEN and not _optional(key) and ours.owner != theirs.owner:
            differences.append(f"{name} should belong to {ours.owner}, on the target it belongs to {theirs.owner}")
        if acl:
            differences += _privileges(name, ours, theirs)
    return differences


def _optional(key: tuple[str, str]) -> bool:
    return key[0] in ("column", "default privileges")


def _privileges(name: str, ours: Granted, theirs: Granted) -> list[str]:
    # The owner of either side needs no grant: under the map it may be a grantee of the other.
    owners = {ours.owner, theirs.owner}
    return [
        f"{name}: {grantee} {lacks} {privilege} on the target"
        for lacks, granted in (
            ("lacks", ours.privileges - theirs.privileges),
            ("has, and not on the source,", theirs.privileges - ours.privileges),
        )
        for grantee, privilege in sorted(granted)
        if grantee not in owners
    ]
