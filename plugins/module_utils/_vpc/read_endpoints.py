# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the endpoints of a VPC, and which services AWS offers them for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import pages
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.items import item_of

GONE = ("deleted", "failed", "rejected", "expired")


@dataclass(frozen=True)
class Offer:
    """A service that AWS offers interface endpoints for in this region."""

    zones: frozenset[str]
    private_dns: bool
    takes_policy: bool


def read_endpoints(
    ec2: Any, vpc_id: str, identity: Mapping[str, str]
) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """Return the endpoints of the VPC, and apart from them those of ours that go or never came."""
    found = pages(
        ec2, "describe_vpc_endpoints", "VpcEndpoints", f"list the endpoints of {vpc_id}",
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}],
    )  # fmt: skip
    items = [_endpoint(entry, identity) for entry in found]
    return (
        # One that failed is of no use, but it must be deleted.
        tuple(item for item in items if item["state"] not in ("deleting", "deleted")),
        tuple(item for item in items if item["state"] == "deleting" and item["ours"]),
    )


def endpoint_states(ec2: Any, endpoint_ids: list[str]) -> dict[str, str]:
    """Return {id: state}; one that AWS has forgotten counts as deleted."""
    found = pages(
        ec2, "describe_vpc_endpoints", "VpcEndpoints", "read the state of endpoints",
        Filters=[{"Name": "vpc-endpoint-id", "Values": endpoint_ids}],
    )  # fmt: skip
    states = {item["VpcEndpointId"]: item["State"].lower() for item in found}
    return {endpoint_id: states.get(endpoint_id, "deleted") for endpoint_id in endpoint_ids}


def offered_services(ec2: Any) -> dict[str, Offer]:
    """Return {full name: offer} of the services that have interface endpoints in this region."""
    found = pages(
        ec2, "describe_vpc_endpoint_services", "ServiceDetails", "list the services that have endpoints here"
    )  # fmt: skip
    return {
        item["ServiceName"]: Offer(
            zones=frozenset(item.get("AvailabilityZones", [])),
            private_dns=bool(item.get("PrivateDnsName") or item.get("PrivateDnsNames")),
            takes_policy=bool(item.get("VpcEndpointPolicySupported")),
        )
        for item in found
        if any(kind["ServiceType"] == "Interface" for kind in item.get("ServiceType", []))
    }


def _endpoint(entry: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    return {
        **item_of(entry, "VpcEndpointId", identity),
        "type": entry.get("VpcEndpointType") or "Gateway",
        "service": entry.get("ServiceName", ""),
        "state": entry.get("State", "").lower(),
        "route_table_ids": entry.get("RouteTableIds", []),
        "subnet_ids": entry.get("SubnetIds", []),
        "group_ids": [group["GroupId"] for group in entry.get("Groups", [])],
        "interface_ids": entry.get("NetworkInterfaceIds", []),
        "private_dns": bool(entry.get("PrivateDnsEnabled")),
        "policy": json.loads(entry.get("PolicyDocument") or "{}"),
    }
