# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one replication group. Knows neither AnsibleModule nor the boto3 session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import api, checks
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import execute_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.plan import (
    KIND,
    plan_absent,
    plan_present,
    wanted_version,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.seen import Seen
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.versions import Offer, family_of
from ansible_collections.bahnvision.aws.plugins.module_utils._kms.keys import key_arn
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

OPERATIONS = {
    "modify": "modify_replication_group",
    "increase": "increase_replica_count",
    "decrease": "decrease_replica_count",
    "reshard": "modify_replication_group_shard_configuration",
}
ENDING = ("create-failed", "deleting")  # nothing to wait for
LOOKS = 3
Clients = Mapping[str, Any]
Settle = Callable[[], dict[str, Any]]


def ensure_group(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one group to the wanted state and return what was done and what is there."""
    cache = clients["elasticache"]
    want = {**params, "identifier": params["identifier"].lower()}
    if want["state"] == "absent":
        return _ensure_absent(cache, want, check_mode)
    if want.get("kms_key_id"):
        want["kms_key_id"] = key_arn(clients["kms"], want["kms_key_id"])
    group = api.get_group(cache, want["identifier"])
    if _status(group) == "deleting":
        if not check_mode:
            _wait_gone(cache, want)
        group = None
    if group and _status(group) != "available" and not check_mode:
        # A run that was killed left work under way; until that is done ElastiCache tells no tags and modifies nothing.
        group = _wait_settled(cache, want)
    seen, plan = _look(cache, want, group, check_mode)
    result = apply(plan, lambda action: _execute(cache, action, want), check_mode)
    if check_mode:
        return {**result, "replication_group": _predicted(want, seen)}
    group = _wait_settled(cache, want) if want["wait"] else api.get_group(cache, want["identifier"])
    made = _read(cache, group or {}, seen.offers, _settling(cache, want, not want["wait"]))
    return {**result, "replication_group": facts(made, family_of(seen.offers, *made.running))}


def _settling(cache: Any, want: Mapping[str, Any], at_once: bool) -> Settle | None:
    """Return the way to wait for the group; None where nothing may be waited for."""
    return None if at_once else lambda: _wait_settled(cache, want)


def _read(cache: Any, group: Mapping[str, Any], offers: tuple[Offer, ...] = (), settle: Settle | None = None) -> Seen:
    """Return the group with what one of its nodes and its tags tell.

    A daily snapshot may begin between two looks, and until it ends ElastiCache tells no tags: `settle` waits for that.
    """
    tags = api.get_tags_if_told(cache, str(group["ARN"])) if group.get("ARN") else {}
    for _look_again in range(LOOKS):
        if tags is None and settle is not None and _status(group) not in ENDING:
            group = settle()
            tags = api.get_tags_if_told(cache, str(group["ARN"]))
    names = group.get("MemberClusters") or ()
    member = api.get_member(cache, sorted(names)[0]) if names else None
    if tags is None and _status(group) == "create-failed":
        name = f"{KIND} {group['ReplicationGroupId']}"
        raise ResourceError(
            f"{name} is create-failed and ElastiCache does not tell its tags, so nobody can say whose it is; nothing "
            f"was touched{_told(cache, {'identifier': group['ReplicationGroupId']})}. Delete it by hand and run again"
        )
    return Seen(group, member or {}, tags or {}, offers, told=tags is not None)


def _look(cache: Any, want: Mapping[str, Any], group: dict[str, Any] | None, check_mode: bool) -> tuple[Seen, Plan]:
    """Read what the decision needs, cheap things first, and decide."""
    offers = api.get_offers(cache)
    if group is None:
        asks = not checks.known(want["node_type"]) and checks.family(want["node_type"]) not in checks.SIZES
        snapshot = api.get_snapshot(cache, want["snapshot_name"]) if want.get("snapshot_name") else None
        offered = api.is_offered(cache, want["node_type"]) if asks else True
        seen = Seen(None, offers=offers, offered=offered, snapshot=snapshot)
        return seen, plan_present(want, seen)
    seen = _read(cache, group, offers, _settling(cache, want, check_mode))
    seen = replace(seen, now=bool(want.get("apply_immediately")))
    if not seen.told:
        return seen, _untold(want, check_mode)
    if want["node_type"] != seen.group.get("CacheNodeType") and seen.status == "available":  # type: ignore[union-attr]
        allowed = api.allowed_node_types(cache, want["identifier"])
        seen = replace(seen, node_types=allowed)
    return seen, plan_present(want, seen)


def _untold(want: Mapping[str, Any], check_mode: bool) -> Plan:
    """Without its tags nobody can say whose the group is: check mode tells that, a run does nothing."""
    why = "ElastiCache does not tell the group's tags while it is changed or saved"
    if check_mode:
        return Plan((), (f"{why}; look again when it is available",))
    raise ResourceError(f"{KIND} {want['identifier']}: {why}; nothing was touched. Run again when it is available")


def _execute(cache: Any, action: Action, want: Mapping[str, Any]) -> None:
    if action.verb == "create":
        api.create_group(cache, action.params)
    elif action.verb == "delete":
        api.delete_group(cache, action.params)
    elif action.verb in OPERATIONS:
        # Each change waits for the one before: ElastiCache takes none while a group is "modifying".
        _wait_settled(cache, want)
        call(cache, OPERATIONS[action.verb], str(action), eventual=api.BUSY[:2], **action.params)
    elif not execute_tags(cache, action):
        raise AssertionError(f"no way to {action}")


def _status(group: Mapping[str, Any] | None) -> str:
    return str((group or {}).get("Status", ""))


def _wait_settled(cache: Any, want: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until the group and all its shards are available and nothing that comes by itself is pending."""

    def failed(group: dict[str, Any] | None) -> str | None:
        if group is None:
            return "it has disappeared"
        return f"its status is {_status(group)}{_told(cache, want)}" if _status(group) == "create-failed" else None

    try:
        found = wait_until(
            lambda: api.get_group(cache, want["identifier"]), settled, f"{KIND} {want['identifier']}",
            timeout=want["wait_timeout"], pause=want["wait_pause"], failed=failed, show=_shown,
        )  # fmt: skip
    except ResourceError as error:
        if "last_seen" in error.details and "last events" not in error.message:
            raise ResourceError(f"{error.message}{_told(cache, want)}", **error.details) from error
        raise
    return found or {}


def settled(group: Mapping[str, Any] | None) -> bool:
    """Return whether nothing is under way. What waits for the maintenance window is told by the nodes, not here."""
    if _status(group) != "available" or group is None:
        return False
    pending = group.get("PendingModifiedValues") or {}
    shards = group.get("NodeGroups") or ()
    under_way = any(pending.get(name) for name in ("Resharding", "UserGroups", "LogDeliveryConfigurations"))
    return not under_way and bool(shards) and all(shard.get("Status") == "available" for shard in shards)


def _shown(group: Mapping[str, Any] | None) -> str:
    pending = sorted((group or {}).get("PendingModifiedValues") or {})
    shards = [f"{shard['NodeGroupId']} {shard.get('Status')}" for shard in (group or {}).get("NodeGroups") or ()]
    told = [_status(group) or "no such group", *shards, *(f"pending {name}" for name in pending)]
    return ", ".join(told)


def _told(cache: Any, want: Mapping[str, Any]) -> str:
    events = api.last_events(cache, want["identifier"])[-5:]
    return f"; last events: {' | '.join(events)}" if events else "; ElastiCache wrote no last events"


def _wait_gone(cache: Any, want: Mapping[str, Any]) -> None:
    wait_until(
        lambda: api.get_group(cache, want["identifier"]), lambda group: group is None,
        f"the removal of {KIND} {want['identifier']}", timeout=want["wait_timeout"], pause=want["wait_pause"],
        show=_shown,
    )  # fmt: skip


def _ensure_absent(cache: Any, want: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    name = want["identifier"]
    group = api.get_group(cache, name)
    if group and _status(group) not in ("available", "deleting", "create-failed") and not check_mode:
        group = _wait_settled(cache, want)  # nothing can be deleted while it is made or changed
    seen = Seen(None) if group is None else _read(cache, group, settle=_settling(cache, want, check_mode))
    final = f"{name}-final-{datetime.now(UTC):%Y%m%d%H%M%S}"
    plan = plan_absent(want, seen, final) if seen.told or seen.status in ENDING else _untold(want, check_mode)
    result = apply(plan, lambda action: _execute(cache, action, want), check_mode)
    if group and not check_mode and want["wait"]:
        _wait_gone(cache, want)
    kept = next((str(action.params.get("FinalSnapshotIdentifier", "")) for action in plan.actions), "")
    return {**result, "replication_group": {}, "final_snapshot_identifier": kept}


def facts(seen: Seen, family: str) -> dict[str, Any]:
    """Return the group in snake_case, with the endpoint that fits its cluster mode as `endpoint`."""
    group = seen.group or {}
    shown = camel_dict_to_snake_dict(dict(group))
    shard: Mapping[str, Any] = seen.shards[0] if seen.shards else {}
    configuration = _place(group.get("ConfigurationEndpoint"))
    primary, reader = _place(shard.get("PrimaryEndpoint")), _place(shard.get("ReaderEndpoint"))
    sharded = seen.cluster_mode == "enabled"
    return shown | {
        "identifier": group.get("ReplicationGroupId", ""), "arn": group.get("ARN", ""), "status": seen.status,
        "engine": seen.running[0], "engine_version": seen.running[1], "parameter_group_family": family,
        "cluster_mode": seen.cluster_mode, "transit_encryption_mode": seen.tls_mode,
        "endpoint": configuration if sharded else primary, "reader_endpoint": configuration if sharded else reader,
        "configuration_endpoint": configuration, "tags": dict(seen.tags),
    }  # fmt: skip


def _place(endpoint: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"address": (endpoint or {}).get("Address", ""), "port": (endpoint or {}).get("Port") or 0}


def _predicted(want: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Return the facts as far as they can be known before anything is written."""
    engine, version = wanted_version(want, seen)
    known = facts(seen, family_of(seen.offers, engine, version))
    if seen.group is None:
        nowhere = {"address": "", "port": want.get("port") or 6379}
        known |= {"identifier": want["identifier"], "status": "planned", "endpoint": nowhere,
                  "reader_endpoint": nowhere, "transit_encryption_mode": want["transit_encryption_mode"]}  # fmt: skip
    return {**known, "engine": engine, "engine_version": version, "cluster_mode": want["cluster_mode"]}
