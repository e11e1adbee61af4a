# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPC itself: its DNS, its default security group, its ranges. Pure."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import cidr
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.steps import Steps


def vpc(steps: Steps) -> None:
    desired, found = steps.desired, steps.network.vpc
    tags = steps.tags(desired.name)
    if found is None:
        steps.create("VPC", desired.name, {"cidr": desired.cidr}, tags, cidr=desired.cidr)
    else:
        steps.retag("VPC", desired.name, found, tags)
    # What AWS gives a new VPC.
    current = found or {"dns_support": True, "dns_hostnames": False}
    wanted = {"dns_support": desired.dns_support, "dns_hostnames": desired.dns_hostnames}
    order = sorted(wanted, reverse=desired.dns_support)  # host names need support: on after it, off before it
    for attribute in order:
        if current[attribute] != wanted[attribute]:
            before = {attribute: current[attribute]} if found else None
            after = {attribute: wanted[attribute]}
            steps.add("change", "VPC", desired.name, before, after, attribute=attribute, value=wanted[attribute])


def default_group(steps: Steps) -> None:
    """Whatever is started without a security group gets the default one: empty, it lets nothing in and out."""
    name, group = steps.desired.name, steps.network.default_group
    if group is None:
        # It comes with the VPC, so the executor looks for it then.
        steps.add("empty", "default security group", name, None, {"ingress": [], "egress": []}, group=None)
    elif group["ingress"] or group["egress"]:
        before = {"ingress": sorted(group["ingress"]), "egress": sorted(group["egress"])}
        steps.add("empty", "default security group", name, before, {"ingress": [], "egress": []}, group=group)


def ranges(steps: Steps) -> None:
    """Further ranges of IPv4 first, then IPv6: subnets need them."""
    desired, found = steps.desired, steps.network.vpc
    held = {item["cidr"] for item in found["ranges"]} if found else set()
    for text in desired.secondary_cidrs:
        if text not in held:
            after = {f"secondary range {text}": "associated"}
            steps.add("extend", "VPC", desired.name, {} if found else None, after, cidr=text)
    if desired.ipv6 and not (found and found["ipv6"]):
        before = {"ipv6": ""} if found else None
        steps.add("extend", "VPC", desired.name, before, {"ipv6": "a /56 of Amazon"}, cidr="")


def kept_ranges(steps: Steps) -> list[str]:
    """Return the ranges that are not wanted but stay, because subnets that do not go lie in them."""
    desired, found = steps.desired, steps.network.vpc
    wanted = {subnet.cidr for subnet in desired.subnets}
    staying = [item for item in steps.network.subnets if not item["ours"] or item["cidr"] in wanted]
    return [
        item["cidr"]
        for item in (found["ranges"] if found else ())
        if item["cidr"] not in desired.secondary_cidrs
        and any(cidr.Network(subnet["cidr"]).subnet_of(cidr.Network(item["cidr"])) for subnet in staying)
    ]


def surplus(steps: Steps) -> None:
    """Give up ranges that nobody uses; last, because subnets leave them before."""
    desired, found = steps.desired, steps.network.vpc
    kept = kept_ranges(steps)
    for item in found["ranges"] if found else ():
        if item["cidr"] in kept:
            steps.notes.append(f"range {item['cidr']} stays: subnets lie in it that are not ours")
        elif item["cidr"] not in desired.secondary_cidrs:
            before = {f"secondary range {item['cidr']}": "associated"}
            steps.add("reduce", "VPC", desired.name, before, {}, id=item["id"], cidr=item["cidr"])
