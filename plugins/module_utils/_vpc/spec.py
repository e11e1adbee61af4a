# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of the module vpc_network."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, WAIT_SPEC

TIERS = ["public", "private", "data"]
SUBNET: dict[str, Any] = {
    "name": {"type": "str"},
    "cidr": {"type": "str", "required": True},
    "zone": {"type": "str", "required": True},
    "tier": {"type": "str", "choices": TIERS, "required": True},
    "tags": {"type": "dict", "default": {}},
}
RETENTIONS = [
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]  # fmt: skip
FLOW_LOGS: dict[str, Any] = {
    "destination": {"type": "str", "choices": ["none", "cloud-watch-logs", "s3"], "default": "none"},
    "bucket_arn": {"type": "str"},
    "retention_days": {"type": "int", "choices": RETENTIONS, "default": 90},
    "kms_key_arn": {"type": "str", "no_log": False},  # a name, no secret
    "traffic": {"type": "str", "choices": ["ACCEPT", "REJECT", "ALL"], "default": "ALL"},
    "interval": {"type": "int", "choices": [60, 600], "default": 600},
    "format": {"type": "str"},
}
SPEC: dict[str, Any] = {
    **IDENTITY_SPEC,
    **WAIT_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "component": {"type": "str", "default": "vpc"},
    "name": {"type": "str"},
    "cidr": {"type": "str"},
    "secondary_cidrs": {"type": "list", "elements": "str", "default": []},
    "forbidden_cidrs": {"type": "list", "elements": "str", "default": []},
    "ipv6": {"type": "bool", "default": False},
    "dns_support": {"type": "bool", "default": True},
    "dns_hostnames": {"type": "bool", "default": True},
    "zones": {"type": "list", "elements": "str", "default": []},
    "zone_count": {"type": "int", "choices": [2, 3, 4], "default": 3},
    "subnets": {"type": "list", "elements": "dict", "default": [], "options": SUBNET},
    "subnet_tags": {
        "type": "dict",
        "default": {},
        "options": {tier: {"type": "dict", "default": {}} for tier in TIERS},
    },
    "nat": {"type": "str", "choices": ["none", "single", "per_az"], "default": "single"},
    "s3_endpoint": {"type": "list", "elements": "str", "choices": TIERS, "default": TIERS},
    "interface_endpoints": {"type": "list", "elements": "str", "default": []},
    "endpoint_tier": {"type": "str", "choices": ["private", "data"], "default": "private"},
    "endpoint_policies": {"type": "dict", "default": {}},
    "flow_logs": {"type": "dict", "default": {}, "options": FLOW_LOGS},
    "tags": {"type": "dict", "default": {}},
    "purge_tags": {"type": "bool", "default": False},
}
