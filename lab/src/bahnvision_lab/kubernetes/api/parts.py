"""Subresources that are not a part of the object itself: scale, logs, evictions, tokens."""

from __future__ import annotations

import copy
import uuid
from datetime import timedelta
from typing import Any

from bahnvision_lab.kubernetes.api.deletes import delete
from bahnvision_lab.kubernetes.api.identity import AUDIENCE, Tokens
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.selectors import selects
from bahnvision_lab.kubernetes.api.store import Object, Store
from bahnvision_lab.kubernetes.clock import now, stamp
from bahnvision_lab.kubernetes.status import ApiError, invalid, lacks, refused

BUDGETS = ("policy", "poddisruptionbudgets")
SHORTEST = 600


def scale_of(one: Object) -> Object:
    told, spec = one["metadata"], one["spec"]
    chosen = spec.get("selector") or {}
    text = ",".join(f"{key}={value}" for key, value in sorted((chosen.get("matchLabels") or {}).items()))
    keys = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {key: told[key] for key in keys},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": {"replicas": (one.get("status") or {}).get("replicas", 0), "selector": text},
    }  # fmt: skip


def scaled(one: Object, scale: Any) -> Object:
    """The object with the replicas that a Scale wants."""
    replicas = ((scale or {}).get("spec") or {}).get("replicas", 0)
    name = one["metadata"]["name"]
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise ApiError(
            400,
            'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal into Go struct '
            "field ScaleSpec.spec.replicas of type int32",
        )
    if replicas < 0:
        raise refused(
            "Scale", "autoscaling", name, [invalid("spec.replicas", replicas, "must be greater than or equal to 0")]
        )
    fresh = copy.deepcopy(one)
    fresh["spec"]["replicas"] = replicas
    version = ((scale or {}).get("metadata") or {}).get("resourceVersion")
    if version:
        fresh["metadata"]["resourceVersion"] = version
    return fresh


def log_of(one: Object, container: str) -> str:
    """What a kubelet says of a container that does not run; of one that does, the lab has nothing to tell."""
    name, names = one["metadata"]["name"], [told["name"] for told in one["spec"]["containers"]]
    if not container and len(names) > 1:
        raise ApiError(400, f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")
    wanted = container or names[0]
    if wanted not in names:
        raise ApiError(400, f"container {wanted} is not valid for pod {name}")
    statuses = (one.get("status") or {}).get("containerStatuses") or ()
    state = next((told["state"] for told in statuses if told["name"] == wanted), {"waiting": {"reason": "Pending"}})
    reason = (state.get("waiting") or {}).get("reason", "")
    words = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    if reason and reason != "CrashLoopBackOff":
        raise ApiError(400, f'container "{wanted}" in pod "{name}" is waiting to start: {words.get(reason, reason)}')
    raise lacks("output of containers: nothing runs in its Pods")


def evict(store: Store, resource: Resource, one: Object, choice: dict[str, Any]) -> None:
    """Delete a Pod, unless a disruption budget forbids it now."""
    told = one["metadata"]
    if (one.get("status") or {}).get("phase") not in ("Succeeded", "Failed", "Pending"):
        for budget in store.every(BUDGETS, told["namespace"]):
            if not selects(budget["spec"].get("selector"), told.get("labels") or {}):
                continue
            if (budget.get("status") or {}).get("disruptionsAllowed", 0) < 1:
                name = budget["metadata"]["name"]
                told_now = budget.get("status") or {}
                words = (f"The disruption budget {name} needs {told_now.get('desiredHealthy', 0)} healthy pods and has "
                         f"{told_now.get('currentHealthy', 0)} currently")  # fmt: skip
                causes = [{"reason": "DisruptionBudget", "message": words}]
                raise ApiError(429, "Cannot evict pod as it would violate the pod's disruption budget.",
                               details={"causes": causes})  # fmt: skip
            fresh = copy.deepcopy(budget)
            fresh["status"]["disruptionsAllowed"] -= 1
            store.put(BUDGETS, fresh)
    delete(store, resource, one, choice)


def token_request(tokens: Tokens, account: Object, body: Any, managers: list[Object]) -> Object:
    spec = (body or {}).get("spec") or {}
    seconds = spec.get("expirationSeconds", 3600)
    name = account["metadata"]["name"]
    if seconds < SHORTEST:
        problem = invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        raise refused("TokenRequest", "authentication.k8s.io", "", [problem])
    audiences = spec.get("audiences") or [AUDIENCE]
    return {
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": account["metadata"]["namespace"], "uid": str(uuid.uuid4()),
                     "creationTimestamp": stamp(), **({"managedFields": managers} if managers else {})},
        "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
        "status": {
            "token": tokens.issue(account, audiences, seconds),
            "expirationTimestamp": stamp(now() + timedelta(seconds=seconds)),
        },
    }  # fmt: skip
