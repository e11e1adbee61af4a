# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of an upgrade, as AWS sees it. Pure: a look in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group_checks import OLDEST_SKEW
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_look import Look
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade_plan import CUSTOM, plan_part
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import minor, ordered, target_for
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.waits import issues_of
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.findings import Finding

# https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html: free addresses in the subnets of the cluster.
CONTROL_PLANE_ADDRESSES = 5
# EKS looks anew every day: https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html
STALE = timedelta(hours=24)
WORKS = ("ACTIVE", "UPDATING")


def aws_findings(want: Mapping[str, Any], seen: Look) -> list[Finding]:
    version = _version(want, seen)
    if version.result == "fail":
        return [version]
    return [version, *_cluster(seen), *_insights(want, seen), *_addons(want, seen), *_groups(want, seen)]


def _version(want: Mapping[str, Any], seen: Look) -> Finding:
    name, running = "Version", seen.cluster["version"]
    extended = (seen.cluster.get("upgradePolicy") or {}).get("supportType") == "EXTENDED"
    try:
        target_for(seen.offers, running, want["version"], True, extended)
    except ResourceError as problem:
        return Finding(name, "fail", problem.message)
    if running == want["version"]:
        return Finding(name, "pass", f"the control plane runs Kubernetes {running} already; what is left is completed")
    return Finding(name, "pass", f"from Kubernetes {running} to {want['version']}")


def _cluster(seen: Look) -> Iterator[Finding]:
    status = seen.cluster["status"]
    detail = f"it is {status}" + ("" if status in WORKS else f": {issues_of(seen.cluster)}")
    yield Finding("Cluster", "pass" if status in WORKS else "fail", detail)
    mine = set(seen.cluster["resourcesVpcConfig"]["subnetIds"])
    short = [
        f"{one['SubnetId']} has {one['AvailableIpAddressCount']}"
        for one in seen.subnets
        if one["SubnetId"] in mine and one["AvailableIpAddressCount"] < CONTROL_PLANE_ADDRESSES
    ]
    told = ", ".join(short)
    if short:
        yield Finding("Free addresses of the control plane", "fail", f"it needs 5 in each of its subnets: {told}",
                      "addresses:control-plane")  # fmt: skip
    else:
        yield Finding("Free addresses of the control plane", "pass", "5 or more in each of its subnets")


def _insights(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    """They are about the next version: once the control plane runs it, they are about the one after that."""
    if seen.cluster["version"] == want["version"]:
        return
    about = [one for one in seen.insights if one.get("kubernetesVersion") in (None, "", want["version"])]
    if not about:
        yield Finding("Insights of EKS", "warn", f"EKS tells nothing of {want['version']} yet; it looks once a day")
    for one in sorted(about, key=lambda each: str(each["name"])):
        status = one["insightStatus"]["status"]
        result = {"ERROR": "fail", "PASSING": "pass"}.get(status, "warn")
        refreshed = one.get("lastRefreshTime")
        old = refreshed is not None and seen.now - refreshed > STALE
        detail = f"{one['insightStatus'].get('reason') or status}{_meant(one)}"
        if old:
            detail += f"; EKS looked on {refreshed:%Y-%m-%d %H:%M} UTC: ask it to look anew (StartInsightsRefresh)"
        name = f"Insight: {one['name']}"
        yield Finding(name, "warn" if old and result == "pass" else result, detail, f"insight:{one['name']}")


def _meant(insight: Mapping[str, Any]) -> str:
    """Return the objects and the APIs that an insight is about, as far as EKS names them."""
    objects = [one.get("kubernetesResourceUri") or one.get("arn") or "" for one in insight.get("resources") or ()]
    summary = insight.get("categorySpecificSummary") or {}
    apis = [f"{one.get('usage')} (instead: {one.get('replacedWith') or 'nothing'})"
            for one in summary.get("deprecationDetails") or ()]  # fmt: skip
    told = [one for one in (*apis, *objects) if one]
    more = f" and {len(told) - 8} more" if len(told) > 8 else ""
    return f": {', '.join(told[:8])}{more}" if told else ""


def _addons(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    for addon in seen.addons:
        name, status = addon["addonName"], addon["status"]
        mark, title = f"addon:{name}", f"Add-on {name}"
        if not (seen.builds or {}).get(name):
            yield Finding(title, "fail", f"EKS offers no version of it for Kubernetes {want['version']}", mark)
        elif status not in WORKS:
            yield Finding(title, "fail", f"it is {status}: {issues_of(addon)}", mark)
        else:
            yield Finding(title, "pass", f"{addon['addonVersion']} is {status}")
    try:
        plan_part("addons", want, seen)
    except ResourceError as problem:
        yield Finding("Versions asked for", "fail", problem.message)


def _groups(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    unknown = sorted(set(want["force_node_groups"]) - {one["nodegroupName"] for one in seen.groups})
    if unknown:
        yield Finding("Node groups to force", "fail", f"there is no node group {', '.join(unknown)} in this cluster")
    for group in seen.groups:
        yield _group(want, group)
    yield from _addresses(want, seen)


def _group(want: Mapping[str, Any], group: Mapping[str, Any]) -> Finding:
    name, has = group["nodegroupName"], group.get("version", "")
    title, mark = f"Node group {name}", f"node-group:{name}"
    issues = (group.get("health") or {}).get("issues") or ()
    if group["status"] not in WORKS or issues:
        return Finding(title, "fail", f"it is {group['status']}: {issues_of(group)}", mark)
    if has and minor(want["version"]) - minor(has) > OLDEST_SKEW:
        detail = f"its nodes run {has}, too old for a control plane of {want['version']}: upgrade them first"
        return Finding(title, "fail", detail)
    if group.get("amiType") == CUSTOM:
        detail = "its image is your own: give its launch template one of the new version yourself"
        return Finding(title, "warn", detail, mark)
    if has and ordered(has) >= ordered(want["version"]):
        return Finding(title, "pass", f"its nodes run {has} already")
    return Finding(title, "pass", f"its nodes run {has or 'what their image holds'}")


def _addresses(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    """New nodes come before old ones go: at most twice as many as there are zones, or as may be unavailable."""
    todo = {action.name for action in plan_part("node_groups", want, seen)}
    types = {one["InstanceType"]: one for one in seen.types}
    for group in seen.groups:
        if group["nodegroupName"] not in todo:
            continue
        places = [one for one in seen.subnets if one["SubnetId"] in group["subnets"]]
        more = max(2 * len({one["AvailabilityZone"] for one in places}), _unavailable(group))
        each = max(
            (types[kind]["NetworkInfo"]["Ipv4AddressesPerInterface"] for kind in group.get("instanceTypes") or ()
             if kind in types), default=2,
        )  # fmt: skip
        free = sum(one["AvailableIpAddressCount"] for one in places)
        title, detail = (
            f"Free addresses of {group['nodegroupName']}",
            f"{more} nodes more need {more * each}, {free} free",
        )
        yield Finding(title, "pass" if free >= more * each else "fail", detail, f"addresses:{group['nodegroupName']}")


def _unavailable(group: Mapping[str, Any]) -> int:
    config, size = group.get("updateConfig") or {}, group["scalingConfig"]["desiredSize"]
    share = config.get("maxUnavailablePercentage")
    return -(-size * share // 100) if share else config.get("maxUnavailable", 1)
