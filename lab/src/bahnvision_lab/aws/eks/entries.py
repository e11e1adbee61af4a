"""Access entries and Pod identity associations."""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from bahnvision_lab.aws.eks import checks
from bahnvision_lab.aws.eks.base import EksBase
from bahnvision_lab.aws.eks.books import Cluster, Entry, Told, now, random_id
from bahnvision_lab.aws.eks.checks import bad, in_use, missing, refused
from bahnvision_lab.aws.eks.tokens import POLICIES
from bahnvision_lab.aws.rds_proxy.access import find_role, trusts

CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"
NODE_GROUPS = {"EC2_LINUX": ["system:nodes"], "EC2_WINDOWS": ["eks:kube-proxy-windows", "system:nodes"],
               "EC2": ["system:nodes"], "FARGATE_LINUX": ["system:node-proxier"]}  # fmt: skip


def entry_of(cluster: Cluster, principal: str, asked: Told) -> Entry:
    """A new entry, with the names that EKS gives."""
    kind = asked.get("type") or "STANDARD"
    name = principal.rpartition("/")[2]
    session = f"arn:{cluster.partition}:sts::{cluster.account}:assumed-role/{name}/{{{{SessionName}}}}"
    username = asked.get("username") or (session if ":role/" in principal else principal)
    if kind != "STANDARD":
        username = "system:node:{{EC2PrivateDNSName}}"
    what = "role" if ":role/" in principal else "user" if ":user/" in principal else "root"
    arn = cluster.arn("access-entry", what, cluster.account, name, str(uuid.uuid4()))
    groups = list(asked.get("kubernetesGroups") or ()) if kind == "STANDARD" else NODE_GROUPS.get(kind, [])
    return Entry(arn, principal, username, groups, kind, dict(asked.get("tags") or {}))


def associated(arn: str, scope: Told) -> Told:
    told = {"type": scope["type"], "namespaces": list(scope.get("namespaces") or ())}
    return {"policyArn": arn, "accessScope": told, "associatedAt": now(), "modifiedAt": now()}


class AccessOperations(EksBase):
    def _open(self) -> Cluster:
        cluster = self._cluster("clusterName")
        if cluster.told["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
            raise refused(
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                "operation."
            )
        return cluster

    def _entry(self) -> tuple[Cluster, Entry]:
        cluster, principal = self._open(), self.params["principalArn"]
        if principal not in cluster.entries:
            raise missing(
                f"The specified principalArn could not be found. You can view your available access entries with "
                f"'list-access-entries'. {principal}"
            )
        return cluster, cluster.entries[principal]

    def create_access_entry(self) -> ActionResult:
        cluster, params = self._open(), self.params
        principal = params["principalArn"]
        if principal in cluster.entries:
            raise in_use("The specified access entry resource is already in use on this cluster.")
        checks.principal(self.books.account, self.books.partition, principal)
        kind = params.get("type") or "STANDARD"
        if kind not in ("STANDARD", *NODE_GROUPS):
            raise bad(f"The type {kind} is not one of STANDARD, {', '.join(NODE_GROUPS)}")
        if kind != "STANDARD" and (params.get("kubernetesGroups") or params.get("username")):
            raise bad(f"You cannot specify a username or kubernetesGroups for an access entry of type {kind}")
        self._check_names(params)
        cluster.entries[principal] = entry_of(cluster, principal, params)
        return ActionResult({"accessEntry": cluster.entries[principal].describe(cluster.name)})

    def _check_names(self, params: Told) -> None:
        for name in (*(params.get("kubernetesGroups") or ()), params.get("username") or ""):
            if name.startswith(("system:", "eks:", "aws:", "amazon:", "iam:")):
                raise bad(
                    f"The kubernetes group name or username {name} is invalid, it cannot start with 'system:', 'eks:', "
                    "'aws:', 'amazon:' or 'iam:'"
                )

    def describe_access_entry(self) -> ActionResult:
        cluster, entry = self._entry()
        return ActionResult({"accessEntry": entry.describe(cluster.name)})

    def list_access_entries(self) -> ActionResult:
        wanted = self.params.get("associatedPolicyArn")
        found = [one.principal for one in self._open().entries.values() if not wanted or wanted in one.policies]
        return self._page("accessEntries", sorted(found))

    def update_access_entry(self) -> ActionResult:
        cluster, entry = self._entry()
        self._check_names(self.params)
        if entry.kind != "STANDARD":
            raise refused(f"Access entries of type {entry.kind} cannot be updated")
        if self.params.get("kubernetesGroups") is not None:
            entry.groups = list(self.params["kubernetesGroups"])
        entry.username = self.params.get("username") or entry.username
        entry.modified = now()
        return ActionResult({"accessEntry": entry.describe(cluster.name)})

    def delete_access_entry(self) -> ActionResult:
        cluster, entry = self._entry()
        del cluster.entries[entry.principal]
        return EmptyResult()

    def associate_access_policy(self) -> ActionResult:
        cluster, entry = self._entry()
        arn, scope = self.params["policyArn"], self.params["accessScope"]
        if arn.rpartition("/")[2] not in POLICIES or not arn.startswith(
            f"arn:{self.books.partition}:eks::aws:cluster-access-policy/"
        ):
            raise bad(f"The policyArn parameter format is not valid or the policy does not exist: {arn}")
        if entry.kind != "STANDARD":
            raise refused(f"Policies cannot be associated with access entries of type {entry.kind}")
        if scope.get("type") == "namespace" and not scope.get("namespaces"):
            raise bad("The accessScope of type namespace must have at least one namespace")
        if scope.get("type") != "namespace" and scope.get("namespaces"):
            raise bad("The accessScope of type cluster must not have namespaces")
        told = associated(arn, scope)
        before = entry.policies.get(arn)
        entry.policies[arn] = {**told, "associatedAt": before["associatedAt"]} if before else told
        return ActionResult(
            {
                "clusterName": cluster.name,
                "principalArn": entry.principal,
                "associatedAccessPolicy": entry.policies[arn],
            }
        )

    def disassociate_access_policy(self) -> ActionResult:
        _cluster, entry = self._entry()
        if entry.policies.pop(self.params["policyArn"], None) is None:
            raise missing(f"The specified policyArn is not associated with the principal: {self.params['policyArn']}")
        return EmptyResult()

    def list_associated_access_policies(self) -> ActionResult:
        cluster, entry = self._entry()
        told: dict[str, Any] = {"clusterName": cluster.name, "principalArn": entry.principal}
        return ActionResult({**told, "associatedAccessPolicies": list(entry.policies.values())})

    def list_access_policies(self) -> ActionResult:
        prefix = f"arn:{self.books.partition}:eks::aws:cluster-access-policy/"
        return self._page("accessPolicies", [{"name": name, "arn": prefix + name} for name in sorted(POLICIES)])

    def create_pod_identity_association(self) -> ActionResult:
        cluster, params = self._cluster("clusterName"), self.params
        checks.active(cluster, "create the association")
        self._check_identity_role(params["roleArn"])
        space, account = params["namespace"], params["serviceAccount"]
        if any((one["namespace"], one["serviceAccount"]) == (space, account) for one in cluster.associations.values()):
            raise in_use(f"Association already exists: {space}/{account}")
        one_id = f"a-{random_id()}"
        told: Told = {
            "clusterName": cluster.name,
            "namespace": space,
            "serviceAccount": account,
            "roleArn": params["roleArn"],
            "associationArn": cluster.arn("podidentityassociation", one_id),
            "associationId": one_id,
            "tags": dict(params.get("tags") or {}),
            "createdAt": now(),
            "modifiedAt": now(),
            "disableSessionTags": bool(params.get("disableSessionTags")),
        }
        if params.get("targetRoleArn"):
            told |= {"targetRoleArn": params["targetRoleArn"], "externalId": random_id(32)}
        cluster.associations[one_id] = told
        return ActionResult({"association": told})

    def _check_identity_role(self, arn: str) -> None:
        role = find_role(self.books.account, self.books.partition, arn)
        if role is None or not trusts(role, "pods.eks.amazonaws.com"):
            raise bad(
                f"Trust policy of role {arn} is invalid: it must allow pods.eks.amazonaws.com "
                "sts:AssumeRole and sts:TagSession"
            )

    def _association(self) -> tuple[Cluster, Told]:
        cluster, wanted = self._cluster("clusterName"), self.params["associationId"]
        if wanted not in cluster.associations:
            raise missing(f"No association found for ID: {wanted}")
        return cluster, cluster.associations[wanted]

    def describe_pod_identity_association(self) -> ActionResult:
        return ActionResult({"association": self._association()[1]})

    def list_pod_identity_associations(self) -> ActionResult:
        cluster, params = self._cluster("clusterName"), self.params
        keys = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")
        rows = [{key: one[key] for key in keys if key in one} for one in cluster.associations.values()
                if params.get("namespace") in (None, one["namespace"])
                and params.get("serviceAccount") in (None, one["serviceAccount"])]  # fmt: skip
        return self._page("associations", rows)

    def update_pod_identity_association(self) -> ActionResult:
        _cluster, told = self._association()
        if self.params.get("roleArn"):
            self._check_identity_role(self.params["roleArn"])
            told["roleArn"] = self.params["roleArn"]
        if self.params.get("disableSessionTags") is not None:
            told["disableSessionTags"] = self.params["disableSessionTags"]
        told["modifiedAt"] = now()
        return ActionResult({"association": told})

    def delete_pod_identity_association(self) -> ActionResult:
        cluster, told = self._association()
        del cluster.associations[told["associationId"]]
        return ActionResult({"association": told})
