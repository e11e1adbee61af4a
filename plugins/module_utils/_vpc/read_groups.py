# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the security groups of a VPC, each rule by itself, so that one can be told and revoked alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import pages
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.items import item_of

# Where a rule's other side stands in the answer, and what names it.
SOURCES = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}
PORTS = ("IpProtocol", "FromPort", "ToPort")


def read_groups(ec2: Any, vpc_id: str, identity: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """Return all security groups of the VPC; `ingress` and `egress` map a rule's text to the rule."""
    found = pages(
        ec2, "describe_security_groups", "SecurityGroups", f"list the security groups of {vpc_id}",
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}],
    )  # fmt: skip
    return tuple(
        {
            **item_of(entry, "GroupId", identity),
            # The name by which AWS knows it: that of a tag may be anything.
            "name": entry["GroupName"],
            "ingress": rules(entry.get("IpPermissions", [])),
            "egress": rules(entry.get("IpPermissionsEgress", [])),
        }
        for entry in found
    )


def rules(permissions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Split permissions into single rules: {"tcp 443 10.0.0.0/16": the permission of this rule alone}."""
    found = {}
    for permission in permissions:
        head: dict[str, Any] = {
            key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission
        }
        for member, key in SOURCES.items():
            for source in permission.get(member) or []:
                side = {name: value for name, value in source.items() if name in (key, "UserId") and value}
                found[f"{_ports(head)} {source[key]}"] = {**head, member: [side]}
    return found


def https_from(cidrs: list[str]) -> dict[str, dict[str, Any]]:
    """Return the rules that admit TLS from the ranges, as `rules` would read them."""
    return rules([
        {
            "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr],
            "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr],
        }
    ])  # fmt: skip


def _ports(head: Mapping[str, Any]) -> str:
    if head.get("IpProtocol") == "-1":
        return "all"
    first, last = head.get("FromPort"), head.get("ToPort")
    ports = f" {first}" if first == last else f" {first}-{last}"
    return f"{head.get('IpProtocol')}{ports if first is not None else ''}"
