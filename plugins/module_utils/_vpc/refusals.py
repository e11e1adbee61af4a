# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail on what AWS cannot change in place, and on what belongs to somebody else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import cidr as ranges
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired, Network


def refuse(network: Network, desired: Desired) -> None:
    vpc = network.vpc
    if vpc is not None:
        _refuse_vpc(vpc, desired)
    for gateway in network.gateways:
        if vpc is not None and gateway["vpc_id"] == vpc["id"] and not gateway["ours"] and desired.tier("public"):
            raise ResourceError(f"VPC {desired.name} has the internet gateway {gateway['id']}, which is not ours")
    wanted = {subnet.cidr: subnet for subnet in desired.subnets}
    names = {subnet.name: subnet for subnet in desired.subnets}
    for item in network.subnets:
        _refuse_subnet(item, wanted, names)
    _refuse_endpoints(network, desired)
    _refuse_delivery(network, desired)


def _refuse_vpc(vpc: Mapping[str, Any], desired: Desired) -> None:
    if vpc["cidr"] != desired.cidr:
        raise ResourceError(
            f"VPC {desired.name} ({vpc['id']}) has the range {vpc['cidr']}; AWS cannot change it to {desired.cidr}. "
            "Keep the range (secondary_cidrs adds further ones), or make the new network as another stage"
        )
    if vpc["name"] != desired.name:
        raise ResourceError(f"VPC {vpc['id']} of this app and stage is called {vpc['name']}, not {desired.name}")
    if vpc["ipv6"] and not desired.ipv6:
        raise ResourceError(
            f"VPC {desired.name} has IPv6 ({vpc['ipv6']['cidr']}) and is not to have it. What lives in it would lose "
            "its addresses, and AWS never gives the same range again: keep ipv6 on, or move to another stage"
        )


def _refuse_subnet(item: Mapping[str, Any], wanted: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    label = f"subnet {item['name'] or item['id']} ({item['id']}, {item['cidr']}, {item['zone']})"
    subnet = wanted.get(item["cidr"])
    if subnet is not None:
        if not item["ours"]:
            raise ResourceError(f"{label} has the range of {subnet.name}, but does not carry our tags")
        if item["zone"] != subnet.zone:
            raise ResourceError(f"{label} would have to move to {subnet.zone}; AWS cannot move a subnet")
        return
    renamed = names.get(item["name"])
    if renamed is not None and item["ours"]:
        raise ResourceError(
            f"{label} cannot change its range to {renamed.cidr} in place; give the new one another name"
        )
    for other in wanted.values():
        if ranges.Network(item["cidr"]).overlaps(ranges.Network(other.cidr)):
            raise ResourceError(f"{label} is in the way: it overlaps {other.name} ({other.cidr})")


def _refuse_endpoints(network: Network, desired: Desired) -> None:
    wanted = {endpoint.service: endpoint for endpoint in desired.endpoints}
    for item in network.of_type("Interface"):
        endpoint = wanted.get(item["service"])
        if endpoint and not item["ours"] and endpoint.private_dns and item["private_dns"]:
            raise ResourceError(
                f"endpoint {item['id']} of {item['service']} is in VPC {desired.name} already, has private DNS and "
                "is not ours: AWS allows one. Remove it, or take the service out of interface_endpoints"
            )
    for group in network.groups:
        if desired.endpoints and group["name"] == desired.endpoint_group_name and not group["ours"]:
            raise ResourceError(
                f"security group {group['name']} ({group['id']}) in VPC {desired.name} does not carry our tags"
            )


def _refuse_delivery(network: Network, desired: Desired) -> None:
    wanted = desired.flow_log
    if wanted is None:
        return
    for item in network.flow_logs:
        if not item["ours"] and (item["destination_type"], item["destination"]) == (
            wanted.destination_type, wanted.destination,
        ):  # fmt: skip
            raise ResourceError(
                f"flow log {item['id']} writes VPC {desired.name} to {wanted.destination} already and is not ours: "
                "AWS allows one for each destination"
            )
    if wanted.destination_type != "cloud-watch-logs":
        return
    for kind, found in (("log group", network.delivery.log_group), ("role", network.delivery.role)):
        if found is not None and not found["ours"]:
            raise ResourceError(
                f"{kind} {found['name']} is there, but does not carry our tags (its tags: {found['tags']}); "
                "it belongs to somebody else: choose another app or stage, or remove it"
            )
