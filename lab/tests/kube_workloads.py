"""Conversations that two servers are held against each other by: every kind stored and changed, workloads, shares."""

from __future__ import annotations

from typing import Any

from kube_compare import Talk, plain
from kube_flows import CORE, DEPLOYMENTS, MAPS, MERGE, NS, Flow, config
from kube_objects import (
    BIND,
    CBIND,
    CM,
    CRD,
    CROLE,
    CRON,
    DS,
    HPA,
    IC,
    ING,
    JOB,
    LEASE,
    LIMITS,
    NP,
    NS1,
    PC,
    PDB,
    PLACES,
    PODS,
    PVC,
    QUOTA,
    ROLE,
    SA,
    SC,
    SECRET,
    SLICE,
    STS,
    SVC,
    D,
)
from kube_world import APPS, BATCH, changed, deployment

Changes = dict[str, Any]
IDLE = changed(D, "spec.replicas", 0)
# Each kind, and what a client tries to change of it, one at a time.
STORED: list[tuple[dict[str, Any], Changes]] = [
    (CM, {"data": {"a": "2"}, "immutable": True}),
    (SECRET, {"data": {"b": "YQ=="}, "type": "lab.example/other"}),
    (SVC, {"spec.clusterIP": "10.100.9.9", "spec.ports.0.port": 81, "spec.type": "NodePort"}),
    (SA, {"automountServiceAccountToken": False}),
    (PVC, {"spec.resources.requests.storage": "2Gi", "spec.accessModes": ["ReadWriteMany"]}),
    (QUOTA, {"spec.hard.pods": "3"}), (LIMITS, {"spec.limits.0.max.cpu": "3"}),
    (IDLE, {"spec.selector.matchLabels.app": "y", "spec.paused": True, "metadata.labels": {"a": "b"}}),
    (changed(STS, "spec.replicas", 0), {"spec.serviceName": "other", "spec.podManagementPolicy": "Parallel"}),
    (DS, {"spec.selector.matchLabels.app": "y", "spec.minReadySeconds": 3}),
    (changed(JOB, "spec.suspend", True), {"spec.completions": 5, "spec.parallelism": 2,
                                          "spec.template.spec.restartPolicy": "OnFailure"}),
    (CRON, {"spec.schedule": "1 2 * * *", "spec.suspend": True}),
    (ING, {"spec.ingressClassName": "alb"}), (NP, {"spec.policyTypes": ["Egress"]}), (PDB, {"spec.minAvailable": 2}),
    (HPA, {"spec.maxReplicas": 9}), (ROLE, {"rules": []}), (BIND, {"roleRef.name": "y", "subjects": []}),
    (LEASE, {"spec.holderIdentity": "b"}), (SLICE, {"addressType": "IPv6", "endpoints": []}),
    (CROLE, {"rules": []}), (CBIND, {"roleRef.name": "y"}), (IC, {"spec.controller": "a.example/b"}),
    (SC, {"allowVolumeExpansion": True, "provisioner": "other", "reclaimPolicy": "Retain"}),
    (PC, {"value": 11, "globalDefault": False, "description": "d"}), (NS1, {"metadata.labels": {"a": "b"}}),
    (CRD, {"spec.names.shortNames": ["t"], "spec.scope": "Cluster"}),
]  # fmt: skip


def stored(one: dict[str, Any], changes: Changes) -> Flow:
    """Make, read, change and delete one object. Its status is its controller's affair, and told elsewhere."""

    def flow(t: Talk) -> None:
        place = PLACES[one["kind"]].replace("/namespaces/default", NS)
        name = one["metadata"]["name"]
        t("create", "POST", place, one, fieldManager="we")
        if one["kind"] == "CustomResourceDefinition":
            t.until(f"{place}/{name}", lambda found: "Established" in str(found.get("status")), "the definition")
        for path, value in changes.items():
            body = _patch(path, value)
            t(f"change {path}", "PATCH", f"{place}/{name}", body, "application/json-patch+json", fieldManager="we",
              dryRun="All")  # fmt: skip
        t("delete", "DELETE", f"{place}/{name}", {"propagationPolicy": "Background"})

    return flow


def _patch(path: str, value: Any) -> list[dict[str, Any]]:
    """Statuses may have been written meanwhile: only the field is named."""
    return [{"op": "add", "path": "/" + path.replace("/", "~1").replace(".", "/"), "value": value}]


def _ready(t: Talk, label: str, count: int) -> None:
    """Do what a kubelet does: the Pods of a label become ready."""
    pods = t.until(f"{CORE}{NS}/pods", lambda all_: len(_of(all_, label)) == count, f"{count} Pods of {label}")
    for pod in _of(pods, label):
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
                      for kind in ("Ready", "ContainersReady")]  # fmt: skip
        body = {"status": {"phase": "Running", "conditions": conditions, "startTime": "2026-01-01T00:00:00Z"}}
        t.quiet("PATCH", f"{CORE}{NS}/pods/{pod['metadata']['name']}/status", body,
                "application/strategic-merge-patch+json")  # fmt: skip


def _of(pods: Any, label: str) -> list[Any]:
    return [one for one in pods["items"] if label in (one["metadata"].get("labels") or {}).values()
            and not one["metadata"].get("deletionTimestamp")]  # fmt: skip


def _ended(t: Talk, label: str, phase: str) -> None:
    pods = t.until(f"{CORE}{NS}/pods", lambda all_: bool(_of(all_, label)), f"a Pod of {label}")
    code = 0 if phase == "Succeeded" else 1
    over = {"exitCode": code, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z"}
    for pod in _of(pods, label):
        if pod["status"].get("phase") not in ("Succeeded", "Failed"):
            body = {"status": {"phase": phase, "containerStatuses": [
                {"name": "c", "image": "b", "imageID": "", "ready": False, "restartCount": 0,
                 "state": {"terminated": over}}]}}  # fmt: skip
            t.quiet("PATCH", f"{CORE}{NS}/pods/{pod['metadata']['name']}/status", body, MERGE)


def _conditions(one: Any) -> dict[str, str]:
    return {told["type"]: told["status"] for told in one.get("status", {}).get("conditions") or ()}


def _status(one: Any) -> Any:
    """Conditions by their kind: their order is nobody's promise; a made name in a message is not either."""
    found = dict(one["status"])
    if "conditions" in found:
        found["conditions"] = {told["type"]: {key: value for key, value in told.items() if key != "type"}
                               for told in found["conditions"]}  # fmt: skip
    name = one["metadata"]["name"]
    for told in found.get("conditions", {}).values():
        words = told.get("message", "").split('"')
        told["message"] = '"'.join(f"{name}-<hash>" if word.startswith(f"{name}-") else word for word in words)
    return plain(found)


def rollout(t: Talk) -> None:
    at = f"{DEPLOYMENTS}/web"
    t.quiet("POST", DEPLOYMENTS, deployment("web"))
    begun = t.until(at, lambda one: len(_conditions(one)) == 2 and one["status"].get("replicas") == 2
                    and "is progressing" in str(one["status"]["conditions"]), "the first conditions")  # fmt: skip
    t.fact("begun", _status(begun))
    _ready(t, "web", 2)
    done = t.until(at, lambda one: _conditions(one).get("Available") == "True"
                   and one["status"].get("availableReplicas") == 2
                   and "has successfully progressed" in str(one["status"]["conditions"]), "the roll-out")  # fmt: skip
    t.fact("done", _status(done))
    t.fact("annotations", done["metadata"]["annotations"])
    t("scale", "GET", f"{at}/scale")
    t("no scale", "PUT", f"{at}/scale", {"metadata": {"name": "web", "namespace": t.space}, "spec": {"replicas": -1}})
    t("scale to one", "PATCH", f"{at}/scale", {"spec": {"replicas": 1}}, MERGE)
    t.until(at, lambda one: one["status"].get("replicas") == 1, "one Pod")
    t.quiet("PATCH", at, {"spec": {"template": {"metadata": {"labels": {"v": "2"}}}}}, MERGE)
    half = t.until(at, lambda one: one["status"].get("updatedReplicas") == 1 and one["status"]["replicas"] == 2,
                   "the new Pod")  # fmt: skip
    told = _status(half)
    # NewReplicaSetCreated or ReplicaSetUpdated: whether its controller saw a state between is chance.
    told["conditions"].pop("Progressing")
    t.fact("half", told)
    sets = t.quiet("GET", f"{APPS}{NS}/replicasets")["items"]
    told = sorted((one["metadata"]["annotations"]["deployment.kubernetes.io/revision"], one["spec"]["replicas"],
                   one["status"].get("replicas")) for one in sets)  # fmt: skip
    t.fact("replica sets", told)
    pod = _of(t.quiet("GET", f"{CORE}{NS}/pods"), "2")[0]
    t.fact("a Pod's spec", _rootless(plain(pod["spec"])))
    t.fact("a Pod's labels", sorted(pod["metadata"]["labels"]))
    t.fact("a Pod's owner", {key: value for key, value in pod["metadata"]["ownerReferences"][0].items()
                             if key not in ("name", "uid")})  # fmt: skip


def _rootless(spec: Any) -> Any:
    """Where it runs is the scheduler's affair."""
    spec.pop("nodeName", None)
    return spec


def jobs(t: Talk) -> None:
    at = f"{BATCH}{NS}/jobs"

    def job(name: str, **spec: Any) -> dict[str, Any]:
        whole = changed(JOB, "metadata.name", name)
        return {**whole, "spec": {**whole["spec"], **spec}}

    t.quiet("POST", at, job("good"))
    _ended(t, "good", "Succeeded")
    done = t.until(f"{at}/good", lambda one: _conditions(one).get("Complete") == "True", "the end of the Job")
    t.fact("complete", _status(done))
    t.quiet("POST", at, job("bad", backoffLimit=0))
    _ended(t, "bad", "Failed")
    done = t.until(f"{at}/bad", lambda one: _conditions(one).get("Failed") == "True", "the failure of the Job")
    t.fact("failed", _status(done))
    t.quiet("POST", at, job("waits", suspend=True))
    told = t.until(f"{at}/waits", lambda one: "Suspended" in _conditions(one), "the Job to wait")
    t.fact("suspended", _status(told))
    t("change the template", "PATCH", f"{at}/good", {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}},
      MERGE)  # fmt: skip
    t("delete", "DELETE", f"{at}/good", {"propagationPolicy": "Foreground"})


def sets(t: Talk) -> None:
    at = f"{APPS}{NS}/statefulsets"
    t.quiet("POST", at, changed(changed(STS, "spec.template.metadata.labels", {"app": "x"}), "spec.replicas", 2))
    _ready(t, "x", 1)
    _ready(t, "x", 2)
    done = t.until(f"{at}/x", lambda one: one["status"].get("readyReplicas") == 2
                   and one["status"].get("availableReplicas") == 2, "both Pods")  # fmt: skip
    told = {key: value for key, value in done["status"].items() if not key.endswith("Revision")}
    t.fact("stateful", told)
    names = [one["metadata"]["name"] for one in _of(t.quiet("GET", f"{CORE}{NS}/pods"), "x")]
    t.fact("Pods", names)
    t.quiet("POST", f"{APPS}{NS}/daemonsets", changed(DS, "metadata.name", "d"))
    told = t.until(f"{APPS}{NS}/daemonsets/d", lambda one: one["status"].get("observedGeneration"), "the daemon set")
    t.fact("daemons", told["status"])


def quotas(t: Talk) -> None:
    at = f"{CORE}{NS}/resourcequotas"
    hard = {"pods": "1", "requests.cpu": "500m", "limits.memory": "1Gi", "count/configmaps": "4", "services": "1"}
    t.quiet("POST", at, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    t.until(f"{at}/q", lambda one: len(one["status"].get("used") or {}) == len(hard), "the quota's status")
    t("begun", "GET", f"{at}/q")
    pods = f"{CORE}{NS}/pods"
    t("says nothing", "POST", pods, PODS)
    sized = {"requests": {"cpu": "400m"}, "limits": {"memory": "512Mi"}}
    t("too much", "POST", pods, changed(PODS, "spec.containers.0.resources", changed(sized, "requests.cpu", "2")))
    t("fits", "POST", pods, changed(PODS, "spec.containers.0.resources", sized))
    t("one too many", "POST", pods, changed(changed(PODS, "spec.containers.0.resources", sized), "metadata.name", "y"))
    for name in ("a", "b", "c", "d"):
        t(f"map {name}", "POST", MAPS, config(name))
    used = {"pods": "1", "requests.cpu": "400m", "count/configmaps": "4"}

    def counted(one: Any) -> bool:
        return all(one["status"]["used"].get(key) == value for key, value in used.items())

    t("used", "GET", f"{at}/q") if t.until(f"{at}/q", counted, "the quota to count") else None
    t.quiet("DELETE", f"{pods}/x", {"gracePeriodSeconds": 0})
    told = t.until(f"{at}/q", lambda one: one["status"]["used"]["pods"] == "0", "the quota to let go")
    t.fact("let go", told["status"]["used"])


def ranges(t: Talk) -> None:
    limits = [
        {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "50m"}, "default": {"cpu": "500m", "memory": "1Gi"},
         "defaultRequest": {"cpu": "100m"}, "maxLimitRequestRatio": {"memory": "2"}},
        {"type": "Pod", "max": {"memory": "2Gi"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}, "min": {"storage": "2Gi"}},
    ]  # fmt: skip
    t("limits", "POST", f"{CORE}{NS}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}})
    pods = f"{CORE}{NS}/pods"

    def pod(step: str, **resources: Any) -> None:
        t(step, "POST", pods, changed(PODS, "spec.containers.0.resources", resources), dryRun="All")

    t.until(MAPS, lambda _all: "requests" in str(t.client.ask(
        "POST", pods.replace("{ns}", t.space), PODS, dryRun="All").json()), "the range to count")  # fmt: skip
    pod("defaults")
    pod("a request", requests={"cpu": "200m"})
    pod("too much", limits={"cpu": "2"})
    pod("too little", requests={"cpu": "10m"}, limits={"cpu": "20m"})
    pod("all too much", limits={"memory": "3Gi"}, requests={"memory": "2Gi"})
    pod("ratio", limits={"memory": "1Gi"}, requests={"memory": "100Mi"})
    claims = f"{CORE}{NS}/persistentvolumeclaims"
    t("a large claim", "POST", claims, changed(PVC, "spec.resources.requests.storage", "9Gi"), dryRun="All")
    t("a small claim", "POST", claims, PVC, dryRun="All")


def budgets(t: Talk) -> None:
    t.quiet("POST", DEPLOYMENTS, deployment("web", replicas=1))
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    at = f"/apis/policy/v1{NS}/poddisruptionbudgets"
    t.quiet("POST", at, {"metadata": {"name": "web"}, "spec": spec})
    _ready(t, "web", 1)
    told = t.until(f"{at}/web", lambda one: one["status"].get("currentHealthy") == 1, "the budget")
    t.fact("budget", _status(told))
    (pod,) = _of(t.quiet("GET", f"{CORE}{NS}/pods"), "web")
    name = pod["metadata"]["name"]
    answer = t.client.ask("POST", f"{CORE}/namespaces/{t.space}/pods/{name}/eviction", {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}})  # fmt: skip
    told = answer.json()
    t.fact("eviction", [answer.status_code, told["message"], told["reason"], told["details"]["causes"]])
    t("evict nobody", "POST", f"{CORE}{NS}/pods/none/eviction", {"apiVersion": "policy/v1", "kind": "Eviction",
                                                                 "metadata": {"name": "none"}})  # fmt: skip


FLOWS: dict[str, Flow] = {
    **{f"stored {one['kind']}": stored(one, changes) for one, changes in STORED}, "roll-out": rollout, "jobs": jobs,
    "sets": sets, "quotas": quotas, "ranges": ranges, "budgets": budgets,
}  # fmt: skip
