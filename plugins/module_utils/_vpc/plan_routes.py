# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways out: internet gateway, NAT gateways, egress-only gateway, and the routes to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import INTERNET, INTERNET6, Route, Table
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import Steps


def gateway(steps: Steps) -> None:
    if not steps.desired.tier("public"):
        return
    name, vpc = steps.desired.gateway_name, steps.network.vpc
    item = steps.network.own(steps.network.gateways).get(name)
    tags = steps.tags(name)
    if item is None:
        steps.create("internet gateway", name, {}, tags)
    else:
        steps.retag("internet gateway", name, item, tags)
    if item is None or vpc is None or item["vpc_id"] != vpc["id"]:
        before = {"attached_to": ""} if item else None
        steps.add("attach", "internet gateway", name, before, {"attached_to": steps.desired.name})


def egress_gateway(steps: Steps) -> None:
    if not (steps.desired.ipv6 and steps.desired.tier("private")):
        return
    name = steps.desired.egress_gateway_name
    item = steps.network.own(steps.network.egress_gateways).get(name)
    if item is None:
        steps.create("egress-only gateway", name, {}, steps.tags(name))
    else:
        steps.retag("egress-only gateway", name, item, steps.tags(name))


def tables(steps: Steps, *tiers: str) -> None:
    for table in steps.desired.tables():
        if table.tier not in tiers:
            continue
        tags = steps.tags(table.name, {"tier": table.tier})
        item = steps.tables.get(table.name)
        if item is None:
            steps.create("route table", table.name, {}, tags)
        else:
            steps.retag("route table", table.name, item, tags)
    if "public" in tiers:
        routes(steps, "public")


def routes(steps: Steps, *tiers: str) -> None:
    for table in steps.desired.tables():
        if table.tier in tiers:
            for destination in (INTERNET, INTERNET6):
                wanted = next((way for way in table.routes if way.destination == destination), None)
                _route(steps, table, destination, wanted)


def _route(steps: Steps, table: Table, destination: str, wanted: Route | None) -> None:
    item = steps.tables.get(table.name)
    current = item["routes"].get(destination) if item else None
    key = f"route to {destination}"
    before = {key: current["target"] if current else ""} if item else None
    if wanted is not None:
        if current is None or current["target"] != _target_id(steps, wanted) or current["state"] != "active":
            steps.add(
                "route", "route table", table.name, before, {key: wanted.exit_name}, destination=destination,
                exit=wanted.exit, target=wanted.exit_name, replace=current is not None,
            )  # fmt: skip
    elif current is not None and item is not None:
        ours = current["target"].startswith(("nat-", "eigw-"))
        if table.tier == "data" or ours or current["state"] != "active":
            steps.add("unroute", "route table", table.name, before, {key: ""}, id=item["id"], destination=destination)
        else:
            steps.notes.append(f"route table {table.name} sends {destination} to {current['target']}: left as it is")


def _target_id(steps: Steps, way: Route) -> str:
    network = steps.network
    found = {
        "internet gateway": network.own(network.gateways),
        "NAT gateway": running_nats(steps),
        "egress-only gateway": network.own(network.egress_gateways),
    }[way.exit].get(way.exit_name)
    return found["id"] if found else ""


def running_nats(steps: Steps) -> dict[str, Mapping[str, Any]]:
    return steps.network.own(tuple(nat for nat in steps.network.nats if nat["usable"]))


def nats(steps: Steps) -> None:
    running = running_nats(steps)
    addresses = steps.network.own(steps.network.addresses)
    public = {subnet.zone: subnet.name for subnet in steps.desired.tier("public")}
    for zone in steps.desired.nat_zones:
        name = steps.desired.nat_name(zone)
        tags = steps.tags(name)
        nat = running.get(name)
        address = addresses.get(name)
        if address is not None:
            steps.retag("elastic IP", name, address, tags)
        elif nat is None:
            steps.create("elastic IP", name, {}, tags)
        if nat is None:
            facts = {"subnet": public[zone], "address": name}
            steps.create("NAT gateway", name, facts, tags, **facts)
        else:
            steps.retag("NAT gateway", name, nat, tags)


def surplus(steps: Steps) -> None:
    """Remove gateways that are ours and no longer wanted, after the routes have left them."""
    desired, network = steps.desired, steps.network
    running = running_nats(steps)
    wanted = {desired.nat_name(zone) for zone in desired.nat_zones}
    kept = [nat["id"] for name, nat in running.items() if name in wanted]
    steps.drop("NAT gateway", [nat for nat in network.nats if nat["usable"] and nat["id"] not in kept])
    in_use = {allocation for nat in network.nats if nat["id"] in kept for allocation in nat["allocation_ids"]}
    reused = {item["id"] for name, item in network.own(network.addresses).items() if name in wanted - running.keys()}
    steps.drop("elastic IP", [item for item in network.addresses if item["id"] not in in_use | reused])
    egress = network.own(network.egress_gateways).get(desired.egress_gateway_name) if desired.tier("private") else None
    steps.drop("egress-only gateway", [item for item in network.egress_gateways if item is not egress])


def surplus_gateways(steps: Steps) -> None:
    """The internet gateway last: AWS keeps it as long as somebody in the VPC has a public address."""
    desired, network = steps.desired, steps.network
    wanted = network.own(network.gateways).get(desired.gateway_name) if desired.tier("public") else None
    steps.drop("internet gateway", [item for item in network.gateways if item is not wanted])
