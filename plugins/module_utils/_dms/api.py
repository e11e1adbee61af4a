# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls behind the DMS modules: one call per function, nothing decided here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import Patience, call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict, tags_to_list

MISSING = ("ResourceNotFoundFault",)
BUSY = ("InvalidResourceStateFault",)
# IAM needs some seconds until other services know a new role.
YOUNG_ROLE = ("AccessDeniedFault",)
NO_SECRET = ("ResourceNotFoundException",)


def _first(dms: Any, operation: str, key: str, kind: str, name: str, by: str, value: str) -> dict[str, Any] | None:
    """Return the one object that the filter finds, or None: DMS answers with an error when there is none."""
    filters = [{"Name": by, "Values": [value]}]
    found = pages(dms, operation, key, f"read {kind} {name}", missing=MISSING, Filters=filters)
    return found[0] if found else None


def get_endpoint(dms: Any, name: str) -> dict[str, Any] | None:
    return _first(dms, "describe_endpoints", "Endpoints", "dms_endpoint", name, "endpoint-id", name)


def get_subnet_group(dms: Any, name: str) -> dict[str, Any] | None:
    return _first(
        dms, "describe_replication_subnet_groups", "ReplicationSubnetGroups", "replication_subnet_group", name,
        "replication-subnet-group-id", name,
    )  # fmt: skip


def get_config(dms: Any, name: str) -> dict[str, Any] | None:
    return _first(
        dms, "describe_replication_configs", "ReplicationConfigs", "replication_config", name,
        "replication-config-id", name,
    )  # fmt: skip


def get_replication(dms: Any, name: str, arn: str) -> dict[str, Any]:
    """Return the replication of the configuration; a configuration that was never started may have none yet."""
    found = _first(
        dms, "describe_replications", "Replications", "replication", name, "replication-config-arn", arn
    )  # fmt: skip
    return found or {"Status": "created"}


def get_tables(dms: Any, name: str, arn: str) -> list[dict[str, Any]]:
    what = f"read the tables of replication {name}"
    key = "ReplicationTableStatistics"
    missing = (*MISSING, *BUSY)  # before the first start there are none
    return pages(dms, "describe_replication_table_statistics", key, what, missing=missing, ReplicationConfigArn=arn)


def get_tags(dms: Any, arn: str) -> dict[str, str]:
    found = call(dms, "list_tags_for_resource", f"read the tags of {arn}", missing=MISSING, ResourceArn=arn)
    return tags_to_dict(found["TagList"]) if found else {}


def add_tags(dms: Any, arn: str, tags: Mapping[str, str]) -> None:
    call(dms, "add_tags_to_resource", f"tag {arn}", ResourceArn=arn, Tags=tags_to_list(tags))


def remove_tags(dms: Any, arn: str, keys: list[str]) -> None:
    call(dms, "remove_tags_from_resource", f"untag {arn}", ResourceArn=arn, TagKeys=keys)


def create_endpoint(dms: Any, params: Mapping[str, Any]) -> None:
    name = params["EndpointIdentifier"]
    call(
        dms, "create_endpoint", f"create dms_endpoint {name}",
        eventual=YOUNG_ROLE, patience=Patience(attempts=8, seconds=40), found=lambda: get_endpoint(dms, name), **params,
    )  # fmt: skip


def modify_endpoint(dms: Any, name: str, params: Mapping[str, Any]) -> None:
    call(dms, "modify_endpoint", f"modify dms_endpoint {name}", eventual=BUSY, **params)


def delete_endpoint(dms: Any, name: str, arn: str) -> None:
    what = f"delete dms_endpoint {name}"
    call(dms, "delete_endpoint", what, missing=MISSING, eventual=BUSY, EndpointArn=arn)


def create_subnet_group(dms: Any, params: Mapping[str, Any]) -> None:
    name = params["ReplicationSubnetGroupIdentifier"]
    what = (
        f"create replication_subnet_group {name} (the account needs the role dms-vpc-role, taken by dms.amazonaws.com "
        "and with the policy AmazonDMSVPCManagementRole)"
    )
    call(dms, "create_replication_subnet_group", what, found=lambda: get_subnet_group(dms, name), **params)


def modify_subnet_group(dms: Any, params: Mapping[str, Any]) -> None:
    what = f"modify replication_subnet_group {params['ReplicationSubnetGroupIdentifier']}"
    call(dms, "modify_replication_subnet_group", what, **params)


def delete_subnet_group(dms: Any, name: str) -> None:
    what = f"delete replication_subnet_group {name}"
    call(
        dms, "delete_replication_subnet_group", what, missing=MISSING, eventual=BUSY,
        ReplicationSubnetGroupIdentifier=name,
    )  # fmt: skip


def create_config(dms: Any, params: Mapping[str, Any]) -> None:
    name = params["ReplicationConfigIdentifier"]
    what = f"create replication_config {name}"
    call(dms, "create_replication_config", what, found=lambda: get_config(dms, name), **params)


def delete_config(dms: Any, name: str, arn: str) -> None:
    what = f"delete replication_config {name}"
    call(dms, "delete_replication_config", what, missing=MISSING, eventual=BUSY, ReplicationConfigArn=arn)


def start(dms: Any, name: str, arn: str, kind: str, assessment: str | None) -> None:
    """A second start, after an answer that was lost, is refused: then it is done. The caller looks afterwards."""
    what = f"start replication {name}"
    more: dict[str, Any] = {"PremigrationAssessmentSettings": assessment} if assessment else {}
    call(
        dms, "start_replication", what, missing=BUSY, repeatable=True,
        ReplicationConfigArn=arn, StartReplicationType=kind, **more,
    )  # fmt: skip


def stop(dms: Any, name: str, arn: str) -> None:
    call(dms, "stop_replication", f"stop replication {name}", missing=(*BUSY, *MISSING), ReplicationConfigArn=arn)


def get_secret(manager: Any, name: str) -> dict[str, Any] | None:
    """Return ARN, tags and content of the secret; its content only for comparison."""
    found = call(manager, "describe_secret", f"read secret {name}", missing=NO_SECRET, SecretId=name)
    if found is None:
        return None
    value = {} if found.get("DeletedDate") else read_secret(manager, name)
    return {
        "arn": found["ARN"], "tags": tags_to_dict(found.get("Tags")), "content": value,
        "deleted": bool(found.get("DeletedDate")),
    }  # fmt: skip


def read_secret(manager: Any, name: str) -> dict[str, Any]:
    what = f"read the value of secret {name}"
    found = call(manager, "get_secret_value", what, missing=NO_SECRET, SecretId=name)
    try:
        content = json.loads((found or {}).get("SecretString") or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def create_secret(manager: Any, name: str, content: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    call(
        manager, "create_secret", f"create secret {name}",
        Name=name, SecretString=json.dumps(dict(content)), Tags=tags_to_list(tags),
    )  # fmt: skip


def put_secret(manager: Any, name: str, content: Mapping[str, Any]) -> None:
    what = f"write secret {name}"
    call(manager, "put_secret_value", what, SecretId=name, SecretString=json.dumps(dict(content)))


def delete_secret(manager: Any, name: str) -> None:
    """At once: it is a copy of what is kept elsewhere, and its name is needed at the next move."""
    what = f"delete secret {name}"
    call(manager, "delete_secret", what, missing=NO_SECRET, SecretId=name, ForceDeleteWithoutRecovery=True)
