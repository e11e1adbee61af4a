"""Capabilities: Argo CD, ACK and kro as AWS runs them. Of them all, the lab's Argo CD alone does something."""

from __future__ import annotations

import re
import uuid
from typing import Any

from moto.core.responses import ActionResult

from bahnvision_lab.aws.eks import checks
from bahnvision_lab.aws.eks.base import EksBase
from bahnvision_lab.aws.eks.books import Capability, Cluster, Told, Update, now, random_id
from bahnvision_lab.aws.eks.checks import bad, in_use, missing
from bahnvision_lab.aws.eks.entries import associated, entry_of
from bahnvision_lab.aws.eks.tokens import Caller, user_of
from bahnvision_lab.kubernetes.argocd.model import ARGO_GROUP, Argo, definitions

SERVICE = "capabilities.eks.amazonaws.com"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
IDENTITY_CENTER = re.compile(r"arn:aws[a-z-]*:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}")
VERSIONS = {"ARGOCD": "3.2", "ACK": "1.0", "KRO": "0.7"}
EVERY = ["create", "delete", "get", "list", "patch", "update", "watch"]
# https://docs.aws.amazon.com/eks/latest/userguide/capabilities-security.html: enough to work, not to deploy.
ROLES: dict[str, list[Told]] = {
    "eks:argocd-cluster": [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": EVERY},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": EVERY},
        {"nonResourceURLs": ["*"], "verbs": ["get"]},
    ],
    "eks:argocd": [
        {"apiGroups": [""], "resources": ["secrets", "configmaps", "events"], "verbs": EVERY},
        {"apiGroups": [ARGO_GROUP], "resources": ["*"], "verbs": EVERY},
    ],
}


class CapabilityOperations(EksBase):
    def create_capability(self) -> ActionResult:
        cluster, params = self._cluster("clusterName"), self.params
        checks.active(cluster, "create the capability")
        name, kind = params["capabilityName"], params["type"]
        if not NAME.fullmatch(name):
            raise bad("The capability name can contain alphanumeric characters, hyphens, and underscores")
        if name in cluster.capabilities:
            raise in_use(f"Capability already exists with name: {name}")
        if any(one.told["type"] == kind for one in cluster.capabilities.values()):
            raise in_use(f"A capability of type {kind} already exists on cluster {cluster.name}")
        self._check_role(params["roleArn"])
        configuration = self._configuration(kind, params.get("configuration") or {})
        told: Told = {
            "capabilityName": name, "clusterName": cluster.name, "type": kind, "roleArn": params["roleArn"],
            "version": VERSIONS[kind], "configuration": configuration, "tags": dict(params.get("tags") or {}),
            "createdAt": now(), "modifiedAt": now(), "deletePropagationPolicy": params["deletePropagationPolicy"],
        }  # fmt: skip
        one = Capability(cluster.arn("capability", name, str(uuid.uuid4())), told)
        cluster.capabilities[name] = one
        self._later("eks_capability", lambda: _install(cluster, one))
        return ActionResult({"capability": one.describe()})

    def _check_role(self, arn: str) -> None:
        checks.role(self.books.account, self.books.partition, arn, SERVICE)

    def _configuration(self, kind: str, asked: Told) -> Told:
        argo = asked.get("argoCd")
        if kind != "ARGOCD":
            if argo:
                raise bad(f"The argoCd configuration is not valid for a capability of type {kind}")
            return {}
        if not argo or not (argo.get("awsIdc") or {}).get("idcInstanceArn"):
            raise bad("AWS IAM Identity Center configuration (awsIdc) is required for a capability of type ARGOCD")
        # The lab has no IAM Identity Center: it sees whether the ARN can be one, not whether it is.
        if not IDENTITY_CENTER.fullmatch(argo["awsIdc"]["idcInstanceArn"]):
            raise bad(f"The Identity Center instance {argo['awsIdc']['idcInstanceArn']} is not valid")
        account, region = self.books.account, self.books.region
        arn = f"arn:{self.books.partition}:sso::{account}:application/ssoins-{random_id(16)}/apl-{random_id(16)}"
        prefix = argo.get("endpointPrefix") or random_id(12)
        return {"argoCd": {
            **argo, "namespace": argo.get("namespace") or "argocd",
            "awsIdc": {"idcRegion": region, **argo["awsIdc"], "idcManagedApplicationArn": arn},
            "rbacRoleMappings": list(argo.get("rbacRoleMappings") or ()),
            "serverUrl": f"https://{prefix}.eks-capabilities.{region}.amazonaws.com",
        }}  # fmt: skip

    def _capability(self) -> tuple[Cluster, Capability]:
        cluster, name = self._cluster("clusterName"), self.params["capabilityName"]
        if name not in cluster.capabilities:
            raise missing(f"No capability: {name} found in cluster: {cluster.name}")
        return cluster, cluster.capabilities[name]

    def describe_capability(self) -> ActionResult:
        return ActionResult({"capability": self._capability()[1].describe()})

    def list_capabilities(self) -> ActionResult:
        keys = ("capabilityName", "arn", "type", "status", "version", "createdAt", "modifiedAt")
        told = [one.describe() for _name, one in sorted(self._cluster("clusterName").capabilities.items())]
        return self._page("capabilities", [{key: one[key] for key in keys} for one in told])

    def update_capability(self) -> ActionResult:
        cluster, one = self._capability()
        if one.status in ("CREATING", "UPDATING", "DELETING"):
            raise in_use(f"Capability {one.name} cannot be updated as it is currently in {one.status} state")
        told: Told = {}
        if self.params.get("roleArn"):
            self._check_role(self.params["roleArn"])
            told["roleArn"] = self.params["roleArn"]
        asked = (self.params.get("configuration") or {}).get("argoCd") or {}
        if asked and one.told["type"] != "ARGOCD":
            raise bad(f"The argoCd configuration is not valid for a capability of type {one.told['type']}")
        if asked:
            told["configuration"] = {"argoCd": _changed(one.told["configuration"]["argoCd"], asked)}
        named = str(told.get("roleArn") or one.told["roleArn"])
        update = Update("CapabilityUpdate", {"RoleArn": named},
                        owner=("capability", one.name))  # fmt: skip
        cluster.updates.append(update)
        one.status = "UPDATING"

        def work() -> None:
            one.told |= {**told, "modifiedAt": now()}
            _install(cluster, one)
            update.status = "Successful"

        self._later("eks_capability", work)
        return ActionResult({"update": update.describe()})

    def delete_capability(self) -> ActionResult:
        cluster, one = self._capability()
        one.status = "DELETING"

        def work() -> None:
            """What it has made is retained; so is, for all that is documented, the access entry of its role."""
            cluster.capabilities.pop(one.name, None)

        self._later("eks_capability", work)
        return ActionResult({"capability": one.describe()})


def _changed(before: Told, asked: Told) -> Told:
    """A role that is sent gets exactly the identities that are sent."""
    updates = asked.get("rbacRoleMappings") or {}
    roles = {item["role"]: item for item in before["rbacRoleMappings"]}
    for item in updates.get("removeRoleMappings") or ():
        held = [own for own in roles.get(item["role"], {}).get("identities", ()) if own not in item["identities"]]
        roles[item["role"]] = {"role": item["role"], "identities": held}
    roles |= {item["role"]: item for item in updates.get("addOrUpdateRoleMappings") or ()}
    access = {"networkAccess": asked["networkAccess"]} if asked.get("networkAccess") is not None else {}
    return {**before, **access, "rbacRoleMappings": [item for item in roles.values() if item["identities"]]}


def _install(cluster: Cluster, one: Capability) -> None:
    """The access entry of its role with what EKS gives it, and Argo CD's kinds in the cluster."""
    role, partition = one.told["roleArn"], cluster.partition
    entry = cluster.entries.setdefault(role, entry_of(cluster, role, {}))
    if one.told["type"] == "ARGOCD":
        space = one.told["configuration"]["argoCd"]["namespace"]
        for name, scope in (("AmazonEKSArgoCDClusterPolicy", {"type": "cluster"}),
                            ("AmazonEKSArgoCDPolicy", {"type": "namespace", "namespaces": [space]})):  # fmt: skip
            arn = f"arn:{partition}:eks::aws:cluster-access-policy/{name}"
            entry.policies.setdefault(arn, associated(arn, scope))
        _furnish(cluster, space)
    one.status = "ACTIVE"


def _furnish(cluster: Cluster, space: str) -> None:
    kubernetes = cluster.kubernetes
    if kubernetes is None:
        return
    kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    for name, rules in ROLES.items():
        kubernetes.put({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                        "metadata": {"name": name}, "rules": rules})  # fmt: skip
    for definition in definitions():
        kubernetes.put(definition)


def managed_argocd(cluster: Cluster) -> Argo | None:
    """Where the active capability looks for Applications, and who it is in the cluster."""
    for one in list(cluster.capabilities.values()):
        if one.told["type"] == "ARGOCD" and one.status in ("ACTIVE", "UPDATING"):
            caller = Caller(one.told["roleArn"], one.told["roleArn"], "argocd")
            user: Any = user_of(cluster, caller)
            return Argo(one.told["configuration"]["argoCd"]["namespace"], user, cluster.arn()) if user else None
    return None
