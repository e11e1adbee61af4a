"""What every controller does: read a kind, make, change and delete objects, write statuses and conditions."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bahnvision_lab.kubernetes.api.deletes import delete
from bahnvision_lab.kubernetes.api.store import Object, Place
from bahnvision_lab.kubernetes.api.writes import Options
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.objects.decoding import Strictness
from bahnvision_lab.kubernetes.status import ApiError

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

MANAGER = "kube-controller-manager"
PODS, NODES = ("", "pods"), ("", "nodes")


class Hands:
    """The controllers' way to the cluster; all that they write passes the same rules as a client's."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store

    def every(self, place: Place, namespace: str = "") -> list[Object]:
        return self.store.every(place, namespace)

    def owned(self, place: Place, owner: Object) -> list[Object]:
        """What the owner controls."""
        uid = owner["metadata"]["uid"]
        return [one for one in self.every(place, owner["metadata"].get("namespace", "")) if controller_of(one) == uid]

    def make(self, one: Object) -> Object | None:
        """Make an object; None, and an event on its owner, when it is refused."""
        with self.store.lock:
            resource = self.cluster.catalogue.of_kind(one["apiVersion"], one["kind"])
            assert resource is not None
            options = Options(manager=MANAGER)
            space = one["metadata"].get("namespace", "")
            try:
                decoded = self.cluster.writer.decoded(resource, copy.deepcopy(one), options, Strictness())
                return self.cluster.writer.create(resource, space, decoded, options)
            except ApiError as problem:
                self._refused(one, problem)
                return None

    def _refused(self, one: Object, problem: ApiError) -> None:
        if problem.reason == "AlreadyExists":
            return
        for owner in one["metadata"].get("ownerReferences") or ():
            about = {"apiVersion": owner["apiVersion"], "kind": owner["kind"],
                     "metadata": {**owner, "namespace": one["metadata"].get("namespace", "")}}  # fmt: skip
            self.event(about, "Warning", "FailedCreate", f"Error creating: {problem.message}")

    def change(self, place: Place, one: Object, edit: Callable[[Object], None], part: str = "") -> Object:
        return self.cluster.writer.change(self.cluster.catalogue.at(place), one, edit, part)

    def status(self, place: Place, one: Object, status: Object, manager: str = MANAGER) -> None:
        """Write a status when it is another one."""
        if (one.get("status") or {}) == status:
            return

        def edit(fresh: Object) -> None:
            fresh["status"] = status

        self.cluster.writer.change(self.cluster.catalogue.at(place), one, edit, "status", manager)

    def delete(self, place: Place, one: Object, policy: str = "Background") -> None:
        with self.store.lock:
            found = self.store.find(place, one["metadata"].get("namespace", ""), one["metadata"]["name"])
            if found is not None and found["metadata"]["uid"] == one["metadata"]["uid"]:
                delete(self.store, self.cluster.catalogue.at(place), found, {"propagationPolicy": policy})

    def event(self, about: Object, kind: str, reason: str, message: str) -> None:
        """Tell once; the same again only counts."""
        told = about["metadata"]
        space = told.get("namespace") or "default"
        mark = digest([about["kind"], told["name"], told.get("uid"), reason, message])
        with self.store.lock:
            place = ("", "events")
            found = self.store.find(place, space, f"{told['name']}.{mark}")
            if found is not None:
                return
            self.make({
                "apiVersion": "v1", "kind": "Event",
                "metadata": {"name": f"{told['name']}.{mark}", "namespace": space},
                "involvedObject": {"apiVersion": about["apiVersion"], "kind": about["kind"], "name": told["name"],
                                   "namespace": told.get("namespace", ""), "uid": told.get("uid", "")},
                "type": kind, "reason": reason, "message": message[:1024], "count": 1, "firstTimestamp": stamp(),
                "lastTimestamp": stamp(), "source": {"component": "lab"}, "reportingComponent": "lab",
                "reportingInstance": "lab",
            })  # fmt: skip


def controller_of(one: Object) -> str:
    """The uid of the object that controls this one, "" when none does."""
    for told in one["metadata"].get("ownerReferences") or ():
        if told.get("controller"):
            return str(told["uid"])
    return ""


def reference(owner: Object) -> Object:
    told = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": told["name"], "uid": told["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def child(owner: Object, name: str, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Object:
    """The metadata of an object that the owner controls. A name that ends with - is completed."""
    told: Object = {
        "namespace": owner["metadata"]["namespace"], "labels": labels, "ownerReferences": [reference(owner)],
        **({"generateName": name} if name.endswith("-") else {"name": name}),
    }  # fmt: skip
    if annotations:
        told["annotations"] = annotations
    return told


def digest(value: Any, size: int = 10) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:size]


def is_going(one: Object) -> bool:
    return bool(one["metadata"].get("deletionTimestamp"))


def is_ready(pod: Object) -> bool:
    told = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in told) and not is_going(pod)


def phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def share(value: Any, whole: int, up: bool) -> int:
    """A count, or a percentage of the whole."""
    if isinstance(value, str):
        exact = whole * int(value.rstrip("%")) / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(value or 0)


def condition(before: Object, kind: str, holds: bool, reason: str, message: str, progress: bool = False) -> Object:
    """A condition that keeps its times while it stays what it is."""
    status = "True" if holds else "False"
    had = next((one for one in before.get("conditions") or () if one["type"] == kind), None)
    if had is not None and (had["status"], had.get("reason", ""), had.get("message", "")) == (status, reason, message):
        return had
    since = had["lastTransitionTime"] if had is not None and had["status"] == status else stamp()
    words = {key: text for key, text in (("reason", reason), ("message", message)) if text}
    told = {"type": kind, "status": status, **words, "lastTransitionTime": since}
    return {**told, "lastUpdateTime": stamp()} if progress else told
