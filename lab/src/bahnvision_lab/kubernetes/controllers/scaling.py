"""Horizontal autoscalers and disruption budgets."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.kubernetes.api.selectors import selects
from bahnvision_lab.kubernetes.controllers.hands import PODS, Hands, condition, is_going, is_ready, phase, share

Object = dict[str, Any]
SCALERS, BUDGETS = ("autoscaling", "horizontalpodautoscalers"), ("policy", "poddisruptionbudgets")
TARGETS = {("apps/v1", "Deployment"): ("apps", "deployments"), ("apps/v1", "StatefulSet"): ("apps", "statefulsets"),
           ("apps/v1", "ReplicaSet"): ("apps", "replicasets")}  # fmt: skip
SERVER = {"app.kubernetes.io/name": "metrics-server"}


def step(hands: Hands) -> None:
    for one in hands.every(SCALERS):
        if not is_going(one):
            _scale(hands, one)
    for one in hands.every(BUDGETS):
        if not is_going(one):
            _budget(hands, one)


def _scale(hands: Hands, one: Object) -> None:
    """Nothing runs, so nothing is measured: the target is only kept between the least and the most."""
    spec, had = one["spec"], one.get("status") or {}
    reference = spec["scaleTargetRef"]
    place = TARGETS.get((reference.get("apiVersion", ""), reference["kind"]))
    target = hands.store.find(place, one["metadata"]["namespace"], reference["name"]) if place else None
    if target is None or place is None:
        words = (
            "the HPA controller was unable to get the target's current scale: "
            f'{reference["kind"]} "{reference["name"]}" not found'
        )
        conditions = [condition(had, "AbleToScale", False, "FailedGetScale", words)]
        hands.status(SCALERS, one, {**had, "desiredReplicas": 0, "currentReplicas": 0, "conditions": conditions})
        return
    current = target["spec"].get("replicas", 1)
    wanted = current if current == 0 else min(max(current, spec["minReplicas"]), spec["maxReplicas"])
    if wanted != current:
        hands.change(place, target, lambda fresh: fresh["spec"].update(replicas=wanted))
    conditions = [
        condition(
            had,
            "AbleToScale",
            True,
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
    ]
    conditions.append(_measured(hands, had, current))
    hands.status(
        SCALERS,
        one,
        {
            "currentReplicas": current,
            "desiredReplicas": wanted,
            "conditions": conditions,
        },
    )


def _measured(hands: Hands, had: Object, current: int) -> Object:
    if current == 0:
        return condition(
            had,
            "ScalingActive",
            False,
            "ScalingDisabled",
            "scaling is disabled since the replica count of the target is zero",
        )
    server = any(is_ready(pod) for pod in hands.every(PODS, "kube-system")
                 if selects({"matchLabels": SERVER}, pod["metadata"].get("labels") or {}))  # fmt: skip
    if server:
        return condition(
            had, "ScalingActive", True, "ValidMetricFound", "the HPA was able to successfully calculate a replica count"
        )
    words = (
        "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for "
        "resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested "
        "resource (get pods.metrics.k8s.io)"
    )
    return condition(had, "ScalingActive", False, "FailedGetResourceMetric", words)


def _budget(hands: Hands, one: Object) -> None:
    spec, had = one["spec"], one.get("status") or {}
    pods = [pod for pod in hands.every(PODS, one["metadata"]["namespace"])
            if selects(spec.get("selector"), pod["metadata"].get("labels") or {})
            and phase(pod) not in ("Succeeded", "Failed") and not is_going(pod)]  # fmt: skip
    healthy, expected = sum(is_ready(pod) for pod in pods), len(pods)
    if spec.get("maxUnavailable") is not None:
        desired = expected - share(spec["maxUnavailable"], expected, up=True)
    else:
        desired = share(spec.get("minAvailable", 0), expected, up=True)
    desired = max(0, desired)
    allowed = max(0, healthy - desired) if expected else 0
    reason = "SufficientPods" if allowed else "InsufficientPods"
    hands.status(BUDGETS, one, {
        "observedGeneration": one["metadata"]["generation"], "currentHealthy": healthy, "desiredHealthy": desired,
        "expectedPods": expected, "disruptionsAllowed": allowed,
        "conditions": [{**condition(had, "DisruptionAllowed", bool(allowed), reason, ""),
                        "observedGeneration": one["metadata"]["generation"]}],
    })  # fmt: skip
