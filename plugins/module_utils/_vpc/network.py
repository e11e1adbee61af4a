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
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import read, read_flow_logs
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.describe import describe
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.desired import (
    desire,
    desire_subnets,
    identity,
    needs_offered_zones,
    vpc_name,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.desired_endpoints import needs_services
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.desired_flow_logs import log_group_name, role_name
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.execute import Executor
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired, Network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.plan import plan_present
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_endpoints import offered_services
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.teardown import plan_absent


def ensure_network(clients: dict[str, Any], params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Knows neither AnsibleModule nor the session."""
    ec2 = clients["ec2"]
    name = vpc_name(params)
    network = _read_flow_logs(clients, read.read_network(ec2, name, identity(params), params), params)
    desired = None
    if params["state"] == "present":
        desired = _desire(clients, network, params)
        plan = plan_present(network, desired, params["purge_tags"])
        _refuse_used_subnets(ec2, network, plan)
        _refuse_missing_bucket(clients, desired, plan)
    else:
        plan = plan_absent(network, name)
        plan = _await_interfaces(ec2, network, plan, params, check_mode)
    executor = Executor(clients, network, name, params)
    result = apply(plan, executor, check_mode)
    if not check_mode:
        executor.finish()
    facts = describe(desired, executor.context.ids) if desired else {}
    return {**result, "network": facts}


def _read_flow_logs(clients: Mapping[str, Any], network: Network, params: Mapping[str, Any]) -> Network:
    """The log group and the role cost four calls: only when they are wanted, in use or to be removed."""
    found = read_flow_logs.read_flow_logs(clients["ec2"], network.vpc["id"], identity(params)) if network.vpc else ()
    writing = any(item["ours"] and item["destination_type"] == "cloud-watch-logs" for item in found)
    wanted = params["flow_logs"]["destination"] == "cloud-watch-logs"
    delivery = network.delivery
    if writing or wanted or params["state"] == "absent":
        role = role_name(vpc_name(params))
        delivery = read_flow_logs.read_delivery(clients, log_group_name(params), role, identity(params))
    return replace(network, flow_logs=found, delivery=delivery)


def _desire(clients: Mapping[str, Any], network: Network, params: Mapping[str, Any]) -> Desired:
    ec2 = clients["ec2"]
    region = ec2.meta.region_name
    offered = read.offered_zones(ec2) if needs_offered_zones(params, network) else None
    subnets = desire_subnets(params, network, offered)
    services = offered_services(ec2) if needs_services(params, network, subnets, region) else None
    return desire(params, network, subnets, services, region)


def _doomed_subnets(plan: Plan) -> list[str]:
    return [
        action.params["item"]["id"] for action in plan.actions if (action.verb, action.kind) == ("delete", "subnet")
    ]


def _refuse_used_subnets(ec2: Any, network: Network, plan: Plan) -> None:
    """A subnet that is no longer wanted goes only when nothing lives in it; say so before the first write."""
    doomed = _doomed_subnets(plan)
    if doomed and network.vpc:
        found = read.foreign_interfaces(ec2, network, doomed)
        if found:
            raise ResourceError(f"subnets that are no longer wanted are in use by {', '.join(found)}; move these first")


def _refuse_missing_bucket(clients: Mapping[str, Any], desired: Desired, plan: Plan) -> None:
    """Ask only when a flow log is to be made: the bucket of one that runs is AWS's concern."""
    wanted = desired.flow_log
    making = any((action.verb, action.kind) == ("create", "flow log") for action in plan.actions)
    if wanted is not None and wanted.destination_type == "s3" and making:
        read_flow_logs.refuse_missing_bucket(clients["s3"], wanted.bucket_arn)


def _await_interfaces(
    ec2: Any, network: Network, plan: Plan, params: Mapping[str, Any], check_mode: bool
) -> Plan:  # fmt: skip
    """Before the first deletion, wait for what load balancers and databases leave behind for some minutes."""
    doomed = _doomed_subnets(plan)
    if not doomed or network.vpc is None:
        return plan
    vpc_id = network.vpc["id"]
    if check_mode:
        found = read.foreign_interfaces(ec2, network, doomed)
        return replace(plan, notes=(*plan.notes, *(f"a run waits until {item} is gone" for item in found)))
    wait_until(
        read=lambda: read.foreign_interfaces(ec2, network, doomed),
        done=lambda found: not found,
        subject=f"the emptiness of VPC {network.vpc['name']} ({vpc_id}), nothing has been deleted,",
        timeout=params["wait_timeout"] if params["wait"] else 0,
        pause=params["wait_pause"],
        show=", ".join,
    )
    return plan
