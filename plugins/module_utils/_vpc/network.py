# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act: one network of one app and stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Plan, apply
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import read
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.desired import (
    desire,
    identity,
    needs_offered_zones,
    vpc_name,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.execute import Executor
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired, Network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.plan import Planner
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.teardown import plan_absent


def ensure_network(clients: dict[str, Any], params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Knows neither AnsibleModule nor the session."""
    ec2 = clients["ec2"]
    name = vpc_name(params)
    network = read.read_network(ec2, name, identity(params), params["cidr"])
    desired = None
    if params["state"] == "present":
        offered = read.offered_zones(ec2) if needs_offered_zones(params, network) else None
        desired = desire(params, network, offered, ec2.meta.region_name)
        plan = Planner(network, desired, params["purge_tags"]).plan()
        _refuse_used_subnets(ec2, network, plan)
    else:
        groups = read.security_groups(ec2, network.vpc["id"]) if network.vpc else []
        plan = plan_absent(network, groups)
        plan = _await_interfaces(ec2, network, plan, params, check_mode)
    executor = Executor(ec2, network, name, params)
    result = apply(plan, executor, check_mode)
    facts = describe(desired, executor.ids) if desired else {}
    return {**result, "network": facts}


def describe(desired: Desired, ids: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Return what the roles that follow need. In check mode, what is yet to be made has no id and is left out."""

    def existing(kind: str, names: list[str]) -> list[str]:
        return [ids[kind, name] for name in names if (kind, name) in ids]

    def of_tier(tier: str) -> list[str]:
        return existing("subnet", [subnet.name for subnet in desired.tier(tier)])

    return {
        "vpc_id": ids.get(("VPC", desired.name), ""),
        "name": desired.name,
        "cidr": desired.cidr,
        "zones": desired.zones,
        "public_subnet_ids": of_tier("public"),
        "private_subnet_ids": of_tier("private"),
        "data_subnet_ids": of_tier("data"),
        "route_table_ids": {
            tier: existing("route table", [table.name for table in desired.tables() if table.tier == tier])
            for tier in ("public", "private", "data")
        },
        "internet_gateway_id": ids.get(("internet gateway", desired.gateway_name), ""),
        "nat_gateway_ids": existing("NAT gateway", [desired.nat_name(zone) for zone in desired.nat_zones]),
        "s3_endpoint_id": ids.get(("S3 endpoint", f"{desired.name}-s3"), "") if desired.s3_tiers else "",
    }


def _doomed_subnets(plan: Plan) -> list[str]:
    return [
        action.params["item"]["id"] for action in plan.actions if (action.verb, action.kind) == ("delete", "subnet")
    ]


def _refuse_used_subnets(ec2: Any, network: Network, plan: Plan) -> None:
    """A subnet that is no longer wanted goes only when nothing lives in it; say so before the first write."""
    doomed = _doomed_subnets(plan)
    if doomed and network.vpc:
        found = read.foreign_interfaces(ec2, network.vpc["id"], doomed, network.nats)
        if found:
            raise ResourceError(f"subnets that are no longer wanted are in use by {', '.join(found)}; move these first")


def _await_interfaces(
    ec2: Any, network: Network, plan: Plan, params: Mapping[str, Any], check_mode: bool
) -> Plan:  # fmt: skip
    """Before the first deletion, wait for what load balancers and databases leave behind for some minutes."""
    doomed = _doomed_subnets(plan)
    if not doomed or network.vpc is None:
        return plan
    vpc_id = network.vpc["id"]
    if check_mode:
        found = read.foreign_interfaces(ec2, vpc_id, doomed, network.nats)
        return replace(plan, notes=(*plan.notes, *(f"a run waits until {item} is gone" for item in found)))
    wait_until(
        read=lambda: read.foreign_interfaces(ec2, vpc_id, doomed, network.nats),
        done=lambda found: not found,
        subject=f"the emptiness of VPC {network.vpc['name']} ({vpc_id}), nothing has been deleted,",
        timeout=params["wait_timeout"] if params["wait"] else 0,
        pause=params["wait_pause"],
        show=", ".join,
    )
    return plan
