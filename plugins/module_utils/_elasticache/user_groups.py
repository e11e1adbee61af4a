# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user group: read, plan, act, wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import api
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import (
    execute_tags,
    refuse_foreign,
    tagging,
    wait_active,
    wait_gone,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply, tags_to_list

KIND = "user_group"
# A user that was made a second ago, and a group of nodes that has just gone.
EVENTUAL = ("UserNotFound", "UserNotFoundFault", "InvalidUserState")
BUSY = ("InvalidUserGroupState", "InvalidUserGroupStateFault")


def ensure_user_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    cache = clients["elasticache"]
    want = {**params, "user_group_id": params["user_group_id"].lower()}
    group = _read(cache, want)
    if group and group["Status"] != "active" and not check_mode:
        group = _settle(cache, want, group)
    tags = api.get_tags(cache, group["ARN"]) if group else {}
    plan = plan_user_group(want, group, tags)
    result = apply(plan, lambda action: _execute(cache, action), check_mode)
    if not check_mode and want["wait"] and (plan.changed or want["state"] == "present"):
        _settle(cache, {**want, "gone": want["state"] == "absent"}, group)
    shown = {"user_group_id": want["user_group_id"], "user_ids": sorted(want["user_ids"] or ())}
    return {**result, "user_group": shown if want["state"] == "present" else {}}


def _read(cache: Any, want: Mapping[str, Any]) -> dict[str, Any] | None:
    return api.get_user_group(cache, want["user_group_id"])


def _settle(cache: Any, want: Mapping[str, Any], group: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Wait until what is under way is done: the group is active, or gone when it was being deleted."""
    subject = f"{KIND} {want['user_group_id']}"
    if want.get("gone") or (group or {}).get("Status") == "deleting":
        wait_gone(lambda: _read(cache, want), subject, want)
        return None
    return wait_active(lambda: _read(cache, want), subject, want)


def plan_user_group(want: Mapping[str, Any], group: Mapping[str, Any] | None, tags: Mapping[str, str]) -> Plan:
    """Return the steps to the wanted group. A foreign group of that name is refused."""
    name, users = want["user_group_id"], sorted(set(want["user_ids"] or ()))
    if group is not None:
        refuse_foreign(f"{KIND} {name}", tags, want)
    if want["state"] == "absent":
        before = {"user_ids": sorted((group or {}).get("UserIds") or ())}
        return Plan((Action("delete", KIND, name, before, None, {"UserGroupId": name}),) if group else ())
    if group is None:
        own = wanted_tags(want)
        params = {"UserGroupId": name, "Engine": want["engine"], "UserIds": users, "Tags": tags_to_list(own)}
        after = {"engine": want["engine"], "user_ids": users, "tags": own}
        return Plan((Action("create", KIND, name, {}, after, params),))
    has = _user_ids(group)
    moves = {"UserIdsToAdd": sorted(set(users) - set(has)), "UserIdsToRemove": sorted(set(has) - set(users))}
    params = {"UserGroupId": name, **{key: ids for key, ids in moves.items() if ids}}
    modified = Action("modify", KIND, name, {"user_ids": has}, {"user_ids": users}, params)
    return Plan((*((modified,) if has != users else ()), *tagging(KIND, name, group["ARN"], tags, want)))


def _user_ids(group: Mapping[str, Any]) -> list[str]:
    """The members as they will be when what is under way is done."""
    waiting = group.get("PendingChanges") or {}
    has = set(group.get("UserIds") or ()) | set(waiting.get("UserIdsToAdd") or ())
    return sorted(has - set(waiting.get("UserIdsToRemove") or ()))


def _execute(cache: Any, action: Action) -> None:
    if execute_tags(cache, action):
        return
    missing = api.NO_USER_GROUP if action.verb == "delete" else ()
    found = (lambda: api.get_user_group(cache, action.name)) if action.verb == "create" else None
    call(
        cache, f"{action.verb}_user_group", str(action),
        missing=missing, eventual=(*EVENTUAL, *BUSY), found=found, **action.params,
    )  # fmt: skip
