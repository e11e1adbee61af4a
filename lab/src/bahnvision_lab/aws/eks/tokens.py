"""EKS tokens: a presigned GetCallerIdentity, checked as STS would, and what the cluster makes of the caller."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import yaml
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from bahnvision_lab.aws.eks.books import Cluster
from bahnvision_lab.kubernetes.api.identity import User

PREFIX = "k8s-aws-v1."
LIFE = timedelta(minutes=15)
# What each access policy allows, as the cluster role that has the same permissions.
POLICIES = {
    "AmazonEKSClusterAdminPolicy": "cluster-admin", "AmazonEKSAdminPolicy": "admin", "AmazonEKSEditPolicy": "edit",
    "AmazonEKSViewPolicy": "view", "AmazonEKSAdminViewPolicy": "eks:admin-view",
    # What EKS associates with the role of its Argo CD by itself.
    "AmazonEKSArgoCDClusterPolicy": "eks:argocd-cluster", "AmazonEKSArgoCDPolicy": "eks:argocd",
}  # fmt: skip
SecretOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Caller:
    """Who signed: the IAM principal, and how a session of it is called."""

    principal: str  # what an access entry names
    arn: str  # what GetCallerIdentity answers
    session: str = ""
    user_id: str = ""


@dataclass(frozen=True)
class Grant:
    """An access policy, in the whole cluster or in some namespaces."""

    role: str
    namespaces: tuple[str, ...] = ()

    def holds_in(self, namespace: str) -> bool:
        if not self.namespaces:
            return True
        return any(
            namespace == one or (one.endswith("*") and namespace.startswith(one[:-1])) for one in self.namespaces
        )


def caller_of(account: str, partition: str, access_key_id: str) -> Caller:
    for role in list(sts_backends[account][partition].assumed_roles):
        if role.access_key_id == access_key_id:
            name = role.role_arn.rpartition("/")[2]
            arn = f"arn:{partition}:sts::{account}:assumed-role/{name}/{role.session_name}"
            return Caller(role.role_arn, arn, role.session_name, role.user_id)
    user = iam_backends[account][partition].get_user_from_access_key_id(access_key_id)
    if user is not None:
        return Caller(user.arn, user.arn, user_id=user.id)
    root = f"arn:{partition}:iam::{account}:root"
    return Caller(root, root, user_id=account)


def signer_of(token: str, cluster_name: str, secret_of: SecretOf) -> str | None:
    """The access key whose secret signed the token, for this cluster and lately; else None."""
    if not token.startswith(PREFIX):
        return None
    text = token.removeprefix(PREFIX)
    try:
        address = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        key, date, region, service, _end = query["X-Amz-Credential"].split("/")
        expires = int(query["X-Amz-Expires"])
    except (binascii.Error, ValueError, KeyError):
        return None
    age = datetime.now(UTC) - signed
    secret = secret_of(key)
    good = (
        query.get("Action") == "GetCallerIdentity"
        and service == "sts"
        and 0 < expires <= LIFE.seconds
        and "x-k8s-aws-id" in query.get("X-Amz-SignedHeaders", "").split(";")
        and -LIFE < age < LIFE
        and secret is not None
    )
    if not good or secret is None:
        return None
    wanted = _signature(secret, address.netloc, address.path or "/", query, cluster_name, (date, region, service))
    return key if hmac.compare_digest(wanted, query.get("X-Amz-Signature", "")) else None


def _signature(secret: str, host: str, path: str, query: dict[str, str], name: str, scope: tuple[str, ...]) -> str:
    values = {"host": host, "x-k8s-aws-id": name}
    names = query["X-Amz-SignedHeaders"].split(";")
    pairs = sorted(
        (quote(key, safe="-_.~"), quote(value, safe="-_.~")) for key, value in query.items() if key != "X-Amz-Signature"
    )
    canonical = "\n".join((
        "GET", path, "&".join(f"{key}={value}" for key, value in pairs),
        "".join(f"{one}:{values.get(one, '')}\n" for one in names), ";".join(names), hashlib.sha256(b"").hexdigest(),
    ))  # fmt: skip
    text = "\n".join(("AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join((*scope, "aws4_request")),
                      hashlib.sha256(canonical.encode()).hexdigest()))  # fmt: skip
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def user_of(cluster: Cluster, caller: Caller) -> User | None:
    """The Kubernetes user that an access entry, or the old aws-auth ConfigMap, makes of the caller."""
    mode = cluster.told["accessConfig"]["authenticationMode"]
    entry = cluster.entries.get(caller.principal) if mode != "CONFIG_MAP" else None
    if entry is not None:
        name = entry.username.replace("{{SessionName}}", caller.session.replace("@", "-"))
        grants = tuple(_grant(arn, told) for arn, told in entry.policies.items())
        return User(name, tuple(entry.groups), f"aws-iam-authenticator:{cluster.account}:{caller.user_id}",
                    {"arn": [caller.principal], "canonicalArn": [caller.principal]}, grants)  # fmt: skip
    if mode == "API":
        return None
    if cluster.told["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] and caller.principal == cluster.creator:
        return User(
            "kubernetes-admin", ("system:masters",), f"aws-iam-authenticator:{cluster.account}:{caller.user_id}"
        )
    return _mapped(cluster, caller)


def _grant(arn: str, told: dict[str, Any]) -> Grant:
    scope = told["accessScope"]
    spaces = tuple(scope.get("namespaces") or ()) if scope["type"] == "namespace" else ()
    return Grant(POLICIES[arn.rpartition("/")[2]], spaces)


def _mapped(cluster: Cluster, caller: Caller) -> User | None:
    """The ConfigMap kube-system/aws-auth."""
    found = cluster.kubernetes.store.find(("", "configmaps"), "kube-system", "aws-auth") if cluster.kubernetes else None
    data = (found or {}).get("data") or {}
    try:
        rows = [(row.get("rolearn") or row.get("userarn"), row)
                for key in ("mapRoles", "mapUsers") for row in yaml.safe_load(data.get(key) or "[]") or ()]  # fmt: skip
    except (yaml.YAMLError, AttributeError):
        return None
    for principal, row in rows:
        if principal == caller.principal:
            name = str(row.get("username") or caller.arn).replace("{{SessionName}}", caller.session)
            return User(name, tuple(row.get("groups") or ()))
    return None
