# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a PostgreSQL database is moved, for those that move it, foretell the move or end it."""

    # What both the preflight and the move take; move_spec() of _postgres/arguments.py.
    DOCUMENTATION = r"""
options:
  engine:
    description:
      - V(copy) is the fast one. It needs room for the definitions only, holds the source's snapshot until the last
        row is read and freezes the rows, so that the target needs no vacuum afterwards.
      - V(dump) is the conservative one. It writes a complete dump with C(pg_dump -Fd) before C(pg_restore)
        touches the target, and gives the source's snapshot free in between.
    type: str
    choices: [copy, dump]
    default: copy
  format:
    description:
      - V(auto) copies a table in binary form when all its columns have types that mean the same on both servers,
        else as text, V(text) always as text. RV(tables) names the form of each table.
      - Binary form costs the target about a fifth less work. Used by O(engine=copy) only.
    type: str
    choices: [auto, text]
    default: auto
  freeze:
    description: Whether O(engine=copy) writes rows as frozen and visible to all, so that no later vacuum rewrites them.
    type: bool
    default: true
  split_over:
    description:
      - With O(engine=copy), a table larger than this and larger than the fair share of one of the O(jobs) is copied
        in several parts at once. The rows of such a table are not frozen.
      - V(0) never splits. Splitting is efficient on sources from version 14 on.
    type: str
    default: 10GB
  workdir:
    description:
      - Existing folder with room for the definitions and, with O(engine=dump), for the dump, about the size of all
        tables without indexes.
      - A private folder is made in it and removed at the end, also when the module is killed.
      - When it is left out, the system's folder for temporary files is used.
    type: path
  on_nonempty:
    description:
      - What to do when an interrupted run of the same migration has left something on the target.
      - V(resume) drops what that run has made and completes the migration, V(fail) stops.
      - A target that was filled by anybody else is refused either way.
    type: str
    choices: [fail, resume]
    default: resume
  static_tables:
    description: With O(method=logical), the tables that are copied and not followed, each as C(schema.table), quoted as
      SQL quotes it. They need no replica identity and may be unlogged, but nobody may write to them until the cut-over,
      which compares their contents.
    type: list
    elements: str
"""

    # What costs the servers less or more; tuning_spec().
    TUNING = r"""
options:
  maintenance_work_mem:
    description:
      - Memory for each index that is built on the target, such as V(512MB); O(jobs) of them are built at once.
      - When it is left out, O(engine=dump) takes the target's own setting; O(engine=copy) takes that or the
        target's C(shared_buffers) divided by O(jobs), whichever is larger, but not more than 1 GB.
    type: str
  stall_timeout:
    description: Seconds after which a table of which the target takes in no more bytes ends the run. Used by
      O(engine=copy) with targets from version 14 on.
    type: int
    default: 600
  lock_timeout:
    description: Seconds to wait for the dump's locks on the source's tables while somebody changes their definition.
    type: int
    default: 60
  analyze:
    description:
      - Where the target's planner gets its statistics from.
      - V(analyze) gathers them from the target's rows with ANALYZE.
      - V(statistics) loads what the source knows of the same rows, which reads none of them. It needs a target from
        version 18 on, and any source. What the source has never analyzed, and tables with extended statistics, are
        analyzed. Where it cannot be done, ANALYZE is; RV(statistics) tells so.
      - V(none) leaves the target without; whoever asks for that runs ANALYZE before the application comes.
    type: str
    choices: [analyze, statistics, none]
    default: analyze
"""

    # How the servers reach each other for logical replication; reach_spec().
    SOURCE_REACH = r"""
options:
  source_from_target:
    description: For logical replication, how the target's server reaches the source, where that differs from how this
      host does.
    type: dict
    suboptions:
      host:
        description: Name or address; O(source.host) when it is left out.
        type: str
      port:
        description: Port; O(source.port) when it is left out.
        type: int
      user:
        description: Role that may replicate; O(source.user) when it is left out.
        type: str
      password:
        description: Its password; O(source.password) when it is left out.
        type: str
      sslmode:
        description: O(source.sslmode) when it is left out; V(verify-ca) and V(verify-full) then become V(require)
          unless O(source_from_target.sslrootcert) is given.
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
      sslrootcert:
        description: File with the authorities' certificates, on the target's server.
        type: path
"""

    TARGET_REACH = r"""
options:
  target_from_source:
    description: How the source's server reaches the target, where that differs from how this host does.
    type: dict
    suboptions:
      host:
        description: Name or address; O(target.host) when it is left out.
        type: str
      port:
        description: Port; O(target.port) when it is left out.
        type: int
      user:
        description: Role that may replicate; O(target.user) when it is left out.
        type: str
      password:
        description: Its password; O(target.password) when it is left out.
        type: str
      sslmode:
        description: O(target.sslmode) when it is left out; V(verify-ca) and V(verify-full) then become V(require)
          unless O(target_from_source.sslrootcert) is given.
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
      sslrootcert:
        description: File with the authorities' certificates, on the source's server.
        type: path
"""
