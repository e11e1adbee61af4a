# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS would refuse of a node group, or what could never run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_fields import NAME
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import minor, ordered

KIND = "eks_node_group"
# Kubernetes supports nodes up to three minor versions older than the control plane, and none that are newer.
OLDEST_SKEW = 3
# More pods on a node than this EKS does not recommend below 30 processors, whatever addresses there are.
MOST_PODS = 110
ARM = ("ARM_64", "ARM64")


@dataclass(frozen=True)
class Seen:
    """What was read: the group, its cluster, and of what is new the subnets and instance types."""

    group: Mapping[str, Any] | None
    cluster: Mapping[str, Any] | None
    subnets: Sequence[Mapping[str, Any]] = ()
    types: Sequence[Mapping[str, Any]] | None = None  # None: not looked at
    offerings: frozenset[tuple[str, str]] = frozenset()

    @property
    def status(self) -> str:
        return (self.group or {}).get("status", "")


def input_problems(want: Mapping[str, Any]) -> Iterator[str]:
    least, most, desired = want["min_size"], want["max_size"], want["desired_size"]
    if not NAME.fullmatch(want["name"]) or len(want["name"]) > 63:
        yield "the name must have 1 to 63 letters, digits, - and _, and begin with a letter or a digit"
    if not 0 <= least <= most or most < 1:
        yield f"min_size {least} and max_size {most} do not fit"
    elif desired is not None and not least <= desired <= most:
        yield f"desired_size {desired} is not between {least} and {most}"
    if want["max_unavailable"] is not None and want["max_unavailable_percentage"] is not None:
        yield "give max_unavailable or max_unavailable_percentage, not both"
    if want["max_unavailable"] is not None and not 1 <= want["max_unavailable"] <= 100:
        yield "max_unavailable must be 1 to 100"
    if want["max_unavailable_percentage"] is not None and not 1 <= want["max_unavailable_percentage"] <= 100:
        yield "max_unavailable_percentage must be 1 to 100"
    if want["capacity_type"] == "ON_DEMAND" and not want["instance_types"]:
        yield "instance_types must name one type or more"
    if want["launch_template"] and want["disk_size"] is not None:
        yield "the disk's size belongs into the launch template when there is one"
    if want["ami_type"].startswith("AL2_"):
        yield f"ami_type {want['ami_type']}: Amazon Linux 2 ended with Kubernetes 1.32; take AL2023 or Bottlerocket"


def version_problems(want: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    if seen.cluster is None or not want["version"]:
        return
    control, wanted = seen.cluster["version"], want["version"]
    if ordered(wanted) > ordered(control):
        yield f"nodes cannot run Kubernetes {wanted} while the control plane runs {control}: upgrade that first"
    elif minor(control) - minor(wanted) > OLDEST_SKEW:
        yield f"nodes of Kubernetes {wanted} are too old for a control plane of {control}"
    if seen.group and ordered(wanted) < ordered(seen.group["version"]):
        yield f"the nodes run Kubernetes {seen.group['version']} and a group does not go back to {wanted}"


def place_problems(want: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    """Refuse what could never run: a type nobody offers there, of another architecture, or without addresses."""
    if seen.types is None:
        return
    known = {item["InstanceType"]: item for item in seen.types}
    for name in want["instance_types"]:
        if name not in known:
            yield f"there is no instance type {name} in this region"
            continue
        yield from _type_problems(want, known[name], seen)
    missing = sorted(set(want["subnet_ids"]) - {subnet["SubnetId"] for subnet in seen.subnets})
    if missing:
        yield f"there is no subnet {', '.join(missing)} in this region"
    elif known and seen.subnets:
        yield from _address_problems(want, seen, list(known.values()))


def _type_problems(want: Mapping[str, Any], item: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    name = item["InstanceType"]
    wanted = "arm64" if any(word in want["ami_type"] for word in ARM) else "x86_64"
    has = item.get("ProcessorInfo", {}).get("SupportedArchitectures", [wanted])
    if want["ami_type"] != "CUSTOM" and wanted not in has:
        yield f"{name} is {', '.join(has)}, and ami_type {want['ami_type']} is {wanted}"
    zones = sorted({subnet["AvailabilityZone"] for subnet in seen.subnets})
    lacking = [zone for zone in zones if (name, zone) not in seen.offerings]
    if lacking:
        yield f"{name} is not offered in {', '.join(lacking)}"


def pods_of(item: Mapping[str, Any]) -> int:
    """Return how many pods a node of this type takes with the VPC CNI (one address of each interface is its own)."""
    network = item["NetworkInfo"]
    by_addresses = network["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    return min(by_addresses, MOST_PODS)


def _address_problems(want: Mapping[str, Any], seen: Seen, types: list[Mapping[str, Any]]) -> Iterator[str]:
    running = seen.group["scalingConfig"]["desiredSize"] if seen.group else 0
    each = (want["pods_per_node"] or max(pods_of(item) for item in types)) + 1  # and the node itself
    needed = (want["max_size"] - running) * each
    free = sum(subnet["AvailableIpAddressCount"] for subnet in seen.subnets)
    if needed > free:
        yield (
            f"{want['max_size']} nodes of {each - 1} pods need {needed} addresses more, the subnets have {free}: make "
            "them larger, lower max_size, or say how many pods a node will truly have with pods_per_node"
        )
