# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and SQL of logical replication: publications, slots, subscriptions. Pure.

Everything of one run begins with one stem made of the run's id; what has another name is somebody else's and is
never touched.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal

PREFIX = "ansible_migrate_"
_NOW = "case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end"
# Messages of pgoutput that carry changes: Insert, Update, Delete, Truncate.
_CHANGES = "(73, 85, 68, 84)"


def stem_of(run_id: str) -> str:
    """Slots allow small letters, digits and underscores; 12 digits of the id keep runs apart."""
    return PREFIX + run_id.replace("-", "")[:12]


def create_publication(name: str, idents: Iterable[str]) -> str:
    """Publish exactly these tables.

    FOR ALL TABLES would need a superuser, and would take in what is created later, which the other side lacks.
    """
    return f"create publication {identifier(name)} for table {_tables(idents)}"


def set_tables(name: str, idents: Iterable[str]) -> str:
    return f"alter publication {identifier(name)} set table {_tables(idents)}"


def _tables(idents: Iterable[str]) -> str:
    return ", ".join(f"only {ident}" for ident in idents)


def create_slot_exporting(name: str) -> str:
    """The old form, without parentheses: every server since 12 knows it."""
    return f"CREATE_REPLICATION_SLOT {name} LOGICAL pgoutput EXPORT_SNAPSHOT"


def create_slot(name: str) -> str:
    return f"select lsn from pg_catalog.pg_create_logical_replication_slot({literal(name)}, 'pgoutput')"


def create_subscription(name: str, conninfo: str) -> str:
    """Subscribe, stopped, without copying; the publication and the slot have the same name.

    The connection string holds a password. It goes to the server as a row of COPY, which no setting makes
    the server log, pg_stat_activity show or pg_stat_statements keep; the block that uses it names no text of it, and
    reports errors without their context, which would quote it. No superuser is needed for that.
    """
    options = f"create_slot = false, slot_name = {name}, enabled = false, copy_data = false"
    statement = f"create subscription {identifier(name)} connection %L publication {identifier(name)} with ({options})"
    return f"""begin;
create temp table ansible_conninfo (v text) on commit drop;
copy pg_temp.ansible_conninfo from stdin;
{_copy_text(conninfo)}
\\.
do $block$ begin
  execute pg_catalog.format({literal(statement)}, (select v from pg_temp.ansible_conninfo));
exception when others then raise exception '%', sqlerrm;
end $block$;
commit"""


def _copy_text(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return text


def conninfo(side: dict) -> str:
    """Write libpq's connection string; what is None is left out."""

    def quoted(value: object) -> str:
        return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"

    keys = {"database": "dbname"}
    return " ".join(f"{keys.get(key, key)}={quoted(value)}" for key, value in side.items() if value is not None)


def enable(name: str) -> str:
    return f"alter subscription {identifier(name)} enable"


def disable(name: str) -> str:
    """Stop, and end the worker: by itself it would look for the change only once in a second."""
    return (
        f"alter subscription {identifier(name)} disable;\nselect pg_catalog.pg_terminate_backend(pid)"
        f" from pg_catalog.pg_stat_subscription where subname = {literal(name)} and pid is not null"
    )


def drop_subscription(name: str) -> str:
    """Drop it without its slot: that lies on the other side, which may be out of the server's reach."""
    quoted = identifier(name)
    return (
        f"{disable(name)};\nalter subscription {quoted} set (slot_name = none);\ndrop subscription if exists {quoted}"
    )


def drop_publication(name: str) -> str:
    return f"drop publication if exists {identifier(name)}"


def drop_slot(name: str) -> str:
    """Its subscription is gone: whoever still reads it belongs to a run that is dead, or is about to end."""
    return (
        "select pg_catalog.pg_terminate_backend(active_pid) from pg_catalog.pg_replication_slots"
        f" where slot_name = {literal(name)} and active_pid is not null;\n"
        "select pg_catalog.pg_drop_replication_slot(slot_name) from pg_catalog.pg_replication_slots"
        f" where slot_name = {literal(name)}"
    )


def find(stem: str) -> str:
    """Ask one side for what has our name, and for how far it is."""
    return f"""
select pg_catalog.jsonb_build_object(
  'publications', (select coalesce(jsonb_agg(pubname order by pubname), '[]') from pg_catalog.pg_publication
    where {_ours("pubname", stem)}),
  'slots', (select coalesce(jsonb_agg(jsonb_build_object('name', s.slot_name, 'active', s.active,
      'wal_status', to_jsonb(s) ->> 'wal_status',
      'lag_bytes', pg_wal_lsn_diff({_NOW}, s.confirmed_flush_lsn)::bigint,
      'retained_bytes', pg_wal_lsn_diff({_NOW}, s.restart_lsn)::bigint,
      'lag_seconds', extract(epoch from r.replay_lag)) order by s.slot_name), '[]')
    from pg_catalog.pg_replication_slots s left join pg_catalog.pg_stat_replication r on r.pid = s.active_pid
    where s.database = current_database() and {_ours("s.slot_name", stem)}),
  'subscriptions', (select coalesce(jsonb_agg(jsonb_build_object('name', s.subname, 'enabled', s.subenabled,
      'working', a.pid is not null, 'heard', a.last_msg_receipt_time::text,
      'tables', (select coalesce(jsonb_object_agg(r.srrelid::regclass::text, r.srsubstate), '{{}}')
        from pg_catalog.pg_subscription_rel r where r.srsubid = s.oid)) order by s.subname), '[]')
    from pg_catalog.pg_subscription s
    -- Helpers of a worker, from 16 on, are not the worker.
    left join pg_catalog.pg_stat_subscription a on a.subid = s.oid and a.relid is null
      and to_jsonb(a) ->> 'leader_pid' is null
    where s.subdbid = (select oid from pg_catalog.pg_database where datname = current_database())
      and {_ours("s.subname", stem)}))"""


def _ours(column: str, stem: str) -> str:
    return f"pg_catalog.starts_with({column}::text, {literal(stem + '_')})"


# A transaction of our own, committed to disk: every transaction that was committed before lies before its end.
# To those who write past this point the server's default says no.
END_OF_LOG = """select count(pg_catalog.pg_logical_emit_message(true, 'ansible_migrate', '')) \\gset
select pg_catalog.pg_current_wal_flush_lsn()"""


def behind(stem: str, lsn: str) -> str:
    """Ask the publisher for slots whose subscriber has not committed everything up to this point.

    replay_lsn is what the subscriber has committed, confirmed_flush_lsn what is on its disk; only some
    may see the first, and it comes sooner.
    """
    return f"""
select to_jsonb(s.slot_name) from pg_catalog.pg_replication_slots s
left join pg_catalog.pg_stat_replication r on r.pid = s.active_pid
where s.database = current_database() and {_ours("s.slot_name", stem)}
  and coalesce(greatest(s.confirmed_flush_lsn, r.replay_lsn), '0/0') < {literal(lsn)}::pg_lsn"""


def written_since(slot: str, lsn: str) -> str:
    """Count the transactions with changes that were committed after this point. The slot must be idle."""
    return f"""
select count(*) from (select xid from pg_catalog.pg_logical_slot_peek_binary_changes({literal(slot)}, null, null,
    'proto_version', '1', 'publication_names', {literal(slot)})
  group by xid having max(lsn) > {literal(lsn)}::pg_lsn
    and bool_or(pg_catalog.get_byte(data, 0) in {_CHANGES})) s"""
