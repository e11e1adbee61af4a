# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of VPC, ranges, subnets and the default security group."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import api, api_endpoints, api_ranges, read_groups
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.context import Context
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.plan_subnets import nth_range


def _create_vpc(context: Context, action: Action) -> None:
    context.ids["VPC", context.name], context.owner = api.create_vpc(
        context.ec2, action.name, action.params["cidr"], action.params["tags"]
    )


def _change_vpc(context: Context, action: Action) -> None:
    api.set_dns(context.ec2, action.name, context.vpc_id, action.params["attribute"], action.params["value"])


def _delete_vpc(context: Context, action: Action) -> None:
    api.delete_vpc(context.ec2, action.name, action.params["item"]["id"])


def _empty_group(context: Context, action: Action) -> None:
    group: Any = action.params["group"]
    if group is None:
        groups = read_groups.read_groups(context.ec2, context.vpc_id, {})
        group = next(item for item in groups if item["name"] == "default")
    for direction in ("ingress", "egress"):
        api_endpoints.revoke(context.ec2, action.name, group["id"], direction, list(group[direction].values()))


def _extend(context: Context, action: Action) -> None:
    cidr = action.params["cidr"]
    api_ranges.associate_range(context.ec2, action.name, context.vpc_id, cidr)
    found = context.await_range(cidr)
    if not cidr:
        context.ids["IPv6 range", context.name] = found


def _reduce(context: Context, action: Action) -> None:
    context.settle()
    api_ranges.disassociate_range(context.ec2, action.name, action.params["cidr"], action.params["id"])
    context.await_range(action.params["cidr"], "disassociated")


def _create_subnet(context: Context, action: Action) -> None:
    context.ids[action.kind, action.name] = api.create_subnet(
        context.ec2, action.name, context.vpc_id, action.params["cidr"], action.params["zone"], action.params["tags"]
    )


def _number_subnet(context: Context, action: Action) -> None:
    cidr = nth_range(context.ids["IPv6 range", context.name], action.params["number"])
    api_ranges.number_subnet(context.ec2, action.name, context.ids["subnet", action.name], cidr)


def _change_subnet(context: Context, action: Action) -> None:
    api_ranges.assign_ipv6(context.ec2, action.name, context.ids["subnet", action.name], action.params["value"])


def _associate(context: Context, action: Action) -> None:
    table_id = context.ids["route table", action.params["table"]]
    api.associate(context.ec2, action.name, context.ids["subnet", action.name], table_id, action.params["link"])


def _delete_subnet(context: Context, action: Action) -> None:
    context.settle()
    api.delete_subnet(context.ec2, action.name, action.params["item"]["id"])


STEPS = {
    ("create", "VPC"): _create_vpc,
    ("change", "VPC"): _change_vpc,
    ("extend", "VPC"): _extend,
    ("reduce", "VPC"): _reduce,
    ("delete", "VPC"): _delete_vpc,
    ("empty", "default security group"): _empty_group,
    ("create", "subnet"): _create_subnet,
    ("number", "subnet"): _number_subnet,
    ("change", "subnet"): _change_subnet,
    ("associate", "subnet"): _associate,
    ("delete", "subnet"): _delete_subnet,
}
