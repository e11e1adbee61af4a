"""A stage with database, cache and cluster for the role application, and the eyes of others."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.plugin_utils.presigning import Signer, token
from bahnvision_lab.kubernetes.kubelet import Reader
from bahnvision_lab.testing import Lab
from cluster_world import NAME, ClusterWorld

Object = dict[str, Any]
SPACE = "bahnvision"
PLACES = {
    "Deployment": f"/apis/apps/v1/namespaces/{SPACE}/deployments",
    "ReplicaSet": f"/apis/apps/v1/namespaces/{SPACE}/replicasets",
    "Job": f"/apis/batch/v1/namespaces/{SPACE}/jobs",
    "CronJob": f"/apis/batch/v1/namespaces/{SPACE}/cronjobs",
    "ConfigMap": f"/api/v1/namespaces/{SPACE}/configmaps",
    "Secret": f"/api/v1/namespaces/{SPACE}/secrets",
    "Service": f"/api/v1/namespaces/{SPACE}/services",
    "ServiceAccount": f"/api/v1/namespaces/{SPACE}/serviceaccounts",
    "NetworkPolicy": f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/networkpolicies",
    "Ingress": f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/ingresses",
    "Role": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}/roles",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}/rolebindings",
    "PodDisruptionBudget": f"/apis/policy/v1/namespaces/{SPACE}/poddisruptionbudgets",
    "HorizontalPodAutoscaler": f"/apis/autoscaling/v2/namespaces/{SPACE}/horizontalpodautoscalers",
}


class Kube(Reader):
    """An identity's way to the cluster's API, by kinds."""

    def __init__(self, lab: Lab, bearer: str) -> None:
        told = lab.client("eks").describe_cluster(name=NAME)["cluster"]
        authority = base64.b64decode(told["certificateAuthority"]["data"]).decode()
        super().__init__(told["endpoint"], authority, bearer)

    def all(self, kind: str) -> list[Object]:
        return self.ask(PLACES[kind]).get("items", [])

    def one(self, kind: str, name: str) -> Object:
        return self.ask(f"{PLACES[kind]}/{name}")

    def versions(self) -> dict[str, str]:
        """What there is, with the version that any write would change. Jobs of schedules come by themselves."""
        return {f"{kind} {one['metadata']['name']}": one["metadata"]["resourceVersion"]
                for kind in PLACES if kind != "ReplicaSet" for one in self.all(kind)}  # fmt: skip

    def can_i(self, verb: str, resource: str) -> bool:
        """Ask what `kubectl auth can-i` asks."""
        kind, _dot, group = resource.partition(".")
        kind, _slash, part = kind.partition("/")
        asked = {"namespace": SPACE, "verb": verb, "resource": kind, "group": group, "subresource": part}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        told = self.ask(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {**review, "spec": {"resourceAttributes": asked}}
        )
        return bool(told["status"]["allowed"])


def kube_of(lab: Lab, keys: dict[str, str] | None = None) -> Kube:
    """The way of the lab's own identity, or of somebody's with these keys of AWS."""
    aws = lab.status()["aws"]
    own = {"AccessKeyId": aws["access_key_id"], "SecretAccessKey": aws["secret_access_key"], "SessionToken": ""}
    used = keys or own
    signer = Signer(
        used["AccessKeyId"], used["SecretAccessKey"], used["SessionToken"], aws["region"], aws["endpoint_url"]
    )
    return Kube(lab, token(signer, NAME, datetime.now(UTC)))


def ci_of(lab: Lab, world: ClusterWorld) -> Kube:
    """An identity as that of a CI: a role whose access entry puts it into the deployers' group."""
    arn = world.role("ci", "ec2.amazonaws.com")
    world.eks.create_access_entry(clusterName=NAME, principalArn=arn, kubernetesGroups=["bahnvision:deployers"])
    keys = lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="pipeline")["Credentials"]
    return kube_of(lab, keys)


def pod_of(lab: Lab, kube: Kube, account: str) -> Kube:
    """What a Pod of this ServiceAccount would be, if it had a token."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    told = kube.ask(f"{PLACES['ServiceAccount']}/{account}/token", request)
    return Kube(lab, told["status"]["token"])
