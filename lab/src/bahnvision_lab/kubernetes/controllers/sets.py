"""StatefulSets and DaemonSets."""

from __future__ import annotations

import copy
from typing import Any

from bahnvision_lab.kubernetes.controllers.hands import NODES, PODS, Hands, child, digest, is_going, is_ready
from bahnvision_lab.kubernetes.controllers.scheduler import is_node_ready, tolerates

Object = dict[str, Any]
STATEFUL, DAEMONS, CLAIMS = ("apps", "statefulsets"), ("apps", "daemonsets"), ("", "persistentvolumeclaims")
REVISION = "controller-revision-hash"
# Daemons run on nodes that take nobody else.
DAEMON_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
    for name, effect in (("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
                         ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"),
                         ("unschedulable", "NoSchedule"))
]  # fmt: skip


def step(hands: Hands) -> None:
    for one in hands.every(STATEFUL):
        if not is_going(one):
            _stateful(hands, one)
    for one in hands.every(DAEMONS):
        if not is_going(one):
            _daemons(hands, one)


def _pod(one: Object, name: str, labels: dict[str, str], spec: Object) -> Object:
    template = one["spec"]["template"]
    whole = {**(template["metadata"].get("labels") or {}), **labels}
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": child(one, name, whole, template["metadata"].get("annotations"))}  # fmt: skip


def _stateful(hands: Hands, one: Object) -> None:
    spec, name = one["spec"], one["metadata"]["name"]
    revision = f"{name}-{digest(spec['template'])}"
    pods = {pod["metadata"]["name"]: pod for pod in hands.owned(PODS, one)}
    ordered = spec["podManagementPolicy"] == "OrderedReady"
    rolls = spec["updateStrategy"]["type"] == "RollingUpdate"
    start = (spec.get("ordinals") or {}).get("start", 0)
    for at in range(start, start + spec["replicas"]):
        pod = pods.get(f"{name}-{at}")
        if pod is None:
            _member(hands, one, at, revision)
        if ordered and (pod is None or not is_ready(pod)):
            break
    wanted = {f"{name}-{at}" for at in range(start, start + spec["replicas"])}
    for pod_name in sorted(pods, key=lambda told: int(told.rpartition("-")[2]), reverse=True):
        pod = pods[pod_name]
        old = pod["metadata"]["labels"].get(REVISION) != revision
        outdated = (
            rolls
            and old
            and int(pod_name.rpartition("-")[2]) >= spec["updateStrategy"].get("rollingUpdate", {}).get("partition", 0)
        )
        if not is_going(pod) and (pod_name not in wanted or outdated):
            hands.delete(PODS, pod)
            break
        if ordered and not is_ready(pod):
            break
    _stateful_status(hands, one, revision)


def _member(hands: Hands, one: Object, at: int, revision: str) -> None:
    spec, name = one["spec"], f"{one['metadata']['name']}-{at}"
    inner = copy.deepcopy(spec["template"]["spec"])
    volumes = list(inner.get("volumes") or ())
    for claim in spec.get("volumeClaimTemplates") or ():
        kind = claim["metadata"]["name"]
        space = one["metadata"]["namespace"]
        if hands.store.find(CLAIMS, space, f"{kind}-{name}") is None:
            labels = (spec["selector"].get("matchLabels")) or {}
            hands.make({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": copy.deepcopy(claim["spec"]),
                        "metadata": {"name": f"{kind}-{name}", "namespace": space, "labels": labels}})  # fmt: skip
        volumes.append({"name": kind, "persistentVolumeClaim": {"claimName": f"{kind}-{name}"}})
    labels = {REVISION: revision, "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(at)}
    hands.make(_pod(one, name, labels, {**inner, "volumes": volumes, "hostname": name}))


def _stateful_status(hands: Hands, one: Object, revision: str) -> None:
    pods = [pod for pod in hands.owned(PODS, one) if not is_going(pod)]
    ready = sum(is_ready(pod) for pod in pods)
    updated = sum(pod["metadata"]["labels"].get(REVISION) == revision for pod in pods)
    had = one.get("status") or {}
    done = updated == len(pods) == one["spec"]["replicas"] == ready
    current = revision if done else had.get("currentRevision", revision)
    hands.status(STATEFUL, one, {
        "observedGeneration": one["metadata"]["generation"], "replicas": len(pods), "readyReplicas": ready,
        "availableReplicas": ready, "updatedReplicas": updated, "updateRevision": revision, "currentRevision": current,
        "currentReplicas": sum(pod["metadata"]["labels"].get(REVISION) == current for pod in pods), "collisionCount": 0,
    })  # fmt: skip


def _daemons(hands: Hands, one: Object) -> None:
    spec = one["spec"]
    revision = digest(spec["template"])
    inner = copy.deepcopy(spec["template"]["spec"])
    inner["tolerations"] = [*(inner.get("tolerations") or ()), *DAEMON_TOLERATIONS]
    nodes = {node["metadata"]["name"] for node in hands.every(NODES) if _takes(node, inner)}
    pods = {pod["spec"].get("nodeName"): pod for pod in hands.owned(PODS, one) if not is_going(pod)}
    for name in sorted(nodes - pods.keys()):
        hands.make(_pod(one, f"{one['metadata']['name']}-", {REVISION: revision}, {**inner, "nodeName": name}))
    old = [pod for name, pod in pods.items() if name not in nodes]
    outdated = [
        pod for name, pod in pods.items() if name in nodes and pod["metadata"]["labels"].get(REVISION) != revision
    ]
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        old += (
            outdated[:1]
            if all(is_ready(pod) for pod in pods.values())
            else [pod for pod in outdated if not is_ready(pod)]
        )
    for pod in old:
        hands.delete(PODS, pod)
    living = [pod for pod in hands.owned(PODS, one) if not is_going(pod)]
    ready = sum(is_ready(pod) for pod in living)
    told = {
        "observedGeneration": one["metadata"]["generation"], "currentNumberScheduled": len(living),
        "desiredNumberScheduled": len(nodes), "numberMisscheduled": 0, "numberReady": ready,
    }  # fmt: skip
    updated = sum(pod["metadata"]["labels"].get(REVISION) == revision for pod in living)
    if updated:
        told["updatedNumberScheduled"] = updated
    if ready:
        told["numberAvailable"] = ready
    if len(nodes) > ready:
        told["numberUnavailable"] = len(nodes) - ready
    hands.status(DAEMONS, one, told)


def _takes(node: Object, spec: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    if not is_node_ready(node) or is_going(node):
        return False
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    taints = [taint for taint in node["spec"].get("taints") or () if taint["effect"] != "PreferNoSchedule"]
    return all(tolerates({"spec": spec}, taint) for taint in taints)
