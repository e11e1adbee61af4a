"""A stage with database, cache and cluster for the role application, and the eyes of others."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import spec
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.group import ensure_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.user_groups import ensure_user_group
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.users import ensure_user
from ansible_collections.bahnvision.aws.plugins.plugin_utils.presigning import Signer, token
from bahnvision_lab.kubernetes.kubelet import Reader
from bahnvision_lab.testing import Lab
from cluster_world import NAME, ClusterWorld
from rds_world import IDENTITY, make_network
from rds_world import World as Databases

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


def make_data(lab: Lab) -> None:
    """Make what the roles rds and elasticache leave, with the functions of their modules."""
    make_network(lab)
    databases = Databases(lab)
    databases.instance()
    databases.user()
    clients = {name: lab.client(name) for name in ("elasticache", "secretsmanager", "kms")}

    def made(ensure: Any, options: Object, **given: Any) -> Object:
        defaults = {name: option.get("default") for name, option in options.items()}
        return ensure(clients, {**defaults, **IDENTITY, "wait_pause": 0.2, "tags": {}, **given}, False)

    secret: Object = {name: option.get("default") for name, option in spec.SECRET_SPEC.items()}
    secret |= {"name": f"{NAME}-elasticache-app"}
    made(ensure_user, spec.USER_SPEC, user_id=f"{NAME}-default", user_name="default", access_string="off -@all")
    made(ensure_user, spec.USER_SPEC, user_id=f"{NAME}-app", secret=secret)
    users = [f"{NAME}-app", f"{NAME}-default"]
    made(ensure_user_group, spec.USER_GROUP_SPEC, user_group_id=NAME, user_ids=users)
    group = made(
        ensure_group, spec.GROUP_SPEC, identifier=NAME, description="of the tests", user_group_ids=[NAME],
        replicas_per_node_group=0, automatic_failover=False, multi_az=False,
    )["replication_group"]  # fmt: skip
    place = {"host": group["endpoint"]["address"], "port": group["endpoint"]["port"], "cluster_mode": "disabled"}
    place |= {f"reader_{key}": place[key] for key in ("host", "port")}
    made(ensure_user, spec.USER_SPEC, user_id=f"{NAME}-app", secret={**secret, "connection": place})


class Kube(Reader):
    """An identity's way to the cluster's API, by kinds."""

    def __init__(self, lab: Lab, bearer: str) -> None:
        told = lab.client("eks").describe_cluster(name=NAME)["cluster"]
        self.authority = told["certificateAuthority"]["data"]
        super().__init__(told["endpoint"], base64.b64decode(self.authority).decode(), bearer)

    def all(self, kind: str) -> list[Object]:
        return self.ask(PLACES[kind]).get("items", [])

    def one(self, kind: str, name: str) -> Object:
        return self.ask(f"{PLACES[kind]}/{name}")

    def versions(self) -> dict[str, str]:
        """What there is, with the version that any write would change. Jobs of schedules come by themselves."""
        return {f"{kind} {one['metadata']['name']}": one["metadata"]["resourceVersion"]
                for kind in PLACES if kind != "ReplicaSet" for one in self.all(kind)}  # fmt: skip

    def config(self, file: Path) -> Path:
        """Write a kubeconfig of this identity: its kubectl finds nothing else."""
        place: Object = {"server": self.server, "certificate-authority-data": self.authority}
        told = {
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": place}], "users": [{"name": "it", "user": {"token": self.bearer}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": SPACE}}],
        }  # fmt: skip
        file.write_text(json.dumps(told))
        return file


def can_i(config: Path, verb: str, resource: str) -> str:
    """Ask `kubectl auth can-i`: yes or no."""
    # What follows a slash there is the name of an object.
    kind, _slash, part = resource.partition("/")
    program = str(Path(sys.executable).with_name("kubectl"))
    argv = [program, "--kubeconfig", str(config), "--cache-dir", f"{config}.cache", "auth", "can-i", verb, kind]
    asked = [*argv, f"--subresource={part}"] if part else argv
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) in ((0, "yes"), (1, "no")), done.stderr
    return done.stdout.strip()


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
