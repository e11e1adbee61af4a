# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a cluster, as options and as EKS's members. Pure.

EKS takes one kind of change at a time (UpdateClusterConfig: "only one type of update can be allowed"), so the options
are grouped into facets, each of which is one call.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
ANYWHERE = ("0.0.0.0/0", "::/0")
MOST_CIDRS = 40
# EKS keeps these for itself beside each other; the API server's address is taken from the first.
SERVICE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# From here nobody comes in at a public address.
INTERNAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        *SERVICE_RANGES,
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "fc00::/7",
        "fe80::/10",
    )
)
# In the order in which they are carried out: who may log in before where from, protection at the end.
FACETS: dict[str, tuple[str, ...]] = {
    "access": ("authentication_mode",),
    "network": ("subnet_ids", "security_group_ids"),
    "endpoint": ("endpoint_private_access", "endpoint_public_access_cidrs"),
    "logging": ("logging",),
    "support": ("support_type",),
    "zonal_shift": ("zonal_shift",),
    "auto_mode": ("auto_mode", "node_pools", "node_role_arn"),
    "deletion_protection": ("deletion_protection",),
}
SETTINGS = tuple(option for options in FACETS.values() for option in options)
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")  # EKS goes forward only


def wanted_settings(want: Mapping[str, Any]) -> dict[str, Any]:
    auto = bool(want["auto_mode"])
    return {
        **{option: want[option] for option in SETTINGS},
        "subnet_ids": sorted(set(want["subnet_ids"] or ())),
        "security_group_ids": sorted(set(want["security_group_ids"])),
        "endpoint_public_access_cidrs": sorted(_network(text) for text in want["endpoint_public_access_cidrs"]),
        "logging": sorted(set(want["logging"])),
        "node_pools": sorted(set(want["node_pools"])) if auto else [],
        "node_role_arn": (want["node_role_arn"] or "") if auto and want["node_pools"] else "",
    }


def shown_settings(cluster: Mapping[str, Any]) -> dict[str, Any]:
    network, compute = cluster["resourcesVpcConfig"], cluster.get("computeConfig") or {}
    logging = (cluster.get("logging") or {}).get("clusterLogging") or ()
    auto = bool(compute.get("enabled"))
    return {
        "authentication_mode": (cluster.get("accessConfig") or {}).get("authenticationMode", MODES[0]),
        "subnet_ids": sorted(network.get("subnetIds") or ()),
        "security_group_ids": sorted(network.get("securityGroupIds") or ()),
        "endpoint_private_access": bool(network.get("endpointPrivateAccess")),
        "endpoint_public_access_cidrs": (
            sorted(network.get("publicAccessCidrs") or ANYWHERE[:1]) if network.get("endpointPublicAccess") else []
        ),
        "logging": sorted(kind for part in logging if part.get("enabled") for kind in part.get("types") or ()),
        "support_type": (cluster.get("upgradePolicy") or {}).get("supportType", "EXTENDED"),
        "zonal_shift": bool((cluster.get("zonalShiftConfig") or {}).get("enabled")),
        "auto_mode": auto,
        "node_pools": sorted(compute.get("nodePools") or ()) if auto else [],
        "node_role_arn": compute.get("nodeRoleArn", "") if auto else "",
        "deletion_protection": bool(cluster.get("deletionProtection")),
    }


def members(facet: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what CreateCluster and UpdateClusterConfig call the options of a facet."""
    if facet == "access":
        return {"accessConfig": {"authenticationMode": settings["authentication_mode"]}}
    if facet == "network":
        found = {"subnetIds": settings["subnet_ids"], "securityGroupIds": settings["security_group_ids"]}
        return {"resourcesVpcConfig": found}
    if facet == "endpoint":
        return {"resourcesVpcConfig": _endpoint(settings)}
    if facet == "logging":
        return {"logging": {"clusterLogging": _logging(settings["logging"])}}
    if facet == "support":
        return {"upgradePolicy": {"supportType": settings["support_type"]}}
    if facet == "zonal_shift":
        return {"zonalShiftConfig": {"enabled": settings["zonal_shift"]}}
    if facet == "auto_mode":
        return _auto_mode(settings)
    return {"deletionProtection": settings["deletion_protection"]}


def _endpoint(settings: Mapping[str, Any]) -> dict[str, Any]:
    cidrs = settings["endpoint_public_access_cidrs"]
    found = {"endpointPrivateAccess": settings["endpoint_private_access"], "endpointPublicAccess": bool(cidrs)}
    return {**found, **({"publicAccessCidrs": cidrs} if cidrs else {})}


def _logging(types: list[str]) -> list[dict[str, Any]]:
    off = [kind for kind in LOG_TYPES if kind not in types]
    sides = ({"types": types, "enabled": True}, {"types": off, "enabled": False})
    return [side for side in sides if side["types"]]


def _auto_mode(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Computing, load balancing and block storage are switched together, or EKS refuses."""
    on = settings["auto_mode"]
    compute: dict[str, Any] = {"enabled": on}
    if on:
        compute["nodePools"] = settings["node_pools"]
    if settings["node_role_arn"]:
        compute["nodeRoleArn"] = settings["node_role_arn"]
    return {
        "computeConfig": compute,
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": on}},
        "storageConfig": {"blockStorage": {"enabled": on}},
    }


def input_problems(want: Mapping[str, Any]) -> Iterator[str]:
    """Yield what EKS would refuse whatever there is, and what nobody can want."""
    if not NAME.fullmatch(want["name"]):
        yield "the name must have 1 to 100 letters, digits, - and _, and begin with a letter or a digit"
    unknown = sorted(set(want["logging"]) - set(LOG_TYPES))
    if unknown:
        yield f"logging has no {', '.join(unknown)}; there are {', '.join(LOG_TYPES)}"
    if not want["endpoint_private_access"] and not want["endpoint_public_access_cidrs"]:
        yield "nobody could reach the cluster: switch endpoint_private_access on or name endpoint_public_access_cidrs"
    yield from _cidr_problems(want["endpoint_public_access_cidrs"])
    if want["service_ipv4_cidr"]:
        yield from _service_problems(want["service_ipv4_cidr"])
    if want["auto_mode"] and want["node_pools"] and want["node_role_arn"] is None:
        yield "auto_mode with node_pools needs a node_role_arn"
    if len(set(want["security_group_ids"])) > 5:
        yield "EKS takes at most 5 security_group_ids"


def _cidr_problems(cidrs: list[str]) -> Iterator[str]:
    if len(cidrs) > MOST_CIDRS:
        yield f"endpoint_public_access_cidrs has {len(cidrs)} entries, EKS takes {MOST_CIDRS}"
    for text in cidrs:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as problem:
            yield f"endpoint_public_access_cidrs: {problem}"
            continue
        if any(network.version == own.version and network.overlaps(own) for own in INTERNAL) and not _whole(network):
            yield f"endpoint_public_access_cidrs: {text} is no public address; EKS refuses it"


def _whole(network: Any) -> bool:
    return network.with_prefixlen in ANYWHERE


def _service_problems(text: str) -> Iterator[str]:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as problem:
        yield f"service_ipv4_cidr: {problem}"
        return
    inside = any(network.version == 4 and network.subnet_of(_range(other)) for other in SERVICE_RANGES)
    if not inside or not 12 <= network.prefixlen <= 24:
        yield f"service_ipv4_cidr {text} must be a /12 to a /24 of {', '.join(SERVICE_RANGES)}"


def _range(text: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(text)


def _network(text: str) -> str:
    """Return the range as EKS tells it: without host bits. What is no range is refused elsewhere."""
    try:
        return ipaddress.ip_network(text, strict=False).with_prefixlen
    except ValueError:
        return text
