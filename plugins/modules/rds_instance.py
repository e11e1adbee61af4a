#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_instance
short_description: One RDS for PostgreSQL instance whose master password AWS makes and rotates
version_added: 0.1.0
description:
  - Creates, changes in place or removes one RDS for PostgreSQL DB instance.
  - The master password is always managed by RDS in Secrets Manager (C(amazon.aws.rds_instance) cannot ask for that);
    no password passes through Ansible.
  - Everything that RDS would refuse, and that can be known before, is refused before the first write, in one error.
  - A setting that is not given is left as it is. A change that waits for the maintenance window counts as done.
    An instance without the tags C(app), C(stage) and C(managed-by) of this call is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  identifier:
    description: Name of the instance, 1 to 63 lower-case letters, digits and single hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) makes the instance as wanted, V(absent) removes it.
      - V(absent) is refused while deletion protection is on.
    type: str
    choices: [present, absent]
    default: present
  engine_version:
    description:
      - Empty is the newest that AWS offers when the instance is created, and leaves a running instance alone.
        A major (V(17)) is the newest of that major; a running instance of that major is left alone.
        An exact version (V(17.9)) must be offered or run already. Nothing ever goes back.
    type: str
    default: ''
  minimum_major:
    description: Refuse versions below this major, such as that of the database that is to move in.
    type: int
    default: 0
  allow_major_version_upgrade:
    description: Allow an upgrade across majors of a running instance (downtime, no way back).
    type: bool
    default: false
  instance_class:
    description: Instance class; it must be orderable for the version, storage and features.
    type: str
    default: db.t4g.medium
  allocated_storage:
    description: Size in GiB. It can only grow. What autoscaling has added is left alone.
    type: int
    default: 20
  max_allocated_storage:
    description: Limit of storage autoscaling in GiB, at least 10 % above O(allocated_storage); V(0) switches it off.
    type: int
  storage_type:
    description: Kind of storage.
    type: str
    choices: [gp2, gp3, io1, io2]
    default: gp3
  iops:
    description: Provisioned IOPS; for O(storage_type=gp3) only from 400 GiB.
    type: int
  storage_throughput:
    description: Throughput in MiB/s; for O(storage_type=gp3) only from 400 GiB.
    type: int
  storage_encrypted:
    description: Encryption at rest. It cannot be changed in place.
    type: bool
    default: true
  kms_key_id:
    description: Key for the storage (ARN, id or alias); without it the key of RDS. It cannot be changed in place.
    type: str
  multi_az:
    description: Keep a synchronous standby in a second zone.
    type: bool
    default: true
  db_name:
    description: Database that is made with the instance.
    type: str
  port:
    description: Port of the database; 5432 for a new instance when it is not given.
    type: int
  master_username:
    description: Name of the master user.
    type: str
    default: postgres
  master_user_secret_kms_key_id:
    description: Key for the managed master secret; without it the key of Secrets Manager.
    type: str
  db_subnet_group_name:
    description: Subnet group. It cannot be changed in place.
    type: str
  vpc_security_group_ids:
    description: All security groups of the instance.
    type: list
    elements: str
  db_parameter_group_name:
    description: Parameter group of the version's family.
    type: str
  backup_retention_period:
    description: Days for which automatic backups are kept, 1 to 35; V(0) only with O(allow_no_backups).
    type: int
    default: 30
  restore_from:
    description:
      - Where the data of an instance that does not exist yet comes from; an existing instance is never overwritten.
      - The copy is made complete in the same run, with what a restore by itself leaves out - the managed master secret,
        retention, windows, monitoring, insights. A run that was killed in between is completed by the next one.
      - The origin's encryption, key and master user stay; asking for others is refused.
    type: dict
    suboptions:
      snapshot_identifier:
        description: Name of the snapshot to restore (or the ARN of a shared one).
        type: str
      instance_identifier:
        description: Name of the instance whose backups are restored to a point in time.
        type: str
      restore_time:
        description: The point in time, such as V(2026-11-22T10:00:00Z), UTC unless it says otherwise.
        type: str
      latest:
        description: Restore the latest point in time there is.
        type: bool
        default: false
  allow_no_backups:
    description: Allow O(backup_retention_period=0), which removes all automatic backups.
    type: bool
    default: false
  backup_window:
    description: Daily window for backups (UTC), such as V(02:00-03:00).
    type: str
  maintenance_window:
    description: Weekly window for maintenance (UTC), such as V(sun:03:30-sun:04:30).
    type: str
  copy_tags_to_snapshot:
    description: Give snapshots the tags of the instance.
    type: bool
    default: true
  deletion_protection:
    description: Let RDS refuse to delete the instance.
    type: bool
    default: true
  auto_minor_version_upgrade:
    description: Let RDS install minor versions in the maintenance window.
    type: bool
    default: true
  ca_certificate_identifier:
    description: Certificate authority of the server certificate; without it that of the account.
    type: str
  enabled_cloudwatch_logs_exports:
    description: Logs that go to CloudWatch, such as V(postgresql) and V(upgrade).
    type: list
    elements: str
  database_insights_mode:
    description: Mode of CloudWatch Database Insights; V(advanced) needs O(performance_insights) for 465 days or more.
    type: str
    choices: [standard, advanced]
  performance_insights:
    description: Collect Performance Insights.
    type: bool
  performance_insights_retention_period:
    description: Days for which Performance Insights are kept; 7 days cost nothing.
    type: int
  engine_lifecycle_support:
    description: Whether RDS may go on (at a charge) with a major version after its end of standard support.
    type: str
    choices: [open-source-rds-extended-support, open-source-rds-extended-support-disabled]
  monitoring_interval:
    description: Seconds between two points of Enhanced Monitoring; V(0) switches it off.
    type: int
    choices: [0, 1, 5, 10, 15, 30, 60]
  monitoring_role_arn:
    description: Role by which RDS writes Enhanced Monitoring to CloudWatch; required with O(monitoring_interval).
    type: str
  publicly_accessible:
    description: Give the instance a public address.
    type: bool
    default: false
  apply_immediately:
    description: Make changes now and not in the maintenance window, also those that wait for it already.
    type: bool
    default: false
  reboot:
    description:
      - Reboot the instance when a static parameter waits for it, which ends all connections for a minute or so. Without
        it such parameters wait for the next restart.
    type: bool
    default: false
  reboot_for:
    description: With O(reboot=true), the static parameters that were changed a moment ago, which RDS may not show as
      waiting yet; RV(bahnvision.aws.rds_parameter_group#module:waiting) returns them.
    type: list
    elements: str
    default: []
  skip_final_snapshot:
    description: With O(state=absent), remove the data without a last snapshot.
    type: bool
    default: false
  final_snapshot_identifier:
    description: Name of the last snapshot; without it the identifier, C(-final-) and the time in UTC.
    type: str
  delete_automated_backups:
    description: With O(state=absent), remove the automatic backups too. The final snapshot stays in any case.
    type: bool
    default: true
  wait:
    description: Wait until the instance is available (or gone).
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait. A Multi-AZ instance takes 10 to 15 minutes, an upgrade up to an hour.
    type: int
    default: 3600
  wait_pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 5
extends_documentation_fragment:
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the database
  bahnvision.aws.rds_instance:
    identifier: orders-production
    app: orders
    stage: production
    engine_version: "17"
    minimum_major: 16
    instance_class: db.m7g.large
    allocated_storage: 100
    max_allocated_storage: 500
    db_name: orders
    db_subnet_group_name: orders-production
    vpc_security_group_ids: ["{{ database_security_group_id }}"]
  register: database

- name: Restore yesterday's state into a copy
  bahnvision.aws.rds_instance:
    identifier: orders-drill
    app: orders
    stage: production
    restore_from: {instance_identifier: orders-production, restore_time: "2026-11-21T22:00:00Z"}
    db_subnet_group_name: orders-production
    vpc_security_group_ids: ["{{ database_security_group_id }}"]
"""

RETURN = r"""
instance:
  description: The instance as DescribeDBInstances shows it, in snake_case; in check mode what is known beforehand.
  returned: success
  type: dict
  contains:
    identifier: {description: Name of the instance., type: str, returned: always}
    arn: {description: ARN of the instance., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    endpoint: {description: Where clients connect (C(address) and C(port))., type: dict, returned: always}
    engine_version: {description: Exact version., type: str, returned: always}
    parameter_group_family: {description: Family for parameter groups., type: str, returned: always}
    master_user_secret: {description: Where the master password lies (C(secret_arn))., type: dict, returned: always}
    tags: {description: Tags of the instance., type: dict, returned: always}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [modify db_instance orders-production]
notes:
  description: What a change costs (restart, downtime) and what waits for what.
  returned: success
  type: list
  elements: str
final_snapshot_identifier:
  description: Name of the last snapshot.
  returned: when O(state=absent)
  type: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.instance import ensure_instance
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.spec import INSTANCE_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=INSTANCE_SPEC, supports_check_mode=True)
    run(module, ("rds", "kms"), ensure_instance)


if __name__ == "__main__":
    main()
