"""What the API server fills in, kind by kind."""

from __future__ import annotations

import base64
from collections.abc import Callable

from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.objects.pod_defaults import Object, fill, pod, requests, template

GENERATION = "deprecated.daemonset.template.generation"


def apply_defaults(one: Object, group: str) -> None:
    """Fill in an object that may be changed."""
    filler = _FILLERS.get((group, one["kind"]))
    if filler:
        filler(one)


def _spec(one: Object) -> Object:
    return fill(one, spec={})["spec"]


def _pod(one: Object) -> None:
    pod(_spec(one))
    requests(one["spec"])
    fill(one["spec"], enableServiceLinks=True)


def _deployment(one: Object) -> None:
    spec = _spec(one)
    fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    strategy = fill(spec["strategy"], type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(fill(strategy, rollingUpdate={})["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
    template(spec)


def _replica_set(one: Object) -> None:
    template(fill(_spec(one), replicas=1))


def _stateful_set(one: Object) -> None:
    spec = _spec(one)
    fill(spec, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10, updateStrategy={})
    strategy = fill(spec["updateStrategy"], type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(fill(strategy, rollingUpdate={})["rollingUpdate"], partition=0)
    fill(spec, persistentVolumeClaimRetentionPolicy={})
    fill(spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        fill(claim, apiVersion="v1", kind="PersistentVolumeClaim")
        fill(_spec(claim), volumeMode="Filesystem")
        fill(fill(claim, status={})["status"], phase="Pending")
    template(spec)


def _daemon_set(one: Object) -> None:
    spec = _spec(one)
    fill(one["metadata"], annotations={})["annotations"].setdefault(
        GENERATION, str(one["metadata"].get("generation", 1))
    )
    fill(spec, revisionHistoryLimit=10, updateStrategy={})
    strategy = fill(spec["updateStrategy"], type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(fill(strategy, rollingUpdate={})["rollingUpdate"], maxSurge=0, maxUnavailable=1)
    template(spec)


def _job_spec(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        fill(spec, completions=1)
    fill(spec, parallelism=1, completionMode="NonIndexed", suspend=False, podReplacementPolicy="TerminatingOrFailed")
    if spec.get("podFailurePolicy"):
        spec["podReplacementPolicy"] = "Failed"
    fill(spec, backoffLimit=2147483647 if spec.get("backoffLimitPerIndex") is not None else 6)
    fill(spec, manualSelector=False)
    template(spec)


def _job(one: Object) -> None:
    _job_spec(_spec(one))


def _prepared_job(one: Object, before: Object | None) -> None:
    """Its Pods are found by its uid."""
    spec = one["spec"]
    uid = one["metadata"].get("uid", "")
    if uid and not spec.get("manualSelector") and before is None:
        name = one["metadata"].get("name", "")
        chosen = fill(fill(spec, selector={})["selector"], matchLabels={})["matchLabels"]
        chosen["batch.kubernetes.io/controller-uid"] = uid
        labels = fill(spec["template"]["metadata"], labels={})["labels"]
        for key in ("controller-uid", "batch.kubernetes.io/controller-uid"):
            labels[key] = uid
        for key in ("job-name", "batch.kubernetes.io/job-name"):
            labels[key] = name
        if not one["metadata"].get("labels"):
            one["metadata"]["labels"] = dict(labels)


def _cron_job(one: Object) -> None:
    spec = _spec(one)
    fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    inner = fill(fill(spec, jobTemplate={})["jobTemplate"], spec={})["spec"]
    # Defaults of the Job itself come when it is made; only its Pods' are told here.
    template(inner)


def _service(one: Object) -> None:
    spec = _spec(one)
    fill(spec, type="ClusterIP", sessionAffinity="None")
    kind = spec["type"]
    if spec["sessionAffinity"] == "ClientIP":
        fill(spec, sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}})
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP", targetPort=port.get("port"))
    if kind in ("NodePort", "LoadBalancer"):
        fill(spec, externalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        fill(spec, allocateLoadBalancerNodePorts=True)
    if kind != "ExternalName":
        fill(spec, internalTrafficPolicy="Cluster")


def _secret(one: Object) -> None:
    fill(one, type="Opaque")
    for key, value in (one.pop("stringData", None) or {}).items():
        fill(one, data={})["data"][key] = base64.b64encode(value.encode()).decode()


def _claim(one: Object) -> None:
    fill(_spec(one), volumeMode="Filesystem")


def _volume(one: Object) -> None:
    fill(_spec(one), persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")


def _namespace(one: Object) -> None:
    fill(one["metadata"], labels={})["labels"]["kubernetes.io/metadata.name"] = one["metadata"].get("name", "")


def _node(one: Object) -> None:
    _spec(one)


def _autoscaler(one: Object) -> None:
    spec = fill(_spec(one), minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None:
            _scaling(rules, direction)


def _scaling(rules: Object, direction: str) -> None:
    every = {"type": "Percent", "value": 100, "periodSeconds": 15}
    if direction == "scaleUp":
        policies = [{"type": "Pods", "value": 4, "periodSeconds": 15}, every]
        fill(rules, stabilizationWindowSeconds=0, selectPolicy="Max", policies=policies)
    else:
        fill(rules, selectPolicy="Max", policies=[every])


def _network_policy(one: Object) -> None:
    spec = _spec(one)
    fill(spec, podSelector={})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            fill(port, protocol="TCP")


def _binding(one: Object) -> None:
    fill(one.get("roleRef") or {}, apiGroup="rbac.authorization.k8s.io")
    for subject in one.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            fill(subject, apiGroup="rbac.authorization.k8s.io")


def _limit_range(one: Object) -> None:
    for limit in _spec(one).get("limits") or ():
        if limit.get("type") != "Container":
            continue
        for field, source in (("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")):
            for key, value in (limit.get(source) or {}).items():
                fill(limit, **{field: {}})[field].setdefault(key, value)


def _ingress_class(one: Object) -> None:
    parameters = _spec(one).get("parameters")
    if parameters:
        fill(parameters, scope="Cluster")


def _storage_class(one: Object) -> None:
    fill(one, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _driver(one: Object) -> None:
    fill(
        _spec(one), attachRequired=True, podInfoOnMount=False, storageCapacity=False, requiresRepublish=False,
        fsGroupPolicy="ReadWriteOnceWithFSType", volumeLifecycleModes=["Persistent"], seLinuxMount=False,
    )  # fmt: skip


def _priority(one: Object) -> None:
    fill(one, preemptionPolicy="PreemptLowerPriority")


def _crd(one: Object) -> None:
    spec = _spec(one)
    names = fill(spec, names={})["names"]
    fill(spec, conversion={"strategy": "None"})
    if names.get("kind"):
        fill(names, singular=names["kind"].lower(), listKind=f"{names['kind']}List")


def _slice(one: Object) -> None:
    for port in one.get("ports") or ():
        fill(port, name="", protocol="TCP")


def _endpoints(one: Object) -> None:
    for subset in one.get("subsets") or ():
        for port in subset.get("ports") or ():
            fill(port, protocol="TCP")


def prepare(one: Object, before: Object | None, group: str) -> None:
    """What the server puts in by itself: nobody is its manager."""
    kind = one["kind"]
    if (group, kind) == ("batch", "Job"):
        _prepared_job(one, before)
    if before is not None or group not in ("", "apiextensions.k8s.io"):
        return
    status = one.setdefault("status", {}) if kind in _BEGINNINGS else {}
    status |= _BEGINNINGS.get(kind, {})
    if kind == "Namespace":
        fill(_spec(one), finalizers=["kubernetes"])
    elif kind == "PersistentVolume":
        status["lastPhaseTransitionTime"] = stamp()
    elif kind == "CustomResourceDefinition":
        stored = [told["name"] for told in one["spec"].get("versions") or () if told.get("storage")]
        one["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}
    finalizer = _PROTECTED.get(kind)
    if finalizer and finalizer not in one["metadata"].get("finalizers", ()):
        one["metadata"]["finalizers"] = [*one["metadata"].get("finalizers", ()), finalizer]


_BEGINNINGS: dict[str, Object] = {
    "Namespace": {"phase": "Active"}, "Pod": {"phase": "Pending"}, "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Pending"},
}  # fmt: skip
_PROTECTED = {
    "PersistentVolumeClaim": "kubernetes.io/pvc-protection", "PersistentVolume": "kubernetes.io/pv-protection",
}  # fmt: skip
_FILLERS: dict[tuple[str, str], Callable[[Object], None]] = {
    ("", "Node"): _node,
    ("", "LimitRange"): _limit_range,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "Secret"): _secret,
    ("", "Namespace"): _namespace,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _volume,
    ("", "Endpoints"): _endpoints,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    ("rbac.authorization.k8s.io", "RoleBinding"): _binding,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _binding,
    ("networking.k8s.io", "IngressClass"): _ingress_class,
    ("storage.k8s.io", "StorageClass"): _storage_class,
    ("storage.k8s.io", "CSIDriver"): _driver,
    ("scheduling.k8s.io", "PriorityClass"): _priority,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("discovery.k8s.io", "EndpointSlice"): _slice,
}
