# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must happen to one cluster, as a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_fields import (
    ANYWHERE,
    FACETS,
    MODES,
    input_problems,
    members,
    shown_settings,
    wanted_settings,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import Offer, resolve, target_for
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

KIND = "eks_cluster"
COMPONENT = "eks"
LEAST_ADDRESSES = 6  # of each subnet, for EKS's own network interfaces; 16 are recommended


@dataclass(frozen=True)
class Seen:
    """What was read: the cluster, what stands on it, and of a new network its subnets."""

    cluster: Mapping[str, Any] | None
    offers: Sequence[Offer] = ()
    subnets: Sequence[Mapping[str, Any]] | None = None  # None: not looked at
    inhabitants: Sequence[str] = ()

    @property
    def status(self) -> str:
        return (self.cluster or {}).get("status", "")


def plan_present(want: Mapping[str, Any], seen: Seen) -> Plan:
    """Return the steps to the wanted cluster, or raise one error with everything that EKS would refuse."""
    subject = f"{KIND} {want['name']}"
    if seen.cluster is not None:
        refuse_foreign(subject, seen.cluster.get("tags") or {}, want, COMPONENT)
    problems = [*input_problems(want), *_subnet_problems(want, seen.subnets)]
    extended = want["support_type"] == "EXTENDED"
    if seen.cluster is None:
        refuse(subject, problems)
        return Plan((_creation(want, resolve(seen.offers, want["version"], extended)),), _notes(want))
    refuse(subject, [*problems, *_fixed_problems(want, seen.cluster)])
    running = seen.cluster["version"]
    version = target_for(seen.offers, running, want["version"], want["allow_version_upgrade"], extended)
    steps = (*_settings(want, seen.cluster), *_encryption(want, seen.cluster), *_upgrade(want, running, version))
    tags = tagging(KIND, want["name"], seen.cluster["arn"], seen.cluster.get("tags") or {}, want, COMPONENT)
    return Plan((*steps, *tags), (*_notes(want), *_support_notes(running, seen.offers)))


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    """Return the deletion, or raise when the cluster is protected, inhabited or not ours."""
    if seen.cluster is None or seen.status == "DELETING":
        return Plan()
    subject = f"{KIND} {want['name']}"
    refuse_foreign(subject, seen.cluster.get("tags") or {}, want, COMPONENT)
    if seen.cluster.get("deletionProtection"):
        raise ResourceError(
            f"{subject} has deletion protection and was not touched; switch it off first "
            "(state present with deletion_protection false), then remove it"
        )
    if seen.inhabitants:
        raise ResourceError(f"{subject} still has {', '.join(seen.inhabitants)}; remove them first")
    before = {"version": seen.cluster.get("version", ""), **shown_settings(seen.cluster)}
    return Plan((Action("delete", KIND, want["name"], before, None, {}),))


def _creation(want: Mapping[str, Any], offer: Offer) -> Action:
    settings, tags = wanted_settings(want), wanted_tags(want, COMPONENT)
    network: dict[str, Any] = {"ipFamily": want["ip_family"]}
    if want["service_ipv4_cidr"]:
        network["serviceIpv4Cidr"] = want["service_ipv4_cidr"]
    params: dict[str, Any] = {
        "name": want["name"], "version": offer.version, "roleArn": want["role_arn"], "tags": tags,
        # Every add-on is one of ours, at a version that we choose.
        "bootstrapSelfManagedAddons": False, "kubernetesNetworkConfig": network,
    }  # fmt: skip
    for facet in FACETS:
        for member, value in members(facet, settings).items():
            params[member] = {**params.get(member, {}), **value} if isinstance(value, dict) else value
    if settings["authentication_mode"] != MODES[0]:
        # Who administers the cluster is said by access entries, and not by who happened to make it.
        params["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] = False
    if want["encryption_key_arn"]:
        params["encryptionConfig"] = _encryption_config(want)
    after = {"version": offer.version, **settings, "tags": tags}
    return Action("create", KIND, want["name"], {}, after, params)


def _settings(want: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[Action]:
    before, wanted = shown_settings(cluster), wanted_settings(want)
    for facet, options in FACETS.items():
        changed = [option for option in options if before[option] != wanted[option]]
        if changed:
            old, new = ({option: side[option] for option in changed} for side in (before, wanted))
            yield Action("modify", KIND, want["name"], old, new, members(facet, wanted))


def _encryption_config(want: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"resources": ["secrets"], "provider": {"keyArn": want["encryption_key_arn"]}}]


def key_of(cluster: Mapping[str, Any]) -> str:
    """Return the customer's key that encrypts the secrets, or ""."""
    found = [part["provider"]["keyArn"] for part in cluster.get("encryptionConfig") or () if part.get("provider")]
    return found[0] if found else ""


def _encryption(want: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[Action]:
    if want["encryption_key_arn"] and not key_of(cluster):
        after = {"encryption_key_arn": want["encryption_key_arn"]}
        params = {"encryptionConfig": _encryption_config(want)}
        yield Action("encrypt", KIND, want["name"], {"encryption_key_arn": ""}, after, params)


def _upgrade(want: Mapping[str, Any], running: str, version: str) -> Iterator[Action]:
    if version != running:
        params = {"version": version}
        yield Action("upgrade", KIND, want["name"], {"version": running}, {"version": version}, params)


def _fixed_problems(want: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[str]:
    """What no update changes."""
    anew = "make a second cluster and move the application there"
    if want["role_arn"] and cluster["roleArn"] != want["role_arn"]:
        yield f"its role is {cluster['roleArn']} and cannot become {want['role_arn']}: {anew}"
    network = cluster.get("kubernetesNetworkConfig") or {}
    if network.get("ipFamily", "ipv4") != want["ip_family"]:
        yield f"its IP family is {network.get('ipFamily')} and cannot become {want['ip_family']}: {anew}"
    if want["service_ipv4_cidr"] and network.get("serviceIpv4Cidr") not in (None, want["service_ipv4_cidr"]):
        has = network["serviceIpv4Cidr"]
        yield f"its services have addresses of {has}, which cannot become {want['service_ipv4_cidr']}: {anew}"
    has_mode = shown_settings(cluster)["authentication_mode"]
    if MODES.index(want["authentication_mode"]) < MODES.index(has_mode):
        yield f"its authentication mode is {has_mode} and EKS does not go back to {want['authentication_mode']}"
    has_key = key_of(cluster)
    if has_key and want["encryption_key_arn"] and has_key != want["encryption_key_arn"]:
        yield f"its secrets are encrypted with {has_key}, which cannot be exchanged: {anew}"


def _subnet_problems(want: Mapping[str, Any], subnets: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    if subnets is None:
        return
    missing = sorted(set(want["subnet_ids"]) - {subnet["SubnetId"] for subnet in subnets})
    if missing:
        yield f"there is no subnet {', '.join(missing)} in this region"
        return
    if len({subnet["AvailabilityZone"] for subnet in subnets}) < 2:
        yield "subnet_ids must lie in two availability zones or more"
    if len({subnet["VpcId"] for subnet in subnets}) > 1:
        yield "subnet_ids must lie in one VPC"
    for subnet in subnets:
        if subnet["AvailableIpAddressCount"] < LEAST_ADDRESSES:
            free = subnet["AvailableIpAddressCount"]
            yield f"subnet {subnet['SubnetId']} has {free} free addresses, EKS needs {LEAST_ADDRESSES} of its own"


def _notes(want: Mapping[str, Any]) -> tuple[str, ...]:
    open_to = [text for text in want["endpoint_public_access_cidrs"] if text in ANYWHERE]
    if open_to:
        return (f"{KIND} {want['name']}: its API is open to the whole internet ({', '.join(open_to)} was named)",)
    return ()


def _support_notes(running: str, offers: Sequence[Offer]) -> tuple[str, ...]:
    offer = next((offer for offer in offers if offer.version == running), None)
    if offer is None or offer.support == "standard":
        return ()
    return (f"Kubernetes {running} has left standard support; upgrade soon (EKS does it by itself at the end)",)
