"""A stage with database, cache and cluster for the role application, and the eyes of a kubelet and of others."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import redis
from ansible_collections.bahnvision.aws.plugins.plugin_utils.presigning import Signer, token
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


class Kube:
    """An identity's way to the cluster's API."""

    def __init__(self, lab: Lab, bearer: str) -> None:
        told = lab.client("eks").describe_cluster(name=NAME)["cluster"]
        self.server, self.bearer = told["endpoint"], bearer
        authority = base64.b64decode(told["certificateAuthority"]["data"]).decode()
        self.context = ssl.create_default_context(cadata=authority)

    def ask(self, path: str, body: Object | None = None, method: str = "") -> Object:
        """Return the answer, {} when there is no such thing."""
        request = urllib.request.Request(
            self.server + path, method=method or ("POST" if body else "GET"),
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                return {}
            raise AssertionError(f"{path}: {problem.code} {problem.read().decode()}") from problem

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


class Container:
    """A container as its kubelet would start it: the environment, and the files that are mounted from ConfigMaps."""

    def __init__(self, kube: Kube, pod: Object, folder: Path) -> None:
        self.kube, self.pod, self.told = kube, pod, pod["spec"]["containers"][0]
        self.folder = folder
        self.environment = {**dict(self._from()), **dict(self._own())}

    def _from(self) -> Iterator[tuple[str, str]]:
        for source in self.told.get("envFrom") or ():
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if key in source:
                    found = self._data(kind, source[key]["name"])
                    yield from ((f"{source.get('prefix', '')}{name}", value) for name, value in found.items())

    def _own(self) -> Iterator[tuple[str, str]]:
        for one in self.told.get("env") or ():
            source = one.get("valueFrom") or {}
            for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if key in source:
                    yield one["name"], self._data(kind, source[key]["name"])[source[key]["key"]]
            if not source:
                yield one["name"], one.get("value", "")

    def _data(self, kind: str, name: str) -> dict[str, str]:
        found = self.kube.one(kind, name).get("data") or {}
        return found if kind == "ConfigMap" else {key: base64.b64decode(text).decode() for key, text in found.items()}

    def file(self, path: str) -> str:
        """Write what is mounted at this path into the folder, and return where it is."""
        for mount in self.told.get("volumeMounts") or ():
            volume = next(one for one in self.pod["spec"]["volumes"] if one["name"] == mount["name"])
            if "configMap" in volume and Path(path).parent == Path(mount["mountPath"]):
                copy = self.folder / Path(path).name
                copy.write_text(self._data("ConfigMap", volume["configMap"]["name"])[Path(path).name])
                return str(copy)
        raise AssertionError(f"no ConfigMap is mounted at {path}")

    def database(self) -> psycopg.Connection[Any]:
        """Connect as asyncpg would: the URL's parts, TLS as it says, the authorities from PGSSLROOTCERT."""
        url = urlsplit(self.environment["DATABASE_URL"])
        assert url.scheme == "postgresql+asyncpg"
        return psycopg.connect(
            host=url.hostname, port=url.port, dbname=url.path[1:], user=unquote(url.username or ""),
            password=unquote(url.password or ""), sslmode=parse_qs(url.query)["ssl"][0],
            sslrootcert=self.file(self.environment["PGSSLROOTCERT"]), autocommit=True, prepare_threshold=None,
        )  # fmt: skip

    def cache(self) -> redis.Redis:
        """Connect as valkey-py would, with the URL as it is; only the file is where it lies here."""
        url = self.environment["VALKEY_URL"]
        mounted = parse_qs(urlsplit(url).query)["ssl_ca_certs"][0]
        return redis.from_url(url.replace(mounted, self.file(mounted)), socket_timeout=60)
