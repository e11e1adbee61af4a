"""What the API server refuses of volumes and their drivers, and of leases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.status import Problem, invalid, required, unsupported

Object = dict[str, Any]
POLICIES = ("Delete", "Recycle", "Retain")
# All else of a volume's spec is the kind of volume it is.
COMMON = frozenset({
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
})  # fmt: skip


def volume(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")
    if "storage" not in (spec.get("capacity") or {}) or len(spec["capacity"]) > 1:
        yield unsupported("spec.capacity", spec.get("capacity"), ("storage",))
    if spec["persistentVolumeReclaimPolicy"] not in POLICIES:
        yield unsupported("spec.persistentVolumeReclaimPolicy", spec["persistentVolumeReclaimPolicy"], POLICIES)
    if not spec.keys() - COMMON:
        yield required("spec", "must specify a volume type")


def driver(one: Object, before: Object | None) -> Iterator[Problem]:
    for mode in one["spec"].get("volumeLifecycleModes") or ():
        if mode not in ("Ephemeral", "Persistent"):
            yield unsupported("spec.volumeLifecycleModes", mode, ("Ephemeral", "Persistent"))


def lease(one: Object, before: Object | None) -> Iterator[Problem]:
    for key in ("leaseDurationSeconds",):
        value = one["spec"].get(key)
        if value is not None and value <= 0:
            yield invalid(f"spec.{key}", value, "must be greater than 0")
