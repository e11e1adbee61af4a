# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a migration that need no knowledge of the others."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError, listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import Plan, refusal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import NOT_MOVED, Finding, Request
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import CTID_RANGES_SINCE
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session, run_all
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier, literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Options
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

FOLDER_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def size_of(name: str, text: str | None) -> int:
    """Read a size as PostgreSQL writes it, in bytes; nothing is 0."""
    found = re.fullmatch(r"(\d+)(kB|MB|GB)|0", text or "0")
    if not found:
        raise PostgresError(f"{name} is {text!r}: give a size such as 512MB")
    return int(found[1]) << {"kB": 10, "MB": 20, "GB": 30}[found[2]] if found[1] else 0


def work_parent(workdir: str | None) -> Path:
    """Return the folder in which the private folder of this run is made."""
    parent = Path(workdir or tempfile.gettempdir())
    if not parent.is_absolute() or not parent.is_dir():
        raise PostgresError(f"workdir {parent} is not an existing folder with an absolute path")
    return parent


def request(params: dict, jobs: int, parent: Path, pooled: tuple[str, ...] = (), wish: Wish | None = None) -> Request:
    """Say what the rules are to judge: pg_migrate and pg_migrate_preflight ask the same."""
    gigabytes = params.get("target_storage_gb")
    return Request(
        jobs=jobs,
        engine=params["engine"],
        method=params.get("method", "copy"),
        free_bytes=shutil.disk_usage(parent).free if params["engine"] == "dump" else None,
        target_storage=None if gigabytes is None else int(gigabytes * (1 << 30)),
        wish=wish or Wish(),
        sslmode=params["target"]["sslmode"],
        pooled=pooled,
    )


def options(params: dict, source_major: int) -> Options:
    """Say how the rows are moved."""
    split = size_of("split_over", params["split_over"]) if source_major >= CTID_RANGES_SINCE else 0
    return Options(params["format"], params["freeze"], split, params["stall_timeout"], params["analyze"])


@contextmanager
def private_folder(parent: Path, sides: Sides) -> Iterator[Path]:
    """Make a folder that only we may enter; it is gone afterwards, even when we are killed."""
    try:
        with tempfile.TemporaryDirectory(prefix="pg_migrate.", dir=parent) as name:
            sides.commands.watchdog.folder_made(Path(name))
            yield Path(name)
    except OSError as problem:
        if problem.errno not in FOLDER_TROUBLE:
            raise
        raise PostgresError(
            f"the working files in {parent} cannot be written: {problem.strerror}: "
            "make room or give the right to write there, or set workdir to another folder"
        ) from problem


def application(run_id: str) -> str:
    """The name by which a later run recognises server processes that still work for this one."""
    return f"ansible_migrate:{run_id}"


def only_extensions(plan: Plan) -> Plan:
    """Return the plan without all but its extensions; raise what forbids those."""
    asked = tuple(
        finding for finding in plan.findings if finding.rule.startswith("extension-") or finding.rule == "selection"
    )
    rest = Finding("left-out", NOT_MOVED, "everything but extensions", "extensions.mode is only", "")
    less = replace(
        plan, tables=(), large_objects=0, findings=(*asked, rest),
        objects=tuple(("extension", name) for name, _schema in plan.extensions),
    )  # fmt: skip
    if less.blockers:
        raise refusal(less, {"blockers": list(less.blockers)})
    return less


def outcome(plan: Plan, changed: bool, timings: Mapping[str, float]) -> dict:
    """Return what of a result follows from the plan and the clock."""
    moving = timings.get("dump", 0) + timings.get("restore", 0)
    names = "".join(f"{kind} {ident}\n" for kind, ident in plan.objects)
    return {
        "changed": changed,
        "plan": plan.summary,
        "timeline": [],
        "timings": dict(timings),
        "throughput_mb_s": round(plan.bytes / 1e6 / moving, 2) if moving else None,
        "diff": {"before": "" if changed else names, "after": names},
    }


def make_extensions(sides: Sides, plan: Plan, target: Facts, check_mode: bool) -> bool:
    """Create what is missing; return whether anything is."""
    missing = [name for name, _schema in plan.extensions if name not in target.server["extensions"]]
    if missing and not check_mode:
        prepare(sides, plan, has_public=False)
    return bool(missing)


def prepare(sides: Sides, plan: Plan, has_public: bool) -> frozenset[str]:
    """Create the extensions; return the ids (on the source) of the schemas that exist on the target now."""
    session = sides.target_session
    wanted = ["public"] if has_public else []
    wanted += [schema for _name, schema in plan.extensions if not schema.startswith("pg_")]
    have = set(session.ask("select nspname from pg_catalog.pg_namespace"))
    for schema in dict.fromkeys(wanted):
        if schema not in have:
            session.ask(f"create schema {identifier(schema)}")
    for name, schema in plan.extensions:
        version = f" version {literal(plan.versions[name])}" if name in plan.versions else ""
        where = f"with schema {identifier(schema)}{version}"
        session.ask(f"create extension if not exists {identifier(name)} {where} cascade")
    existing = ", ".join(literal(name) for name in [*have, *wanted])
    return frozenset(sides.source_session.ask(f"select oid from pg_catalog.pg_namespace where nspname in ({existing})"))


def index_memory(session: Session, jobs: int) -> str:
    """As much as shared_buffers for all index builds together: on RDS that is a quarter of the memory."""
    (kilobytes,) = session.ask(
        "select greatest(pg_size_bytes(current_setting('maintenance_work_mem')), least(1073741824,"
        f" pg_size_bytes(current_setting('shared_buffers')) / {jobs})) / 1024"
    )
    return f"{kilobytes}kB"


def analyze(sides: Sides, jobs: int, done: frozenset[str]) -> None:
    """Gather the statistics of all tables but those that are done, and of materialized views."""
    names = content.names(sides.target_session, catalogue.ANALYZABLE)
    analyze_tables(sides, jobs, {name: name for name in names if name not in done})


def analyze_tables(sides: Sides, jobs: int, tables: Mapping[str, str]) -> None:
    """Take {name: what ANALYZE is told}, the biggest first."""
    if not tables:
        return
    sessions = content.open_sessions(sides.commands, sides.psql, sides.target, min(jobs, len(tables)))
    (answers,) = run_all([(sessions, [(name, f"analyze {what}") for name, what in tables.items()])], sides.commands)
    for session in sessions:
        session.close()
    errors = [f"{name}: {answer.error}" for name, answer in answers.items() if answer.error]
    if errors:
        raise PostgresError(f"ANALYZE on the {sides.target} failed: {listed(errors, 3)}")
