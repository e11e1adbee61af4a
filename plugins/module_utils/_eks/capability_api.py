# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to EKS about capabilities: one call per function, nothing decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.api import BUSY
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.waits import MISSING, NEW_ROLE
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.new_role import with_new_role


def get_capability(eks: Any, cluster: str, name: str) -> dict[str, Any] | None:
    what = f"read eks_capability {name}"
    found = call(eks, "describe_capability", what, missing=MISSING, clusterName=cluster, capabilityName=name)
    return found["capability"] if found else None


def list_capabilities(eks: Any, cluster: str) -> list[dict[str, Any]]:
    what = f"list the capabilities of eks_cluster {cluster}"
    return pages(eks, "list_capabilities", "capabilities", what, missing=MISSING, clusterName=cluster)


def create_capability(eks: Any, params: Mapping[str, Any]) -> None:
    name = params["capabilityName"]
    with_new_role(lambda: call(eks, "create_capability", f"create eks_capability {name}", **params), NEW_ROLE)


def update_capability(eks: Any, cluster: str, name: str, params: Mapping[str, Any]) -> str:
    what = f"modify eks_capability {name}"
    found = with_new_role(
        lambda: call(
            eks, "update_capability", what, eventual=BUSY, clusterName=cluster, capabilityName=name, **params
        ),
        NEW_ROLE,
    )  # fmt: skip
    return found["update"]["id"]


def delete_capability(eks: Any, cluster: str, name: str) -> None:
    what = f"delete eks_capability {name}"
    call(eks, "delete_capability", what, missing=MISSING, eventual=BUSY, clusterName=cluster, capabilityName=name)
