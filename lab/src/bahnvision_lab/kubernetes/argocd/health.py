"""How healthy Argo CD calls an object, and an Application of many.

https://argo-cd.readthedocs.io/en/stable/operator-manual/health/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bahnvision_lab.kubernetes.argocd.model import Object

ORDER = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
Told = tuple[str, str]  # health and message
GOOD: Told = ("Healthy", "")


def worst(healths: Iterable[str]) -> str:
    return max(healths, key=ORDER.index, default="Healthy")


def health(one: Object) -> Told:
    if one["metadata"].get("deletionTimestamp"):
        return "Progressing", "Pending deletion"
    return _KINDS.get(one["kind"], _by_condition)(one)


def _conditions(one: Object) -> dict[str, dict[str, Any]]:
    return {told["type"]: told for told in (one.get("status") or {}).get("conditions") or ()}


def _seen(one: Object) -> bool:
    return (one.get("status") or {}).get("observedGeneration", 0) >= one["metadata"].get("generation", 0)


def _deployment(one: Object) -> Told:
    status, wanted = one.get("status") or {}, one["spec"].get("replicas", 1)
    if one["spec"].get("paused"):
        return "Suspended", "Deployment is paused"
    if not _seen(one):
        return "Progressing", "Waiting for rollout to finish: observed deployment generation less than desired"
    progress = _conditions(one).get("Progressing") or {}
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return "Degraded", f'Deployment "{one["metadata"]["name"]}" exceeded its progress deadline'
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return "Progressing", f"Waiting for rollout to finish: {updated} out of {wanted} new replicas have been updated"
    if status.get("replicas", 0) > updated or available < updated:
        return "Progressing", f"Waiting for rollout to finish: {available} of {updated} updated replicas are available"
    return GOOD


def _set(one: Object) -> Told:
    status = one.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0) if one["kind"] == "DaemonSet" else one["spec"].get("replicas", 1)
    ready = status.get("numberReady" if one["kind"] == "DaemonSet" else "readyReplicas", 0)
    if not _seen(one) or ready < wanted:
        return "Progressing", f"Waiting for {one['kind']} rollout to finish: {ready} of {wanted} are ready"
    return GOOD


def _job(one: Object) -> Told:
    conditions = _conditions(one)
    for kind, told in (("Failed", "Degraded"), ("Complete", "Healthy"), ("Suspended", "Suspended")):
        if (conditions.get(kind) or {}).get("status") == "True":
            return told, conditions[kind].get("message", "")
    return "Progressing", "Job is running"


def _addressed(one: Object) -> Told:
    balanced = one["kind"] == "Ingress" or one["spec"].get("type") == "LoadBalancer"
    if balanced and not ((one.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return "Progressing", "Waiting for the load balancer's address"
    return GOOD


def _claim(one: Object) -> Told:
    phase = (one.get("status") or {}).get("phase", "Pending")
    return {"Bound": GOOD, "Lost": ("Degraded", "")}.get(phase, ("Progressing", f"{phase} claim"))


def _by_condition(one: Object) -> Told:
    """External Secrets tells by its condition Ready; what has no condition is healthy by being there."""
    ready = _conditions(one).get("Ready") if one["apiVersion"].startswith("external-secrets.io/") else None
    if ready is not None and ready["status"] != "True":
        return "Degraded", ready.get("message", "")
    return GOOD


_KINDS: dict[str, Callable[[Object], Told]] = {
    "Deployment": _deployment, "StatefulSet": _set, "DaemonSet": _set, "Job": _job, "Ingress": _addressed,
    "Service": _addressed, "PersistentVolumeClaim": _claim,
}  # fmt: skip
