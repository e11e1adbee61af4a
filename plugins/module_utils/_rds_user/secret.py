# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret of the user in Secrets Manager: read, made, its next version put beside it, and moved into its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict, tags_to_list

MISSING = ("ResourceNotFoundException",)
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
LENGTH = 40


@dataclass(frozen=True)
class Version:
    """One version of the secret; what it holds is not shown by accident."""

    identifier: str
    created: datetime
    content: Mapping[str, Any] = field(repr=False)

    @property
    def password(self) -> str:
        return str(self.content.get("password", ""))


@dataclass(frozen=True)
class Secret:
    """The secret as it is. `pending` is the version of a rotation that has begun and not ended."""

    arn: str
    name: str
    tags: Mapping[str, str]
    key: str = ""
    deleted: bool = False
    current: Version | None = None
    pending: Version | None = None
    rotated_by: str = ""
    rotated_after: int = 0


def read_secret(manager: Any, name: str) -> Secret | None:
    found = call(manager, "describe_secret", f"read secret {name}", missing=MISSING, SecretId=name)
    if found is None:
        return None
    stages = found.get("VersionIdsToStages") or {}
    rules = found.get("RotationRules") or {}
    secret = Secret(
        found["ARN"], found["Name"], tags_to_dict(found.get("Tags")), found.get("KmsKeyId") or "",
        bool(found.get("DeletedDate")),
        rotated_by=(found.get("RotationLambdaARN") or "") if found.get("RotationEnabled") else "",
        rotated_after=rules.get("AutomaticallyAfterDays") or 0,
    )  # fmt: skip
    if secret.deleted:
        return secret
    begun = any(PENDING in labels and CURRENT not in labels for labels in stages.values())
    versions = {
        "current": _read_version(manager, secret, CURRENT),
        "pending": _read_version(manager, secret, PENDING) if begun else None,
    }
    return Secret(**{**vars(secret), **versions})


def _read_version(manager: Any, secret: Secret, stage: str) -> Version | None:
    """Return the version with this label. One that was announced and has no value yet is none."""
    what = f"read the value of secret {secret.name}"
    found = call(manager, "get_secret_value", what, missing=MISSING, SecretId=secret.arn, VersionStage=stage)
    if found is None:
        return None
    try:
        content = json.loads(found.get("SecretString") or "{}")
    except ValueError:
        content = {}  # somebody wrote something else into it: its keys are all missing then
    return Version(found["VersionId"], found["CreatedDate"], content if isinstance(content, dict) else {})


def read_master(manager: Any, arn: str) -> tuple[str, str]:
    """Return user and password of the master user, for the moment of use."""
    found = call(manager, "get_secret_value", "read the secret of the master user", SecretId=arn)
    content = json.loads(found["SecretString"])
    return content["username"], content["password"]


def new_password(manager: Any) -> str:
    """Return a password that RDS, a URL and an INI file take as it is."""
    found = call(
        manager, "get_random_password", "make a password",
        PasswordLength=LENGTH, ExcludePunctuation=True, RequireEachIncludedType=True,
    )  # fmt: skip
    return str(found["RandomPassword"])


def create(manager: Any, params: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    what = f"create secret {params['Name']}"
    call(manager, "create_secret", what, SecretString=json.dumps(dict(content)), **params)


def put(manager: Any, secret: Secret, content: Mapping[str, Any], stage: str) -> None:
    call(
        manager, "put_secret_value", f"write a version of secret {secret.name}",
        SecretId=secret.arn, SecretString=json.dumps(dict(content)), VersionStages=[stage],
    )  # fmt: skip


def finish(manager: Any, secret: Secret, current: str, pending: str) -> None:
    """Move AWSCURRENT to the version whose password was proved. AWS gives the former one AWSPREVIOUS."""
    call(
        manager, "update_secret_version_stage", f"finish the rotation of secret {secret.name}",
        SecretId=secret.arn, VersionStage=CURRENT, MoveToVersionId=pending, RemoveFromVersionId=current,
    )  # fmt: skip


def restore(manager: Any, name: str) -> None:
    call(manager, "restore_secret", f"keep secret {name}, which was to be deleted", repeatable=True, SecretId=name)


def set_key(manager: Any, arn: str, key: str) -> None:
    call(manager, "update_secret", f"set the key of {arn}", SecretId=arn, KmsKeyId=key)


def tag(manager: Any, arn: str, tags: Mapping[str, str]) -> None:
    call(manager, "tag_resource", f"tag {arn}", SecretId=arn, Tags=tags_to_list(tags))


def untag(manager: Any, arn: str, keys: list[str]) -> None:
    call(manager, "untag_resource", f"untag {arn}", SecretId=arn, TagKeys=keys)


def rotate_by_function(manager: Any, arn: str, function: str, days: int, now: bool) -> None:
    call(
        manager, "rotate_secret", f"let {function} rotate {arn}",
        SecretId=arn, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": days},
        RotateImmediately=now,
    )  # fmt: skip


def stop_rotation(manager: Any, arn: str) -> None:
    call(manager, "cancel_rotate_secret", f"take the rotation of {arn} back", SecretId=arn)


def delete(manager: Any, arn: str, days: int) -> None:
    what = f"delete secret {arn}"
    call(manager, "delete_secret", what, missing=MISSING, SecretId=arn, RecoveryWindowInDays=days)
