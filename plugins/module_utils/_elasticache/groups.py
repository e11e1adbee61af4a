# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cache subnet groups and cache parameter groups are called in the API of ElastiCache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.api import BUSY
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.common import COMPONENT
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import subnet_groups
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import Kind

SUBNETS = Kind(
    "cache_subnet_group", "CacheSubnetGroup", "ARN", COMPONENT,
    missing=("CacheSubnetGroupNotFoundFault",), in_use="CacheSubnetGroupInUse", busy=BUSY,
)  # fmt: skip
PARAMETERS = Kind(
    "cache_parameter_group", "CacheParameterGroup", "ARN", COMPONENT,
    missing=("CacheParameterGroupNotFound",), in_use="InvalidCacheParameterGroupState", busy=BUSY,
)  # fmt: skip


def ensure_subnet_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    return subnet_groups.ensure_subnet_group(clients["elasticache"], SUBNETS, params, check_mode)
