#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migrate_preflight
short_description: Say whether a PostgreSQL database can be moved, and what the move would be like
version_added: 0.1.0
description:
  - Reads the facts of both databases in read-only transactions and judges them by the same rules that
    M(bahnvision.aws.pg_migrate) asks before its first write. It changes nothing, on no side.
  - Each finding names its rule, the object, what was found and what to do. Every rule is listed in
    C(docs/preflight.md).
  - It says how many bytes would be moved, what storage they need on the target, how each table would be copied
    and how long that may take.
  - It knows nothing of AWS. Storage of an RDS instance is checked when it is given with O(target_storage_gb).
author:
  - The bahnvision.aws team (@bahnvision)
extends_documentation_fragment:
  - bahnvision.aws.postgres_connection
  - bahnvision.aws.postgres_move
  - bahnvision.aws.postgres_selection
  - bahnvision.aws.postgres_selection.handover
attributes:
  check_mode:
    support: full
    description: The module does the same in check mode.
  diff_mode:
    support: none
    description: Nothing changes.
options:
  method:
    description:
      - V(copy) asks what M(bahnvision.aws.pg_migrate) needs.
      - V(logical) asks in addition what logical replication from the source to the target needs.
      - V(dms) asks in addition what AWS DMS cannot move, or moves with loss. Tables with LOB columns are read once for
        their largest value.
    type: str
    choices: [copy, logical, dms]
    default: copy
  target_storage_gb:
    description:
      - The target's storage in GiB, such as the allocated or the maximum allocated storage of an RDS instance.
      - It must hold what the target's databases hold already and RV(estimate.target_storage_bytes). When it is left
        out, storage is named in RV(not_checked).
    type: float
  rate_mb_s:
    description: Million bytes of tables and indexes per second, by which the duration is estimated. When it is left
      out, a measured rate is taken, see RV(estimate.rate_source).
    type: float
  fail_on_blockers:
    description: Whether the task fails when anything forbids the move. The message names every blocker.
    type: bool
    default: true
seealso:
  - module: bahnvision.aws.pg_migrate
"""

EXAMPLES = r"""
- name: Ask whether the application's database can be moved into RDS
  bahnvision.aws.pg_migrate_preflight:
    source:
      host: db.internal
      database: bahnvision
      user: postgres
      password: "{{ source_password }}"
    target:
      host: bahnvision-production.abc123.eu-central-1.rds.amazonaws.com
      database: bahnvision
      user: master
      password: "{{ master_password }}"
      sslrootcert: /etc/ssl/certs/rds-global-bundle.pem
    target_storage_gb: 100
    owner: map
    role_map:
      app: bahnvision_owner
  register: preflight

- name: Show how long it may take
  ansible.builtin.debug:
    msg: "{{ preflight.estimate.bytes }} bytes, about {{ preflight.estimate.seconds }} s"
"""

RETURN = r"""
state:
  description: What M(bahnvision.aws.pg_migrate) would do with the target, V(move), V(resume) an interrupted run,
    nothing because it is V(done), or V(refuse) to touch it. A target that is done never fails the task.
  returned: when both sides could be read
  type: str
source:
  description: Facts of the source, such as version, encoding, locale, extensions, settings; no secret.
  returned: when both sides could be read
  type: dict
target:
  description: The same of the target.
  returned: when both sides could be read
  type: dict
blockers:
  description: What forbids the move.
  returned: when both sides could be read
  type: list
  elements: dict
  contains:
    rule:
      description: Name of the rule.
      type: str
    object:
      description: The object that it is about.
      type: str
    found:
      description: What was found.
      type: str
    todo:
      description: What to do.
      type: str
advice:
  description: What does not forbid the move but is worth a look, in the same form; shown as warnings too.
  returned: when both sides could be read
  type: list
  elements: dict
not_moved:
  description: What would not be moved, as C(object) and C(reason).
  returned: when both sides could be read
  type: list
  elements: dict
rules:
  description: What became of every rule, in the order of C(docs/preflight.md).
  returned: when both sides could be read
  type: list
  elements: dict
  contains:
    rule:
      description: Name of the rule.
      type: str
    result:
      description: V(fail) forbids the move, V(warn) is an advice, V(info) is not moved, V(pass) found nothing,
        V(skip) belongs to another O(method).
      type: str
    severity:
      description: V(blocker), V(advice) or V(not moved).
      type: str
    finds:
      description: What it looks for.
      type: str
    todo:
      description: What is to be done when it finds something.
      type: str
    findings:
      description: What it has found, in the form of RV(blockers).
      type: list
not_checked:
  description: One line for each thing that nobody has looked at, with the reason.
  returned: when both sides could be read
  type: list
  elements: str
plan:
  description: Number of objects by kind, estimated rows, bytes, extensions, engine, method, jobs, and the hashes by
    which M(bahnvision.aws.pg_migrate) recognises the same plan.
  returned: when both sides could be read
  type: dict
tables:
  description: The tables, biggest first.
  returned: when both sides could be read
  type: list
  elements: dict
  contains:
    name:
      description: Quoted name with schema.
      type: str
    rows_estimated:
      description: Rows by the source's statistics.
      type: int
    bytes:
      description: Size on the source without indexes.
      type: int
    indexes:
      description: Number of indexes.
      type: int
    index_bytes:
      description: Size of the indexes.
      type: int
    format:
      description: V(binary) or V(text), used by O(engine=copy).
      type: str
    why_text:
      description: Why not binary; empty when it is.
      type: str
    parts:
      description: In how many parts at once the table would be copied.
      type: int
    frozen:
      description: Whether its rows would be written as frozen.
      type: bool
estimate:
  description: How much and how long.
  returned: when both sides could be read
  type: dict
  contains:
    bytes:
      description: Tables and large objects.
      type: int
    index_bytes:
      description: Indexes.
      type: int
    wal_bytes:
      description: WAL that the target would write, 0.85 of tables, large objects and indexes.
      type: int
    sort_temp_bytes:
      description: Temporary files of the largest indexes that are built at once.
      type: int
    target_storage_bytes:
      description: The sum of these four, an upper bound, since WAL and temporary files go again.
      type: int
    rate_mb_s:
      description: Million bytes per second that the duration is reckoned with.
      type: float
    rate_source:
      description: Where the rate comes from.
      type: str
    seconds:
      description: Duration of writing tables, large objects and indexes at that rate.
      type: float
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.arguments import connection_spec, move_spec
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.run import preflight
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import handover_spec, selection_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            "method": {"type": "str", "choices": ["copy", "logical", "dms"], "default": "copy"},
            **move_spec(),
            "target_storage_gb": {"type": "float"},
            **selection_spec(),
            **handover_spec(),
            "rate_mb_s": {"type": "float"},
            "fail_on_blockers": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        result = preflight(module.params)
    except PostgresError as error:
        module.fail_json(msg=str(error), **error.result)
    for finding in result["advice"]:
        module.warn(f"{finding['found']}: {finding['todo']}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
