# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep writers out of a database, and let them in again.

New transactions of the database are made read-only by default, and every session that was there is ended, since
it knows the old default. Reading goes on. That works for superusers and for an application that shares its role
with us; a session that asks for READ WRITE by itself gets past it, which the cut-over proves not to have happened
before it trusts the other side. NOLOGIN or REVOKE CONNECT would lock out the replication as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal

_NAME = "default_transaction_read_only"
_DATABASE = "(select oid from pg_catalog.pg_database where datname = current_database())"

SAVED = f"""
select to_jsonb(split_part(s, '=', 2)) from pg_catalog.pg_db_role_setting, unnest(setconfig) s
where setrole = 0 and setdatabase = {_DATABASE} and s like '{_NAME}=%'"""

# Settings of a role win over those of the database.
EXEMPT = f"""
select to_jsonb(rolname) from pg_catalog.pg_db_role_setting d join pg_catalog.pg_roles r on r.oid = d.setrole,
  unnest(setconfig) s
where setdatabase in (0, {_DATABASE}) and s in ('{_NAME}=off', '{_NAME}=false', '{_NAME}=no', '{_NAME}=0')"""

PREPARED = "select to_jsonb(gid) from pg_catalog.pg_prepared_xacts where database = current_database()"

MAY = f"""
select pg_catalog.jsonb_build_object('set', pg_has_role(datdba, 'usage'),
  'see', pg_has_role('pg_read_all_stats', 'usage'), 'end', pg_has_role('pg_signal_backend', 'usage'),
  'user', current_user, 'database', datname)
from pg_catalog.pg_database where oid = {_DATABASE}"""

# Looks that must find nobody, one after another: a session that was being made at the fence shows itself late.
QUIET_LOOKS = 3
PAUSE = 0.05


def blockers(session: Session, side: str) -> list[str]:
    """Name what would make a fence of this side leak or fail."""
    (may,) = session.ask_json(MAY)
    found = []
    if not may["set"]:
        found.append(f"{may['user']} does not own the {side}'s database {may['database']}: only its owner can fence it")
    if not (may["see"] and may["end"]):
        found.append(
            f"{may['user']} may not see and end the sessions of others on the {side}: grant it pg_read_all_stats and "
            "pg_signal_backend"
        )
    exempt = session.ask(EXEMPT)
    if exempt:
        found.append(f"the roles {listed(exempt)} have a setting {_NAME}=off of their own on the {side}: reset it")
    prepared = session.ask(PREPARED)
    if prepared:
        found.append(f"prepared transactions on the {side}: {listed(prepared)}: commit them or roll them back")
    return found


def saved(session: Session) -> str | None:
    """Return the database's own setting, None when it has none."""
    found = session.ask_json(SAVED)
    return str(found[0]) if found else None


def close(session: Session, own: Iterable[str], patience: float) -> None:
    """Fence the session's database; nobody but our sessions is in it who could write."""
    session.ask(f"alter database {_database(session)} set {_NAME} = on")
    end_sessions(session, own, patience)
    prepared = session.ask(PREPARED)
    if prepared:
        raise PostgresError(f"a transaction was prepared while the {session.connection.side} was fenced: {prepared[0]}")


def open_again(session: Session, before: str | None, own: Iterable[str], patience: float) -> None:
    """Take the fence away. Sessions that were made behind it are ended: they would stay read-only for ever."""
    change = f"reset {_NAME}" if before is None else f"set {_NAME} = {literal(before)}"
    session.ask(f"alter database {_database(session)} {change}")
    end_sessions(session, own, patience)


def end_sessions(session: Session, own: Iterable[str], patience: float) -> None:
    """End every client that was there before now."""
    (now,) = session.ask("select pg_catalog.clock_timestamp()::text")
    others = f"""from pg_catalog.pg_stat_activity where datid = {_DATABASE}
      and coalesce(backend_type, 'client backend') = 'client backend'
      and coalesce(backend_start <= {literal(now)}, true) and usename is distinct from 'rdsadmin'
      and pid not in ({", ".join(own)})"""
    deadline, quiet = time.monotonic() + patience, 0
    while quiet < QUIET_LOOKS:
        there = session.ask(f"select pid, pg_catalog.pg_terminate_backend(pid) {others}")
        quiet = 0 if there else quiet + 1
        if there and time.monotonic() > deadline:
            raise PostgresError(
                f"{len(there)} sessions on the {session.connection.side} do not end within {patience:g} s: {there[0]}"
            )
        time.sleep(PAUSE if quiet < QUIET_LOOKS else 0)


def _database(session: Session) -> str:
    return identifier(session.connection.database)
