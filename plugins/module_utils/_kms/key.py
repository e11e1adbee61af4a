# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One key of KMS with its alias and its yearly rotation: read, plan (pure), act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    is_ours,
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply

KIND = "kms_key"
MISSING = ("NotFoundException",)
PENDING = "PendingDeletion"
SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "alias": {"type": "str", "required": True},
    "component": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": {"type": "str", "default": ""},
    "deletion_days": {"type": "int", "default": 30},
    **TAGS_SPEC,
}


def ensure_key(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    kms, alias = clients["kms"], params["alias"]
    found = read_key(kms, f"alias/{alias}")
    if found is None and params["state"] == "present":
        found = _without_alias(kms, params)
    plan = plan_absent(params, found) if params["state"] == "absent" else plan_present(params, found)
    result = apply(plan, lambda action: _execute(kms, found, action), check_mode)
    if params["state"] == "absent":
        return {**result, "key": {}}
    if found is None and not check_mode:
        found = read_key(kms, f"alias/{alias}")
    return {**result, "key": {"alias": f"alias/{alias}", "arn": found["Arn"] if found else ""}}


def read_key(kms: Any, key: str) -> dict[str, Any] | None:
    """Return the key of an id or an alias with its tags, or None."""
    found = call(kms, "describe_key", f"read {KIND} {key}", missing=MISSING, KeyId=key)
    if found is None:
        return None
    own = found["KeyMetadata"]["KeyId"]
    tags = pages(kms, "list_resource_tags", "Tags", f"read the tags of {KIND} {key}", KeyId=own)
    aliases = pages(kms, "list_aliases", "Aliases", f"read the aliases of {KIND} {key}", KeyId=own)
    rotating = found["KeyMetadata"]["KeyState"] == PENDING  # then nobody may ask
    if not rotating:
        what = f"read the rotation of {KIND} {key}"
        rotating = call(kms, "get_key_rotation_status", what, KeyId=own)["KeyRotationEnabled"]
    return {
        **found["KeyMetadata"], "Rotating": rotating, "Tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
        "Aliases": [item["AliasName"] for item in aliases],
    }  # fmt: skip


def _without_alias(kms: Any, want: Mapping[str, Any]) -> dict[str, Any] | None:
    """A run that was killed between the key and its alias has left a key that only its tags tell."""
    named = {item.get("TargetKeyId") for item in pages(kms, "list_aliases", "Aliases", "list the aliases of keys")}
    for item in pages(kms, "list_keys", "Keys", "list the keys"):
        if item["KeyId"] not in named:
            what = f"read the tags of {KIND} {item['KeyId']}"
            # A key of somebody else may be closed to us.
            closed = (*MISSING, "AccessDeniedException")
            tags = pages(kms, "list_resource_tags", "Tags", what, missing=closed, KeyId=item["KeyId"])
            if is_ours({tag["TagKey"]: tag["TagValue"] for tag in tags}, want, want["component"]):
                return read_key(kms, item["KeyId"])
    return None


def plan_present(want: Mapping[str, Any], found: Mapping[str, Any] | None) -> Plan:
    alias, component = want["alias"], want["component"]
    if alias.startswith(("alias/", "aws/")):
        refuse(f"{KIND} {alias}", ["give the alias without alias/; those that begin with aws/ are AWS's"])
    if found is None:
        tags = wanted_tags(want, component)
        sent = [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]
        params = {"Description": want["description"], "Tags": sent}
        after = {"alias": f"alias/{alias}", "rotation": "yearly", "tags": tags}
        return Plan((Action("create", KIND, alias, {}, after, params),))
    refuse_foreign(f"{KIND} {alias}", found["Tags"], want, component)
    return Plan((*_awake(want, found), *tagging(KIND, alias, found["KeyId"], found["Tags"], want, component)))


def _awake(want: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Action]:
    alias, state = want["alias"], found["KeyState"]
    if state == PENDING:
        yield Action("keep", KIND, alias, {"state": state}, {"state": "Enabled"})
    if state in (PENDING, "Disabled"):  # a key that is brought back is disabled at first
        yield Action("enable", KIND, alias, {"state": state}, {"state": "Enabled"})
    if f"alias/{alias}" not in found["Aliases"]:
        yield Action("name", KIND, alias, {}, {"alias": f"alias/{alias}"})
    if not found["Rotating"]:
        yield Action("rotate", KIND, alias, {"rotation": "none"}, {"rotation": "yearly"})


def plan_absent(want: Mapping[str, Any], found: Mapping[str, Any] | None) -> Plan:
    """The alias stays: by it the key is found as long as it can be brought back."""
    if found is None or found["KeyState"] == PENDING:
        return Plan()
    refuse_foreign(f"{KIND} {want['alias']}", found["Tags"], want, want["component"])
    params = {"PendingWindowInDays": want["deletion_days"]}
    return Plan((Action("schedule", KIND, want["alias"], {"arn": found["Arn"]}, {"state": PENDING}, params),))


SIMPLE = {
    "keep": "cancel_key_deletion",
    "enable": "enable_key",
    "schedule": "schedule_key_deletion",
}


def _execute(kms: Any, found: Mapping[str, Any] | None, action: Action) -> None:
    what, alias = str(action), f"alias/{action.name}"
    own = found["KeyId"] if found else ""
    if action.verb == "create":
        # A key whose answer was lost, or that a kill left without its name, is found by its tags in the next run.
        own = call(kms, "create_key", what, **action.params)["KeyMetadata"]["KeyId"]
    if action.verb in ("create", "name"):
        call(kms, "create_alias", what, found=lambda: read_key(kms, alias), AliasName=alias, TargetKeyId=own)
    if action.verb in ("create", "rotate"):
        call(kms, "enable_key_rotation", what, KeyId=own)
    elif action.verb == "tag":
        sent = [{"TagKey": key, "TagValue": value} for key, value in sorted(action.params["tags"].items())]
        call(kms, "tag_resource", what, KeyId=own, Tags=sent)
    elif action.verb == "untag":
        call(kms, "untag_resource", what, KeyId=own, TagKeys=action.params["keys"])
    elif action.verb in SIMPLE:
        call(kms, SIMPLE[action.verb], what, KeyId=own, **action.params)
