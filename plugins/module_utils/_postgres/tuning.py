# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options that tune a move, and refuse what cannot be before anything is opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import steps
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.rowhash import CTID_RANGES_SINCE
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sides import Sides, number_of_jobs
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Options
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.throttle import can_throttle

CONNECTION_CHECK = {"client_connection_check_interval": "2s", "idle_session_timeout": "0"}  # servers from 14 on


def options_of(params: Mapping[str, Any]) -> Options:
    """Options left out by a caller other than the module are as its defaults."""
    steps.size_of("maintenance_work_mem", params["maintenance_work_mem"])
    options = Options(
        format=params["format"],
        freeze=params["freeze"],
        split_over=steps.size_of("split_over", params["split_over"]),
        stall_timeout=params["stall_timeout"],
        analyze=params.get("analyze") or "analyze",
        index_jobs=_index_jobs(params.get("index_jobs") or "auto"),
        max_rate=params.get("max_rate") or 0,
        synchronous_commit=bool(params.get("synchronous_commit")),
        foreign_keys=params.get("foreign_keys") or "validate",
    )
    if params["engine"] != "copy" and (options.max_rate or options.format == "binary"):
        raise PostgresError("max_rate and format=binary are for the rows that engine=copy moves: leave them out")
    _check_rate(options.max_rate)
    return options


def target_settings(sides: Sides, params: Mapping[str, Any], options: Options, jobs: int, major: int) -> dict[str, str]:
    """Return the settings of every session that writes to the target."""
    settings = dict(CONNECTION_CHECK) if major >= 14 else {}
    if not options.synchronous_commit:
        # The marks that say what is done are committed to disk, and everything before them with them.
        settings["synchronous_commit"] = "off"
    memory = params["maintenance_work_mem"]
    if not memory and params["engine"] == "copy":
        memory = steps.index_memory(sides.target_session, options.index_jobs or jobs)
    return {**settings, "maintenance_work_mem": memory} if memory else settings


def for_source(options: Options, major: int) -> Options:
    return options if major >= CTID_RANGES_SINCE else dataclasses.replace(options, split_over=0)


def _index_jobs(text: str) -> int:
    """Return 0 for auto: as many as there are workers."""
    if text == "auto":
        return 0
    try:
        return number_of_jobs(text)
    except PostgresError:
        raise PostgresError(f"index_jobs is {text!r}: give a number from 1 to 64, or auto") from None


def _check_rate(rate: float) -> None:
    if rate < 0:
        raise PostgresError(f"max_rate is {rate:g}: give million bytes per second, or 0 for no limit")
    if rate and not can_throttle():
        raise PostgresError("max_rate needs Linux's /proc/<process>/io: leave it out, or use another runner")
