# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the steps that remove a network. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import removal


def plan_absent(network: Network, name: str) -> Plan:
    """Remove in the order AWS allows; refuse when something of somebody else would be in the way."""
    groups = f"{name}-endpoints"
    refuse_strangers(network, groups)
    actions: list[Action] = []
    for kind, items in (
        # Before the log group: else they would go on writing to it.
        ("flow log", network.flow_logs),
        ("log group", [item for item in (network.delivery.log_group,) if item]),
        ("role", [item for item in (network.delivery.role,) if item]),
        ("interface endpoint", network.of_type("Interface")),
        # One that is being deleted already holds its address: the release waits for it.
        ("NAT gateway", [nat for nat in network.nats if nat["usable"]]),
        ("elastic IP", network.addresses),
        ("S3 endpoint", network.of_type("Gateway")),
        ("security group", [item for item in network.groups if item["name"] == groups]),
        ("route table", network.tables),
        ("egress-only gateway", network.egress_gateways),
        ("internet gateway", network.gateways),
        ("subnet", network.subnets),
    ):
        actions += [removal(kind, item) for item in items if item["ours"]]
    if network.vpc is not None:
        actions.append(removal("VPC", network.vpc))
    return Plan(tuple(actions), (*network.notes, *_left(network)))


def refuse_strangers(network: Network, groups: str) -> None:
    """AWS deletes a VPC only when it is empty: better to know before the first deletion than after the last."""
    if network.vpc is None:
        return
    strangers = [f"subnet {item['id']} ({item['cidr']})" for item in network.subnets if not item["ours"]]
    strangers += [f"route table {item['id']}" for item in network.tables if not item["ours"] and not item["main"]]
    strangers += [f"endpoint {item['id']}" for item in network.endpoints if not item["ours"]]
    strangers += [f"internet gateway {item['id']}" for item in network.gateways if not item["ours"]]
    strangers += [f"egress-only gateway {item['id']}" for item in network.egress_gateways if not item["ours"]]
    strangers += [
        f"security group {item['name']} ({item['id']})" for item in network.groups if _is_strange(item, groups)
    ]
    if strangers:
        raise ResourceError(
            f"VPC {network.vpc['name']} ({network.vpc['id']}) holds what is not of this component: "
            f"{', '.join(strangers)}; remove it first (the other roles with state absent), nothing has been deleted"
        )


def _is_strange(group: Mapping[str, Any], own: str) -> bool:
    """The default group goes with the VPC."""
    return group["name"] != "default" and not (group["ours"] and group["name"] == own)


def _left(network: Network) -> list[str]:
    """Name what has our names and not our tags: it stays."""
    found = (("log group", network.delivery.log_group), ("role", network.delivery.role))
    return [f"{kind} {item['name']} is not ours and stays" for kind, item in found if item and not item["ours"]]
