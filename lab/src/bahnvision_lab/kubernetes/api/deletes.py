"""Deletion: what goes at once, what waits for finalizers, and what goes with its owner."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from bahnvision_lab.kubernetes.api.admission import NAMESPACES, PERMANENT
from bahnvision_lab.kubernetes.api.apply import tracked
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object, Place, Store, name_of
from bahnvision_lab.kubernetes.clock import now, stamp
from bahnvision_lab.kubernetes.status import ApiError, refused, unsupported

POLICIES = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


def delete(store: Store, resource: Resource, one: Object, choice: dict[str, Any]) -> tuple[Object, bool]:
    """Return the object and whether it is gone already. The caller holds the lock."""
    told = one["metadata"]
    _check(resource, told, choice)
    if choice.get("dryRun"):
        return one, True
    fresh = copy.deepcopy(one)
    finalizers = [name for name in fresh["metadata"].get("finalizers") or () if name not in POLICIES.values()]
    policy = choice.get("propagationPolicy") or ("Orphan" if choice.get("orphanDependents") else "")
    if policy in POLICIES:
        finalizers.append(POLICIES[policy])
    elif not policy and "orphan" in (told.get("finalizers") or ()):
        finalizers.append("orphan")
    grace = _grace(resource, one, choice)
    waits = bool(finalizers) or grace > 0 or (resource.place == NAMESPACES and fresh["spec"].get("finalizers"))
    if not waits:
        return store.remove(resource.place, one), True
    if finalizers:
        fresh["metadata"]["finalizers"] = finalizers
    if told.get("deletionTimestamp") is None:
        fresh["metadata"] |= {
            "deletionTimestamp": stamp(now() + timedelta(seconds=grace)),
            **({"deletionGracePeriodSeconds": grace} if resource.place != NAMESPACES else {}),
        }  # fmt: skip
        if "generation" in told:
            fresh["metadata"]["generation"] = told["generation"] + 1
    if resource.place == NAMESPACES:
        fresh.setdefault("status", {})["phase"] = "Terminating"
    return (one if fresh == one else store.put(resource.place, fresh)), False


def _check(resource: Resource, told: Object, choice: dict[str, Any]) -> None:
    if resource.place == NAMESPACES and told["name"] in PERMANENT[:3]:
        raise ApiError(403, f'namespaces "{told["name"]}" is forbidden: this namespace may not be deleted')
    dry = choice.get("dryRun") or []
    if any(one != "All" for one in ([dry] if isinstance(dry, str) else dry)):
        problem = unsupported("dryRun", [dry] if isinstance(dry, str) else dry, ("All",))
        raise refused("DeleteOptions", "meta.k8s.io", "", [problem])
    policy = choice.get("propagationPolicy")
    if policy not in (None, "", "Background", *POLICIES):
        problem = unsupported("propagationPolicy", policy, ("Background", "Foreground", "Orphan", "nil"))
        raise refused("DeleteOptions", "meta.k8s.io", "", [problem])
    wanted = choice.get("preconditions") or {}
    for key, word, why in (
        ("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified"),
    ):  # fmt: skip
        if wanted.get(key) not in (None, told[key]):
            raise ApiError(
                409,
                f'Operation cannot be fulfilled on {resource.kind} "{told["name"]}": the {word} in the precondition '
                f"({wanted[key]}) does not match the {word} in record ({told[key]}). The object might have been {why}",
            )


def _grace(resource: Resource, one: Object, choice: dict[str, Any]) -> int:
    """Only Pods that a kubelet has are given time."""
    if resource.place != ("", "pods") or not one["spec"].get("nodeName"):
        return 0
    if (one.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    asked = choice.get("gracePeriodSeconds")
    return int(one["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)


def owners(one: Object) -> list[str]:
    return [told["uid"] for told in one["metadata"].get("ownerReferences") or ()]


def collect(store: Store, resource_at: Any) -> bool:
    """One round of the garbage collector; return whether anything was done."""
    with store.lock:
        every = list(store.everything())
        living = {one["metadata"]["uid"]: one for _place, one in every}
        done = False
        for place, one in every:
            owned_by = owners(one)
            orphaned = bool(owned_by) and not any(uid in living for uid in owned_by)
            if orphaned and one["metadata"].get("deletionTimestamp") is None:
                delete(store, resource_at(place), one, {"propagationPolicy": "Background"})
                done = True
        for place, one in every:
            if one["metadata"].get("deletionTimestamp"):
                done |= _dependents(store, resource_at, place, one, every)
        return done


def _dependents(store: Store, resource_at: Any, place: Place, one: Object, every: list[tuple[Place, Object]]) -> bool:
    """Foreground and orphan: the owner waits for its dependents."""
    finalizers = one["metadata"].get("finalizers") or ()
    uid = one["metadata"]["uid"]
    mine: list[tuple[Place, Object]] = [
        (at, told) for at, told in every if uid in owners(told) and store.find(at, *name_of(told)) is not None
    ]
    if "orphan" in finalizers:
        for at, told in mine:
            fresh = copy.deepcopy(told)
            kept = [ref for ref in told["metadata"]["ownerReferences"] if ref["uid"] != one["metadata"]["uid"]]
            fresh["metadata"]["ownerReferences"] = kept
            if not kept:
                del fresh["metadata"]["ownerReferences"]
            managers = tracked(resource_at(at).shape, told, fresh, "kube-controller-manager", "")
            fresh["metadata"].pop("managedFields", None)
            fresh["metadata"] |= {"managedFields": managers} if managers else {}
            store.put(at, fresh)
        return _release(store, place, one, "orphan")
    if "foregroundDeletion" not in finalizers:
        return False
    blocking = [(at, told) for at, told in mine if _blocks(told, one)]
    if not blocking:
        return _release(store, place, one, "foregroundDeletion")
    done = False
    for at, told in mine:
        if told["metadata"].get("deletionTimestamp") is None:
            delete(store, resource_at(at), told, {"propagationPolicy": "Foreground"})
            done = True
    return done


def _blocks(told: Object, owner: Object) -> bool:
    return any(ref["uid"] == owner["metadata"]["uid"] and ref.get("blockOwnerDeletion")
               for ref in told["metadata"].get("ownerReferences") or ())  # fmt: skip


def _release(store: Store, place: Any, one: Object, finalizer: str) -> bool:
    """Take a finalizer away; the object goes with its last one."""
    current = store.find(place, *name_of(one))
    if current is None:
        return False
    fresh = copy.deepcopy(current)
    left = [name for name in fresh["metadata"].get("finalizers") or () if name != finalizer]
    fresh["metadata"]["finalizers"] = left
    if left:
        store.put(place, fresh)
    else:
        del fresh["metadata"]["finalizers"]
        store.remove(place, fresh)
    return True
