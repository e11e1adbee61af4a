# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done so that a replication of DMS Serverless is as wanted, and what its state means. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse, refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC, WAIT_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    identity_tags,
    tags_to_list,
)

CONFIG, GROUP, REPLICATION = "replication_config", "replication_subnet_group", "replication"
COMPONENT = "migration"
# The tag by which a configuration is known to serve the load that the target awaits, and not an earlier one.
LOAD = "load-id"
# And the one that tells the mappings and settings it was made with: DMS gives them back in a form of its own.
TASK = "task-hash"
CAPACITY = (1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 384)
NEW, FAILED, STOPPED = "created", "failed", "stopped"
RESTING = (NEW, FAILED, STOPPED)
FINISHED = "FULL_LOAD_ONLY_FINISHED"
COMPLETED = "Table completed"
# ValidationState: these say that nothing was found; without a primary key DMS cannot look.
VALID = ("Validated", "No primary key", "Not enabled")
REPLICATION_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    **WAIT_SPEC,
    "tags": TAGS_SPEC["tags"],
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "running", "stopped", "absent"], "default": "running"},
    "source_endpoint_arn": {"type": "str"},
    "target_endpoint_arn": {"type": "str"},
    "table_mappings": {"type": "json"},
    "replication_settings": {"type": "json"},
    "load_id": {"type": "str"},
    "vpc_subnet_ids": {"type": "list", "elements": "str"},
    "vpc_security_group_ids": {"type": "list", "elements": "str"},
    "min_capacity_units": {"type": "int", "default": 1},
    "max_capacity_units": {"type": "int", "default": 16},
    "multi_az": {"type": "bool", "default": False},
    "premigration_assessment": {"type": "str", "choices": ["none", "report", "require"], "default": "report"},
    "progress_interval": {"type": "int", "default": 10},
    "progress_path": {"type": "path"},
    "wait_timeout": {"type": "int", "default": 86400},
    "wait_pause": {"type": "float", "default": 15},
}
NEEDED = (
    "source_endpoint_arn", "target_endpoint_arn", "table_mappings", "replication_settings", "load_id",
    "vpc_subnet_ids", "vpc_security_group_ids",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What AWS showed. `replication` is of the configuration, `group` the subnet group of the same name."""

    config: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    replication: Mapping[str, Any] = field(default_factory=dict)
    group: Mapping[str, Any] | None = None
    group_tags: Mapping[str, str] = field(default_factory=dict)
    damage: tuple[str, ...] = ()  # of a load that has finished

    @property
    def arn(self) -> str:
        return (self.config or {}).get("ReplicationConfigArn", "")

    @property
    def status(self) -> str:
        return self.replication.get("Status", "") if self.config else ""

    @property
    def active(self) -> bool:
        return bool(self.status) and self.status not in RESTING

    @property
    def finished(self) -> bool:
        """Whether the full load is complete. Stopped alone is not: anybody can stop it, and errors do."""
        errors = (self.replication.get("ReplicationStats") or {}).get("TablesErrored") or 0
        return self.status == STOPPED and self.replication.get("StopReason", "").endswith(FINISHED) and not errors


def plan(want: Mapping[str, Any], seen: Seen, complete: bool) -> Plan:
    """Return the steps to the wanted state. Not `complete`: endpoints and network may be yet to come."""
    name = want["name"]
    if seen.config:
        refuse_foreign(f"{CONFIG} {name}", seen.tags, want["app"], want["stage"])
    if seen.group:
        refuse_foreign(f"{GROUP} {name}", seen.group_tags, want["app"], want["stage"])
    if want["state"] == "absent":
        return Plan(tuple(_removal(want, seen)))
    if want["state"] == "stopped":
        return Plan(tuple(_stopping(want, seen)))
    refuse(f"cannot make {REPLICATION} {name}", _problems(want, complete))
    steps = [*_grouping(want, seen), *_configuring(want, seen)]
    if want["state"] == "running":
        steps += _starting(want, seen, anew=any(step.kind == CONFIG for step in steps))
    return Plan(tuple(steps))


def _problems(want: Mapping[str, Any], complete: bool) -> list[str]:
    problems = []
    if len(want["name"]) > 255 or not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", want["name"]):
        problems.append(f"name {want['name']!r}: letters, digits and single hyphens, a letter first and no hyphen last")
    low, high = want["min_capacity_units"], want["max_capacity_units"]
    problems += [f"{value} is no capacity of DMS: {CAPACITY}" for value in (low, high) if value not in CAPACITY]
    if low > high:
        problems.append(f"min_capacity_units {low} is above max_capacity_units {high}")
    if not complete:
        return problems
    problems += [f"{option} is empty" for option in NEEDED if not want[option] or "" in list(want[option])]
    if len(set(want["vpc_subnet_ids"])) < 2:
        problems.append("vpc_subnet_ids needs subnets in two zones or more")
    return problems


def wanted_tags(want: Mapping[str, Any]) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT)}


def wanted(want: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes one configuration differ from another."""
    task = json.dumps([json.loads(want[option] or "{}") for option in ("table_mappings", "replication_settings")])
    return {
        "load_id": want["load_id"],
        "task_hash": hashlib.sha256(task.encode()).hexdigest()[:32],
        "source_endpoint_arn": want["source_endpoint_arn"],
        "target_endpoint_arn": want["target_endpoint_arn"],
        "vpc_security_group_ids": sorted(set(want["vpc_security_group_ids"] or ())),
        "min_capacity_units": want["min_capacity_units"],
        "max_capacity_units": want["max_capacity_units"],
        "multi_az": want["multi_az"],
    }


def shown(seen: Seen) -> dict[str, Any]:
    """Return the same of what is there."""
    config = seen.config or {}
    compute = config.get("ComputeConfig") or {}
    return {
        "load_id": seen.tags.get(LOAD, ""),
        "task_hash": seen.tags.get(TASK, ""),
        "source_endpoint_arn": config.get("SourceEndpointArn", ""),
        "target_endpoint_arn": config.get("TargetEndpointArn", ""),
        "vpc_security_group_ids": sorted(compute.get("VpcSecurityGroupIds") or ()),
        "min_capacity_units": compute.get("MinCapacityUnits"),
        "max_capacity_units": compute.get("MaxCapacityUnits"),
        "multi_az": bool(compute.get("MultiAZ")),
    }


def _grouping(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    subnets = sorted(set(want["vpc_subnet_ids"] or ()))
    params = {
        "ReplicationSubnetGroupIdentifier": want["name"],
        "ReplicationSubnetGroupDescription": f"Migration of {want['app']} in {want['stage']}",
        "SubnetIds": subnets,
    }
    if seen.group is None:
        tagged = {**params, "Tags": tags_to_list(wanted_tags(want))}
        yield Action("create", GROUP, want["name"], {}, {"vpc_subnet_ids": subnets}, tagged)
        return
    has = sorted(subnet["SubnetIdentifier"] for subnet in seen.group.get("Subnets") or ())
    if has != subnets:
        yield Action("modify", GROUP, want["name"], {"vpc_subnet_ids": has}, {"vpc_subnet_ids": subnets}, params)


def _configuring(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """A configuration that was started once cannot be changed: another one takes its place."""
    after = wanted(want)
    if seen.config:
        before = shown(seen)
        changed = {key: value for key, value in after.items() if before[key] != value}
        if not changed:
            return
        if seen.active:
            yield Action("stop", REPLICATION, want["name"], {"status": seen.status}, {"status": STOPPED})
        yield Action("delete", CONFIG, want["name"], {key: before[key] for key in changed}, None, {"arn": seen.arn})
    yield Action("create", CONFIG, want["name"], {}, after, _creation(want, after))


def _creation(want: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ReplicationConfigIdentifier": want["name"],
        "SourceEndpointArn": after["source_endpoint_arn"],
        "TargetEndpointArn": after["target_endpoint_arn"],
        "ReplicationType": "full-load",
        "TableMappings": want["table_mappings"],
        "ReplicationSettings": want["replication_settings"],
        "ComputeConfig": {
            "ReplicationSubnetGroupId": want["name"],
            "VpcSecurityGroupIds": after["vpc_security_group_ids"],
            "MinCapacityUnits": after["min_capacity_units"],
            "MaxCapacityUnits": after["max_capacity_units"],
            "MultiAZ": after["multi_az"],
        },
        "Tags": tags_to_list({**wanted_tags(want), LOAD: after["load_id"], TASK: after["task_hash"]}),
    }


def _starting(want: Mapping[str, Any], seen: Seen, anew: bool) -> list[Action]:
    """A full load cannot be resumed: one that has failed, was stopped or did damage loads all tables again."""
    if not anew and ((seen.finished and not seen.damage) or seen.active):
        return []
    kind = "start-replication" if anew or seen.status == NEW else "reload-target"
    before = {"status": "" if anew else seen.status}
    return [Action("start", REPLICATION, want["name"], before, {"status": "running"}, {"kind": kind})]


def _stopping(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    if seen.active:
        yield Action("stop", REPLICATION, want["name"], {"status": seen.status}, {"status": STOPPED})


def _removal(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    yield from _stopping(want, seen)
    if seen.config:
        yield Action("delete", CONFIG, want["name"], {"status": seen.status}, None, {"arn": seen.arn})
    if seen.group:
        yield Action("delete", GROUP, want["name"], {}, None)


def table_facts(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return DMS's statistics in our words."""
    return [
        {
            "name": f"{table.get('SchemaName')}.{table.get('TableName')}",
            "state": table.get("TableState", ""),
            "rows": table.get("FullLoadRows", 0),
            "error_rows": table.get("FullLoadErrorRows", 0),
            "seconds": _seconds(table),
            "validation_state": table.get("ValidationState", ""),
            "validation_failed_records": table.get("ValidationFailedRecords", 0),
            "validation_pending_records": table.get("ValidationPendingRecords", 0),
            "validation_suspended_records": table.get("ValidationSuspendedRecords", 0),
        }
        for table in tables
    ]


def _seconds(table: Mapping[str, Any]) -> float | None:
    began, ended = table.get("FullLoadStartTime"), table.get("FullLoadEndTime")
    return round((ended - began).total_seconds(), 3) if began and ended else None


def table_problems(tables: list[dict[str, Any]]) -> list[str]:
    """Name the tables of a finished load that are not whole, or that DMS itself found to differ."""
    problems = [f"{table['name']}: {table['state']}" for table in tables if table["state"] != COMPLETED]
    return problems + [
        f"{table['name']}: {table['validation_state']} ({table['validation_failed_records']} rows)"
        for table in tables
        if table["state"] == COMPLETED and table["validation_state"] not in VALID
    ]
