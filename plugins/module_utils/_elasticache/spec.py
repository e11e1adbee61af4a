# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs of our ElastiCache modules; the documentation in each module says what the options mean."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import ENGINES, OBJECT_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.secret import SECRET_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import WAIT_SPEC

Spec = dict[str, dict[str, Any]]

LONG_WAIT: Spec = {
    **WAIT_SPEC,
    "wait_timeout": {"type": "int", "default": 3600},
    "wait_pause": {"type": "float", "default": 5},
}
VERSION_SPEC: Spec = {
    "engine": {"type": "str", "choices": ENGINES, "default": "valkey"},
    "engine_version": {"type": "str", "default": ""},
}
LOG_SPEC: Spec = {
    "log_type": {"type": "str", "choices": ["slow-log", "engine-log"], "required": True},
    "destination_type": {
        "type": "str", "choices": ["cloudwatch-logs", "kinesis-firehose"], "default": "cloudwatch-logs",
    },
    "destination": {"type": "str", "required": True},
    "log_format": {"type": "str", "choices": ["json", "text"], "default": "json"},
}  # fmt: skip
GROUP_SPEC: Spec = {
    **OBJECT_SPEC,
    **VERSION_SPEC,
    "identifier": {"type": "str", "required": True},
    "description": {"type": "str"},
    "allow_major_version_upgrade": {"type": "bool", "default": False},
    "node_type": {"type": "str", "default": "cache.t4g.small"},
    "cluster_mode": {"type": "str", "choices": ["disabled", "compatible", "enabled"], "default": "disabled"},
    "num_node_groups": {"type": "int", "default": 1},
    "replicas_per_node_group": {"type": "int", "default": 1},
    "availability_zones": {"type": "list", "elements": "str"},
    "automatic_failover": {"type": "bool", "default": True},
    "multi_az": {"type": "bool", "default": True},
    "at_rest_encryption": {"type": "bool", "default": True},
    "kms_key_id": {"type": "str"},
    "transit_encryption_mode": {"type": "str", "choices": ["preferred", "required"], "default": "required"},
    "subnet_group_name": {"type": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "parameter_group_name": {"type": "str"},
    "user_group_ids": {"type": "list", "elements": "str"},
    "port": {"type": "int"},
    "network_type": {"type": "str", "choices": ["ipv4", "ipv6", "dual_stack"]},
    "snapshot_retention_limit": {"type": "int", "default": 15},
    "allow_no_snapshots": {"type": "bool", "default": False},
    "snapshot_window": {"type": "str"},
    "maintenance_window": {"type": "str"},
    "auto_minor_version_upgrade": {"type": "bool", "default": True},
    "notification_topic_arn": {"type": "str"},
    "log_delivery": {"type": "list", "elements": "dict", "options": LOG_SPEC},
    "durability": {"type": "str", "choices": ["default", "sync", "async", "disabled"]},
    "snapshot_name": {"type": "str"},
    "apply_immediately": {"type": "bool", "default": False},
    "skip_final_snapshot": {"type": "bool", "default": False},
    "final_snapshot_identifier": {"type": "str"},
    **LONG_WAIT,
}
USER_SPEC: Spec = {
    **OBJECT_SPEC,
    "user_id": {"type": "str", "required": True},
    "user_name": {"type": "str"},
    "replication_group": {"type": "str"},
    "engine": {"type": "str", "choices": ENGINES, "default": "valkey"},
    "access_string": {"type": "str", "default": "on ~* &* +@all -@dangerous"},
    "authentication_mode": {
        "type": "str", "choices": ["password", "iam", "no-password-required"], "default": "password",
    },
    "passwords": {"type": "list", "elements": "str", "no_log": True},
    # The name of a secret and when to rotate it, no secret: a person must see them in the diff.
    "secret": {"type": "dict", "no_log": False, "options": SECRET_SPEC},
    "keep": {"type": "list", "elements": "str"},
    **LONG_WAIT,
}  # fmt: skip
USER_GROUP_SPEC: Spec = {
    **OBJECT_SPEC,
    "user_group_id": {"type": "str", "required": True},
    "engine": {"type": "str", "choices": ENGINES, "default": "valkey"},
    "user_ids": {"type": "list", "elements": "str"},
    **LONG_WAIT,
}
