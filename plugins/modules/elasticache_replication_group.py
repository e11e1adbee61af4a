#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_replication_group
short_description: One ElastiCache replication group of Valkey or Redis OSS, always with TLS
version_added: 0.1.0
description:
  - Creates, changes in place or removes one replication group, with or without cluster mode.
  - Nodes are laid out over the zones; replicas are added and removed so that they stay spread.
  - Everything that ElastiCache would refuse, and that can be known before, is refused before the first write.
  - Changes that ElastiCache takes only one after the other are made so, each waiting for the one before.
  - A setting that is not given is left as it is. A change that waits for the maintenance window counts as done.
  - A group that does not carry the tags C(app), C(stage) and C(managed-by) of this call is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  identifier:
    description: Name of the group, 1 to 40 lower-case letters, digits and single hyphens.
    type: str
    required: true
  state:
    description: V(present) makes the group as wanted, V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description; a new group needs one.
    type: str
  engine:
    description: Engine. Redis OSS becomes Valkey in place (with O(allow_major_version_upgrade)); nothing goes back.
    type: str
    choices: [valkey, redis]
    default: valkey
  engine_version:
    description:
      - Empty is the newest in standard support when the group is created, and leaves a running group alone.
      - A major (V(8)) is the newest of that major, V(8.1) exactly that one. Nothing ever goes back.
    type: str
    default: ''
  allow_major_version_upgrade:
    description: Allow another major version or another engine for a running group (no way back).
    type: bool
    default: false
  node_type:
    description: Type of all nodes.
    type: str
    default: cache.t4g.small
  cluster_mode:
    description:
      - V(disabled) is one shard with a primary and a reader endpoint, V(enabled) shards with a configuration endpoint.
      - In place it goes from V(disabled) to V(compatible) and from there to V(enabled), one step a run, and never back.
    type: str
    choices: [disabled, compatible, enabled]
    default: disabled
  num_node_groups:
    description: Shards; more than one only with O(cluster_mode=enabled).
    type: int
    default: 1
  replicas_per_node_group:
    description: Replicas of each shard, 0 to 5.
    type: int
    default: 1
  availability_zones:
    description: Zones for the nodes, the first for the first primary. ElastiCache chooses when they are left out.
    type: list
    elements: str
  automatic_failover:
    description: Let a replica take over when the primary fails.
    type: bool
    default: true
  multi_az:
    description: Keep the nodes of a shard in different zones.
    type: bool
    default: true
  at_rest_encryption:
    description: Encrypt what is written to disk. It cannot be changed in place.
    type: bool
    default: true
  kms_key_id:
    description: Key for that (ARN, id or alias); ElastiCache's own when it is left out. It cannot be changed in place.
    type: str
  transit_encryption_mode:
    description: V(required) refuses connections without TLS; V(preferred) takes both while clients move.
    type: str
    choices: [preferred, required]
    default: required
  subnet_group_name:
    description: Subnet group. It cannot be changed in place.
    type: str
  security_group_ids:
    description: All security groups of the nodes.
    type: list
    elements: str
  parameter_group_name:
    description: Parameter group of the version's family; with C(cluster-enabled) unless cluster mode is disabled.
    type: str
  user_group_ids:
    description: The user group of those who may log in.
    type: list
    elements: str
  port:
    description: Port. It cannot be changed in place; 6379 for a new group when it is left out.
    type: int
  network_type:
    description: Kind of addresses. It cannot be changed in place.
    type: str
    choices: [ipv4, ipv6, dual_stack]
  snapshot_retention_limit:
    description: Days for which automatic snapshots are kept, 1 to 35; V(0) only with O(allow_no_snapshots).
    type: int
    default: 15
  allow_no_snapshots:
    description: Allow O(snapshot_retention_limit=0).
    type: bool
    default: false
  snapshot_window:
    description: Daily window for snapshots (UTC), 60 minutes or more, such as V(02:00-03:00).
    type: str
  maintenance_window:
    description: Weekly window for maintenance (UTC), 60 minutes or more, such as V(sun:03:30-sun:04:30).
    type: str
  auto_minor_version_upgrade:
    description: Let ElastiCache install minor versions in the maintenance window.
    type: bool
    default: true
  notification_topic_arn:
    description: SNS topic for events; empty is none.
    type: str
  log_delivery:
    description: Where logs go; a log that is not named is not delivered.
    type: list
    elements: dict
    suboptions:
      log_type:
        description: Which log.
        type: str
        choices: [slow-log, engine-log]
        required: true
      destination_type:
        description: Kind of destination.
        type: str
        choices: [cloudwatch-logs, kinesis-firehose]
        default: cloudwatch-logs
      destination:
        description: Name of the log group or of the delivery stream.
        type: str
        required: true
      log_format:
        description: Format.
        type: str
        choices: [json, text]
        default: json
  durability:
    description:
      - V(sync) loses no acknowledged write, V(async) at most ten seconds of them, V(disabled) what was not replicated.
      - V(sync) and V(async) need Valkey 9.0, O(cluster_mode=enabled), O(multi_az), TLS and no burstable node type.
      - V(default) lets ElastiCache decide when the group is made.
    type: str
    choices: [default, sync, async, disabled]
  snapshot_name:
    description: Snapshot whose keys a new group begins with. It has no meaning for a group that exists.
    type: str
  apply_immediately:
    description: Change version and node type now and not in the maintenance window. All else is always changed now.
    type: bool
    default: false
  skip_final_snapshot:
    description: With O(state=absent), remove the keys without a last snapshot.
    type: bool
    default: false
  final_snapshot_identifier:
    description: Name of the last snapshot; without it the identifier, C(-final-) and the time in UTC.
    type: str
  wait:
    description: Wait until what was made is ready (or gone).
    type: bool
    default: true
  wait_timeout:
    description: Seconds after which waiting fails and tells what was last seen.
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
seealso:
  - module: bahnvision.aws.elasticache_engine_version_info
  - module: bahnvision.aws.elasticache_parameter_group
  - module: bahnvision.aws.elasticache_user_group
"""

EXAMPLES = r"""
- name: Ensure the cache
  bahnvision.aws.elasticache_replication_group:
    identifier: orders-production
    app: orders
    stage: production
    description: Cache of orders in production
    engine_version: "8"
    node_type: cache.m7g.large
    availability_zones: [eu-central-1a, eu-central-1b]
    subnet_group_name: orders-production
    security_group_ids: ["{{ cache_security_group_id }}"]
    user_group_ids: [orders-production]
  register: cache

- name: Bring its keys back into a new group
  bahnvision.aws.elasticache_replication_group:
    identifier: orders-restored
    app: orders
    stage: production
    description: Cache of orders in production, restored
    snapshot_name: orders-production-final-20261122120000

- name: Remove it, keeping a last snapshot
  bahnvision.aws.elasticache_replication_group:
    identifier: orders-lab
    app: orders
    stage: lab
    state: absent
"""

RETURN = r"""
replication_group:
  description:
    - The group as DescribeReplicationGroups shows it, in snake_case; empty when it is absent.
    - In check mode what is known beforehand; the addresses of a new group are empty strings.
  returned: success
  type: dict
  contains:
    identifier: {description: Name of the group., type: str, returned: always}
    arn: {description: ARN of the group., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    engine: {description: Engine., type: str, returned: always}
    engine_version: {description: Exact version., type: str, returned: always}
    parameter_group_family: {description: Family for parameter groups., type: str, returned: always}
    cluster_mode: {description: Cluster mode., type: str, returned: always}
    endpoint:
      description: Where clients connect (C(address), C(port)), the primary or with shards the configuration endpoint.
      type: dict
      returned: always
    reader_endpoint: {description: Where readers may connect., type: dict, returned: always}
    configuration_endpoint: {description: Where clients for clusters connect., type: dict, returned: always}
    tags: {description: Tags of the group., type: dict, returned: always}
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
final_snapshot_identifier:
  description: Name of the last snapshot.
  returned: when O(state=absent)
  type: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.group import ensure_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.spec import GROUP_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=GROUP_SPEC, supports_check_mode=True)
    run(module, ("elasticache", "kms"), ensure_group)


if __name__ == "__main__":
    main()
