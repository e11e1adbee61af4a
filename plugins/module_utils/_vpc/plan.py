# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the network that is with the one that should be, and list the steps between. Pure."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Plan
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import (
    plan_endpoints,
    plan_flow_logs,
    plan_routes,
    plan_subnets,
    plan_vpc,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired, Network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.refusals import refuse
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import Steps


def plan_present(network: Network, desired: Desired, purge: bool = False) -> Plan:
    """List the steps in the order in which AWS accepts them: what is slow begins early, what goes goes last."""
    refuse(network, desired)
    steps = Steps(network, desired, purge)
    plan_vpc.vpc(steps)
    plan_vpc.default_group(steps)
    plan_vpc.ranges(steps)
    plan_routes.gateway(steps)
    plan_subnets.subnets(steps)
    plan_routes.tables(steps, "public")
    plan_routes.nats(steps)
    plan_routes.egress_gateway(steps)
    plan_routes.tables(steps, "private", "data")
    plan_subnets.associations(steps)
    plan_endpoints.s3(steps)
    plan_endpoints.group(steps)
    plan_endpoints.interfaces(steps)
    plan_flow_logs.flow_log(steps)
    # A route to a NAT gateway waits for it.
    plan_routes.routes(steps, "private", "data")
    plan_routes.surplus(steps)
    plan_endpoints.surplus(steps)
    plan_subnets.surplus(steps)
    plan_routes.surplus_gateways(steps)
    plan_vpc.surplus(steps)
    return Plan(tuple(steps.actions), tuple(steps.notes))
