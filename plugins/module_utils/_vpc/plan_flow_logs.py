# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow logs, and the log group and role that they write through. Pure.

AWS cannot change a flow log: another one takes its place. The old flow log goes last, because a run that is killed
before then finds by it that there is still a role to remove.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.delivery_policy import same_documents
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import FlowLog
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import Steps

# What AWS records when no format is given.
DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
FACTS = ("destination", "traffic", "interval", "format")


def flow_log(steps: Steps) -> None:
    wanted = steps.desired.flow_log
    ours = [item for item in steps.network.flow_logs if item["ours"]]
    to_cloudwatch = wanted is not None and wanted.destination_type == "cloud-watch-logs"
    if wanted is not None and to_cloudwatch:
        _log_group(steps, wanted)
        _role(steps, wanted)
    kept = next((item for item in ours if wanted is not None and _same(steps, item, wanted)), None)
    surplus = [item for item in ours if item is not kept]
    if wanted is not None and kept is not None:
        steps.retag("flow log", wanted.name, kept, steps.tags(wanted.name))
        if kept["error"]:
            steps.notes.append(f"flow log {kept['id']} cannot be delivered: {kept['error']}")
    elif wanted is not None:
        surplus = _replace(steps, wanted, surplus)
    if not to_cloudwatch:
        _give_up_delivery(steps, surplus)
    steps.drop("flow log", surplus)


def _replace(steps: Steps, wanted: FlowLog, surplus: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """AWS takes one flow log per destination: one in the way goes first. Return those that are left to remove."""
    in_the_way = [item for item in surplus if item["destination"] == wanted.destination]
    for item in in_the_way:
        steps.notes.append(
            f"flow log {item['id']} is replaced, AWS cannot change it: for some seconds nothing is logged"
        )
    steps.drop("flow log", in_the_way)
    steps.create("flow log", wanted.name, _facts(wanted), steps.tags(wanted.name), wanted=wanted)
    return [item for item in surplus if item not in in_the_way]


def _facts(wanted: FlowLog) -> dict[str, Any]:
    return {
        "destination": wanted.destination, "traffic": wanted.traffic, "interval": wanted.interval,
        "format": wanted.format or DEFAULT_FORMAT,
    }  # fmt: skip


def _same(steps: Steps, item: Mapping[str, Any], wanted: FlowLog) -> bool:
    role = steps.network.delivery.role
    if wanted.destination_type == "cloud-watch-logs" and (role is None or item["role_arn"] != role["id"]):
        return False
    facts = _facts(wanted)
    return item["destination_type"] == wanted.destination_type and all(item[key] == facts[key] for key in FACTS)


def _log_group(steps: Steps, wanted: FlowLog) -> None:
    name, item = wanted.log_group, steps.network.delivery.log_group
    tags = steps.tags(wanted.name)
    facts = {"retention": wanted.retention, "key": wanted.key_arn}
    if item is None:
        steps.create("log group", name, facts, tags, **facts)
        # A call of its own: a run may be killed before it.
        current: dict[str, Any] = {"retention": 0, "key": wanted.key_arn}
    else:
        steps.retag("log group", name, item, tags)
        current = {"retention": item["retention"], "key": item["key_arn"]}
    for key, value in facts.items():
        if current[key] != value:
            before = {key: current[key]} if item else None
            steps.add("change", "log group", name, before, {key: value}, attribute=key, value=value)


def _role(steps: Steps, wanted: FlowLog) -> None:
    name, item = wanted.role, steps.network.delivery.role
    tags = steps.tags(name)
    if item is None:
        steps.create("role", name, {"trusts": "vpc-flow-logs.amazonaws.com"}, tags, log_group=wanted.log_group)
    else:
        steps.retag("role", name, item, tags)
    for part in ("trust", "policy"):
        current = item[part] if item else {}
        fine = item is not None and same_documents(part, current, item["id"], steps.desired.region, wanted.log_group)
        # A new role has its trust from its first moment.
        if not fine and not (part == "trust" and item is None):
            before = {part: current} if item else None
            after = {part: f"may write to {wanted.log_group}" if part == "policy" else "only flow logs of this account"}
            steps.add("allow", "role", name, before, after, part=part, log_group=wanted.log_group)


def _give_up_delivery(steps: Steps, surplus: list[Mapping[str, Any]]) -> None:
    delivery = steps.network.delivery
    if any(item["destination_type"] == "cloud-watch-logs" for item in surplus):
        if delivery.role is not None:
            steps.drop("role", [delivery.role])
        if delivery.log_group is not None and delivery.log_group["ours"]:
            steps.notes.append(f"log group {delivery.log_group['name']} is kept with what it holds")
