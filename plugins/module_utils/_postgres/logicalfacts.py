# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What logical replication needs on both sides, and what it cannot carry. The decisions are pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.logicalsql import PREFIX
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session

STANDBY_PUBLISHES_SINCE = 16
SUBSCRIBERS_ROLE_SINCE = 16
# Types without an equality that indexes know: a whole row that holds one cannot be found again by its values.
_NO_EQUALITY = "('json', 'xml', 'point', 'box', 'circle', 'line', 'lseg', 'path', 'polygon', 'jsonpath')"

# Roles that a managed service makes are asked for by name; to_regrole() knows whether they are there.
_MAY = """coalesce((select rolsuper from pg_roles where rolname = current_user), false)
  or coalesce(pg_has_role(to_regrole('rds_superuser'), 'member'), false)"""

SERVER = f"""
select pg_catalog.jsonb_build_object('version', current_setting('server_version_num')::int, 'user', current_user,
  'wal_level', current_setting('wal_level'), 'recovery', pg_is_in_recovery(),
  'managed', to_regrole('rds_superuser') is not null,
  'keep', current_setting('max_slot_wal_keep_size', true),
  'slots_free', current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots),
  'senders_free', current_setting('max_wal_senders')::int
    - (select count(*) from pg_stat_activity where backend_type = 'walsender'),
  'workers', current_setting('max_logical_replication_workers')::int
    - (select count(*) from pg_subscription where subenabled),
  'subscribed', (select coalesce(jsonb_agg(subname), '[]') from pg_subscription where subenabled
    and subdbid = (select oid from pg_database where datname = current_database())
    and not starts_with(subname::text, '{PREFIX}')),
  'others', (select coalesce(jsonb_agg(slot_name), '[]') from pg_replication_slots
    where database = current_database() and starts_with(slot_name::text, '{PREFIX}')),
  'may_replicate', (select rolsuper or rolreplication from pg_roles where rolname = current_user)
    or coalesce(pg_has_role(to_regrole('rds_replication'), 'member'), false) or {_MAY},
  'may_publish', has_database_privilege(current_database(), 'create'),
  'may_subscribe', {_MAY} or coalesce(pg_has_role(to_regrole('pg_create_subscription'), 'member'), false))"""

TABLES = f"""
select pg_catalog.jsonb_build_object('ident', format('%I.%I', n.nspname, c.relname),
  'unlogged', c.relpersistence = 'u', 'owned', pg_has_role(c.relowner, 'usage'),
  'identity', case c.relreplident when 'f' then 'full'
    when 'd' then case when exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary
      and i.indisvalid and i.indimmediate) then 'key' end
    when 'i' then case when exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident
      and i.indisvalid) then 'key' end end,
  'unequal', (select coalesce(jsonb_agg(a.attname), '[]') from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and c.relreplident = 'f'
      and t.typnamespace = 'pg_catalog'::regnamespace and t.typname in {_NO_EQUALITY}),
  'fires', (select coalesce(jsonb_agg(t.tgname), '[]') from pg_trigger t where t.tgrelid = c.oid
    and not t.tgisinternal and t.tgenabled in ('A', 'R')))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.oid >= 16384 and c.relpersistence in ('p', 'u')
  and n.nspname not in ('information_schema', '{MARKER_SCHEMA}') and n.nspname !~ '^pg_'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
    and d.deptype = 'e')
order by 1"""


@dataclass(frozen=True)
class Replication:
    """What one side has to say about replication; `tables` only of the one that publishes."""

    server: dict
    tables: tuple[dict, ...] = ()

    @property
    def major(self) -> int:
        return self.server["version"] // 10000


def read(session: Session, only: Collection[str] = ()) -> Replication:
    """Read one side; of its tables, those named."""
    (server,) = session.ask_json(SERVER)
    tables = session.ask_json(TABLES) if only else []
    return Replication(server, tuple(table for table in tables if table["ident"] in only))


def publisher_blockers(side: str, facts: Replication, needed: int = 1) -> list[str]:
    """Name what keeps this side from sending its changes."""
    server, found = facts.server, []
    if server["wal_level"] != "logical":
        how = "set rds.logical_replication=1 in its parameter group" if server["managed"] else "set wal_level=logical"
        found.append(f"the {side} has wal_level={server['wal_level']}: {how} and restart it")
    if server["recovery"] and facts.major < STANDBY_PUBLISHES_SINCE:
        found.append(f"the {side} is a standby of a version below {STANDBY_PUBLISHES_SINCE}: use its primary")
    for key, name in (("slots_free", "max_replication_slots"), ("senders_free", "max_wal_senders")):
        if server[key] < needed:
            found.append(f"the {side} has {max(server[key], 0)} left of {name}, {needed} needed: raise {name}")
    if not server["may_replicate"]:
        what = "grant it rds_replication" if server["managed"] else "alter role … replication"
        found.append(f"{server['user']} may not replicate from the {side}: {what}")
    if not server["may_publish"]:
        found.append(f"{server['user']} may not create a publication on the {side}: grant CREATE on the database")
    return found


def subscriber_blockers(side: str, facts: Replication) -> list[str]:
    """Name what keeps this side from taking changes in."""
    server, found = facts.server, []
    if not server["may_subscribe"]:
        role = "pg_create_subscription" if facts.major >= SUBSCRIBERS_ROLE_SINCE else "rds_superuser or superuser"
        found.append(f"{server['user']} may not create a subscription on the {side}: it needs the role {role}")
    for key, name in (("workers", "max_logical_replication_workers"), ("slots_free", "max_replication_slots")):
        if server[key] < 1:
            found.append(f"the {side} has none left of {name}: raise {name}")
    return found


def table_blockers(facts: Replication, static: Collection[str]) -> list[str]:
    """Name the tables whose changes cannot be carried. Those that nobody writes to need not be."""
    known = {table["ident"] for table in facts.tables}
    unknown = sorted(set(static) - known)
    followed = [table for table in facts.tables if table["ident"] not in static]
    faults = (
        ("static_tables names tables that the source does not have", unknown, "write schema.table, quoted as SQL does"),
        (
            "tables without replica identity, whose UPDATE and DELETE the source would refuse once they are published",
            [table["ident"] for table in followed if not table["unlogged"] and table["identity"] is None],
            "give each a primary key or ALTER TABLE … REPLICA IDENTITY FULL, or name it in static_tables when nobody "
            "writes to it",
        ),
        (
            "unlogged tables, which leave no changes in the log",
            [table["ident"] for table in followed if table["unlogged"]],
            "ALTER TABLE … SET LOGGED, or name it in static_tables when nobody writes to it",
        ),
        (
            "tables with REPLICA IDENTITY FULL and a column that cannot be compared",
            [f"{table['ident']} ({', '.join(table['unequal'])})" for table in followed if table["unequal"]],
            "give each a primary key and REPLICA IDENTITY DEFAULT",
        ),
        (
            f"tables that do not belong to {facts.server['user']}, who therefore may not publish them",
            [table["ident"] for table in followed if not table["owned"]],
            "use their owner, or grant it to the user",
        ),
    )
    return [f"{what}: {listed(names)}; {advice}" for what, names, advice in faults if names]


def remarks(facts: Replication, static: Collection[str], stem: str) -> list[str]:
    """Name what works and is worth a look."""
    server, found = facts.server, []
    if server["keep"] == "-1":
        found.append(
            "max_slot_wal_keep_size of the source is unlimited: while the target lags or stands still, the source's "
            "disk fills with WAL; watch slots with state=status of pg_migrate_cutover"
        )
    others = [name for name in server["others"] if not name.startswith(f"{stem}_")]
    if others:
        found.append(f"slots of other runs hold WAL on the source: {listed(others)}; drop them when nothing uses them")
    fires = [f"{name} on {table['ident']}" for table in facts.tables for name in table["fires"]]
    if fires:
        found.append(f"triggers that fire for replicated rows as well (ENABLE ALWAYS or REPLICA): {listed(fires)}")
    if static:
        found.append(f"copied once and not followed, compared by content at the cut-over: {listed(sorted(static))}")
    return found


# What logical replication does not carry, for the result of a run.
NOT_FOLLOWED = (
    ("changes of definitions (DDL)", "freeze them until the cut-over, which refuses to switch when they differ"),
    ("values of sequences", "they are copied again at the cut-over"),
    ("changes of large objects", "the cut-over refuses to switch when their contents differ"),
    ("refreshes of materialized views", "refresh them on the target after the cut-over"),
)


def not_followed(large_objects: int, objects: Collection[tuple[str, str]]) -> list[dict]:
    """Leave out what this database does not have."""
    kinds = {kind for kind, _ident in objects} | ({"large object"} if large_objects else set())
    words = {"values of": "sequence", "changes of large": "large object", "refreshes": "materialized view"}
    return [
        {"object": what, "reason": why}
        for what, why in NOT_FOLLOWED
        if all(kind in kinds for start, kind in words.items() if what.startswith(start))
    ]
