# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DB subnet groups and DB parameter groups are called in the API of RDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import COMPONENT
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import subnet_groups
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import Kind

SUBNETS = Kind(
    "db_subnet_group", "DBSubnetGroup", "DBSubnetGroupArn", COMPONENT,
    missing=("DBSubnetGroupNotFoundFault",), in_use="InvalidDBSubnetGroupStateFault",
)  # fmt: skip
PARAMETERS = Kind(
    "db_parameter_group", "DBParameterGroup", "DBParameterGroupArn", COMPONENT,
    missing=("DBParameterGroupNotFound",), in_use="InvalidDBParameterGroupState",
)  # fmt: skip


def ensure_subnet_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    return subnet_groups.ensure_subnet_group(clients["rds"], SUBNETS, params, check_mode)
