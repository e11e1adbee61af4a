# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS tells of a cluster that is to be upgraded: one look, nothing decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon_plan import Build, builds_from
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import Offer
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

READINESS = {"categories": ["UPGRADE_READINESS"]}


@dataclass(frozen=True)
class Look:
    """`builds` are the versions of each add-on that fit the target."""

    cluster: Mapping[str, Any]
    offers: Sequence[Offer] = ()
    addons: Sequence[Mapping[str, Any]] = ()
    builds: Mapping[str, Sequence[Build]] | None = None
    groups: Sequence[Mapping[str, Any]] = ()
    insights: Sequence[Mapping[str, Any]] = ()
    subnets: Sequence[Mapping[str, Any]] = ()
    types: Sequence[Mapping[str, Any]] = ()
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def look(clients: Mapping[str, Any], name: str, version: str) -> Look:
    eks, ec2 = clients["eks"], clients["ec2"]
    cluster = api.get_cluster(eks, name)
    if cluster is None:
        raise ResourceError(f"there is no eks_cluster {name} in this region; there is nothing to upgrade")
    addons, groups = get_addons(eks, name), get_groups(eks, name)
    subnets = {one for group in groups for one in group["subnets"]}
    types = sorted({kind for group in groups for kind in group.get("instanceTypes") or ()})
    return Look(
        cluster, api.get_offers(eks), addons, get_builds(eks, addons, version), groups, get_insights(eks, name),
        api.get_subnets(ec2, sorted(subnets | set(cluster["resourcesVpcConfig"]["subnetIds"]))),
        api.get_instance_types(ec2, types) if types else [], datetime.now(UTC),
    )  # fmt: skip


def get_addons(eks: Any, name: str) -> list[dict[str, Any]]:
    names = pages(eks, "list_addons", "addons", f"list the add-ons of eks_cluster {name}", clusterName=name)
    found = [api.get_addon(eks, name, one) for one in names]
    return [one for one in found if one]


def get_groups(eks: Any, name: str) -> list[dict[str, Any]]:
    names = pages(eks, "list_nodegroups", "nodegroups", f"list the node groups of eks_cluster {name}", clusterName=name)
    found = [api.get_node_group(eks, name, one) for one in names]
    return [one for one in found if one]


def get_builds(eks: Any, addons: Sequence[Mapping[str, Any]], version: str) -> dict[str, tuple[Build, ...]]:
    names = [one["addonName"] for one in addons]
    return {one: builds_from(api.get_addon_versions(eks, one, version), one, version) for one in names}


def get_insights(eks: Any, name: str) -> list[dict[str, Any]]:
    """Return what EKS has found that stands in the way of the next version, with the objects that it means."""
    what = f"read the insights of eks_cluster {name}"
    listed = pages(eks, "list_insights", "insights", what, clusterName=name, filter=READINESS)
    return [
        call(eks, "describe_insight", what, clusterName=name, id=one["id"])["insight"]
        if one["insightStatus"]["status"] in ("ERROR", "WARNING") else one
        for one in listed
    ]  # fmt: skip
