# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read both sides, ask the rules, say what a move would be like; nothing is changed on either."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.bahnvision.aws.plugins.module_utils._dms.source import assess_source
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import (
    copysql,
    logicalfacts,
    logicalsql,
    marker,
    steps,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import find_clients
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan, make_plan, refusal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight import sql
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Request,
    Streams,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rules import not_checked, verdicts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.tables import planned_tables
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides, number_of_jobs, opened
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

# Lists of everything a server has: the rules need them, people do not.
_LONG = (
    "available",
    "roles",
    "collations",
    "may_become",
    "may_create_in_public",
    "guarded_extensions",
    "clock",
    "may_grant",
    "grants",
    "extension_versions",
)
CTID_RANGES_SINCE = 14  # as in pg_migrate: older servers read the whole table for each part


def preflight(params: dict) -> dict:
    """Return facts, findings, plan and estimates; raise PostgresError, with the same, when a blocker was found."""
    jobs = number_of_jobs(params["jobs"])
    split_over = steps.size_of("split_over", params["split_over"])
    rate = params["rate_mb_s"]
    if rate is not None and rate <= 0:
        raise PostgresError(f"rate_mb_s is {rate:g}: give a number above 0")
    parent = steps.work_parent(params["workdir"])
    with opened(params, params["timeout"], Wish.of(params)) as sides:
        request = steps.request(params, jobs, parent, sides.pooled(), sides.wish)
        source = sides.read_source()
        target, found = sides.read_target()
        request = replace(
            request,
            clients=_missing_clients(target, params["client_bindir"]),
            replication=_streams(sides, found, params) if params["method"] == "logical" else None,
        )
        decision = marker.decide(found, target, make_plan(source, target, request), params["on_nonempty"])
        if decision.action == "refuse":
            request = replace(request, refusal=decision.reason)
        elif params["method"] == "dms" and decision.action != "done":
            request = replace(request, assessment=assess_source(sides, source, jobs))
        plan = make_plan(source, target, request)
        ours = params["method"] != "dms"
        how = {
            "jobs": jobs,
            "split_over": split_over if ours and source.major >= CTID_RANGES_SINCE else 0,
            "format": params["format"],
            "freeze": ours and params["freeze"],
            "encoding": source.server["encoding"],
        }
        tables = _tables(sides, plan, how)
    result = _result(Case(source, target, request), plan, decision.action, tables, rate)
    # What is done needs nothing any more: then a full disk is no reason to fail.
    if plan.blockers and params["fail_on_blockers"] and decision.action != "done":
        raise refusal(plan, result)
    return result


def _streams(sides: Sides, found: marker.Marker | None, params: dict) -> Streams:
    """Read what replication needs, with the facts that pg_migrate reads."""
    source = logicalfacts.read(sides.source_session, sides.moved_tables)
    target = logicalfacts.read(sides.target_session)
    stem = logicalsql.stem_of(found.run_id) if found else logicalsql.PREFIX + "-"
    return Streams(source, target, tuple(params["static_tables"] or ()), stem, found is not None)


def _missing_clients(target: Facts, bindir: str | None) -> str:
    try:
        find_clients(target.major, bindir)
    except PostgresError as problem:
        return str(problem)
    return ""


def _tables(sides: Sides, plan: Plan, how: dict) -> list[dict]:
    session, oids = sides.source_session, [table["oid"] for table in plan.tables]
    return planned_tables(
        plan,
        session.ask_json(copysql.tables_sql(oids)),
        session.ask_json(copysql.TYPES),
        session.ask_json(sql.table_sizes(oids)),
        how,
    )


def _result(case: Case, plan: Plan, action: str, tables: list[dict], rate: float | None) -> dict:
    return {
        "changed": False,
        "state": action,
        "source": _facts(case.source),
        "target": _facts(case.target),
        "blockers": [finding.result for finding in plan.found(BLOCKER)],
        "advice": [finding.result for finding in plan.found(ADVICE)],
        "not_moved": list(plan.skipped),
        "not_checked": not_checked(case),
        "rules": verdicts(case, plan.findings),
        "plan": {**plan.summary, **_how(case.request)},
        "tables": tables,
        "estimate": case.estimate.result(rate),
    }


def _how(request: Request) -> dict:
    return {"engine": request.engine, "method": request.method, "jobs": request.jobs}


def _facts(facts: Facts) -> dict:
    return {**facts.summary, **{key: value for key, value in facts.server.items() if key not in _LONG}} | {
        "version": facts.server["version_text"]
    }
