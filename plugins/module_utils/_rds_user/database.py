# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's side in the database, as SQL: what is there, and what puts it in order.

The application's login role is a member of `<database>_owner`, which cannot log in and owns the database, its
schemas and all objects, and it acts as that role from its first statement on. So migrations of the application may
alter every table, a second login role can take over without a change of owner, and the master user, a member
too, can still move data in: what it leaves behind is handed over to the owner by the next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal

# What ALTER ... OWNER TO knows. Not among it: what needs a superuser, and extensions, which have no new owner.
OWNABLE = (
    "schema", "table", "view", "materialized view", "sequence", "foreign table", "type", "function", "procedure",
    "aggregate", "operator", "operator class", "operator family", "collation", "conversion", "statistics object",
    "text search dictionary", "text search configuration", "large object", "publication",
)  # fmt: skip
WORDS = {"statistics object": "statistics"}
ATTRIBUTES = {
    "login": ("rolcanlogin", "LOGIN"),
    "createdb": ("rolcreatedb", "CREATEDB"),
    "createrole": ("rolcreaterole", "CREATEROLE"),
    "inherit": ("rolinherit", "INHERIT"),
}


def mark(app: str, stage: str) -> str:
    """Return the comment by which we recognise a role as ours."""
    return f"managed-by=bahnvision.aws app={app} stage={stage}"


def state_sql(username: str, owner: str) -> str:
    """Return the question whose answer, one line of JSON, says all that a decision needs."""
    kinds = ", ".join(literal(kind) for kind in OWNABLE)
    return f"""select json_build_object(
 'role', (select {_role_json()} from pg_catalog.pg_roles r where rolname = {literal(username)}),
 'owner', (select {_role_json()} from pg_catalog.pg_roles r where rolname = {literal(owner)}),
 'member', coalesce((select bool_or(m.rolname = {literal(username)}) {_members(owner)}), false),
 'master', current_user,
 'master_member', coalesce((select case when current_setting('server_version_num')::int >= 160000
     then pg_has_role(current_user, r.oid, 'SET') and pg_has_role(current_user, r.oid, 'USAGE')
     else pg_has_role(current_user, r.oid, 'MEMBER') end
   from pg_catalog.pg_roles r where rolname = {literal(owner)}), false),
 'acts_as', (select regexp_replace(c, '^role=', '') from pg_catalog.pg_db_role_setting s
   join pg_catalog.pg_roles r on r.oid = s.setrole join pg_catalog.pg_database d on d.oid = s.setdatabase,
   unnest(s.setconfig) c
   where r.rolname = {literal(username)} and d.datname = current_database() and c like 'role=%'),
 'database_owner', (select pg_get_userbyid(datdba) from pg_catalog.pg_database where datname = current_database()),
 'objects', (select coalesce(json_agg(json_build_array(i.type, i.identity)
     order by (i.type <> 'schema'), i.type, i.identity), '[]')
   from pg_catalog.pg_shdepend d, lateral pg_identify_object(d.classid, d.objid, 0) i
   where d.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
     and d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o'
     and d.refobjid = (select oid from pg_catalog.pg_roles where rolname = current_user)
     and i.type in ({kinds}) and coalesce(i.schema, '') <> {literal(MARKER_SCHEMA)}
     and not (i.type = 'schema' and i.name = {literal(MARKER_SCHEMA)})
     and not exists (select from pg_catalog.pg_depend e where e.classid = d.classid and e.objid = d.objid
       and (e.deptype = 'e' or (i.type = 'sequence' and e.deptype in ('a', 'i')
         and e.refclassid = 'pg_catalog.pg_class'::regclass)))))"""


def _role_json() -> str:
    attributes = ", ".join(f"'{name}', {column}" for name, (column, _word) in ATTRIBUTES.items())
    return (
        f"json_build_object({attributes}, 'connection_limit', rolconnlimit, "
        "'comment', shobj_description(r.oid, 'pg_authid'))"
    )


def _members(owner: str) -> str:
    return (
        "from pg_catalog.pg_auth_members a join pg_catalog.pg_roles m on m.oid = a.member"
        f" join pg_catalog.pg_roles g on g.oid = a.roleid where g.rolname = {literal(owner)}"
    )


def create_role(name: str, attributes: Mapping[str, Any], comment: str) -> list[str]:
    return [
        f"create role {identifier(name)} {attribute_words(attributes)}",
        f"comment on role {identifier(name)} is {literal(comment)}",
    ]


def alter_role(name: str, changes: Mapping[str, Any]) -> list[str]:
    """Only what changes: a server refuses to be told again what only a superuser may set."""
    return [f"alter role {identifier(name)} {attribute_words(changes)}"]


def attribute_words(attributes: Mapping[str, Any]) -> str:
    words = [f"{'' if attributes[name] else 'NO'}{ATTRIBUTES[name][1]}" for name in ATTRIBUTES if name in attributes]
    if "connection_limit" in attributes:
        words.append(f"CONNECTION LIMIT {int(attributes['connection_limit'])}")
    return " ".join(words)


def join_group(group: str, member: str) -> list[str]:
    return [f"grant {identifier(group)} to {identifier(member)}"]


def act_as(name: str, database: str, owner: str) -> list[str]:
    return [f"alter role {identifier(name)} in database {identifier(database)} set role to {literal(owner)}"]


def own_database(database: str, owner: str) -> list[str]:
    return [f"alter database {identifier(database)} owner to {identifier(owner)}"]


def own_objects(objects: list[list[str]], owner: str) -> list[str]:
    """The identities come quoted from the server."""
    return [f"alter {WORDS.get(kind, kind)} {name} owner to {identifier(owner)}" for kind, name in objects]


def set_password(name: str, verifier: str) -> list[str]:
    return [f"alter role {identifier(name)} password {literal(verifier)}"]


def drop_role(name: str, owner: str, master: str) -> list[str]:
    """Hand over what the role made for itself, take its privileges back, and remove it."""
    role = identifier(name)
    return [
        f"grant {role} to {identifier(master)}",
        f"reassign owned by {role} to {identifier(owner)}",
        f"drop owned by {role}",
        f"drop role {role}",
    ]


def together(statements: list[str]) -> str:
    """All or nothing: a run that is killed in between leaves no half."""
    return ";\n".join(["begin", *statements, "commit"])
