"""Namespaces, what each of them is given, aggregated roles, definitions, and the garbage collector."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.kubernetes.api.admission import NAMESPACES
from bahnvision_lab.kubernetes.api.deletes import collect, delete
from bahnvision_lab.kubernetes.api.permission import RBAC
from bahnvision_lab.kubernetes.api.store import name_of
from bahnvision_lab.kubernetes.controllers.hands import Hands, condition, is_going

Object = dict[str, Any]
ROLES = (RBAC, "clusterroles")
CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")
ROOT = "kube-root-ca.crt"


def step(hands: Hands) -> None:
    for one in hands.every(NAMESPACES):
        if is_going(one):
            _empty(hands, one)
        else:
            _furnish(hands, one)
    for one in hands.every(ROLES):
        if one.get("aggregationRule"):
            _aggregate(hands, one)
    for one in hands.every(CRDS):
        _establish(hands, one)
    while collect(hands.store, hands.cluster.catalogue.at):
        pass


def _furnish(hands: Hands, one: Object) -> None:
    space = one["metadata"]["name"]
    if not (one.get("status") or {}).get("phase"):
        hands.status(NAMESPACES, one, {"phase": "Active"})
    hands.cluster.put(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": space}}
    )
    if hands.cluster.setting.authority:
        hands.cluster.put({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ROOT, "namespace": space},
            "data": {"ca.crt": hands.cluster.setting.authority},
        })  # fmt: skip


def _empty(hands: Hands, one: Object) -> None:
    """Everything in it goes first; what has finalizers holds it up."""
    space, store = one["metadata"]["name"], hands.store
    with store.lock:
        inside = [(place, told) for place, told in store.everything() if told["metadata"].get("namespace") == space]
        for place, told in inside:
            if not is_going(told):
                delete(store, hands.cluster.catalogue.at(place), told, {"propagationPolicy": "Background"})
        left = [told for place, told in inside if store.find(place, *name_of(told)) is not None]
        if not left:
            current = store.find(NAMESPACES, "", space)
            if current is not None and not (current["metadata"].get("finalizers")):
                store.remove(NAMESPACES, current)
            return
    held = [told for told in left if told["metadata"].get("finalizers")]
    if held:
        had = one.get("status") or {}
        words = (
            "Some content in the namespace has finalizers remaining: "
            f"{', '.join(sorted({name for told in held for name in told['metadata']['finalizers']}))}"
        )
        conditions = [condition(had, "NamespaceFinalizersRemaining", True, "SomeFinalizersRemain", words)]
        hands.status(NAMESPACES, one, {"phase": "Terminating", "conditions": conditions})


def _aggregate(hands: Hands, one: Object) -> None:
    rules = hands.cluster.writer.admit.aggregated(one)
    if (one.get("rules") or []) != rules:
        hands.change(ROLES, one, lambda fresh: fresh.update(rules=rules))


def _establish(hands: Hands, one: Object) -> None:
    had, spec = one.get("status") or {}, one["spec"]
    told = {
        "acceptedNames": spec["names"],
        "storedVersions": [version["name"] for version in spec["versions"] if version.get("storage")],
        "conditions": [
            condition(had, "NamesAccepted", True, "NoConflicts", "no conflicts found"),
            condition(had, "Established", True, "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    }
    hands.status(CRDS, one, told)
