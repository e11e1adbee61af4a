# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to ElastiCache (and KMS) behind our modules: one call per function, nothing decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.versions import Offer, offers_from
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict, tags_to_list

NO_GROUP = ("ReplicationGroupNotFoundFault", "ReplicationGroupNotFound")
NO_MEMBER = ("CacheClusterNotFound",)
NO_USER = ("UserNotFound", "UserNotFoundFault")
NO_USER_GROUP = ("UserGroupNotFound", "UserGroupNotFoundFault")
NO_SNAPSHOT = ("SnapshotNotFoundFault",)
# While a group is made or changed, ElastiCache neither tells nor takes its tags.
BUSY = ("InvalidReplicationGroupState", "InvalidReplicationGroupStateFault", "CacheClusterNotFound")


def get_group(client: Any, name: str) -> dict[str, Any] | None:
    found = call(
        client, "describe_replication_groups", f"read replication_group {name}",
        missing=NO_GROUP, ReplicationGroupId=name,
    )  # fmt: skip
    return found["ReplicationGroups"][0] if found and found["ReplicationGroups"] else None


def get_member(client: Any, name: str) -> dict[str, Any] | None:
    """Return one node as a cache cluster: it tells the version, windows, parameter and security groups."""
    found = call(
        client, "describe_cache_clusters", f"read cache_cluster {name}",
        missing=NO_MEMBER, CacheClusterId=name, ShowCacheNodeInfo=True,
    )  # fmt: skip
    return found["CacheClusters"][0] if found and found["CacheClusters"] else None


def get_offers(client: Any) -> tuple[Offer, ...]:
    what = "list the engine versions that ElastiCache offers"
    return offers_from(pages(client, "describe_cache_engine_versions", "CacheEngineVersions", what))


def is_offered(client: Any, node_type: str) -> bool:
    """Return whether AWS sells that node type here. Nothing else lists node types before there is a group."""
    found = call(
        client, "describe_reserved_cache_nodes_offerings", f"look up the node type {node_type}",
        missing=("ReservedCacheNodesOfferingNotFound", "InvalidParameterValue"), CacheNodeType=node_type,
    )  # fmt: skip
    return bool(found and found["ReservedCacheNodesOfferings"])


def allowed_node_types(client: Any, name: str) -> tuple[str, ...]:
    """Return the node types to which this group can be scaled in place."""
    found = call(
        client, "list_allowed_node_type_modifications", f"list the node types of replication_group {name}",
        ReplicationGroupId=name,
    )  # fmt: skip
    return tuple(sorted({*found.get("ScaleUpModifications", ()), *found.get("ScaleDownModifications", ())}))


def get_snapshot(client: Any, name: str) -> dict[str, Any] | None:
    found = call(
        client, "describe_snapshots", f"read snapshot {name}",
        missing=NO_SNAPSHOT, SnapshotName=name, ShowNodeGroupConfig=True,
    )  # fmt: skip
    return found["Snapshots"][0] if found and found["Snapshots"] else None


def create_group(client: Any, params: Mapping[str, Any]) -> None:
    name = params["ReplicationGroupId"]
    call(
        client, "create_replication_group", f"create replication_group {name}",
        found=lambda: get_group(client, name), **params,
    )  # fmt: skip


def delete_group(client: Any, params: Mapping[str, Any]) -> None:
    what = f"delete replication_group {params['ReplicationGroupId']}"
    call(client, "delete_replication_group", what, missing=NO_GROUP, **params)


def get_user(client: Any, user_id: str) -> dict[str, Any] | None:
    found = call(client, "describe_users", f"read user {user_id}", missing=NO_USER, UserId=user_id)
    return found["Users"][0] if found and found["Users"] else None


def list_users(client: Any) -> list[dict[str, Any]]:
    return pages(client, "describe_users", "Users", "list the users")


def get_user_group(client: Any, name: str) -> dict[str, Any] | None:
    found = call(
        client, "describe_user_groups", f"read user_group {name}", missing=NO_USER_GROUP, UserGroupId=name
    )  # fmt: skip
    return found["UserGroups"][0] if found and found["UserGroups"] else None


def get_tags(client: Any, arn: str) -> dict[str, str]:
    found = call(client, "list_tags_for_resource", f"read the tags of {arn}", eventual=BUSY, ResourceName=arn)
    return tags_to_dict(found["TagList"] if found else [])


def get_tags_if_told(client: Any, arn: str) -> dict[str, str] | None:
    """Return the tags, or None while ElastiCache does not tell them."""
    found = call(client, "list_tags_for_resource", f"read the tags of {arn}", missing=BUSY, ResourceName=arn)
    return None if found is None else tags_to_dict(found["TagList"])


def add_tags(client: Any, arn: str, tags: Mapping[str, str]) -> None:
    call(
        client, "add_tags_to_resource", f"tag {arn}", eventual=BUSY, ResourceName=arn, Tags=tags_to_list(tags)
    )  # fmt: skip


def remove_tags(client: Any, arn: str, keys: list[str]) -> None:
    call(
        client, "remove_tags_from_resource", f"untag {arn}", eventual=BUSY, ResourceName=arn, TagKeys=keys
    )  # fmt: skip


def last_events(client: Any, name: str, minutes: int = 120) -> list[str]:
    """Return what ElastiCache wrote about the group lately, oldest first."""
    found = pages(
        client, "describe_events", "Events", f"read the events of replication_group {name}",
        SourceIdentifier=name, SourceType="replication-group", Duration=minutes,
    )  # fmt: skip
    return [event["Message"] for event in found if event.get("Message")]
