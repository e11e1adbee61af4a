#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migrate_cutover
short_description: Bring an application's writes from one PostgreSQL database to its replica, and back
version_added: 0.1.0
description:
  - Ends what M(bahnvision.aws.pg_migrate) with O(bahnvision.aws.pg_migrate#module:method=logical) has begun. The
    application is on one side at a time; O(state) says on which it is to be.
  - A switch waits until the other side has caught up, keeps the writers out, waits until the other side has
    everything, sets the sequences, compares both sides, proves that nobody has written since, and starts the
    replication that leads back. It does not tell the application where to write from then on; the playbook does,
    as its next task.
  - Writers are kept out by C(ALTER DATABASE ... SET default_transaction_read_only) and by ending all sessions of the
    database. Reading goes on. The side that the application has left stays fenced.
  - A switch that fails before its end opens the application's side again, and the replication goes on. A run that was
    killed leaves the fence; the next run with O(state=switched) goes on, one with O(state=rolled_back) opens it again.
  - Each step is written down on the target, in the schema C(ansible_migrate), before it is made.
  - Definitions must not be changed between the copy and O(state=finished); a switch is refused when they differ. Large
    objects and materialized views are not replicated, see O(verify).
author:
  - The bahnvision.aws team (@bahnvision)
extends_documentation_fragment:
  - bahnvision.aws.postgres_connection
  - bahnvision.aws.postgres_move.source_reach
  - bahnvision.aws.postgres_move.target_reach
attributes:
  check_mode:
    support: full
    description: Makes every check that comes before the fence and says whether something would be changed.
  diff_mode:
    support: none
    description: What is changed is told by RV(state) and RV(steps).
options:
  state:
    description:
      - V(status) only tells how far the replication is, and what would keep a switch from being made.
      - V(switched) brings the application to the target.
      - V(rolled_back) brings it back to the source with everything that it has written to the target meanwhile, or
        opens the source again after a switch that was interrupted. The target follows again afterwards.
      - V(finished) removes the replication of both ways. It needs the application on the target, or O(abandon).
    type: str
    choices: [status, switched, rolled_back, finished]
    required: true
  reverse:
    description: Whether a switch starts the replication that leads back. Without it there is no V(rolled_back).
    type: bool
    default: true
  verify:
    description:
      - What is compared while the writers are kept out, beside all definitions. V(counts) counts the rows of every
        table, V(hash) compares their contents, which takes as long as reading both sides, V(none) compares
        definitions only.
      - Large objects and static tables, which are not replicated, are compared by their contents unless it is V(none).
    type: str
    choices: [none, counts, hash]
    default: counts
  sequence_margin:
    description: Values to leave out in every sequence that was used, on top of where it stands.
    type: int
    default: 0
  catch_up_timeout:
    description: Seconds that the other side may take to catch up before the writers are kept out.
    type: int
    default: 300
  fence_timeout:
    description: Seconds that the sessions of the database may take to end.
    type: int
    default: 10
  drain_timeout:
    description: Seconds that the other side may take for the last changes while the writers are kept out.
    type: int
    default: 30
  point_command:
    description:
      - A command that tells the application where to write, with O(state=switched) and O(state=rolled_back). It runs
        where the module runs, in the moment in which the side takes writes, and sees C(CUTOVER_SIDE) (V(source) or
        V(target)), C(CUTOVER_HOST), C(CUTOVER_PORT) and C(CUTOVER_DATABASE) in its environment. It is ended after two
        minutes.
      - It runs again when the module does, so it must bear to be repeated. When it fails, so does the module; the
        switch stands.
    type: list
    elements: str
    default: []
  abandon:
    description: With O(state=finished), ends the replication while the application is on the source. The target is
      then of no use and has to be emptied before another migration.
    type: bool
    default: false
  marker:
    description: With O(state=finished), V(remove) drops the schema C(ansible_migrate) from the target.
    type: str
    choices: [keep, remove]
    default: keep
seealso:
  - module: bahnvision.aws.pg_migrate
  - module: bahnvision.aws.pg_migrate_verify
"""

EXAMPLES = r"""
- name: See how far the target is
  bahnvision.aws.pg_migrate_cutover:
    source: "{{ migration_source }}"
    target: "{{ migration_target }}"
    state: status
  register: replication

- name: Bring the writes to the target
  bahnvision.aws.pg_migrate_cutover:
    source: "{{ migration_source }}"
    target: "{{ migration_target }}"
    state: switched
  register: cutover

- name: Bring them back, with everything that was written meanwhile
  bahnvision.aws.pg_migrate_cutover:
    source: "{{ migration_source }}"
    target: "{{ migration_target }}"
    state: rolled_back

- name: End the replication
  bahnvision.aws.pg_migrate_cutover:
    source: "{{ migration_source }}"
    target: "{{ migration_target }}"
    state: finished
"""

RETURN = r"""
state:
  description: V(replicating), V(switched), V(rolled_back), V(finished), V(abandoned), or V(interrupted) when a killed
    run has left a fence.
  returned: success
  type: str
run_id:
  description: The run of M(bahnvision.aws.pg_migrate) that this belongs to; null when there is none.
  returned: success
  type: str
side:
  description: The side that the application may write to, V(source) or V(target).
  returned: when a run was found
  type: str
fenced:
  description: The sides whose databases take no writes.
  returned: when a run was found
  type: list
  elements: str
write_downtime_ms:
  description: Milliseconds from the fence to its end in the last switch, in which no side took writes; null before the
    first one. What the application takes to go to the other side comes on top.
  returned: success
  type: int
steps:
  description: The steps of the last switch, each with C(name), the time C(at) which it was done, and its C(ms).
  returned: success
  type: list
  elements: dict
streams:
  description: The replication, with the side it comes C(from), C(lag_bytes), C(lag_seconds) (null when it may not be
    read), C(retained_bytes) of WAL, C(wal_status), whether its subscription is C(enabled) and C(working), and the
    number of C(tables) by state (C(r) is ready).
  returned: success
  type: list
  elements: dict
problems:
  description: What would keep the application from being switched.
  returned: success
  type: list
  elements: str
drift:
  description: Definitions that differ between the sides; with O(state=status).
  returned: success
  type: list
  elements: str
remarks:
  description: What is allowed but worth a look.
  returned: success
  type: list
  elements: str
differences:
  description: What the comparison has found.
  returned: on failure of the comparison
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.arguments import connection_spec, reach_spec
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutover import cutover
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            "state": {"type": "str", "choices": ["status", "switched", "rolled_back", "finished"], "required": True},
            "reverse": {"type": "bool", "default": True},
            "verify": {"type": "str", "choices": ["none", "counts", "hash"], "default": "counts"},
            "sequence_margin": {"type": "int", "default": 0},
            "catch_up_timeout": {"type": "int", "default": 300},
            "fence_timeout": {"type": "int", "default": 10},
            "drain_timeout": {"type": "int", "default": 30},
            "point_command": {"type": "list", "elements": "str", "default": []},
            "abandon": {"type": "bool", "default": False},
            "marker": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
            "source_from_target": reach_spec(),
            "target_from_source": reach_spec(),
        },
        supports_check_mode=True,
    )
    try:
        result = cutover(module.params, module.check_mode)
    except PostgresError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
