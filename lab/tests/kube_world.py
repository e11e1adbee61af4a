"""A cluster of one's own, without a lab around it, and a client that says what it got."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from bahnvision_lab.certificates import Authority
from bahnvision_lab.kubernetes.api.identity import User
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.cluster import Cluster, Setting
from bahnvision_lab.kubernetes.controllers.hands import NODES, Hands
from bahnvision_lab.kubernetes.real import RealCluster
from bahnvision_lab.postgres import free_port

Object = dict[str, Any]
APPS, BATCH, NET = "/apis/apps/v1", "/apis/batch/v1", "/apis/networking.k8s.io/v1"
USERS = {"admin": User("admin", ("system:masters",)), "bob": User("bob"), "carol": User("carol", ("team",))}


@dataclass
class Client:
    """Speaks as one of USERS."""

    cluster: Cluster | RealCluster
    bundle: str
    token: str = "admin"

    @property
    def address(self) -> str:
        return self.cluster.address

    def as_user(self, token: str) -> Client:
        return Client(self.cluster, self.bundle, token)

    def ask(
        self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": "tests/1"}
        if body is not None:
            headers["Content-Type"] = kind
        return requests.request(method, self.address + path, json=body, headers=headers, params=query,
                                verify=self.bundle, timeout=30)  # fmt: skip

    def good(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: Any) -> Any:
        answer = self.ask(method, path, body, kind, **query)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def refused(
        self,
        code: int,
        words: str,
        method: str,
        path: str,
        body: Any = None,
        kind: str = "application/json",
        **query: Any,
    ) -> Any:
        answer = self.ask(method, path, body, kind, **query)
        assert answer.status_code == code, answer.text
        told = answer.json()
        assert told["kind"] == "Status"
        assert words in told["message"], told["message"]
        return told

    def namespace(self, name: str, **labels: str) -> str:
        self.good("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        wait_for(
            lambda: self.ask("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default").ok, "the default account"
        )
        return name


@contextlib.contextmanager
def running_cluster(folder: Path, nodes: int = 2, minor: str = "1.35", **changes: Any) -> Iterator[Client]:
    authority = Authority(folder / "ca")
    authority.issue(folder)
    setting = Setting(
        minor, authority=authority.bundle.read_text(), external=USERS.get, image_trouble=trouble, **changes
    )
    cluster = Cluster(setting, free_port(), folder)
    try:
        for number in range(nodes):
            add_node(cluster, f"node-{number}", "ab"[number % 2])
        yield Client(cluster, str(authority.bundle))
    finally:
        cluster.close()


def trouble(image: str) -> str:
    return {"broken": "ErrImagePull", "crash": "CrashLoopBackOff", "unready": "ReadinessFailed"}.get(
        image.partition(":")[0], ""
    )


def add_node(cluster: Cluster, name: str, zone: str, cpu: str = "2") -> None:
    node = cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {
                    "topology.kubernetes.io/zone": zone,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/hostname": name,
                },
            },
        }
    )
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp()}
    room = {"cpu": cpu, "memory": "8Gi", "pods": "50"}
    Hands(cluster).status(NODES, node, {"conditions": [ready], "allocatable": room, "capacity": room})


def wait_for(check: Callable[[], Any], what: str, patience: float = 60) -> Any:
    deadline = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < deadline, f"waited {patience:g} s for {what}"
        time.sleep(0.05)
    return found


def deployment(name: str = "web", image: str = "good:1", replicas: int = 2, **spec: Any) -> Object:
    container = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 8000}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                 "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}, **spec},
    }  # fmt: skip


def changed(one: Object, path: str, value: Any) -> Object:
    """A copy with another value at a path such as spec.template.spec.containers.0.image; None takes it out."""
    fresh = copy.deepcopy(one)
    *way, last = path.split(".")
    at: Any = fresh
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if value is None:
        del at[last]
    elif isinstance(at, list):
        at.insert(int(last), value) if int(last) >= len(at) else at.__setitem__(int(last), value)
    else:
        at[last] = value
    return fresh
