#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dms_replication
short_description: One full load by AWS DMS Serverless, started, watched and proved complete
version_added: 0.1.0
description:
  - Makes the subnet group and the configuration of one replication of DMS Serverless, starts its full load and waits
    until every table is completed and validated. Any other end is an error that tells DMS's own reason.
  - A configuration serves one load, which O(load_id) names. Another O(load_id), or other settings, stop and replace it;
    a load that has failed or was stopped begins anew, with all tables emptied first.
  - DMS moves rows only. M(bahnvision.aws.pg_migrate) with O(bahnvision.aws.pg_migrate#module:method=dms) makes the
    schema before and everything else after, and says what to give this module.
  - What exists under that name without the tags C(app), C(stage) and C(managed-by) of this call is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the replication, its configuration and its subnet group; letters, digits and single hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) makes subnet group and configuration, V(running) loads once as well.
      - V(stopped) stops a load that is under way.
      - V(absent) stops it, and removes configuration and subnet group. DMS allows that when its servers have ended,
        which takes minutes.
    type: str
    choices: [present, running, stopped, absent]
    default: running
  source_endpoint_arn:
    description: ARN of the endpoint that is read. This and the options up to O(vpc_security_group_ids) are needed with
      O(state=present) and O(state=running).
    type: str
  target_endpoint_arn:
    description: ARN of the endpoint that is written.
    type: str
  table_mappings:
    description: Which tables, as DMS takes it.
    type: json
  replication_settings:
    description: How they are moved, as DMS takes it. What is left out has DMS's default.
    type: json
  load_id:
    description: Name of the load; a finished one is not repeated under the same name.
    type: str
  vpc_subnet_ids:
    description:
      - Subnets in two zones or more, from which both databases, Secrets Manager and CloudWatch Logs are reached.
    type: list
    elements: str
  vpc_security_group_ids:
    description: Security groups of the replication; both databases must let one of them in.
    type: list
    elements: str
  min_capacity_units:
    description: Least capacity, in DCU of 2 GB memory.
    type: int
    default: 1
  max_capacity_units:
    description: Most capacity, in DCU of 2 GB memory; 1, 2, 4, 8, 16, 32, 64, 128, 192, 256 or 384.
    type: int
    default: 16
  multi_az:
    description: Whether a second zone stands by.
    type: bool
    default: false
  premigration_assessment:
    description:
      - Whether DMS assesses the migration before the load begins. It keeps its findings in a bucket of its own.
      - V(report) loads whatever it finds, and tells it in RV(assessment) and RV(notes). What DMS loses is refused by
        M(bahnvision.aws.pg_migrate_preflight) before.
      - V(require) lets DMS begin only when no assessment has failed. Some of them fail for tables that a full load
        moves well, such as those without a primary key.
    type: str
    choices: [none, report, require]
    default: report
  progress_interval:
    description: Seconds between two lines on how far the load is, shown while it is waited for; V(0) shows none.
    type: int
    default: 10
  progress_path:
    description: File on the module's host that tells how far the load is, as JSON. When it is left out and
      O(progress_interval) is not V(0), a temporary one is used.
    type: path
  wait:
    description: With O(state=running), wait for the end of the load.
    type: bool
    default: true
  wait_timeout:
    description: Seconds that each wait may take. DMS needs up to an hour before the first row moves.
    type: int
    default: 86400
  wait_pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 15
  tags:
    description: Further tags, given at the creation.
    type: dict
attributes:
  check_mode:
    support: full
    description: Only reads, and refuses what a run would refuse. Endpoints and network may be yet to be made.
  diff_mode:
    support: full
    description: Names each setting that changes.
extends_documentation_fragment:
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: bahnvision.aws.dms_endpoint
  - module: bahnvision.aws.pg_migrate
notes:
  - Actions needed are C(dms:CreateReplicationSubnetGroup), C(dms:ModifyReplicationSubnetGroup),
    C(dms:DeleteReplicationSubnetGroup), C(dms:DescribeReplicationSubnetGroups), C(dms:CreateReplicationConfig),
    C(dms:DeleteReplicationConfig), C(dms:DescribeReplicationConfigs), C(dms:StartReplication), C(dms:StopReplication),
    C(dms:DescribeReplications), C(dms:DescribeReplicationTableStatistics), C(dms:ListTagsForResource) and
    C(sts:GetCallerIdentity); C(dms:AddTagsToResource) for the tags of what is created.
  - The account needs the role C(dms-vpc-role) with the policy C(AmazonDMSVPCManagementRole), one for all who use DMS.
"""

EXAMPLES = r"""
- name: Make the schema, and hear what DMS is to be told
  bahnvision.aws.pg_migrate:
    method: dms
    section: pre-data
    source: "{{ source }}"
    target: "{{ target }}"
  register: schema

- name: Let DMS move the rows
  bahnvision.aws.dms_replication:
    name: orders-production
    app: orders
    stage: production
    source_endpoint_arn: "{{ source_endpoint.endpoint.arn }}"
    target_endpoint_arn: "{{ target_endpoint.endpoint.arn }}"
    table_mappings: "{{ schema.dms.table_mappings }}"
    replication_settings: "{{ schema.dms.replication_settings }}"
    load_id: "{{ schema.dms.load_id }}"
    vpc_subnet_ids: "{{ private_subnet_ids }}"
    vpc_security_group_ids: ["{{ dms_security_group_id }}"]
  when: schema.dms.awaits_rows
"""

RETURN = r"""
replication:
  description: State of the replication; empty when it is absent.
  returned: success
  type: dict
  contains:
    name: {description: Name of the configuration., type: str, returned: always}
    arn: {description: ARN of the configuration., type: str, returned: always}
    status: {description: DMS's status., type: str, returned: always}
    stop_reason: {description: Why it has stopped., type: str, returned: always}
    failure_messages: {description: What DMS says of a failure., type: list, returned: always}
    provision_state: {description: State of the servers behind it., type: str, returned: always}
    capacity_units: {description: Their capacity., type: int, returned: always}
    progress_percent: {description: Progress of the full load., type: int, returned: always}
    tables_loaded: {description: Tables that are complete., type: int, returned: always}
    tables_loading: {description: Tables at work., type: int, returned: always}
    tables_queued: {description: Tables that wait., type: int, returned: always}
    tables_errored: {description: Tables that failed., type: int, returned: always}
    seconds: {description: Duration so far., type: float, returned: always}
tables:
  description: DMS's statistics of each table, C(name), C(state), C(rows), C(error_rows), C(seconds),
    C(validation_state), C(validation_failed_records), C(validation_pending_records) and
    C(validation_suspended_records).
  returned: success, and on failure of the load
  type: list
  elements: dict
states:
  description: The states that were seen while waiting, with the seconds since the start.
  returned: success, and on failure of the load
  type: list
  elements: dict
  sample: [{status: initializing, seconds: 0.1}, {status: running, seconds: 1843.2}]
assessment:
  description: DMS's newest assessment of the migration, C(status), C(required), C(passed), C(failed), C(warning),
    C(error), C(cancelled), C(last_failure) and C(findings), the bucket and folder that hold them; empty without one.
  returned: success, and on failure of the load
  type: dict
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.replication import ensure_replication
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.replication_plan import NEEDED, REPLICATION_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=REPLICATION_SPEC,
        required_if=[("state", state, list(NEEDED)) for state in ("present", "running")],
        supports_check_mode=True,
    )
    run(module, ("dms", "sts"), ensure_replication)


if __name__ == "__main__":
    main()
