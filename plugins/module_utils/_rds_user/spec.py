# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument spec of rds_database_user; its documentation in the module says what each option means."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC

USER_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "identifier": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "database": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "owner": {"type": "str"},
    "connection_limit": {"type": "int", "default": -1},
    "password": {"type": "str", "no_log": True},
    # The name of a secret and of a key, and numbers: nothing to hide, and a person must see them in the diff.
    "secret_name": {"type": "str", "required": True, "no_log": False},
    "secret_kms_key_id": {"type": "str", "no_log": False},
    "secret_recovery_days": {"type": "int", "default": 30, "no_log": False},
    "rotate_after_days": {"type": "int", "default": 30},
    "rotate": {"type": "bool", "default": False},
    "rotation_lambda_arn": {"type": "str"},
    **TAGS_SPEC,
    "sslrootcert": {"type": "path"},
    "connect_timeout": {"type": "int", "default": 10},
    "timeout": {"type": "int", "default": 300},
    "client_bindir": {"type": "path"},
}
