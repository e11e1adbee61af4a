# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record on the target by which a later run knows what happened: decisions (pure) and its SQL.

All statements but the reading go through the session that holds the advisory lock: a run that has lost
its lock cannot write that it is done.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import MARKER_SCHEMA, STANDALONE
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Key, Plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import names_of, told_difference


@dataclass(frozen=True)
class Marker:
    run_id: str
    source_fingerprint: str
    plan_hash: str
    state: str
    started: str
    report: dict
    objects: frozenset[Key]


@dataclass(frozen=True)
class Decision:
    """`action` is move, resume, done or refuse; `reason` is for people, `run_id` the run that was found."""

    action: str
    reason: str = ""
    run_id: str = ""


def decide(marker: Marker | None, target: Facts, plan: Plan, on_nonempty: str) -> Decision:
    """Say what a run may do with the target as it stands."""
    lock = target.server["lock"]
    if lock:
        since = f"since {lock['since']} from {lock['client']}, server process {lock['pid']}"
        return Decision("refuse", f"another run is at work on the target ({since}): wait for its end")
    present = sorted(key for key in target.objects if key[0] in STANDALONE)
    if marker is None:
        # Somebody may have made extensions before, and schemas for them.
        prepared = {about["schema"] for about in target.server["extensions"].values()}
        names = [f"{kind} {ident}" for kind, ident in present if kind != "schema" or names_of(ident)[0] not in prepared]
        if target.server["large_objects"]:
            names.append(f"{target.server['large_objects']} large objects")
        if names:
            return Decision(
                "refuse",
                f"the target is not empty and was not filled by this module: {listed(names)}; nothing was touched",
            )
        return Decision("move")
    difference = told_difference(marker.report.get("selection") or {}, plan.outcome) or _difference(marker, plan)
    if difference:
        return Decision(
            "refuse", f"the target was {_deed(marker)} (run {marker.run_id}, {marker.started}); {difference}"
        )
    if marker.state == "done":
        return _still_done(marker, present)
    return _resumable(marker, present, on_nonempty)


def _deed(marker: Marker) -> str:
    return "filled by another migration" if marker.state == "done" else "begun by another migration"


def _difference(marker: Marker, plan: Plan) -> str:
    then = marker.report
    if marker.source_fingerprint != plan.fingerprint:
        if then.get("identity") != plan.identity:
            return f"its source was {then.get('identity')} (system/database), now it is {plan.identity}"
        changed = [f"{kind} {ident}" for kind, ident in sorted(set(plan.objects) ^ marker.objects)]
        what = listed(changed) if changed else "definitions of objects that exist in both"
        return (
            f"the source's schema has changed since: {what}; restore the old schema or empty the target and begin anew"
        )
    if marker.plan_hash != plan.plan_hash:
        return "it was planned otherwise (another version of this module, other extensions or another target database)"
    return ""


def _still_done(marker: Marker, present: list[Key]) -> Decision:
    missing = [f"{kind} {ident}" for kind, ident in sorted(marker.objects - set(present))]
    if missing:
        return Decision("refuse", f"run {marker.run_id} is done, but the target has lost since: {listed(missing)}")
    return Decision("done", run_id=marker.run_id)


def _resumable(marker: Marker, present: list[Key], on_nonempty: str) -> Decision:
    foreign = [f"{kind} {ident}" for kind, ident in present if (kind, ident) not in marker.objects]
    if foreign:
        return Decision(
            "refuse",
            f"run {marker.run_id} was interrupted, and the target holds what it did not make: {listed(foreign)}; "
            "move that away first; nothing was touched",
        )
    if on_nonempty == "fail":
        return Decision(
            "refuse",
            f"run {marker.run_id} was interrupted and on_nonempty=fail forbids to resume it: nothing was touched",
        )
    return Decision("resume", f"run {marker.run_id} of {marker.started} was interrupted", marker.run_id)


def read_marker(session: Session) -> Marker | None:
    """Read inside the session's transaction; None when the target was never claimed."""
    rows = session.ask_json(
        rf"""
select to_regclass('{MARKER_SCHEMA}.run') is not null as claimed \gset
\if :claimed
select pg_catalog.jsonb_build_object('run_id', run_id, 'source_fingerprint', source_fingerprint, 'plan_hash', plan_hash,
  'state', state, 'started', started, 'report', report,
  'objects', (select coalesce(jsonb_agg(jsonb_build_array(kind, ident)), '[]') from {MARKER_SCHEMA}.item i
    where i.run_id = r.run_id and kind not in ('large object', 'table data')))
from {MARKER_SCHEMA}.run r order by started desc limit 1;
\endif"""
    )
    if not rows:
        return None
    return Marker(**{**rows[0], "objects": frozenset((kind, ident) for kind, ident in rows[0]["objects"])})


def foreign_large_objects(session: Session, run_id: str) -> list[str]:
    """Return the large objects on the target that the interrupted run did not plan."""
    return session.ask(
        f"select oid from pg_catalog.pg_largeobject_metadata where oid::text not in "
        f"(select ident from {MARKER_SCHEMA}.item where kind = 'large object' and run_id = {literal(run_id)}) limit 21"
    )


def claim(
    session: Session,
    run_id: str,
    plan: Plan,
    client_version: str,
    lsn: str,
    large_objects: list[str],
    state: dict,
    more: dict | None = None,
) -> None:
    """Write down who we are and everything we are going to make, in one transaction."""
    report = json.dumps(
        {"identity": plan.identity, "schema_hash": plan.schema_hash, "source_state": state,
         "selection": plan.outcome, **(more or {})}
    )  # fmt: skip
    items = json.dumps([*plan.objects, *(("large object", oid) for oid in large_objects)])
    session.ask(
        f"""
begin;
create schema if not exists {MARKER_SCHEMA};
create table if not exists {MARKER_SCHEMA}.run (
  run_id uuid primary key, source_fingerprint text not null, plan_hash text not null, client_version text not null,
  snapshot_lsn pg_lsn, state text not null check (state in ('running', 'done')),
  started timestamptz not null default now(), finished timestamptz, report jsonb not null);
create table if not exists {MARKER_SCHEMA}.item (
  run_id uuid not null references {MARKER_SCHEMA}.run on delete cascade, kind text not null, ident text not null,
  part int not null default 0, state text not null, rows bigint, bytes bigint, hash text, seconds numeric,
  primary key (run_id, kind, ident, part));
insert into {MARKER_SCHEMA}.run (run_id, source_fingerprint, plan_hash, client_version, snapshot_lsn, state, report)
values ({literal(run_id)}, {literal(plan.fingerprint)}, {literal(plan.plan_hash)}, {literal(client_version)},
  {literal(lsn or None)}, 'running', {literal(report)})
on conflict (run_id) do update set client_version = excluded.client_version, snapshot_lsn = excluded.snapshot_lsn,
  report = excluded.report;
delete from {MARKER_SCHEMA}.item;
insert into {MARKER_SCHEMA}.item (run_id, kind, ident, state)
select {literal(run_id)}, e ->> 0, e ->> 1, 'planned' from jsonb_array_elements({literal(items)}) e;
insert into {MARKER_SCHEMA}.item (run_id, kind, ident, state, bytes)
select {literal(run_id)}, 'table data', e ->> 'name', 'planned', (e ->> 'bytes')::bigint
from jsonb_array_elements({literal(json.dumps(plan.tables))}) e;
commit"""
    )


def set_phase(session: Session, run_id: str, phase: str) -> None:
    """Write how far the run is. Committed to disk, and with it everything committed before it."""
    session.ask(
        f"update {MARKER_SCHEMA}.run set report = report || {literal(json.dumps({'phase': phase}))}"
        f" where run_id = {literal(run_id)}"
    )


def note(session: Session, run_id: str, key: str, value: object) -> None:
    """Write one thing into the run's report. Committed to disk, whatever the session's settings are."""
    session.ask(
        f"begin;\nset local synchronous_commit = on;\nupdate {MARKER_SCHEMA}.run set report = report ||"
        f" {literal(json.dumps({key: value}))} where run_id = {literal(run_id)};\ncommit"
    )


def finish(
    session: Session, run_id: str, report: dict, tables: list[dict], last: Callable[[], None] = lambda: None
) -> None:
    """Write that the run is done, and with it what `last` does, or neither.

    Committed to disk, and with it everything committed before it.
    """
    rows = json.dumps(tables)
    session.ask("begin;\nset local synchronous_commit = on")
    last()
    session.ask(
        f"""
insert into {MARKER_SCHEMA}.item (run_id, kind, ident, state, rows, bytes, hash, seconds)
select {literal(run_id)}, 'table data', e ->> 'name', 'done', (e ->> 'rows_target')::bigint, (e ->> 'bytes')::bigint,
  e ->> 'hash', (e ->> 'seconds')::numeric from jsonb_array_elements({literal(rows)}) e
on conflict (run_id, kind, ident, part) do update set hash = excluded.hash, rows = excluded.rows,
  bytes = excluded.bytes, seconds = excluded.seconds;
delete from {MARKER_SCHEMA}.item where kind = 'table data' and part > 0;
update {MARKER_SCHEMA}.item set state = 'done' where run_id = {literal(run_id)};
update {MARKER_SCHEMA}.run set state = 'done', finished = now(), report = report || {literal(json.dumps(report))}
where run_id = {literal(run_id)};
commit"""
    )


def mark_large_objects(session: Session, run_id: str) -> None:
    session.ask(
        f"update {MARKER_SCHEMA}.item set state = 'done' where kind = 'large object' and run_id = {literal(run_id)}"
    )


def done_tables(session: Session) -> list[dict]:
    """Return what the finished run wrote down about its tables."""
    return session.ask_json(
        f"""
select pg_catalog.jsonb_build_object('name', ident, 'rows_source', rows, 'rows_target', rows, 'bytes', bytes,
  'seconds', seconds, 'hash', hash, 'status', 'done')
from {MARKER_SCHEMA}.item where kind = 'table data' order by bytes desc, ident"""
    )
