# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret that holds a user's password, and its rotation with two passwords so that no client ever fails.

A rotation is: new value as AWSPENDING; the user gets the new and the current password; the new value becomes
AWSCURRENT. Each step can be repeated, and what is found tells which one is next: a killed run is completed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, tags_to_dict, tags_to_list

KIND = "secret"
MISSING = ("ResourceNotFoundException",)
SHOWN = ("username", "host", "port", "reader_host", "reader_port", "cluster_mode", "rotation", "rotated_at")
SECRET_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "kms_key_id": {"type": "str"},
    "rotation_days": {"type": "int", "default": 0},
    "rotation": {"type": "str", "default": ""},
    "grace_days": {"type": "int", "default": 7},
    "recovery_days": {"type": "int", "default": 30},
    "connection": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "reader_host": {"type": "str", "default": ""},
            "reader_port": {"type": "int", "default": 0},
            "cluster_mode": {"type": "str", "choices": ["disabled", "compatible", "enabled"], "default": "disabled"},
        },
    },
}
Value = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """What Secrets Manager holds. `pending` is the value of a rotation that has begun and not ended."""

    arn: str = ""
    key: str = ""  # by whatever name it was given; empty for Secrets Manager's own
    deleted: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    current: Value | None = field(default=None, repr=False)
    current_version: str = ""
    pending: Value | None = field(default=None, repr=False)
    pending_version: str = ""


@dataclass(frozen=True)
class Passwords:
    """What is to be done with the secret before and after the user, and the passwords that the user then has."""

    before: tuple[Action, ...] = ()
    passwords: tuple[str, ...] = field(default=(), repr=False)
    after: tuple[Action, ...] = ()
    told: str = ""
    notes: tuple[str, ...] = ()


def read_secret(manager: Any, name: str) -> Held | None:
    found = call(manager, "describe_secret", f"read the secret {name}", missing=MISSING, SecretId=name)
    if found is None:
        return None
    tags = tags_to_dict(found.get("Tags"))
    if found.get("DeletedDate"):
        return Held(found["ARN"], found.get("KmsKeyId", ""), True, tags)
    stages = found.get("VersionIdsToStages") or {}
    current, pending = (_staged(stages, stage) for stage in ("AWSCURRENT", "AWSPENDING"))
    pending = "" if pending == current else pending
    return Held(
        found["ARN"], found.get("KmsKeyId", ""), False, tags, _value(manager, name, current), current,
        _value(manager, name, pending), pending,
    )  # fmt: skip


def _staged(stages: Mapping[str, list[str]], stage: str) -> str:
    return next((version for version, labels in stages.items() if stage in labels), "")


def _value(manager: Any, name: str, version: str) -> Value | None:
    if not version:
        return None
    what = f"read the value of the secret {name}"
    found = call(manager, "get_secret_value", what, missing=MISSING, SecretId=name, VersionId=version)
    try:
        value = json.loads(found["SecretString"]) if found and found.get("SecretString") else None
    except ValueError:
        value = None
    if value is not None and not (isinstance(value, dict) and value.get("password")):
        raise ResourceError(f"the secret {name} holds no JSON object with a password; somebody else wrote it")
    return value


def plan_passwords(
    want: Mapping[str, Any],
    user: Mapping[str, Any] | None,
    held: Held | None,
    now: datetime,
    generate: Callable[[], str],
) -> Passwords:
    """Return what must be done with the secret, and which passwords the user must have (none: leave them)."""
    secret, given = want["secret"], want.get("passwords")
    if held is None or held.current is None:
        value = _fresh(want, given[0] if given else generate(), now)
        notes = ("the secret was gone: the user gets a new password, and clients must read it",) if user else ()
        verb = "create" if held is None else "put"
        return Passwords((_written(verb, want, {}, value),), (value["password"],), (), "new", notes)
    current = {**held.current, **_connection(secret, held.current)}
    if held.pending is not None:
        pending = held.pending
        after = (_promotion(want, held.current, pending, held.current_version, held.pending_version),)
        told = "rotation completed"
        return Passwords((), (pending["password"], current["password"]), after, told)
    if _due(secret, current, now):
        version = str(uuid.uuid4())
        value = {**current, "password": generate(), "rotated_at": _stamp(now)}
        value["rotation"] = secret["rotation"] or current.get("rotation", "")
        value |= _connection(secret, value)
        before = (_written("put", want, held.current, value, version, "AWSPENDING"),)
        after = (_promotion(want, held.current, value, held.current_version, version),)
        return Passwords(before, (value["password"], current["password"]), after, "rotated")
    differs = current != held.current
    changed: tuple[Action, ...] = (_written("put", want, held.current, current),) if differs else ()
    authentication = (user or {}).get("Authentication") or {}
    if user is None or authentication.get("Type") != "password":
        return Passwords(changed, (current["password"],), (), "that of the secret")
    if authentication.get("PasswordCount") == 2 and _grace_over(secret, current, now):
        return Passwords(changed, (current["password"],), (), "the former one removed")
    return Passwords(changed)


def _fresh(want: Mapping[str, Any], password: str, now: datetime) -> Value:
    secret = want["secret"]
    value = {
        "engine": want["engine"], "username": want["user_name"], "password": password, "host": "", "port": 0,
        "reader_host": "", "reader_port": 0, "cluster_mode": "disabled", "tls": True, "url": "",
        "rotated_at": _stamp(now), "rotation": secret["rotation"],
    }  # fmt: skip
    return value | _connection(secret, value)


def _connection(secret: Mapping[str, Any], value: Mapping[str, Any]) -> Value:
    """Return what the secret tells of the endpoint; with a new password or endpoint comes a new address."""
    place = {key: item for key, item in (secret.get("connection") or {}).items() if item is not None}
    known = {**value, **place}
    if not known.get("host"):
        return place
    login = f"{quote(known['username'], safe='')}:{quote(known['password'], safe='')}"
    return {**place, "url": f"rediss://{login}@{known['host']}:{known['port']}/0"}


def _stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _age(value: Mapping[str, Any], now: datetime) -> timedelta:
    try:
        made = datetime.strptime(str(value.get("rotated_at")), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=now.tzinfo)
    except ValueError:
        return timedelta.max  # a value of unknown age is old
    return now - made


def _due(secret: Mapping[str, Any], value: Mapping[str, Any], now: datetime) -> bool:
    asked = bool(secret["rotation"]) and secret["rotation"] != value.get("rotation")
    days = secret["rotation_days"]
    return asked or (days > 0 and _age(value, now) >= timedelta(days=days))


def _grace_over(secret: Mapping[str, Any], value: Mapping[str, Any], now: datetime) -> bool:
    return secret["grace_days"] > 0 and _age(value, now) >= timedelta(days=secret["grace_days"])


def _written(
    verb: str, want: Mapping[str, Any], before: Value, value: Value, version: str = "", stage: str = ""
) -> Action:
    name, secret = want["secret"]["name"], want["secret"]
    params: dict[str, Any] = {"SecretString": json.dumps(value, sort_keys=True)}
    params |= {"ClientRequestToken": version} if version else {}
    if verb == "create":
        key = {"KmsKeyId": secret["kms_key_id"]} if secret.get("kms_key_id") else {}
        text = f"Login of {want['user_name']} at the ElastiCache replication group of {want['app']} in {want['stage']}"
        params |= {"Name": name, "Description": text, "Tags": tags_to_list(want["all_tags"]), **key}
    else:
        params |= {"SecretId": name, **({"VersionStages": [stage]} if stage else {})}
    changed = [key for key in SHOWN if before.get(key) != value.get(key)]
    shown = {key: before[key] for key in changed if key in before}
    after = {key: value.get(key) for key in changed} | ({"password": "a new one"} if verb == "create" or stage else {})
    return Action(verb, KIND, name, shown, after, params)


def _promotion(want: Mapping[str, Any], before: Value, value: Value, old: str, new: str) -> Action:
    params = {"SecretId": want["secret"]["name"], "VersionStage": "AWSCURRENT", "MoveToVersionId": new}
    params |= {"RemoveFromVersionId": old} if old else {}
    was, now = ({"rotated_at": side.get("rotated_at", "")} for side in (before, value))
    return Action("promote", KIND, want["secret"]["name"], was, now, params)


def keying(name: str, has: str, wanted: str) -> Action:
    """Secrets Manager encrypts what the secret holds anew."""
    return Action("rekey", KIND, name, {"kms_key": has}, {"kms_key": wanted}, {"SecretId": name, "KmsKeyId": wanted})


def restoration(name: str) -> Action:
    return Action("restore", KIND, name, {"deleted": True}, {"deleted": False}, {"SecretId": name})


def removal(name: str, days: int) -> Action:
    return Action("delete", KIND, name, {"deleted": False}, None, {"SecretId": name, "RecoveryWindowInDays": days})


def list_secrets(manager: Any, beginning: str) -> list[dict[str, Any]]:
    """Return the secrets whose name begins so, without those that are deleted already."""
    named = [{"Key": "name", "Values": [beginning]}]
    found = pages(manager, "list_secrets", "SecretList", f"list the secrets {beginning}*", Filters=named)
    return [item for item in found if item["Name"].startswith(beginning) and not item.get("DeletedDate")]


def execute(manager: Any, action: Action) -> None:
    """Carry out one step on a secret. The text of an error names the step, never a value."""
    params = dict(action.params)
    if action.verb == "tag":
        call(manager, "tag_resource", str(action), SecretId=action.name, Tags=tags_to_list(params["tags"]))
    elif action.verb == "untag":
        call(manager, "untag_resource", str(action), SecretId=action.name, TagKeys=params["keys"])
    else:
        operation = {
            "create": "create_secret", "put": "put_secret_value", "promote": "update_secret_version_stage",
            "restore": "restore_secret", "delete": "delete_secret", "rekey": "update_secret",
        }[action.verb]  # fmt: skip
        call(manager, operation, str(action), missing=MISSING if action.verb == "delete" else (), **params)
