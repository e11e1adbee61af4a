# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many Pods there are, and how many may be missing."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    Component,
    Context,
    Object,
    make,
    name_of,
    number_or_percent,
    selector_of,
)


def disruption_budget(component: Component, context: Context) -> Object:
    spec: Object = {
        "maxUnavailable": number_or_percent(component["disruption"]),
        # A Pod that does not work protects nothing: it must not hold up the drain of its node.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector_of(context, component)},
    }
    return make(context, "policy/v1", "PodDisruptionBudget", name_of(context, component), component, spec=spec)


def autoscalers(component: Component, context: Context) -> list[Object]:
    wanted = component["autoscaling"]
    if not wanted:
        return []
    name = name_of(context, component)
    spec: Object = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": wanted["min"],
        "maxReplicas": wanted["max"],
        "metrics": [_metric(kind, wanted[kind]) for kind in ("cpu", "memory") if wanted[kind]],
        "behavior": _behavior(wanted),
    }
    return [make(context, "autoscaling/v2", "HorizontalPodAutoscaler", name, component, spec=spec)]


def _metric(kind: str, percent: int) -> Object:
    return {
        "type": "Resource",
        "resource": {"name": kind, "target": {"type": "Utilization", "averageUtilization": percent}},
    }


def _behavior(wanted: Component) -> Object:
    """Quickly up, slowly down."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 30},
                {"type": "Pods", "value": 2, "periodSeconds": 30},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": wanted["scale_down_seconds"], "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 25, "periodSeconds": 60},
                {"type": "Pods", "value": 1, "periodSeconds": 60},
            ],
        },
    }  # fmt: skip
