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
      - V(binary) refuses the move when a table would have to go as text, and names the table and the type. It is for
        O(engine=copy) only.
      - Binary form costs the target about a fifth less work. Used by O(engine=copy) only.
    type: str
    choices: [auto, binary, text]
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
      - Memory for each index that is built on the target, such as V(512MB); see O(index_jobs) for how many at once.
      - When it is left out, O(engine=dump) takes the target's own setting; O(engine=copy) takes that or the
        target's C(shared_buffers) divided by that number, whichever is larger, but not more than 1 GB.
    type: str
  index_jobs:
    description:
      - Indexes that are built at once on the target, V(1) to V(64). With V(auto) the O(jobs) workers copy and build
        as it comes.
      - When it is larger than O(jobs), more connections are made; no more than O(jobs) tables are copied at once.
    type: str
    default: auto
  max_rate:
    description:
      - Million bytes per second of rows and large objects that all workers together send, so that other work of the
        servers and the network keeps its share. V(0) sets no limit.
      - Rows on their way have another size than on disk. Index builds are not held back, see O(index_jobs).
      - With O(engine=copy) only, and where the module runs on Linux.
    type: float
    default: 0
  synchronous_commit:
    description: Whether the sessions that write rows wait for the disk at each commit. Without, nothing is lost either,
      since the records of what is done wait for it, and for everything before them.
    type: bool
    default: false
  foreign_keys:
    description:
      - V(validate) checks every row against the foreign keys, as they are on the source.
      - V(not_valid) makes foreign keys that hold for what is written from then on, without reading the rows that are
        there; RV(not_moved) names each with the statement that validates it later. Foreign keys of and to partitioned
        tables are validated at once.
      - The rows that were moved satisfied them on the source. The planner and M(bahnvision.aws.pg_migrate_verify) take
        a foreign key for proved only when it is validated.
    type: str
    choices: [validate, not_valid]
    default: validate
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

    # How a run tells of itself; told_spec().
    TOLD = r"""
options:
  progress_interval:
    description:
      - Seconds between two lines on how far the run is, on the controller's standard error. They tell the phase, the
        part that is done, rows and bytes a second, the time left, and the tables at work. V(0) shows none.
      - Works with the connections C(local), C(ssh), C(kubectl), C(docker) and C(podman), without C(become) or when that
        leads to C(root).
    type: int
    default: 10
  progress_path:
    description:
      - File on the host that runs the module in which it keeps how far it is, as JSON, replaced once a second. Its
        folder must exist. The file stays.
      - When it is left out and O(progress_interval) is not V(0), a temporary one is used.
    type: path
  report_path:
    description:
      - File on the host that runs the module for what it returns, as JSON, also when it fails (C(failed), C(msg)).
        Its folder must exist. It is replaced as a whole, and holds no secret.
      - Not written in check mode. A file that this module has not written is refused before anything is moved.
    type: path
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
