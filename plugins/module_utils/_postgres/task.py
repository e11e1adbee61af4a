# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import Clients
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.command import Commands
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import SILENCE, Connection
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.foreignkeys import ForeignKey
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session


@dataclass(frozen=True)
class Options:
    """How the work is done. `index_jobs` is 0 for as many as there are workers, `max_rate` for no limit."""

    format: str = "auto"
    freeze: bool = True
    split_over: int = 10 << 30
    stall_timeout: int = 600
    analyze: str = "analyze"
    index_jobs: int = 0
    max_rate: float = 0
    synchronous_commit: bool = False
    foreign_keys: str = "validate"


@dataclass(frozen=True)
class Task:
    """Everything an engine needs to know about one move.

    `tables` are the plan's, biggest first; `kept` maps the names of those that an interrupted run has finished
    and that are still true to their rows; with it, the schema stands already.
    `chosen` names what the dump must lose, `dump_options` spare it the work; neither is more than the other.
    `on_tick` is called several times a second and raises when the run has lost its lock or snapshot;
    `on_copied` once, as soon as nothing more is read from the source; `on_progress` tells a watcher.
    """

    commands: Commands
    clients: Clients
    source: Connection
    target: Connection
    snapshot: str
    workdir: Path
    jobs: int
    lock_timeout: int
    source_settings: dict[str, str]
    target_settings: dict[str, str]
    application: str
    extensions: tuple[str, ...]
    existing_schemas: frozenset[str]
    on_tick: Callable[[], None]
    run_id: str = ""
    source_session: Session | None = None
    target_session: Session | None = None
    tables: tuple[dict, ...] = ()
    large_objects: int = 0
    large_objects_kept: bool = False
    not_validated: tuple[ForeignKey, ...] = ()
    target_major: int = 0
    encoding: str = "UTF8"
    options: Options = Options()
    kept: dict[str, int] | None = None
    chosen: Chosen = field(default_factory=Chosen)
    dump_options: tuple[str, ...] = ()
    kept_parts: dict[str, dict[str, int]] = field(default_factory=dict)
    on_copied: Callable[[], None] = lambda: None
    on_progress: Callable[[dict], None] = lambda _state: None

    @property
    def index_jobs(self) -> int:
        return self.options.index_jobs or self.jobs

    @property
    def patience(self) -> int:
        """Seconds that a target may take in nothing of what it is sent."""
        return max(self.options.stall_timeout, SILENCE)


@dataclass
class Written:
    """What write_rows() did: by the tables' object ids on the source, or their names.

    `rows` is (read on the source, written on the target) and None when the engine does not count. `spans` are the
    copies and index builds, with the worker that did each and when; see progress.span(). `commit` is the time from
    both ends' word about a table to its commit with its mark, in seconds of all workers. `recount` names the tables
    that an interrupted run may have left rows in, so that what this run has written does not say what is there;
    `kept_parts` are the parts of tables that were not copied again.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, tuple[int, int]] | None = None
    how: dict[str, str] = field(default_factory=dict)
    analyzed: frozenset[str] = frozenset()
    spans: list[dict] = field(default_factory=list)
    commit: float = 0.0
    recount: frozenset[str] = frozenset()
    kept_parts: dict[str, dict[str, int]] = field(default_factory=dict)
