# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may take a role: a service of AWS, Pods by EKS Pod Identity, or Pods by the cluster's OIDC provider. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PODS = "pods.eks.amazonaws.com"
ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
SOURCE = re.compile(r"[a-z0-9-]+:.+")
ISSUER = re.compile(r"(?:https://)?([A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~-]+)*)/?")
# Names in Kubernetes: a namespace is a label (RFC 1123), a service account may have dots.
ACCOUNT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def problems(want: Mapping[str, Any]) -> Iterator[str]:
    """Yield what cannot be a trust, or would be one for more than was meant."""
    issuer, accounts, actions = want.get("oidc_issuer"), want.get("service_accounts"), want.get("trust_actions")
    source = want.get("trusted_source")
    if source and not SOURCE.fullmatch(source):
        yield f"trusted_source {source!r}: give a service and its resource, such as rds:db:*"
    if issuer and not ISSUER.fullmatch(issuer):
        yield f"oidc_issuer {issuer!r} is no address such as https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    if issuer and not accounts:
        yield "oidc_issuer without service_accounts would let every Pod of the cluster take the role; name them"
    if accounts and not issuer and want.get("service") != PODS:
        yield f"service_accounts are for {PODS} or with oidc_issuer; service is {want.get('service')!r}"
    if want.get("cluster_name") and want.get("service") != PODS:
        yield f"cluster_name is for {PODS}; service is {want.get('service')!r}"
    if actions and "sts:AssumeRole" not in actions:
        yield f"trust_actions {', '.join(actions)} lack sts:AssumeRole, without which nobody takes the role"
    for account in accounts or ():
        if not ACCOUNT.fullmatch(account):
            yield f"service account {account!r} is not written as namespace/name"


def trust(want: Mapping[str, Any], source: str = "", provider: str = "") -> dict[str, Any]:
    """Return the trust. With a source (an ARN) the service may take the role for that only (confused deputy)."""
    if provider:
        return _document([_web_identity(provider, want)])
    service = want["service"]
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": _actions(want)}
    limits = _limits(want, source)
    if not want.get("service_accounts"):
        return _document([{**statement, **_condition(limits)}])
    each = (account.split("/") for account in sorted(want["service_accounts"]))
    return _document([
        {**statement, **_condition(limits, _tags({"kubernetes-namespace": space, "kubernetes-service-account": name}))}
        for space, name in each
    ])  # fmt: skip


def provider_arn(partition: str, account: str, issuer: str) -> str:
    """Return the ARN of the OIDC provider: its issuer without the scheme names it."""
    found = ISSUER.fullmatch(issuer)
    return f"arn:{partition}:iam::{account}:oidc-provider/{found[1]}" if found else ""


def _document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _actions(want: Mapping[str, Any]) -> str | list[str]:
    """EKS Pod Identity tags each session: it refuses an association with a role that does not allow this."""
    given = want.get("trust_actions") or ACTIONS[: 2 if want["service"] == PODS else 1]
    actions = [action for action in ACTIONS if action in given]
    return actions if len(actions) > 1 else actions[0]


def _limits(want: Mapping[str, Any], source: str) -> dict[str, dict[str, str]]:
    limits = _tags({"eks-cluster-name": want["cluster_name"]}) if want.get("cluster_name") else {}
    if not source:
        return limits
    equal = {"aws:SourceAccount": source.split(":")[4], **limits.get("StringEquals", {})}
    return {"StringEquals": equal, "ArnLike": {"aws:SourceArn": source}}


def _tags(tags: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html lists the tags that EKS puts on a session."""
    return {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def _condition(*limits: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    merged: dict[str, dict[str, str]] = {}
    for limit in limits:
        for operator, keys in limit.items():
            merged.setdefault(operator, {}).update(keys)
    return {"Condition": merged} if merged else {}


def _web_identity(provider: str, want: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"""
    issuer = provider.partition(":oidc-provider/")[2]
    subjects = [f"system:serviceaccount:{one.replace('/', ':')}" for one in sorted(want["service_accounts"])]
    wanted = {f"{issuer}:aud": want["oidc_audience"], f"{issuer}:sub": subjects if len(subjects) > 1 else subjects[0]}
    return {
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": wanted},
    }  # fmt: skip
