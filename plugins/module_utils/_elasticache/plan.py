# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done so that a replication group is as wanted. Pure: no boto3, no AnsibleModule, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import checks, layout
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.fields import (
    BY_OPTION,
    FIELDS,
    Field,
    delivery_request,
    log_deliveries,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.notes import notes
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.seen import Seen
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.versions import (
    resolve,
    target_for,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, tags_to_list

KIND = layout.KIND
NOTHING: tuple[Any, ...] = (None, "", [])
# In place AWS goes only this way, and back from compatible nowhere.
MODE_STEPS = (("disabled", "compatible"), ("compatible", "enabled"))


def wanted_version(want: Mapping[str, Any], seen: Seen) -> tuple[str, str]:
    """Return the (engine, version) that the group should have."""
    asked = want.get("engine_version") or ""
    if seen.group is None:
        offer = resolve(seen.offers, want["engine"], asked, seen.today)
        return offer.engine, offer.version
    if not seen.running[1]:
        return seen.running  # its nodes are still being made
    allowed = bool(want.get("allow_major_version_upgrade"))
    return target_for(seen.offers, seen.running, want["engine"], asked, allowed, seen.today)


def plan_present(want: Mapping[str, Any], seen: Seen) -> Plan:
    """Return the steps to the wanted group, or raise one error that tells everything that is impossible."""
    engine, version = wanted_version(want, seen)
    resolved = {**want, "engine": engine, "engine_version": version}
    changes = {} if seen.group is None else {field: new for field in FIELDS for new in _change(field, resolved, seen)}
    problems = checks.input_problems(resolved)
    problems += checks.version_problems(resolved, engine, version)
    problems += checks.node_type_problems(resolved, seen, BY_OPTION["node_type"] in changes)
    if seen.group is None:
        problems += checks.creation_problems(resolved)
        problems += checks.snapshot_problems(resolved, version, seen)
        refuse(f"cannot create {KIND} {want['identifier']}", problems)
        return Plan((_creation(resolved),), notes(resolved, seen, {}, ()))
    refuse_foreign(f"{KIND} {want['identifier']}", seen.tags, want)
    problems += _impossible(changes, resolved, seen)
    refuse(f"cannot change {KIND} {want['identifier']}", problems)
    steps = tuple(_steps(changes, resolved, seen))
    tags = tagging(KIND, want["identifier"], str(seen.group.get("ARN", "")), seen.tags, want)
    return Plan((*tags, *steps), notes(resolved, seen, changes, steps))


def _creation(want: Mapping[str, Any]) -> Action:
    given = {field: want[field.option] for field in FIELDS if want.get(field.option) not in NOTHING}
    for option, common in (("cluster_mode", "disabled"), ("durability", "default")):
        if given.get(BY_OPTION[option]) == common:
            del given[BY_OPTION[option]]  # what the API does when it is not asked
    params = {field.create: value for field, value in given.items()}
    if want.get("log_delivery"):
        params["LogDeliveryConfigurations"] = [delivery_request(item) for item in want["log_delivery"]]
    params |= {
        "ReplicationGroupId": want["identifier"], "TransitEncryptionEnabled": True,
        "Tags": tags_to_list(wanted_tags(want)), **layout.creation(want),
    }  # fmt: skip
    if want.get("snapshot_name"):
        params["SnapshotName"] = want["snapshot_name"]
    after = {field.option: value for field, value in given.items()}
    after |= {key: want[key] for key in ("num_node_groups", "replicas_per_node_group", "availability_zones")}
    after |= {"cluster_mode": want["cluster_mode"], "tags": wanted_tags(want)}
    after |= {"snapshot_name": want["snapshot_name"]} if want.get("snapshot_name") else {}
    return Action("create", KIND, want["identifier"], {}, after, params)


def _change(field: Field, want: Mapping[str, Any], seen: Seen) -> Iterator[Any]:
    """Yield the new value when this setting must change."""
    wanted: Any = want.get(field.option)
    if wanted is None or (wanted == "" and field.option != "notification_topic_arn"):
        return
    has = field.read(seen)
    if field.option == "log_delivery":
        wanted = sorted(wanted, key=lambda item: item["log_type"])
    elif isinstance(wanted, list):
        wanted = sorted(set(wanted))
    if field.option.endswith("_window"):
        wanted, has = wanted.lower(), str(has).lower()
    if field.option in ("parameter_group_name", "subnet_group_name"):
        wanted = wanted.lower()  # ElastiCache keeps the names of groups in lower case
    if field.option == "durability" and wanted == "default":
        return  # what the service chose stays as it is
    if wanted != has and not (field.option == "port" and has is None):
        yield wanted


def _impossible(changes: Mapping[Field, Any], want: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    for field, after in changes.items():
        if not field.modify:
            yield f"{field.option} is {field.read(seen)} and cannot become {after} in place ({field.frozen})"
    new = {field.option: after for field, after in changes.items()}
    has, mode = seen.cluster_mode, new.get("cluster_mode")
    if mode and (has, mode) not in MODE_STEPS:
        forward = "first compatible, then (once every client is one for clusters) enabled"
        way = forward if has == "disabled" else "nothing goes back"
        yield f"cluster_mode cannot go from {has} to {mode} in place; {way}"
    if mode and {"engine", "engine_version"} & set(new):
        yield "the version and cluster_mode cannot change in one run: each needs a parameter group of its own"
    if seen.tls_mode == "" and want["transit_encryption_mode"] == "required":
        yield "TLS cannot become required at once on a group without it; first transit_encryption_mode preferred"


def _steps(changes: Mapping[Field, Any], want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """Yield the calls in an order in which each finds what it needs: replicas before failover, TLS before sync."""
    grouped: dict[str, dict[Field, Any]] = {}
    for field, after in changes.items():
        grouped.setdefault(_step_of(field, changes), {})[field] = after
    for step in ("settings", "engine", "node_type"):
        yield from _modification(grouped.get(step, {}), want, seen)
    yield from layout.increase(want, seen)
    for step in ("failover", "tls", "cluster_mode"):
        yield from _modification(grouped.get(step, {}), want, seen)
    yield from layout.reshard(want, seen)
    yield from _modification(grouped.get("durability", {}), want, seen)
    yield from layout.decrease(want, seen)


def _step_of(field: Field, changes: Mapping[Field, Any]) -> str:
    """A parameter group of another family or mode must come with the version or mode that it is for."""
    steps = {other.step for other in changes}
    if field.option == "parameter_group_name":
        return next((step for step in ("engine", "cluster_mode") if step in steps), field.step)
    return field.step


def _modification(changes: Mapping[Field, Any], want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    if not changes:
        return
    sent: dict[str, Any] = {}
    for field, after in changes.items():
        sent |= _as_sent(field, after, seen)
    # Only what replaces nodes can wait for the maintenance window.
    waits = any(field.step in ("engine", "node_type") for field in changes)
    sent["ApplyImmediately"] = bool(want.get("apply_immediately")) or not waits
    before = {field.option: field.read(seen) for field in changes}
    after = {field.option: value for field, value in changes.items()}
    params = {"ReplicationGroupId": want["identifier"], **sent}
    yield Action("modify", KIND, want["identifier"], before, after, params)


def _as_sent(field: Field, value: Any, seen: Seen) -> dict[str, Any]:
    if field.option == "notification_topic_arn":
        status = {"NotificationTopicStatus": "active" if value else "inactive"}
        return {**status, **({"NotificationTopicArn": value} if value else {})}
    if field.option == "user_group_ids":
        has = set(field.read(seen))
        moves = {"UserGroupIdsToAdd": sorted(set(value) - has), "UserGroupIdsToRemove": sorted(has - set(value))}
        return {name: groups for name, groups in moves.items() if groups}
    if field.option == "log_delivery":
        kept = {item["log_type"] for item in value}
        ended = [item["log_type"] for item in log_deliveries(seen) if item["log_type"] not in kept]
        changed = [delivery_request(item) for item in value if item not in log_deliveries(seen)]
        return {field.modify: changed + [{"LogType": kind, "Enabled": False} for kind in ended]}
    if field.option == "transit_encryption_mode":
        return {"TransitEncryptionEnabled": True, field.modify: value}
    return {field.modify: value}


def plan_absent(want: Mapping[str, Any], seen: Seen, snapshot: str) -> Plan:
    """Return the deletion, or raise when the group is not ours."""
    if seen.group is None or seen.status == "deleting":
        return Plan()
    refuse_foreign(f"{KIND} {want['identifier']}", seen.tags, want)
    params: dict[str, Any] = {"ReplicationGroupId": want["identifier"], "RetainPrimaryCluster": False}
    kept = "" if want.get("skip_final_snapshot") else want.get("final_snapshot_identifier") or snapshot
    if kept:
        params["FinalSnapshotIdentifier"] = kept
    before = {field.option: field.read(seen) for field in FIELDS}
    told = f"the last keys stay in the snapshot {kept}" if kept else "no final snapshot: the keys are gone"
    return Plan((Action("delete", KIND, want["identifier"], before, None, params),), (told,))
