"""One Kubernetes cluster: its API, what is in it from the first moment on, and its controllers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bahnvision_lab.kubernetes.api.admission import NAMESPACES, PERMANENT, Admission
from bahnvision_lab.kubernetes.api.identity import Authenticator, External, Tokens
from bahnvision_lab.kubernetes.api.permission import RBAC, Permission
from bahnvision_lab.kubernetes.api.resources import Catalogue, Resource
from bahnvision_lab.kubernetes.api.reviews import Reviews
from bahnvision_lab.kubernetes.api.server import ApiServer
from bahnvision_lab.kubernetes.api.store import Object, Store
from bahnvision_lab.kubernetes.api.writes import Options, Writer
from bahnvision_lab.kubernetes.argocd.model import Argo
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.controllers.loop import Loop
from bahnvision_lab.kubernetes.objects.decoding import Strictness
from bahnvision_lab.kubernetes.objects.protobuf import Protobuf
from bahnvision_lab.kubernetes.objects.shapes import release

CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")


def nobody(_token: str) -> None:
    """No tokens but those of service accounts."""


def no_trouble(_image: str) -> str:
    return ""


def no_nodes(_pod: Object) -> None:
    """Node groups do not grow by themselves."""


def no_argocd() -> None:
    """Only what is installed in the cluster itself."""


@dataclass
class Setting:
    """What the cluster's owner decides."""

    minor: str
    name: str = "lab"
    issuer: str = "https://kubernetes.default.svc"
    authority: str = ""  # the CA's certificate, which each namespace is given
    region: str = "eu-central-1"
    service_range: str = "10.100.0.0/16"
    external: External = nobody  # whose token it is that no service account has
    image_trouble: Callable[[str], str] = no_trouble  # why an image does not run, "" when it does
    more_nodes: Callable[[Object], None] = no_nodes  # asked when a Pod fits on no node (EKS Auto Mode)
    managed_argocd: Callable[[], Argo | None] = no_argocd  # the Argo CD that AWS runs beside the cluster
    start_seconds: Callable[[], float] = field(default=lambda: 0.0)  # how long a Pod takes to become ready


class Cluster:
    """Starts when it is made; `close` ends it."""

    def __init__(self, setting: Setting, port: int, certificate: Path) -> None:
        self.setting = setting
        self.release = release(setting.minor)
        self.store = Store()
        self.catalogue = Catalogue(self.release)
        self.protobuf = Protobuf(self.release)
        self.permission = Permission(self.store)
        self.tokens = Tokens(setting.issuer)
        self.authenticator = Authenticator(self.store, self.tokens, setting.external)
        self.reviews = Reviews(self.authenticator, self.permission)
        self.writer = Writer(self.store, self.catalogue, Admission(self.store, self.permission, setting.service_range))
        self.folder = certificate
        self.began = stamp()
        self._furnish()
        self._server = ApiServer(self, port, certificate)
        self.address = self._server.address
        self.loop = Loop(self)
        self._server.start()
        self.loop.start()

    def close(self) -> None:
        self.store.close()
        self.loop.stop()
        self._server.stop()

    def upgrade(self, minor: str) -> None:
        """Serve another release; the objects stay."""
        with self.store.lock:
            self.release = release(minor)
            custom = self.store.every(CRDS)
            self.catalogue = Catalogue(self.release)
            self.writer.catalogue = self.catalogue
            self.protobuf = Protobuf(self.release)
            for one in custom:
                self.catalogue.take_in(one)

    def version(self) -> Object:
        found = re.match(r"v(\d+)\.(\d+)", self.release.version)
        assert found is not None
        return {
            "major": found[1], "minor": f"{found[2]}+", "gitVersion": f"{self.release.version}-eks-lab",
            "gitCommit": "0" * 40, "gitTreeState": "clean", "buildDate": self.began, "goVersion": "go1.25",
            "compiler": "gc", "platform": "linux/amd64",
        }  # fmt: skip

    def _furnish(self) -> None:
        with self.store.lock:
            for name in PERMANENT:
                self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            roles = copy.deepcopy(self.release.bootstrap)
            for one in sorted(roles, key=lambda role: bool(role.get("aggregationRule"))):
                self.put({key: value for key, value in one.items() if value is not None})
            self.put({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "kubernetes", "namespace": "default",
                             "labels": {"component": "apiserver", "provider": "kubernetes"}},
                "spec": {"clusterIP": self.setting.service_range.rsplit(".", 1)[0] + ".1",
                         "ports": [{"name": "https", "port": 443, "targetPort": 443}]},
            })  # fmt: skip

    def put(self, one: Object) -> Object:
        """Make an object with the cluster's own hand, or leave the one that is there."""
        with self.store.lock:
            resource = self.catalogue.of_kind(one["apiVersion"], one["kind"])
            assert resource is not None, one
            space, name = one["metadata"].get("namespace", ""), one["metadata"]["name"]
            found = self.store.find(resource.place, space, name)
            if found is not None:
                return found
            options = Options(manager="kube-apiserver", validation="Strict")
            decoded = self.writer.decoded(resource, one, options, Strictness())
            made = self.writer.create(resource, space, decoded, options)
            self.made(resource, made)
            return made

    def made(self, resource: Resource, one: Object) -> None:
        """A definition is served from the moment on in which it is there."""
        if resource.place == CRDS:
            self.catalogue.take_in(one)

    def gone(self, resource: Resource, one: Object) -> None:
        """With a definition go all objects of it."""
        if resource.place == CRDS:
            place = (one["spec"]["group"], one["spec"]["names"]["plural"])
            for custom in self.store.every(place):
                self.store.remove(place, custom)
            self.catalogue.drop(one)

    def describe(self) -> dict[str, Any]:
        return {
            "endpoint": self.address,
            "version": self.release.version,
            "objects": len(list(self.store.everything())),
        }


__all__ = ["NAMESPACES", "RBAC", "Cluster", "Setting"]
