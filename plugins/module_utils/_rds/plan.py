# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done so that an instance is as wanted. Pure: no boto3, no AnsibleModule, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import checks
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.fields import (
    BY_OPTION,
    FIELDS,
    Field,
    current_value,
    is_pending,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.notes import notes_of
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.reboot import plan_reboot
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import (
    COMPONENT,
    KIND,
    REQUESTED,
    RESTORED,
    Seen,
    refuse,
    refuse_foreign,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import (
    ENGINE,
    major,
    resolve,
    target_for,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.watch import GOING, status_of
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    diff_tags,
    identity_tags,
    tags_to_list,
)

# RDS takes these only together.
TOGETHER = (
    ("performance_insights", "performance_insights_retention_period", "database_insights_mode"),
    ("allocated_storage", "iops", "storage_throughput"),
    ("monitoring_interval", "monitoring_role_arn"),
)


def wanted_version(want: Mapping[str, Any], seen: Seen) -> str:
    """Return the exact version that the instance should have."""
    asked, floor = want.get("engine_version") or "", want.get("minimum_major") or 0
    if seen.instance is None and seen.origin is None:
        return resolve(seen.offers, asked, floor).version
    running = current_value(FIELDS[0], seen.instance or seen.origin or {})
    return target_for(seen.offers, running, asked, floor, bool(want.get("allow_major_version_upgrade")))


def needs_order(want: Mapping[str, Any], seen: Seen) -> bool:
    """Return whether AWS must be asked what can be ordered: only for what is new, an old class may stay."""
    if seen.instance is None:
        return True
    options = {"engine_version", "instance_class", "storage_type", "allocated_storage", "max_allocated_storage"}
    options |= set(checks.STORAGE_FEATURES)
    resolved = {**want, "engine_version": wanted_version(want, seen)}
    return any(True for field in FIELDS if field.option in options for _new in _change(field, resolved, seen))


def plan_present(want: Mapping[str, Any], seen: Seen) -> Plan:
    """Return the steps to the wanted instance, or raise one error that tells everything that is impossible."""
    version = wanted_version(want, seen)
    resolved = resolve_wish(want, version)
    problems = checks.input_problems(resolved)
    problems += checks.version_problems(resolved, seen.offer(version))
    if needs_order(want, seen):
        problems += checks.class_problems(resolved, version, seen.rows, seen.classes)
    if seen.instance is None:
        problems += checks.growth_problem(resolved.get("allocated_storage"), resolved.get("max_allocated_storage"))
        refuse(f"cannot create {KIND} {want['identifier']}", problems)
        return _creation(resolved)
    refuse_foreign(f"{KIND} {want['identifier']}", seen.tags, want["app"], want["stage"])
    changes = {field: after for field in FIELDS for after in _change(field, resolved, seen)}
    problems += _impossible(changes, resolved, seen)
    refuse(f"cannot change {KIND} {want['identifier']}", problems)
    steps = (
        *_modification(changes, resolved, seen),
        *plan_reboot(resolved, seen.instance or {}),
        *_tagging(resolved, seen),
    )
    return Plan(steps, notes_of(changes, resolved, seen))


def resolve_wish(want: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the wish with its exact version, without what has no meaning beside a feature that is off."""
    resolved = dict(want) | {"engine_version": version}
    if not resolved.get("performance_insights"):
        resolved["performance_insights_retention_period"] = None
    if not resolved.get("monitoring_interval"):
        resolved["monitoring_role_arn"] = None
    return resolved


def tags_of(want: Mapping[str, Any]) -> dict[str, str]:
    size = {REQUESTED: str(want["allocated_storage"])} if want.get("allocated_storage") else {}
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT), **size}


def _creation(want: Mapping[str, Any]) -> Plan:
    given = {field: want[field.option] for field in FIELDS if want.get(field.option) not in (None, "")}
    params = {field.create: value for field, value in given.items() if (field.option, value) != _NO_GROWTH}
    params |= {"DBInstanceIdentifier": want["identifier"], "Engine": ENGINE, "Tags": tags_to_list(tags_of(want))}
    params |= {"ManageMasterUserPassword": True}
    if want.get("master_user_secret_kms_key_id"):
        params["MasterUserSecretKmsKeyId"] = want["master_user_secret_kms_key_id"]
    after = {field.option: value for field, value in given.items()}
    after |= {"manage_master_user_password": True, "tags": tags_of(want)}
    return Plan((Action("create", KIND, want["identifier"], {}, after, params),))


_NO_GROWTH = ("max_allocated_storage", 0)


def _change(field: Field, want: Mapping[str, Any], seen: Seen) -> Iterator[Any]:
    """Yield the new value when this setting must change."""
    wanted: Any = want.get(field.option)
    if wanted is None or wanted == "" or seen.instance is None:
        return
    has = current_value(field, seen.instance)
    if isinstance(wanted, list):
        wanted = sorted(set(wanted))
    if field.option == "allocated_storage" and seen.grown_by_aws(wanted, has):
        return
    if field.option.endswith("_window"):
        wanted, has = wanted.lower(), str(has).lower()
    if wanted != has:
        yield wanted


def _impossible(changes: Mapping[Field, Any], want: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    instance = seen.instance or {}
    for field, after in changes.items():
        if not field.modify:
            has = current_value(field, instance)
            yield f"{field.option} is {has} and cannot become {after} in place ({field.frozen})"
    new = {field.option: after for field, after in changes.items()}
    size = current_value(BY_OPTION["allocated_storage"], instance)
    if new.get("allocated_storage", size) < size:
        yield f"allocated_storage cannot shrink from {size} to {new['allocated_storage']} GiB; move to a new instance"
    elif {"allocated_storage", "max_allocated_storage"} & set(new):
        yield from checks.growth_problem(new.get("allocated_storage", size), want.get("max_allocated_storage"))
    storage = sorted({"allocated_storage", "storage_type", "iops", "storage_throughput"} & set(new))
    if storage and instance.get("DBInstanceStatus") == "storage-optimization":
        yield f"{', '.join(storage)} cannot change while RDS still optimises the storage after the last change; wait"
    key = want.get("master_user_secret_kms_key_id")
    secret = instance.get("MasterUserSecret") or {}
    if key and secret.get("KmsKeyId") and secret["KmsKeyId"].rpartition("/")[2] != key.rpartition("/")[2]:
        yield "the key of the managed master secret cannot be changed in place (master_user_secret_kms_key_id)"
    if changes and instance.get("DBInstanceStatus") in ("stopped", "stopping"):
        yield f"the instance is {instance['DBInstanceStatus']}; start it first (aws rds start-db-instance)"


def _modification(changes: Mapping[Field, Any], want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    instance = seen.instance or {}
    due = _due_now(changes, want, instance)
    before = {field.option: current_value(field, instance) for field in changes}
    before |= {field.option: field.read(instance) for field in due}
    after = {field.option: value for field, value in (*changes.items(), *due.items())}
    params = {field.modify: _as_sent(field, value, instance) for field, value in (*changes.items(), *due.items())}
    params |= _companions(after, want, instance)
    secret, waiting = instance.get("MasterUserSecret"), instance.get("PendingModifiedValues") or {}
    if not secret and "MasterUserPassword" not in waiting:
        params["ManageMasterUserPassword"] = True
        if want.get("master_user_secret_kms_key_id"):
            params["MasterUserSecretKmsKeyId"] = want["master_user_secret_kms_key_id"]
        before, after = before | {"manage_master_user_password": False}, after | {"manage_master_user_password": True}
    if params:
        if major(after.get("engine_version", "")) > major(before.get("engine_version", "")):
            params["AllowMajorVersionUpgrade"] = True
        params["ApplyImmediately"] = bool(want.get("apply_immediately"))
        yield Action("modify", KIND, want["identifier"], before, after, params)


def _due_now(changes: Mapping[Field, Any], want: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[Field, Any]:
    """Return what waits for the maintenance window although it is now wanted at once."""
    if not want.get("apply_immediately") or instance.get("DBInstanceStatus") != "available":
        return {}
    waiting = (field for field in FIELDS if field not in changes and is_pending(field, instance))
    return {field: current_value(field, instance) for field in waiting if want.get(field.option) not in (None, "")}


def _as_sent(field: Field, value: Any, instance: Mapping[str, Any]) -> Any:
    if (field.option, value) == _NO_GROWTH:
        return current_value(BY_OPTION["allocated_storage"], instance)
    if field.option == "enabled_cloudwatch_logs_exports":
        has = set(current_value(field, instance))
        sent = {"EnableLogTypes": sorted(set(value) - has), "DisableLogTypes": sorted(has - set(value))}
        return {name: logs for name, logs in sent.items() if logs}
    return value


def _companions(after: Mapping[str, Any], want: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what RDS demands to be said together with a change, as it is or is wanted to be."""
    sent: dict[str, Any] = {}
    for group in TOGETHER:
        if len(group) > 1 and set(group) & set(after) - {"allocated_storage"}:
            for field in (BY_OPTION[option] for option in group):
                value = after.get(field.option, want.get(field.option))
                if field.option == "allocated_storage" and field.option not in after:
                    value = current_value(field, instance)
                if value is not None:
                    sent[field.modify] = value
    return sent


def _tagging(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    purge = want.get("purge_tags") if want.get("tags") is not None else False
    origin = {RESTORED: seen.tags[RESTORED]} if RESTORED in seen.tags else {}
    to_set, to_remove = diff_tags(seen.tags, tags_of(want) | origin, bool(purge))
    arn = (seen.instance or {}).get("DBInstanceArn", "")
    if to_set:
        before = {key: seen.tags[key] for key in to_set if key in seen.tags}
        yield Action("tag", KIND, want["identifier"], {"tags": before}, {"tags": to_set}, {"arn": arn, "tags": to_set})
    if to_remove:
        gone = {key: seen.tags[key] for key in to_remove}
        yield Action("untag", KIND, want["identifier"], {"removed_tags": gone}, {}, {"arn": arn, "keys": to_remove})


def plan_absent(want: Mapping[str, Any], seen: Seen, snapshot: str) -> Plan:
    """Return the deletion, or raise when the instance is protected or not ours."""
    if seen.instance is None or status_of(seen.instance) in GOING:
        return Plan()
    name = f"{KIND} {want['identifier']}"
    refuse_foreign(name, seen.tags, want["app"], want["stage"])
    if seen.instance.get("DeletionProtection"):
        raise ResourceError(
            f"{name} has deletion protection and was not touched; switch it off first "
            "(state present with deletion_protection false), then remove it"
        )
    params: dict[str, Any] = {"DBInstanceIdentifier": want["identifier"]}
    params["DeleteAutomatedBackups"] = bool(want.get("delete_automated_backups"))
    params["SkipFinalSnapshot"] = bool(want.get("skip_final_snapshot"))
    if not params["SkipFinalSnapshot"]:
        params["FinalDBSnapshotIdentifier"] = want.get("final_snapshot_identifier") or snapshot
    before = {field.option: current_value(field, seen.instance) for field in FIELDS}
    kept = params.get("FinalDBSnapshotIdentifier")
    notes = (f"the last data stays in the snapshot {kept}",) if kept else ("no final snapshot: the data is gone",)
    return Plan((Action("delete", KIND, want["identifier"], before, None, params),), notes)
