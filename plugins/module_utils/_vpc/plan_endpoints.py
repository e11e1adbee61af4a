# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints: S3 through the route tables, other services through interfaces and a security group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import FULL_ACCESS, Endpoint
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.plan_vpc import kept_ranges
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_endpoints import GONE
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_groups import https_from
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import Steps

NEW_RANGE = "the IPv6 range of the VPC"


def s3(steps: Steps) -> None:
    desired = steps.desired
    names = [table.name for table in desired.tables() if table.tier in desired.s3_tiers]
    if not names:
        return
    name = f"{desired.name}-s3"
    tags = steps.tags(name)
    item = steps.network.own(steps.network.of_type("Gateway")).get(name)
    service = f"com.amazonaws.{desired.region}.s3"
    if item is None:
        facts = {"route_tables": names, **shown_policy(desired.s3_policy)}
        steps.create("S3 endpoint", name, facts, tags, tables=names, service=service, policy=desired.s3_policy)
        return
    steps.retag("S3 endpoint", name, item, tags)
    known = {table["id"]: table["name"] for table in steps.network.tables}
    current = {known.get(table_id, table_id): table_id for table_id in item["route_table_ids"]}
    add = [table for table in names if table not in current]
    remove = [table_id for table, table_id in current.items() if table not in names]
    if add or remove:
        steps.add(
            "change", "S3 endpoint", name, {"route_tables": sorted(current)}, {"route_tables": sorted(names)},
            id=item["id"], add=add, remove=remove,
        )  # fmt: skip
    _policy(steps, "S3 endpoint", name, item, desired.s3_policy)


def group(steps: Steps) -> None:
    """The security group of the interface endpoints admits TLS from the VPC, and lets nothing out."""
    desired = steps.desired
    if not desired.endpoints:
        return
    name = desired.endpoint_group_name
    item = steps.network.own(steps.network.groups).get(name)
    vpc = steps.network.vpc
    known = vpc["ipv6"]["cidr"] if vpc and vpc["ipv6"] else ""
    cidrs = [desired.cidr, *desired.secondary_cidrs, *kept_ranges(steps), *([known] if known else [])]
    wanted = https_from(cidrs)
    # Its range is known only when the run has it.
    new_range = desired.ipv6 and not known
    shown = [*sorted(wanted), *([f"tcp 443 {NEW_RANGE}"] if new_range else [])]
    if item is None:
        steps.create("security group", name, {}, steps.tags(name))
    else:
        steps.retag("security group", name, item, steps.tags(name))
    ingress = item["ingress"] if item else {}
    egress = item["egress"] if item else None
    if set(wanted) != set(ingress) or new_range or egress or item is None:
        before = {"ingress": sorted(ingress), "egress": sorted(egress or ())} if item else None
        steps.add(
            "change", "security group", name, before, {"ingress": shown, "egress": []}, new_range=new_range,
            add=[rule for text, rule in wanted.items() if text not in ingress],
            remove=[rule for text, rule in ingress.items() if text not in wanted],
            # A new group lets everything out, as AWS makes it; what exactly, the executor reads.
            egress=list(egress.values()) if egress is not None else None,
        )  # fmt: skip


def interfaces(steps: Steps) -> None:
    for endpoint in steps.desired.endpoints:
        item = _current(steps, endpoint)
        tags = steps.tags(endpoint.name)
        if item is None:
            facts = {
                "service": endpoint.service, "subnets": list(endpoint.subnets), "private_dns": endpoint.private_dns,
                **shown_policy(endpoint.policy),
            }  # fmt: skip
            steps.create("interface endpoint", endpoint.name, facts, tags, endpoint=endpoint)
            continue
        steps.retag("interface endpoint", endpoint.name, item, tags)
        _subnets(steps, endpoint, item)
        _group(steps, endpoint, item)
        if endpoint.private_dns and not item["private_dns"]:
            steps.add(
                "change", "interface endpoint", endpoint.name, {"private_dns": False}, {"private_dns": True},
                id=item["id"], change={"PrivateDnsEnabled": True},
            )  # fmt: skip
        _policy(steps, "interface endpoint", endpoint.name, item, endpoint.policy)


def _current(steps: Steps, endpoint: Endpoint) -> Mapping[str, Any] | None:
    """Return ours of this service. One that AWS has failed to make is surplus, and another is made."""
    ours = [item for item in steps.network.of_type("Interface") if item["ours"] and item["state"] not in GONE]
    return next((item for item in ours if item["service"] == endpoint.service), None)


def _subnets(steps: Steps, endpoint: Endpoint, item: Mapping[str, Any]) -> None:
    """Change one zone at a time: AWS refuses two subnets of one zone, and the others answer meanwhile."""
    known = {subnet["id"]: (subnet["name"], subnet["zone"]) for subnet in steps.network.subnets}
    zones = {subnet.name: subnet.zone for subnet in steps.desired.subnets}
    current = {known.get(subnet, (subnet, ""))[0]: subnet for subnet in item["subnet_ids"]}
    add = {zones[name]: name for name in endpoint.subnets if name not in current}
    remove = {
        known.get(subnet, ("", subnet))[1]: subnet for name, subnet in current.items() if name not in endpoint.subnets
    }
    # Zones that are new come first, zones that go come last: there is always one that answers.
    order = [*(zone for zone in add if zone not in remove), *(zone for zone in remove if zone in add)]
    order += [zone for zone in remove if zone not in add]
    if order:
        steps.add(
            "move", "interface endpoint", endpoint.name, {"subnets": sorted(current)},
            {"subnets": sorted(endpoint.subnets)}, id=item["id"],
            zones=[(remove.get(zone, ""), add.get(zone, "")) for zone in order],
        )  # fmt: skip


def _group(steps: Steps, endpoint: Endpoint, item: Mapping[str, Any]) -> None:
    name = steps.desired.endpoint_group_name
    own = steps.network.own(steps.network.groups).get(name)
    others = [group_id for group_id in item["group_ids"] if own is None or group_id != own["id"]]
    if others or own is None or own["id"] not in item["group_ids"]:
        steps.add(
            "secure", "interface endpoint", endpoint.name, {"security_groups": item["group_ids"]},
            {"security_groups": [name]}, id=item["id"], group=name, remove=others,
            add=own is None or own["id"] not in item["group_ids"],
        )  # fmt: skip


def _policy(steps: Steps, kind: str, name: str, item: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    current = {key: value for key, value in item["policy"].items() if key != "Version" or key in wanted}
    if compare_policies(current, dict(wanted), default_version=None):
        before = {"policy": "full access" if not compare_policies(current, dict(FULL_ACCESS), None) else current}
        steps.add("allow", kind, name, before, shown_policy(wanted), id=item["id"], policy=wanted)


def shown_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {"policy": "full access" if policy == FULL_ACCESS else dict(policy)}


def surplus(steps: Steps) -> None:
    desired, network = steps.desired, steps.network
    if not [table for table in desired.tables() if table.tier in desired.s3_tiers]:
        steps.drop("S3 endpoint", network.of_type("Gateway"))
    kept = [(_current(steps, endpoint) or {}).get("id") for endpoint in desired.endpoints]
    steps.drop("interface endpoint", [item for item in network.of_type("Interface") if item["id"] not in kept])
    if not desired.endpoints:
        steps.drop("security group", [item for item in network.groups if item["name"] == desired.endpoint_group_name])
