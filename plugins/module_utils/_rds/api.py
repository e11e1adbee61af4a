# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to RDS (and KMS) behind our RDS modules: one call per function, nothing decided here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import ENGINE, Offer, offers_from
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.watch import GOING, status_of
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import new_role
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_list

NO_INSTANCE = ("DBInstanceNotFound", "DBInstanceNotFoundFault")
NO_SNAPSHOT = ("DBSnapshotNotFound", "DBSnapshotNotFoundFault")
NEW_ROLE_CODES = ("InvalidParameterValue", "InvalidParameterCombination")
# Work that RDS began by itself a moment ago, such as a backup.
BUSY = ("InvalidDBInstanceState", "InvalidDBInstanceStateFault")


def get_instance(rds: Any, identifier: str) -> dict[str, Any] | None:
    found = call(
        rds, "describe_db_instances", f"read db_instance {identifier}",
        missing=NO_INSTANCE, DBInstanceIdentifier=identifier,
    )  # fmt: skip
    return found["DBInstances"][0] if found and found["DBInstances"] else None


def get_offers(rds: Any) -> tuple[Offer, ...]:
    what = "list the PostgreSQL versions that RDS offers"
    return offers_from(pages(rds, "describe_db_engine_versions", "DBEngineVersions", what, Engine=ENGINE))


def get_orderable(rds: Any, version: str, instance_class: str = "") -> tuple[dict[str, Any], ...]:
    """Return the orderable options of a version, of one class or of all (some hundreds of rows)."""
    chosen = {"DBInstanceClass": instance_class} if instance_class else {}
    rows = pages(
        rds, "describe_orderable_db_instance_options", "OrderableDBInstanceOptions",
        f"list what can be ordered for PostgreSQL {version}",
        Engine=ENGINE, EngineVersion=version, Vpc=True, **chosen,
    )  # fmt: skip
    return tuple(row for row in rows if instance_class in ("", row["DBInstanceClass"]))


def create_instance(rds: Any, params: Mapping[str, Any]) -> None:
    identifier = params["DBInstanceIdentifier"]
    with_new_role(lambda: call(
        rds, "create_db_instance", f"create db_instance {identifier}",
        found=lambda: get_instance(rds, identifier), **params,
    ))  # fmt: skip


def modify_instance(rds: Any, identifier: str, params: Mapping[str, Any]) -> None:
    what = f"modify db_instance {identifier}"
    with_new_role(lambda: call(
        rds, "modify_db_instance", what, eventual=BUSY, DBInstanceIdentifier=identifier, **params
    ))  # fmt: skip


def reboot_instance(rds: Any, identifier: str) -> None:
    call(rds, "reboot_db_instance", f"reboot db_instance {identifier}", eventual=BUSY, DBInstanceIdentifier=identifier)


def restore_instance(rds: Any, identifier: str, params: Mapping[str, Any]) -> None:
    kind = "from_db_snapshot" if "DBSnapshotIdentifier" in params else "to_point_in_time"
    call(
        rds, f"restore_db_instance_{kind}", f"restore db_instance {identifier}",
        found=lambda: get_instance(rds, identifier), **params,
    )  # fmt: skip


def with_new_role(act: Callable[[], Any], sleep: Callable[[float], None] = time.sleep) -> None:
    """Do what names a role. RDS cannot take one yet that was made a moment ago, be it ours or its own (the first
    instance of an account makes the service-linked one)."""
    new_role.with_new_role(act, NEW_ROLE_CODES, sleep)


def get_origin(rds: Any, restore_from: Mapping[str, Any]) -> dict[str, Any]:
    """Return the snapshot or the instance that is to be restored, named like the attributes of an instance."""
    name = restore_from.get("snapshot_identifier")
    if not name:
        source = restore_from["instance_identifier"]
        instance = get_instance(rds, source)
        if instance is None:
            raise ResourceError(
                f"cannot restore: there is no instance {source} in this region; of one that is gone, restore a snapshot"
            )
        return instance
    found = call(
        rds, "describe_db_snapshots", f"read db_snapshot {name}", missing=NO_SNAPSHOT, DBSnapshotIdentifier=name
    )
    if not found or not found["DBSnapshots"]:
        listed = pages(rds, "describe_db_snapshots", "DBSnapshots", "list the snapshots")
        newest = sorted(listed, key=lambda item: str(item.get("SnapshotCreateTime", "")), reverse=True)
        names = ", ".join(item["DBSnapshotIdentifier"] for item in newest[:5]) or "none"
        raise ResourceError(f"cannot restore: there is no snapshot {name} in this region; the newest are: {names}")
    snapshot = found["DBSnapshots"][0]
    return {**snapshot, "StorageEncrypted": snapshot.get("Encrypted", False)}


def delete_instance(rds: Any, params: Mapping[str, Any]) -> None:
    what = f"delete db_instance {params['DBInstanceIdentifier']}"
    try:
        call(rds, "delete_db_instance", what, missing=NO_INSTANCE, **params)
    except ResourceError:
        # When the answer to the first call was lost, the second is refused because the first did it.
        if status_of(get_instance(rds, params["DBInstanceIdentifier"])) not in GOING:
            raise


def add_tags(rds: Any, arn: str, tags: Mapping[str, str]) -> None:
    call(rds, "add_tags_to_resource", f"tag {arn}", ResourceName=arn, Tags=tags_to_list(tags))


def remove_tags(rds: Any, arn: str, keys: list[str]) -> None:
    call(rds, "remove_tags_from_resource", f"untag {arn}", ResourceName=arn, TagKeys=keys)


def get_tags(rds: Any, arn: str) -> list[dict[str, str]]:
    found = call(rds, "list_tags_for_resource", f"read the tags of {arn}", ResourceName=arn)
    return found["TagList"] if found else []


def last_events(rds: Any, identifier: str, minutes: int = 120) -> list[str]:
    """Return what RDS wrote about the instance lately, oldest first."""
    found = pages(
        rds, "describe_events", "Events", f"read the events of db_instance {identifier}",
        SourceIdentifier=identifier, SourceType="db-instance", Duration=minutes,
    )  # fmt: skip
    return [event["Message"] for event in found if event.get("Message")]
