# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must happen to one EKS capability and to what its role may do in the cluster, as a plan. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.access_entry import policy_arn, policy_steps
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan

KIND = "eks_capability"
COMPONENT = "eks"
IDENTITY_CENTER = re.compile(r"arn:(aws[a-z-]*):sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}")
# EKS associates these with the role by itself, and the capability cannot work without them.
# https://docs.aws.amazon.com/eks/latest/userguide/capabilities-security.html
OF_EKS = re.compile(r"AmazonEKS(ArgoCD|ACK|KRO)[A-Za-z]*Policy")


@dataclass(frozen=True)
class Seen:
    capability: Mapping[str, Any] | None
    others: Sequence[Mapping[str, Any]] = ()  # the cluster's other capabilities
    policies: Mapping[str, list[str]] = field(default_factory=dict)  # of the wanted role: ARN -> namespaces


def plan_present(want: Mapping[str, Any], seen: Seen) -> Plan:
    subject = f"{KIND} {want['name']}"
    has = seen.capability
    if has is not None:
        refuse_foreign(subject, has.get("tags") or {}, want, COMPONENT)
    refuse(subject, [*_problems(want), *_others(want, seen), *(_fixed(want, has) if has else ())])
    if has is None:
        return Plan((_creation(want), *_policies(want, seen)))
    tags = tagging(KIND, want["name"], has["arn"], has.get("tags") or {}, want, COMPONENT)
    return Plan((*_changes(want, has), *_policies(want, seen), *tags))


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    """The role keeps nothing of what we gave it; its access entry is EKS's."""
    if seen.capability is None:
        return Plan()
    refuse_foreign(f"{KIND} {want['name']}", seen.capability.get("tags") or {}, want, COMPONENT)
    before = {"type": seen.capability.get("type", ""), "role_arn": seen.capability.get("roleArn", "")}
    notes = ("what it has made in the cluster stays there, unmanaged: EKS knows no other way (RETAIN)",)
    deletion = Action("delete", KIND, want["name"], before, None, {})
    return Plan((deletion, *policy_steps(seen.capability.get("roleArn", ""), ours(seen.policies), {})), notes)


def ours(policies: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {arn: spaces for arn, spaces in policies.items() if not OF_EKS.fullmatch(arn.rpartition("/")[2])}


def _policies(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    role = want["role_arn"] or ""
    partition = role.split(":")[1] if role.startswith("arn:") else "aws"
    named = {policy_arn(item["policy"], partition): sorted(set(item["namespaces"])) for item in want["access_policies"]}
    yield from policy_steps(role, ours(seen.policies), named)


def _problems(want: Mapping[str, Any]) -> Iterator[str]:
    argo, kind = want["argocd"], want["type"]
    if kind == "ARGOCD" and not argo:
        yield "the type ARGOCD needs argocd with an instance of IAM Identity Center: it has no users of its own"
    if kind != "ARGOCD" and argo:
        yield f"argocd is not for the type {kind}"
    if argo and not IDENTITY_CENTER.fullmatch(argo["idc_instance_arn"]):
        yield "argocd.idc_instance_arn must look like arn:aws:sso:::instance/ssoins-0123456789abcdef " \
              "(aws sso-admin list-instances)"  # fmt: skip
    roles = [item["role"] for item in (argo or {}).get("role_mappings") or ()]
    for role in sorted({role for role in roles if roles.count(role) > 1}):
        yield f"argocd.role_mappings names {role} twice; list its identities together"
    named = [item["policy"].rpartition("/")[2] for item in want["access_policies"]]
    for policy in sorted({policy for policy in named if named.count(policy) > 1}):
        yield f"access_policies names {policy} twice; list its namespaces together"
    for policy in sorted(policy for policy in named if OF_EKS.fullmatch(policy)):
        yield f"EKS associates {policy} by itself; leave it out of access_policies"


def _others(want: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    for other in seen.others:
        if other["type"] == want["type"] and other["capabilityName"] != want["name"]:
            yield f"the cluster has the capability {other['capabilityName']} of the type {want['type']}; EKS allows one"


def _fixed(want: Mapping[str, Any], has: Mapping[str, Any]) -> Iterator[str]:
    if has["type"] != want["type"]:
        yield f"its type {has['type']} cannot become {want['type']}: remove it and make it anew"
    told, argo = (has.get("configuration") or {}).get("argoCd") or {}, want["argocd"]
    if not argo or has["type"] != want["type"]:
        return
    identity = told.get("awsIdc") or {}
    for option, before in (("namespace", told.get("namespace")), ("idc_instance_arn", identity.get("idcInstanceArn")),
                           ("idc_region", identity.get("idcRegion"))):  # fmt: skip
        if argo[option] and before and before != argo[option]:
            yield f"argocd.{option} {before} cannot become {argo[option]}: remove it and make it anew"


def _creation(want: Mapping[str, Any]) -> Action:
    tags = wanted_tags(want, COMPONENT)
    params: dict[str, Any] = {
        "clusterName": want["cluster_name"], "capabilityName": want["name"], "type": want["type"],
        "roleArn": want["role_arn"] or "", "deletePropagationPolicy": "RETAIN", "tags": tags,
    }  # fmt: skip
    after = {"type": want["type"], **_wanted(want), "tags": tags}
    argo = want["argocd"]
    if argo:
        region = {"idcRegion": argo["idc_region"]} if argo["idc_region"] else {}
        params["configuration"] = {"argoCd": {
            "namespace": argo["namespace"], "awsIdc": {"idcInstanceArn": argo["idc_instance_arn"], **region},
            "rbacRoleMappings": _mappings(after["role_mappings"]),
            **({"networkAccess": {"vpceIds": after["vpc_endpoint_ids"]}} if after["vpc_endpoint_ids"] else {}),
        }}  # fmt: skip
    return Action("create", KIND, want["name"], {}, after, params)


def _wanted(want: Mapping[str, Any]) -> dict[str, Any]:
    argo = want["argocd"]
    shown: dict[str, Any] = {"role_arn": want["role_arn"] or ""}
    if argo:
        pairs = ((item["role"], item["identities"]) for item in argo["role_mappings"])
        shown["role_mappings"] = {
            role: sorted(f"{one['type']} {one['id']}" for one in people) for role, people in pairs
        }
        shown["vpc_endpoint_ids"] = sorted(set(argo["vpc_endpoint_ids"]))
    return shown


def _shown(has: Mapping[str, Any]) -> dict[str, Any]:
    told = (has.get("configuration") or {}).get("argoCd") or {}
    return {
        "role_arn": has.get("roleArn", ""),
        "role_mappings": {
            item["role"]: sorted(f"{one['type']} {one['id']}" for one in item["identities"])
            for item in told.get("rbacRoleMappings") or ()
        },
        "vpc_endpoint_ids": sorted((told.get("networkAccess") or {}).get("vpceIds") or ()),
    }


def _changes(want: Mapping[str, Any], has: Mapping[str, Any]) -> Iterator[Action]:
    before, after = _shown(has), _wanted(want)
    changed = [
        option for option in after if after[option] != before[option] and (option != "role_arn" or after[option])
    ]
    if not changed:
        return
    params: dict[str, Any] = {"roleArn": after["role_arn"]} if "role_arn" in changed else {}
    argo: dict[str, Any] = {}
    if "role_mappings" in changed:
        argo["rbacRoleMappings"] = _mapping_updates(before["role_mappings"], after["role_mappings"])
    if "vpc_endpoint_ids" in changed:
        argo["networkAccess"] = {"vpceIds": after["vpc_endpoint_ids"]}
    if argo:
        params["configuration"] = {"argoCd": argo}
    old, new = ({option: side[option] for option in changed} for side in (before, after))
    yield Action("modify", KIND, want["name"], old, new, params)


def _mapping_updates(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> dict[str, Any]:
    """A role that is named gets exactly the identities that are sent; one that is not keeps its own."""
    sent = {role: people for role, people in after.items() if before.get(role) != people}
    gone = {role: people for role, people in before.items() if role not in after}
    updates = {"addOrUpdateRoleMappings": _mappings(sent), "removeRoleMappings": _mappings(gone)}
    return {key: value for key, value in updates.items() if value}


def _mappings(shown: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    return [
        {"role": role, "identities": [dict(zip(("type", "id"), text.split(" ", 1))) for text in people]}  # noqa: B905
        for role, people in sorted(shown.items())
    ]
