# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the target's planner its statistics: gathered anew, loaded from the source, or not at all.

What the source knows of its rows is true of their copy. Loading it takes a moment where ANALYZE reads a sample of every
table; but only servers from 18 on can load it, and no server loads extended statistics.
"""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import content, steps
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.archive import Archive
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import COMMON
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task

ANALYZE, STATISTICS, NONE = "analyze", "statistics", "none"
LOADED_SINCE = 18

# What the source has never looked at, and what has statistics that are not loaded.
_WITHOUT = (
    COMMON
    + """
select pg_catalog.to_jsonb(ident) from rel where relkind in ('r', 'p', 'm') and (relkind <> 'm' or relispopulated)
  and (reltuples < 0 or exists (select from pg_catalog.pg_statistic_ext e where e.stxrelid = rel.oid)
    or (reltuples > 0 and not exists (select from pg_catalog.pg_stats s join ns on ns.nspname = s.schemaname
        where ns.oid = rel.relnamespace and s.tablename = rel.relname)))
order by pg_catalog.pg_table_size(oid) desc, ident"""
)


def how(task: Task) -> str:
    """Say what is done: what was asked for, or what the target can do instead."""
    wanted = task.options.analyze
    return ANALYZE if wanted == STATISTICS and task.target_major < LOADED_SINCE else wanted


def read(task: Task) -> None:
    """Take what the source knows, while the run's snapshot lives."""
    if how(task) == STATISTICS:
        _archive(task).read("--format=custom", "--statistics-only")


def gather(sides: Sides, task: Task, done: frozenset[str]) -> dict:
    """Do it; `done` are tables that the engine has analyzed. Return what came of it."""
    if how(task) == NONE:
        return _told(NONE, "the planner knows nothing of the rows: run ANALYZE before the application comes")
    if how(task) == ANALYZE:
        steps.analyze(sides, task.jobs, done)
        asked = task.options.analyze == ANALYZE
        return _told(ANALYZE, "" if asked else f"servers below {LOADED_SINCE} cannot load statistics")
    try:
        _archive(task).restore_all("--statistics-only")
    except PostgresError as problem:
        steps.analyze(sides, task.jobs, frozenset())
        return _told(ANALYZE, f"the source's statistics could not be loaded: {problem}")
    # What the source knows is not true of tables that were moved without their rows.
    rest = list(dict.fromkeys([*content.names(sides.target_session, _WITHOUT), *sorted(task.chosen.unread)]))
    # Of a partitioned table the partitions have theirs: without ONLY they would be read again.
    steps.analyze_tables(sides, task.jobs, {name: f"only {name}" for name in rest})
    return _told(STATISTICS, "", rest)


def remarks(told: dict | None) -> list[str]:
    return [f"statistics of the target: {told['reason']}"] if told and told["reason"] else []


def _archive(task: Task) -> Archive:
    return Archive(task, task.workdir / "statistics")


def _told(what: str, reason: str, analyzed: list[str] | None = None) -> dict:
    return {"how": what, "reason": reason, "analyzed": analyzed or []}
