# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one instance. Knows neither AnsibleModule nor the boto3 session."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._kms.keys import key_arn
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api, checks
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.plan import (
    needs_order,
    plan_absent,
    plan_present,
    wanted_version,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.reboot import reboot
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.restore import plan_restore
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import KIND, RESTORED, Seen, refuse
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.watch import BROKEN, GOING, SETTLED, Watch, status_of
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply, tags_to_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

Clients = Mapping[str, Any]


def ensure_instance(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one instance to the wanted state and return what was done and what is there."""
    if params["state"] == "absent":
        return _ensure_absent(clients["rds"], params, check_mode)
    rds, name = clients["rds"], params["identifier"]
    instance = api.get_instance(rds, name)
    if status_of(instance) in GOING and not check_mode:
        _wait_gone(rds, params)
    seen, plan = _look(clients, params, None if status_of(instance) in GOING else instance)
    if plan.changed and seen.instance and not check_mode and not _ready(seen.instance, plan):
        # A run that was killed left work under way, and RDS modifies nothing until that is done.
        seen, plan = _look(clients, params, _wait_settled(rds, params))
    if any(action.verb == "restore" for action in plan.actions) and not check_mode:
        plan = _restore(clients, params, plan)
    result = apply(plan, lambda action: _execute(rds, action), check_mode)
    if check_mode:
        return {**result, "instance": _predicted(params, seen)}
    if any(action.verb == "reboot" for action in plan.actions):
        reboot(rds, params, plan)
    instance = _wait_whole(rds, params, plan) if params["wait"] else api.get_instance(rds, name)
    return {**result, "instance": facts(instance or {}, _family(seen, params))}


def _look(clients: Clients, params: Mapping[str, Any], instance: dict[str, Any] | None) -> tuple[Seen, Plan]:
    """Read what the decision needs, cheap things first, and decide."""
    rds = clients["rds"]
    want = dict(params)
    origin = None
    if instance is None and want.get("restore_from"):
        refuse(f"cannot restore {KIND} {want['identifier']}", checks.input_problems(want))
        origin = api.get_origin(rds, want["restore_from"])
    if (instance or origin) and want.get("kms_key_id"):
        want["kms_key_id"] = key_arn(clients["kms"], want["kms_key_id"])
    if instance and want.get("master_user_secret_kms_key_id"):
        want["master_user_secret_kms_key_id"] = key_arn(clients["kms"], want["master_user_secret_kms_key_id"])
    seen = Seen(instance, api.get_offers(rds), origin=origin)
    if instance and RESTORED in seen.tags and not instance.get("MasterUserSecret"):
        # A copy that is not complete yet has no clients that a change could disturb.
        want["apply_immediately"] = True
    if needs_order(want, seen):
        version = wanted_version(want, seen)
        rows = api.get_orderable(rds, version, want["instance_class"])
        others = () if rows else api.get_orderable(rds, version)
        classes = tuple(dict.fromkeys(row["DBInstanceClass"] for row in others))
        seen = Seen(instance, seen.offers, rows, classes, origin)
    return seen, plan_restore(want, seen) if origin else plan_present(want, seen)


def _restore(clients: Clients, params: Mapping[str, Any], plan: Plan) -> Plan:
    """Restore, wait, and return the whole plan with what is left to do on the instance as it came out."""
    rds, restore = clients["rds"], plan.actions[0]
    api.restore_instance(rds, restore.name, restore.params)
    if not params["wait"]:
        return Plan((restore,), (*plan.notes, "the next run completes what the restore could not take"))
    _seen, rest = _look(clients, params, _wait_settled(rds, {**params, "apply_immediately": False}))
    return Plan((restore, *rest.actions), plan.notes)


def _execute(rds: Any, action: Action) -> None:
    if action.verb in ("restore", "reboot"):
        return  # done before, since what follows depends on how it came out; or after all else
    if action.verb == "create":
        api.create_instance(rds, action.params)
    elif action.verb == "modify":
        api.modify_instance(rds, action.name, action.params)
    elif action.verb == "tag":
        api.add_tags(rds, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.remove_tags(rds, action.params["arn"], action.params["keys"])
    elif action.verb == "delete":
        api.delete_instance(rds, action.params)
    else:
        raise AssertionError(f"no way to {action}")


def _ready(instance: Mapping[str, Any], plan: Plan) -> bool:
    """What is full takes a change too: that of its storage, which is the cure."""
    cured = any("AllocatedStorage" in action.params for action in plan.actions)
    return status_of(instance) in (*SETTLED, *(("storage-full",) if cured else ()))


def _wait_settled(rds: Any, params: Mapping[str, Any], whole: bool = False) -> dict[str, Any]:
    name = params["identifier"]
    watch = Watch(params, lambda: api.last_events(rds, name), whole)
    found: dict[str, Any] | None = wait_until(
        lambda: api.get_instance(rds, name), watch.done, f"{KIND} {name}",
        timeout=params["wait_timeout"], pause=params["wait_pause"], failed=watch.failed, show=_shown_status,
    )  # fmt: skip
    return found or {}


def _wait_whole(rds: Any, params: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """A copy is completed at once, whatever was asked for later changes."""
    at_once = params["apply_immediately"] or any(action.params.get("ApplyImmediately") for action in plan.actions)
    return _wait_settled(rds, {**params, "apply_immediately": at_once}, whole=True)


def _shown_status(instance: Mapping[str, Any] | None) -> str:
    return status_of(instance) or "no such instance"


def _wait_gone(rds: Any, params: Mapping[str, Any]) -> None:
    wait_until(
        lambda: api.get_instance(rds, params["identifier"]), lambda instance: instance is None,
        f"the removal of {KIND} {params['identifier']}", timeout=params["wait_timeout"], pause=params["wait_pause"],
        show=_shown_status,
    )  # fmt: skip


def _ensure_absent(rds: Any, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    name = params["identifier"]
    seen = Seen(api.get_instance(rds, name))
    plan = plan_absent(params, seen, f"{name}-final-{datetime.now(UTC):%Y%m%d%H%M%S}")
    if plan.changed and not check_mode and status_of(seen.instance) not in (*SETTLED, *BROKEN):
        # Deleting with a final snapshot is refused while something is under way.
        _wait_settled(rds, {**params, "apply_immediately": False})
    result = apply(plan, lambda action: _execute(rds, action), check_mode)
    if seen.instance and not check_mode and params["wait"]:
        _wait_gone(rds, params)
    kept = next((str(action.params.get("FinalDBSnapshotIdentifier", "")) for action in plan.actions), "")
    return {**result, "instance": {}, "final_snapshot_identifier": kept}


def _family(seen: Seen, params: Mapping[str, Any]) -> str:
    """Return the parameter group family; a retired version is in no list, its family is its major."""
    version = wanted_version(params, seen)
    offer = seen.offer(version)
    return offer.family if offer else f"postgres{version.partition('.')[0]}"


def facts(instance: Mapping[str, Any], family: str) -> dict[str, Any]:
    """Return the instance in snake_case. RDS shows no secret here; even its masked password is left out."""
    shown = camel_dict_to_snake_dict(dict(instance), ignore_list=["TagList"])
    shown.pop("tag_list", None)
    pending = shown.get("pending_modified_values") or {}
    shown["pending_modified_values"] = {key: value for key, value in pending.items() if "password" not in key}
    return shown | {
        "identifier": instance.get("DBInstanceIdentifier", ""),
        "arn": instance.get("DBInstanceArn", ""),
        "status": status_of(instance),
        "tags": tags_to_dict(instance.get("TagList")),
        "parameter_group_family": family,
    }


def _predicted(params: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Return the facts as far as they can be known before anything is written."""
    version, family = wanted_version(params, seen), _family(seen, params)
    known = facts(seen.instance, family) if seen.instance else {}
    planned = {
        "identifier": params["identifier"],
        "db_instance_identifier": params["identifier"],
        "arn": "",
        "status": "planned",
        "endpoint": {"address": "", "port": params["port"] or 5432},
        "db_name": params.get("db_name") or "",
        "master_user_secret": {"secret_arn": ""},
        "tags": {},
    }
    return {**planned, **known, "engine_version": version, "parameter_group_family": family}
