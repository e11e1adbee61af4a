#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migrate
short_description: Move a whole PostgreSQL database into an empty one, once
version_added: 0.1.0
description:
  - Moves schema, rows, large objects, indexes, constraints, triggers and sequence values as of one moment,
    then analyzes the target. The source may be written to meanwhile; what is written later is not moved.
  - The target must be empty. What was done is recorded on the target in the schema C(ansible_migrate). A second run
    on a finished target changes nothing.
  - An interrupted run is made complete by the next one. With O(engine=copy) the schema and the tables that were
    finished are kept when it is proved that the source has not changed since, see RV(kept); else the next run drops
    only what the interrupted run has made, and begins anew. When the target holds anything else, the module refuses
    and touches nothing.
  - The finished run is recognised by the source's fingerprint, made of the system identifier (or the server's address
    where that may not be read), the database's name and a hash over the definitions of its objects. Changes to the
    source's rows after the move are not noticed; M(bahnvision.aws.pg_migrate_verify) finds them.
  - It works as RDS's master user, no superuser. Everything belongs to that user then, unless O(owner) says otherwise.
    RV(not_moved) names what is not moved, such as publications and what O(schemas) leaves out.
  - Rows go from server to server with C(COPY), several tables at once, the biggest first; no row lies on this machine
    or passes through this process. A table is committed only when the source's C(COPY) has ended well and both
    sides have counted the same number of rows; its mark is committed with it. Its indexes are built while other
    tables are copied, and it is analyzed after the last of them.
author:
  - The bahnvision.aws team (@bahnvision)
extends_documentation_fragment:
  - bahnvision.aws.postgres_connection
  - bahnvision.aws.postgres_move
  - bahnvision.aws.postgres_move.tuning
  - bahnvision.aws.postgres_move.told
  - bahnvision.aws.postgres_move.source_reach
  - bahnvision.aws.postgres_selection
  - bahnvision.aws.postgres_selection.handover
attributes:
  check_mode:
    support: full
    description: Connects with read-only transactions, makes the whole preflight and returns the plan.
  diff_mode:
    support: full
    description: Lists the objects that are on the target before and after.
options:
  method:
    description:
      - Who moves the rows. V(copy) is this module itself, see O(engine), as of one moment; what is written to the
        source later is not moved.
      - V(logical) copies in the same way and lets what is written later follow, by PostgreSQL's own logical
        replication, until M(bahnvision.aws.pg_migrate_cutover) ends it. The source gets a publication and a replication
        slot, whose snapshot the copy is made under; the target gets a subscription, which is created stopped before
        the rows and started after the last constraint. Their names begin with C(ansible_migrate_) and the run's id;
        nothing else is changed or dropped.
      - V(logical) needs C(wal_level=logical) and a role that may replicate on the source (on RDS C(rds_replication)),
        and a role that may create subscriptions on the target (on RDS C(rds_superuser)). The target's server itself
        connects to the source. The subscription keeps the password in the target's catalogue, where only
        superusers can read it; it does not get into the server's log.
      - V(dms) leaves them to AWS DMS (M(bahnvision.aws.dms_replication)); this module makes what DMS does not move, in
        two runs, see O(section), and refuses beforehand what DMS cannot move without loss.
    type: str
    choices: [copy, logical, dms]
    default: copy
  slot_timeout:
    description: With O(method=logical), seconds to wait for the slot, which begins when all transactions that were at
      work on the source's server have ended.
    type: int
    default: 300
  section:
    description:
      - Needed with O(method=dms), and used by it only.
      - V(pre-data) makes the schema and the primary keys, and returns in RV(dms) what DMS is to be told.
      - V(post-data) counts the rows that DMS has loaded, makes indexes, constraints, triggers, sequence values and
        statistics, and ends the migration. Rows that are not the source's are not kept; the next run begins anew.
    type: str
    choices: [all, pre-data, post-data]
    default: all
  verify:
    description:
      - V(counts) compares the rows of every table, the large objects' number and the definitions of all objects.
      - V(hash) compares the contents of every table as well, which takes about half as long as the copy.
      - V(none) compares nothing.
    type: str
    choices: [none, counts, hash]
    default: counts
seealso:
  - module: bahnvision.aws.pg_migrate_verify
"""

EXAMPLES = r"""
- name: Move the application's database into RDS
  bahnvision.aws.pg_migrate:
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
    verify: hash
  register: moved
"""

RETURN = r"""
run_id:
  description: Name of the run that filled the target; null in check mode before the first run.
  returned: success
  type: str
resumed:
  description: Whether an interrupted run was made complete.
  returned: success
  type: bool
source:
  description: Version, size, encoding and locale of the source; no secret.
  returned: success
  type: dict
target:
  description: The same of the target, as it was before.
  returned: success
  type: dict
plan:
  description: Number of objects by kind, estimated rows, bytes, extensions, and the hashes by which a later run
    recognises this one.
  returned: success
  type: dict
tables:
  description: The tables, biggest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Quoted name with schema.
      type: str
    rows_source:
      description: Rows under the snapshot of the run; null with O(engine=dump) and O(verify=none).
      type: int
    rows_target:
      description: Rows on the target.
      type: int
    bytes:
      description: Size on the source without indexes.
      type: int
    seconds:
      description: Duration of writing the rows; null with O(engine=dump) and O(jobs=1).
      type: float
    hash:
      description: Content hash; null unless O(verify=hash).
      type: str
    status:
      description: V(copied) by this run, V(kept) from the run that it has resumed, V(done) by an earlier one.
      type: str
    format:
      description: V(binary) or V(text).
      type: str
kept:
  description: What an interrupted run had done and this run has kept; null when no run was resumed.
  returned: success
  type: dict
  contains:
    tables:
      description: Number of tables that were not copied again.
      type: int
    parts:
      description:
        - Number of parts of other tables that were not copied again, see O(split_over). A table that is split in
          another way than by the interrupted run, as with other O(jobs), is emptied and copied again as a whole.
      type: int
    reason:
      description: The proof that their rows are still the source's, or why nothing could be kept.
      type: str
not_moved:
  description: What was not moved, as C(object) and C(reason).
  returned: success
  type: list
  elements: dict
remarks:
  description: What is allowed but worth a look, such as other collations or extension versions; shown as warnings too.
  returned: success
  type: list
  elements: str
timeline:
  description: What each worker of O(engine=copy) did when; C(kind) is V(copy), V(index) or V(finish) (constraints and
    statistics). Empty when this run moved nothing.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: public.events, table: public.events, kind: copy, lane: 0, start: 0.01, seconds: 9.1, rows: 5000000,
       bytes: 379863040}
timings:
  description: Seconds of each phase, C(connect), C(preflight), C(claim), C(dump) (reading the definitions, with
    O(engine=dump) the rows too), C(restore) (all writing), C(sequences), C(analyze), C(verify).
    C(commit) lies within C(restore), from the last row of a table to its commit, summed over all workers.
  returned: success
  type: dict
throughput_mb_s:
  description: Million bytes of tables per second of dump and restore; null when nothing was moved.
  returned: success
  type: float
replication:
  description: The C(streams) by which the target follows, with the number of tables of each, their C(slots) on the
    source with C(lag_bytes) and C(retained_bytes) at the end of the run, and the C(static_tables); null without
    O(method=logical).
  returned: success
  type: dict
dms:
  description: What the load by AWS DMS needs.
  returned: with O(method=dms)
  type: dict
  contains:
    awaits_rows:
      description: Whether the target awaits a load now.
      type: bool
    load_id:
      description: Name of the load that is awaited; another one for each schema that was made.
      type: str
    table_mappings:
      description: JSON that names every table, biggest first; with O(section=pre-data) while rows are awaited.
      type: str
    replication_settings:
      description: JSON with the LOB mode that the source's largest value needs, and no tolerance for any error.
      type: str
statistics:
  description: How the target's planner got its statistics; null when this run moved nothing.
  returned: success
  type: dict
  contains:
    how:
      description: V(analyze), V(statistics) or V(none), see O(analyze).
      type: str
    reason:
      description: Why it is not what was asked for, or what is to be done; else empty.
      type: str
    analyzed:
      description: With V(statistics), the tables that were analyzed as well.
      type: list
      elements: str
report_path:
  description: The file of O(report_path), where this result lies too; null when none was asked for, or written.
  returned: success
  type: str
verify:
  description: C(status) is V(passed), V(failed) or V(not run); C(differences) names what differs.
  returned: success, and on failure when the comparison found differences
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.arguments import (
    connection_spec,
    move_spec,
    reach_spec,
    told_spec,
    tuning_spec,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.external import migrate_by_dms
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import migrate
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.resultfile import reported
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import handover_spec, selection_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            "method": {"type": "str", "choices": ["copy", "logical", "dms"], "default": "copy"},
            **move_spec(),
            **tuning_spec(),
            **selection_spec(),
            **handover_spec(),
            "source_from_target": reach_spec(),
            "slot_timeout": {"type": "int", "default": 300},
            "section": {"type": "str", "choices": ["all", "pre-data", "post-data"], "default": "all"},
            "verify": {"type": "str", "choices": ["none", "counts", "hash"], "default": "counts"},
            **told_spec(),
        },
        supports_check_mode=True,
    )
    move = migrate_by_dms if module.params["method"] == "dms" else migrate
    try:
        result = reported(lambda: move(module.params, module.check_mode), module.params, module.check_mode)
    except PostgresError as error:
        module.fail_json(msg=str(error), **error.result)
    for text in result["remarks"]:
        module.warn(text)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
