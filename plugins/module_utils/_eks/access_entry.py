# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One access entry of a cluster with its policies: plan (pure), read, act."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import identity_api as identity
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    is_ours,
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply

KIND = "eks_access_entry"
COMPONENT = "eks"
PRINCIPAL = re.compile(r"arn:(aws[a-z-]*):iam::[0-9]{12}:(root|(role|user)/.+)")
SELF, ALL = "self", "*"
# EKS makes these by itself for nodes; they take neither groups nor policies.
OF_NODES = ("EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2", "HYPERPOD_LINUX")
RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


def ensure_access_entry(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    if params["principal_arn"] == ALL:
        return _ensure_no_others(clients, params, check_mode)
    principal = principal_of(clients, params["principal_arn"])
    eks, cluster, params = clients["eks"], params["cluster_name"], {**params, "principal_arn": principal}
    entry = identity.get_access_entry(eks, cluster, principal) if principal else None
    plan = plan_absent(params, entry) if params["state"] == "absent" else plan_present(params, entry)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if params["state"] == "absent":
        return {**result, "access_entry": {}}
    if check_mode:
        return {**result, "access_entry": facts(entry or {"principalArn": principal, "clusterName": cluster})}
    return {**result, "access_entry": facts(identity.get_access_entry(eks, cluster, principal) or {})}


def principal_of(clients: Mapping[str, Any], principal: str) -> str:
    """Return the ARN that an access entry names; "self" is the user or role that calls."""
    if principal != SELF:
        return principal
    arn = call(clients["sts"], "get_caller_identity", "read who we are")["Arn"]
    if ":assumed-role/" not in arn:
        return arn
    # A session's ARN lacks the path of its role, which roles of the Identity Center have.
    name = arn.split("/")[1]
    return call(clients["iam"], "get_role", f"read our own iam_role {name}", RoleName=name)["Role"]["Arn"]


def _ensure_no_others(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Remove what we once made and nobody names any more. EKS's own and other people's entries stay."""
    eks, cluster = clients["eks"], params["cluster_name"]
    if params["state"] != "absent":
        refuse(KIND, ["principal_arn * goes with state absent only"])
    keep = {principal_of(clients, principal) for principal in params["keep"]}
    found = [identity.get_access_entry(eks, cluster, one) for one in identity.list_access_entries(eks, cluster)]
    surplus = [one for one in found if one and one["principalArn"] not in keep and _made_here(one, params)]
    steps = [plan_absent({**params, "principal_arn": one["principalArn"]}, one).actions for one in surplus]
    plan = Plan(tuple(step for each in steps for step in each))
    result = apply(plan, lambda action: identity.delete_access_entry(eks, cluster, action.name), check_mode)
    return {**result, "access_entry": {}}


def _made_here(entry: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """True for an entry of ours that has the given tags: others of ours may have been made by somebody else."""
    tags = entry.get("tags") or {}
    marked = all(tags.get(key) == value for key, value in (params.get("tags") or {}).items())
    return marked and is_ours(tags, params, COMPONENT)


def plan_present(want: Mapping[str, Any], entry: Mapping[str, Any] | None) -> Plan:
    subject, name = f"{KIND} {want['principal_arn']}", want["principal_arn"]
    if entry is not None:
        refuse_foreign(subject, entry.get("tags") or {}, want, COMPONENT)
    refuse(subject, [*_problems(want), *_fixed_problems(want, entry)])
    partition = name.split(":")[1] if name else "aws"
    policies = {policy_arn(item["policy"], partition): sorted(set(item["namespaces"])) for item in want["policies"]}
    groups = sorted(set(want["kubernetes_groups"]))
    if entry is None:
        return Plan((_creation(want, groups), *policy_steps(name, {}, policies)))
    has = scopes(entry)
    tags = tagging(KIND, name, entry["accessEntryArn"], entry.get("tags") or {}, want, COMPONENT)
    return Plan((*_settings(want, entry, groups), *policy_steps(name, has, policies), *tags))


def plan_absent(want: Mapping[str, Any], entry: Mapping[str, Any] | None) -> Plan:
    if entry is None:
        return Plan()
    refuse_foreign(f"{KIND} {want['principal_arn']}", entry.get("tags") or {}, want, COMPONENT)
    before = {"policies": [item["policyArn"] for item in entry["policies"]]}
    return Plan((Action("delete", KIND, want["principal_arn"], before, None, {}),))


def policy_arn(policy: str, partition: str) -> str:
    """Return the ARN of an access policy given by its name (AmazonEKSViewPolicy) or by its ARN."""
    return policy if policy.startswith("arn:") else f"arn:{partition}:eks::aws:cluster-access-policy/{policy}"


def scopes(entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the namespaces of each policy; none is the whole cluster."""
    return {item["policyArn"]: sorted(item["accessScope"].get("namespaces") or ()) for item in entry["policies"]}


def _problems(want: Mapping[str, Any]) -> Iterator[str]:
    principal, groups = want["principal_arn"], want["kubernetes_groups"]
    if principal and ":assumed-role/" in principal:
        yield "that is a session and no principal: name the role that it is of (arn:aws:iam::<account>:role/<role>)"
    elif principal and not PRINCIPAL.fullmatch(principal):
        yield "the principal must be the ARN of an IAM role or user"
    if want["type"] in OF_NODES and (groups or want["policies"] or want["username"]):
        yield f"an entry of the type {want['type']} takes no username, kubernetes_groups and policies"
    reserved = [name for name in groups if name.startswith(RESERVED)]
    if reserved:
        yield f"EKS refuses kubernetes_groups that begin with {', '.join(RESERVED)}: {', '.join(reserved)}"
    names = [item["policy"] for item in want["policies"]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield f"{', '.join(twice)} is named twice; list its namespaces together"


def _fixed_problems(want: Mapping[str, Any], entry: Mapping[str, Any] | None) -> Iterator[str]:
    if entry is not None and entry.get("type", "STANDARD") != want["type"]:
        yield f"its type {entry['type']} cannot become {want['type']}: remove it and make it anew"


def _creation(want: Mapping[str, Any], groups: list[str]) -> Action:
    tags = wanted_tags(want, COMPONENT)
    params: dict[str, Any] = {
        "clusterName": want["cluster_name"], "principalArn": want["principal_arn"], "type": want["type"], "tags": tags,
    }  # fmt: skip
    if groups:
        params["kubernetesGroups"] = groups
    if want["username"]:
        params["username"] = want["username"]
    after = {"type": want["type"], "kubernetes_groups": groups, "username": want["username"] or "", "tags": tags}
    return Action("create", KIND, want["principal_arn"], {}, after, params)


def _settings(want: Mapping[str, Any], entry: Mapping[str, Any], groups: list[str]) -> Iterator[Action]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    has = sorted(entry.get("kubernetesGroups") or ())
    if has != groups:
        before["kubernetes_groups"], after["kubernetes_groups"] = has, groups
    if want["username"] and entry.get("username") != want["username"]:
        before["username"], after["username"] = entry.get("username", ""), want["username"]
    if after:
        params = {"kubernetesGroups": groups, **({"username": want["username"]} if want["username"] else {})}
        yield Action("modify", KIND, want["principal_arn"], before, after, params)


def policy_steps(name: str, has: Mapping[str, list[str]], wanted: Mapping[str, list[str]]) -> Iterator[Action]:
    """What is no longer wanted goes first: nobody has more than he had before or is to have."""
    for arn in sorted(set(has) - set(wanted)):
        yield Action("disassociate", KIND, name, {arn: _scope(has[arn])}, {}, {"policyArn": arn})
    for arn, namespaces in sorted(wanted.items()):
        if has.get(arn) != namespaces:
            scope = {"type": "namespace", "namespaces": namespaces} if namespaces else {"type": "cluster"}
            before = {arn: _scope(has[arn])} if arn in has else {}
            sent = {"policyArn": arn, "accessScope": scope}
            yield Action("associate", KIND, name, before, {arn: _scope(namespaces)}, sent)


def _scope(namespaces: list[str]) -> str:
    return f"namespaces {', '.join(namespaces)}" if namespaces else "the cluster"


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    cluster, principal = params["cluster_name"], params["principal_arn"]
    if action.verb == "create":
        identity.create_access_entry(eks, action.params)
    elif action.verb == "modify":
        identity.update_access_entry(eks, cluster, principal, action.params)
    elif action.verb == "associate":
        identity.associate_policy(eks, cluster, principal, action.params)
    elif action.verb == "disassociate":
        identity.disassociate_policy(eks, cluster, principal, action.params["policyArn"])
    elif action.verb == "delete":
        identity.delete_access_entry(eks, cluster, principal)
    elif action.verb == "tag":
        api.tag(eks, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.untag(eks, action.params["arn"], action.params["keys"])
    else:
        raise AssertionError(f"no way to {action}")


def facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in entry.items() if key != "tags"}
    return {"policies": [], **camel_dict_to_snake_dict(plain), "tags": dict(entry.get("tags") or {})}
