# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface endpoints should be there, in which subnets; refuse a service that AWS does not offer. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import FULL_ACCESS, Endpoint, Network, Subnet
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_endpoints import Offer


def full_name(short: str, region: str) -> str:
    """Return the service name of a short one: ecr.api is com.amazonaws.<region>.ecr.api."""
    return short if short.startswith(("com.", "aws.")) else f"com.amazonaws.{region}.{short}"


def short_name(name: str, region: str) -> str:
    return name.removeprefix(f"com.amazonaws.{region}.")


def needs_services(
    params: Mapping[str, Any], network: Network, subnets: Sequence[Subnet], region: str
) -> bool:  # fmt: skip
    """False when every endpoint asked for is there, in all zones of its tier, with private DNS."""
    zone_of = {item["id"]: item["zone"] for item in network.subnets}
    zones = {subnet.zone for subnet in subnets if subnet.tier == params["endpoint_tier"]}
    there = {
        item["service"]
        for item in network.of_type("Interface")
        if item["ours"] and item["private_dns"] and {zone_of.get(subnet) for subnet in item["subnet_ids"]} == zones
    }
    return not {full_name(short, region) for short in params["interface_endpoints"]} <= there


def desire_policy(params: Mapping[str, Any], short: str) -> Mapping[str, Any]:
    policy = (params["endpoint_policies"] or {}).get(short)
    if policy is None:
        return FULL_ACCESS
    if not isinstance(policy, Mapping) or not policy.get("Statement"):
        raise ResourceError(f"the policy of endpoint {short} has no Statement: it must be an IAM policy document")
    return policy


def desire_endpoints(
    params: Mapping[str, Any], name: str, region: str, subnets: Sequence[Subnet],
    services: Mapping[str, Offer] | None,
) -> tuple[Endpoint, ...]:  # fmt: skip
    """Return the endpoints; `services` is None when none of them is new."""
    asked = {short_name(text, region): full_name(text, region) for text in params["interface_endpoints"]}
    _refuse(params, asked, region, services)
    tier = params["endpoint_tier"]
    places = {subnet.zone: subnet.name for subnet in subnets if subnet.tier == tier}
    if asked and not places:
        raise ResourceError(f"interface endpoints are asked for, but there is no {tier} subnet to put them into")
    found = []
    for short, service in asked.items():
        offer = services[service] if services is not None else None
        chosen = [place for zone, place in places.items() if offer is None or zone in offer.zones]
        if not chosen:
            zones = ", ".join(sorted(offer.zones)) if offer else ""
            raise ResourceError(f"endpoint {short} is offered in {zones} only, where no {tier} subnet lies")
        policy = desire_policy(params, short)
        if offer is not None and not offer.takes_policy and policy != FULL_ACCESS:
            raise ResourceError(f"endpoint {short} takes no policy: AWS allows none for this service")
        private_dns = offer is None or offer.private_dns
        found.append(Endpoint(f"{name}-{short}", short, service, tuple(chosen), private_dns, policy))
    return tuple(found)


def _refuse(
    params: Mapping[str, Any], asked: Mapping[str, str], region: str, services: Mapping[str, Offer] | None
) -> None:
    if len(asked) < len(params["interface_endpoints"]):
        raise ResourceError("interface_endpoints names a service twice")
    if "s3" in asked:
        raise ResourceError("S3 is reached through the gateway endpoint (s3_endpoint), which costs nothing")
    for short in params["endpoint_policies"] or {}:
        if short not in asked and not (short == "s3" and params["s3_endpoint"]):
            raise ResourceError(f"endpoint_policies has a policy for {short}, which is no endpoint here")
    if asked and not (params["dns_support"] and params["dns_hostnames"]):
        raise ResourceError("interface endpoints with private DNS need dns_support and dns_hostnames")
    for short, service in asked.items():
        if services is not None and service not in services:
            shorts = [short_name(known, region) for known in services]
            near = difflib.get_close_matches(short, shorts, n=3, cutoff=0.5)
            advice = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ResourceError(f"AWS offers no interface endpoint {service} in this region{advice}")
