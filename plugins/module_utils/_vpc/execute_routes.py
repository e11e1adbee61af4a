# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of gateways, addresses, route tables and routes."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import api, api_ranges
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.context import Context

TARGETS = {
    "internet gateway": "GatewayId",
    "NAT gateway": "NatGatewayId",
    "egress-only gateway": "EgressOnlyInternetGatewayId",
}


def _create_gateway(context: Context, action: Action) -> None:
    context.ids[action.kind, action.name] = api.create_gateway(context.ec2, action.name, action.params["tags"])


def _attach_gateway(context: Context, action: Action) -> None:
    api.attach_gateway(context.ec2, action.name, context.ids[action.kind, action.name], context.vpc_id)


def _delete_gateway(context: Context, action: Action) -> None:
    item = action.params["item"]
    if item["vpc_id"]:
        api.detach_gateway(context.ec2, action.name, item["id"], item["vpc_id"])
    api.delete_gateway(context.ec2, action.name, item["id"])


def _create_egress_gateway(context: Context, action: Action) -> None:
    context.ids[action.kind, action.name] = api_ranges.create_egress_gateway(
        context.ec2, action.name, context.vpc_id, action.params["tags"]
    )


def _delete_egress_gateway(context: Context, action: Action) -> None:
    api_ranges.delete_egress_gateway(context.ec2, action.name, action.params["item"]["id"])


def _create_table(context: Context, action: Action) -> None:
    context.ids[action.kind, action.name] = api.create_table(
        context.ec2, action.name, context.vpc_id, action.params["tags"]
    )


def _delete_table(context: Context, action: Action) -> None:
    for link in action.params["item"]["associations"]:
        if link["subnet_id"]:
            api.disassociate(context.ec2, action.name, link["id"])
    api.delete_table(context.ec2, action.name, action.params["item"]["id"])


def _route(context: Context, action: Action) -> None:
    kind = action.params["exit"]
    target = context.ids[kind, action.params["target"]]
    if kind == "NAT gateway" and context.wait["wait"] and target not in context.available:
        context.await_nat(target, action.params["target"], "available")
        context.available.add(target)
    api.set_route(
        context.ec2, action.name, context.ids["route table", action.name], action.params["destination"],
        {TARGETS[kind]: target}, action.params["replace"],
    )  # fmt: skip


def _unroute(context: Context, action: Action) -> None:
    api.delete_route(context.ec2, action.name, action.params["id"], action.params["destination"])


def _allocate(context: Context, action: Action) -> None:
    context.ids[action.kind, action.name] = api.allocate_address(context.ec2, action.name, action.params["tags"])


def _release(context: Context, action: Action) -> None:
    for nat in context.network.nats:
        if action.params["item"]["id"] in nat["allocation_ids"] and nat["state"] not in ("deleted", "failed"):
            context.await_nat(nat["id"], nat["name"], "deleted")
    api.release_address(context.ec2, action.name, action.params["item"]["id"])


def _create_nat(context: Context, action: Action) -> None:
    allocation = context.ids["elastic IP", action.params["address"]]
    for nat in context.network.nats:
        # A gateway on its way out still holds the address.
        if nat["state"] == "deleting" and allocation in nat["allocation_ids"]:
            context.await_nat(nat["id"], nat["name"], "deleted")
    subnet_id = context.ids["subnet", action.params["subnet"]]
    context.ids[action.kind, action.name] = api.create_nat(
        context.ec2, action.name, subnet_id, allocation, action.params["tags"]
    )


def _delete_nat(context: Context, action: Action) -> None:
    if action.params["item"]["state"] != "deleting":
        api.delete_nat(context.ec2, action.name, action.params["item"]["id"])


STEPS = {
    ("create", "internet gateway"): _create_gateway,
    ("attach", "internet gateway"): _attach_gateway,
    ("delete", "internet gateway"): _delete_gateway,
    ("create", "egress-only gateway"): _create_egress_gateway,
    ("delete", "egress-only gateway"): _delete_egress_gateway,
    ("create", "route table"): _create_table,
    ("delete", "route table"): _delete_table,
    ("route", "route table"): _route,
    ("unroute", "route table"): _unroute,
    ("create", "elastic IP"): _allocate,
    ("delete", "elastic IP"): _release,
    ("create", "NAT gateway"): _create_nat,
    ("delete", "NAT gateway"): _delete_nat,
}
