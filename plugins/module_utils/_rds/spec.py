# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument spec of rds_instance; its documentation in the module says what each option means."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC, WAIT_SPEC

LIFECYCLES = ["open-source-rds-extended-support", "open-source-rds-extended-support-disabled"]
Spec = dict[str, dict[str, Any]]

VERSION_SPEC: Spec = {
    "engine_version": {"type": "str", "default": ""},
    "minimum_major": {"type": "int", "default": 0},
}
SETTINGS_SPEC: Spec = {
    "instance_class": {"type": "str", "default": "db.t4g.medium"},
    "allocated_storage": {"type": "int", "default": 20},
    "max_allocated_storage": {"type": "int"},
    "storage_type": {"type": "str", "choices": ["gp2", "gp3", "io1", "io2"], "default": "gp3"},
    "iops": {"type": "int"},
    "storage_throughput": {"type": "int"},
    "storage_encrypted": {"type": "bool", "default": True},
    "kms_key_id": {"type": "str"},
    "multi_az": {"type": "bool", "default": True},
    "db_name": {"type": "str"},
    "port": {"type": "int"},
    "master_username": {"type": "str", "default": "postgres"},
    "db_subnet_group_name": {"type": "str"},
    "vpc_security_group_ids": {"type": "list", "elements": "str"},
    "db_parameter_group_name": {"type": "str"},
    "backup_retention_period": {"type": "int", "default": 30},
    "backup_window": {"type": "str"},
    "maintenance_window": {"type": "str"},
    "copy_tags_to_snapshot": {"type": "bool", "default": True},
    "deletion_protection": {"type": "bool", "default": True},
    "auto_minor_version_upgrade": {"type": "bool", "default": True},
    "ca_certificate_identifier": {"type": "str"},
    "enabled_cloudwatch_logs_exports": {"type": "list", "elements": "str"},
    "database_insights_mode": {"type": "str", "choices": ["standard", "advanced"]},
    "performance_insights": {"type": "bool"},
    "performance_insights_retention_period": {"type": "int"},
    "engine_lifecycle_support": {"type": "str", "choices": LIFECYCLES},
    "monitoring_interval": {"type": "int", "choices": [0, 1, 5, 10, 15, 30, 60]},
    "monitoring_role_arn": {"type": "str"},
    "publicly_accessible": {"type": "bool", "default": False},
}
RESTORE_SPEC: Spec = {
    "snapshot_identifier": {"type": "str"},
    "instance_identifier": {"type": "str"},
    "restore_time": {"type": "str"},
    "latest": {"type": "bool", "default": False},
}
INSTANCE_SPEC: Spec = {
    **IDENTITY_SPEC,
    **VERSION_SPEC,
    **SETTINGS_SPEC,
    "identifier": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "allow_major_version_upgrade": {"type": "bool", "default": False},
    # The names of keys, not keys: nothing to hide, and a person must see them in the diff.
    "master_user_secret_kms_key_id": {"type": "str", "no_log": False},
    "restore_from": {"type": "dict", "options": RESTORE_SPEC},
    "allow_no_backups": {"type": "bool", "default": False},
    **TAGS_SPEC,
    "apply_immediately": {"type": "bool", "default": False},
    "reboot": {"type": "bool", "default": False},
    "reboot_for": {"type": "list", "elements": "str", "default": []},
    "skip_final_snapshot": {"type": "bool", "default": False},
    "final_snapshot_identifier": {"type": "str"},
    "delete_automated_backups": {"type": "bool", "default": True},
    **WAIT_SPEC,
    "wait_timeout": {"type": "int", "default": 3600},
    "wait_pause": {"type": "float", "default": 5},
}
