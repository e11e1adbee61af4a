# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles that follow need of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired


def describe(desired: Desired, ids: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Return ids by role. In check mode, what is yet to be made has no id and is left out."""

    def existing(kind: str, names: list[str]) -> list[str]:
        return [ids[kind, name] for name in names if (kind, name) in ids]

    def of_tier(tier: str) -> list[str]:
        return existing("subnet", [subnet.name for subnet in desired.tier(tier)])

    endpoints = {
        endpoint.short: ids["interface endpoint", endpoint.name]
        for endpoint in desired.endpoints
        if ("interface endpoint", endpoint.name) in ids
    }
    log = desired.flow_log
    group = ids.get(("security group", desired.endpoint_group_name), "") if desired.endpoints else ""
    return {
        "vpc_id": ids.get(("VPC", desired.name), ""),
        "name": desired.name,
        "cidr": desired.cidr,
        "secondary_cidrs": list(desired.secondary_cidrs),
        "ipv6_cidr": ids.get(("IPv6 range", desired.name), "") if desired.ipv6 else "",
        "zones": desired.zones,
        "public_subnet_ids": of_tier("public"),
        "private_subnet_ids": of_tier("private"),
        "data_subnet_ids": of_tier("data"),
        "route_table_ids": {
            tier: existing("route table", [table.name for table in desired.tables() if table.tier == tier])
            for tier in ("public", "private", "data")
        },
        "internet_gateway_id": ids.get(("internet gateway", desired.gateway_name), ""),
        "nat_gateway_ids": existing("NAT gateway", [desired.nat_name(zone) for zone in desired.nat_zones]),
        "s3_endpoint_id": ids.get(("S3 endpoint", f"{desired.name}-s3"), "") if desired.s3_tiers else "",
        "interface_endpoint_ids": endpoints,
        "endpoint_security_group_id": group,
        "flow_log_id": ids.get(("flow log", log.name), "") if log else "",
        "flow_log_destination": log.destination if log else "",
    }
