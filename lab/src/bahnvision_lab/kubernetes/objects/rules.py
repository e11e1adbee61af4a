"""Everything that is wrong with an object, in the API server's words and order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects import (
    cluster_rules,
    names,
    network_rules,
    other_rules,
    share_rules,
    volume_rules,
    workload_rules,
)
from bahnvision_lab.kubernetes.objects.shapes import Shape
from bahnvision_lab.kubernetes.status import Problem, required

Object = dict[str, Any]
Rule = Callable[[Object, Object | None], Iterator[Problem]]
RULES: dict[tuple[str, str], Rule] = {
    ("", "Pod"): workload_rules.pod, ("", "Service"): other_rules.service, ("", "ConfigMap"): other_rules.config_map,
    ("", "Secret"): other_rules.secret, ("", "PersistentVolumeClaim"): cluster_rules.claim,
    ("", "PersistentVolume"): volume_rules.volume, ("", "ResourceQuota"): share_rules.quota,
    ("", "LimitRange"): share_rules.limit_range, ("coordination.k8s.io", "Lease"): volume_rules.lease,
    ("storage.k8s.io", "CSIDriver"): volume_rules.driver, ("", "Event"): cluster_rules.event,
    ("", "ServiceAccount"): cluster_rules.service_account,
    ("apps", "Deployment"): workload_rules.deployment, ("apps", "ReplicaSet"): workload_rules.replica_set,
    ("apps", "StatefulSet"): workload_rules.stateful_set, ("apps", "DaemonSet"): workload_rules.daemon_set,
    ("batch", "Job"): workload_rules.job, ("batch", "CronJob"): workload_rules.cron_job,
    ("networking.k8s.io", "Ingress"): network_rules.ingress,
    ("networking.k8s.io", "IngressClass"): cluster_rules.ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): network_rules.network_policy,
    ("policy", "PodDisruptionBudget"): other_rules.disruption_budget,
    ("autoscaling", "HorizontalPodAutoscaler"): cluster_rules.autoscaler,
    ("rbac.authorization.k8s.io", "Role"): cluster_rules.role,
    ("rbac.authorization.k8s.io", "ClusterRole"): cluster_rules.role,
    ("rbac.authorization.k8s.io", "RoleBinding"): cluster_rules.binding,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): cluster_rules.binding,
    ("storage.k8s.io", "StorageClass"): other_rules.storage_class,
    ("scheduling.k8s.io", "PriorityClass"): cluster_rules.priority,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): cluster_rules.definition,
    ("discovery.k8s.io", "EndpointSlice"): cluster_rules.endpoint_slice,
}  # fmt: skip
# Required by the schema, but Go takes what is absent for empty, which is allowed; or a rule has words of its own.
TOLERATED = {
    ("StatefulSetSpec", "serviceName"),
    ("EndpointSlice", "endpoints"),
    ("HTTPIngressPath", "backend"),
    ("HTTPIngressPath", "pathType"),
    ("HTTPIngressRuleValue", "paths"),
    ("PriorityClass", "value"),
    ("StorageClass", "provisioner"),
    ("ControllerRevision", "revision"),
    ("Event", "metadata"),
    ("OwnerReference", "uid"),
    ("OwnerReference", "name"),
    ("OwnerReference", "kind"),
    ("OwnerReference", "apiVersion"),
}


def problems(one: Object, before: Object | None, group: str, shape: Shape | None) -> list[Problem]:
    """The kind's own rules first; what only the schema demands comes for fields that they say nothing of."""
    rule = RULES.get((group, one["kind"]))
    missing = list(_missing(shape, {key: value for key, value in one.items() if key != "status"}, "")) if shape else []
    structure = [one for one in missing if one.field in ("spec", "spec.template", "spec.selector", "spec.jobTemplate")]
    if structure and not one.get("spec"):
        return structure
    found = list(rule(one, before)) if rule else []
    told = {problem.field for problem in found}
    return found + [problem for problem in missing if problem.field not in told and not _inside(problem.field, told)]


def _inside(field: str, told: set[str]) -> bool:
    return any(field.startswith(f"{other}.") for other in told)


def _missing(shape: Shape, value: Any, at: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key in shape.required:
            if key not in value and (shape.struct, key) not in TOLERATED and "default" not in _own(shape, key):
                yield required(f"{at}.{key}" if at else key)
        for key, item in value.items():
            child = shape.child(key)
            if child is not None and key != "managedFields":
                yield from _missing(child, item, f"{at}.{key}" if at else key)
    elif isinstance(value, list) and shape.items is not None:
        for number, item in enumerate(value):
            yield from _missing(shape.items, item, f"{at}[{number}]")


def _own(shape: Shape, key: str) -> dict[str, Any]:
    raw = shape.raw.get("properties", {}).get(key, {})
    # A default of "" or {} is Go's zero value, which a rule would refuse; it excuses nothing.
    return raw if raw.get("default") not in ("", {}, None) else {}


def metadata_problems(one: Object, namespaced: bool, is_custom: bool) -> list[Problem]:
    return names.metadata(one, namespaced, is_custom)
