# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RDS instance as reports show it. Pure."""

from __future__ import annotations

from typing import Any


def section_of(found: dict[str, Any]) -> dict[str, Any]:
    """Return the section of what amazon.aws.rds_instance_info returned."""
    instance: dict[str, Any] = next(iter(found.get("instances") or []), {})
    facts = {
        "Instance": instance.get("db_instance_identifier"),
        "Engine": f"{instance.get('engine')} {instance.get('engine_version')}" if instance else None,
        "Class": instance.get("db_instance_class"),
        "Standby in a second zone": instance.get("multi_az"),
        "Storage": f"{instance.get('allocated_storage')} GiB {instance.get('storage_type')}" if instance else None,
        "Encrypted": instance.get("storage_encrypted"),
        "Days of backups": instance.get("backup_retention_period"),
        "Protected against deletion": instance.get("deletion_protection"),
        "Reachable from the internet": instance.get("publicly_accessible"),
        "Network": (instance.get("db_subnet_group") or {}).get("vpc_id"),
        "Master secret": (instance.get("master_user_secret") or {}).get("secret_arn"),
    }
    return {"title": "The RDS instance", "kind": "facts", "facts": facts if instance else {}}
