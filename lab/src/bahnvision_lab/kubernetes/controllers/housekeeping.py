"""Namespaces, what each of them is given, aggregated roles, definitions, and the garbage collector."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bahnvision_lab.kubernetes.api import shares
from bahnvision_lab.kubernetes.api.admission import NAMESPACES
from bahnvision_lab.kubernetes.api.deletes import collect, delete
from bahnvision_lab.kubernetes.api.permission import RBAC
from bahnvision_lab.kubernetes.api.store import Place, name_of
from bahnvision_lab.kubernetes.controllers.hands import MANAGER, Hands, condition, is_going
from bahnvision_lab.kubernetes.objects.quantity import amount
from bahnvision_lab.kubernetes.status import qualified

Object = dict[str, Any]
ROLES = (RBAC, "clusterroles")
CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")
SERVER = "kube-apiserver"
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
    for one in hands.every(shares.QUOTAS):
        _count(hands, one)
    while collect(hands.store, hands.cluster.catalogue.at):
        pass


def _count(hands: Hands, one: Object) -> None:
    """What is added the API server counts when it lets it in; a controller counts from time to time."""
    now, had = shares.used(hands.store, one), (one.get("status") or {}).get("used") or {}
    more = had.keys() == now.keys() and any(amount(now[key]) > amount(had[key]) for key in now)
    status = {"hard": one["spec"].get("hard") or {}, "used": now}
    hands.status(shares.QUOTAS, one, status, SERVER if more else MANAGER)


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
    held = [(place, told) for place, told in inside if told in left and told["metadata"].get("finalizers")]
    if held:
        hands.status(NAMESPACES, one, {"phase": "Terminating", "conditions": _remaining(one.get("status") or {}, held)})


def _remaining(had: Object, held: list[tuple[Place, Object]]) -> list[Object]:
    """What holds a namespace up, by kind and by finalizer, as its controller says it."""
    kinds = Counter(qualified(place[1], place[0]) for place, _told in held)
    names = Counter(name for _place, told in held for name in told["metadata"]["finalizers"])
    content = ", ".join(f"{kind}. has {count} resource instances" for kind, count in sorted(kinds.items()))
    final = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(names.items()))
    good = [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions",
         "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"),
    ]  # fmt: skip
    return [
        *(condition(had, kind, False, reason, words) for kind, reason, words in good),
        condition(had, "NamespaceContentRemaining", True, "SomeResourcesRemain",
                  f"Some resources are remaining: {content}"),
        condition(had, "NamespaceFinalizersRemaining", True, "SomeFinalizersRemain",
                  f"Some content in the namespace has finalizers remaining: {final}"),
    ]  # fmt: skip


def _aggregate(hands: Hands, one: Object) -> None:
    rules = hands.cluster.writer.admit.aggregated(one)
    if (one.get("rules") or []) != rules:
        hands.change(ROLES, one, lambda fresh: fresh.update(rules=rules or None))


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
    hands.status(CRDS, one, told, SERVER)
