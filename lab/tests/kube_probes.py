"""Manifests that servers are asked to judge: workloads. What a real server says of each is recorded in lab/conformance.

Each is a good manifest with some values changed (None takes one out).
"""

from __future__ import annotations

from typing import Any

from kube_objects import CRON, DS, JOB, POD, PODS, PROBE, RS, STS, WHOLE, C, D
from kube_world import changed

Changes = dict[str, Any]
Probes = dict[str, dict[str, Any]]
LOTS = {"limits": {"cpu": "lots"}}
OVER = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
ZONE = "topology.kubernetes.io/zone"
SPREAD = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway"}
CONTEXT = f"{C}.securityContext"
HARD, SOFT = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
TERM = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "x"}}}
CLAIM = {"metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {}}}}
SIDECAR = {"name": "s", "image": "s:1", "restartPolicy": "Always"}


def probes(one: dict[str, Any], table: dict[str, Changes]) -> Probes:
    found = {}
    for name, changes in table.items():
        manifest = one
        for path, value in changes.items():
            manifest = changed(manifest, path, value)
        found[name] = manifest
    return found


def spread(**changes: Any) -> Changes:
    return {f"{POD}.topologySpreadConstraints": [{**SPREAD, **changes}]}


DEPLOYMENTS: dict[str, Changes] = {
    "ok deployment": {},
    "ok deployment, bare": {"spec.replicas": None, f"{C}.ports": None},
    "ok deployment, none": {"spec.replicas": 0},
    "ok deployment, recreate": {"spec.strategy": {"type": "Recreate"}},
    "ok deployment, latest": {f"{C}.image": "registry.example:5000/a/b:latest"},
    "ok deployment, digest": {f"{C}.image": "a@sha256:" + "0" * 64},
    "ok deployment, sidecar": {f"{POD}.initContainers": [SIDECAR]},
    "ok deployment, amounts": {f"{C}.resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}, "limits": {"cpu": 2}}},
    "ok deployment, limits alone": {f"{C}.resources": {"limits": {"cpu": "1", "memory": "128974848"}}},
    "ok deployment, spread": spread(labelSelector={"matchLabels": {"app": "x"}}, matchLabelKeys=["pod-template-hash"]),
    "ok deployment, nulls": {"metadata.labels": {}, "metadata.annotations": {}, f"{POD}.volumes": []},
    "replicas string": {"spec.replicas": "2"},
    "replicas negative": {"spec.replicas": -1},
    "replicas fraction": {"spec.replicas": 1.5},
    "replicas huge": {"spec.replicas": 3000000000},
    "no selector": {"spec.selector": None},
    "empty selector": {"spec.selector": {}},
    "selector mismatch": {"spec.selector.matchLabels.app": "c"},
    "selector operator": {"spec.selector": {"matchExpressions": [{"key": "app", "operator": "Is", "values": ["x"]}]}},
    "selector values": {"spec.selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}},
    "no spec": {"spec": None},
    "no template": {"spec.template": None},
    "no containers": {f"{POD}.containers": []},
    "upper-case name": {"metadata.name": "Web"},
    "long name": {"metadata.name": "x" * 254},
    "container name": {f"{C}.name": "Web_1"},
    "container without name": {f"{C}.name": None},
    "no image": {f"{C}.image": None},
    "image with blank": {f"{C}.image": " web:1"},
    "duplicate container": {f"{POD}.containers.1": {"name": "web", "image": "b"}},
    "duplicate init container": {f"{POD}.initContainers": [{"name": "web", "image": "b"}]},
    "init container restarts": {f"{POD}.initContainers": [{**SIDECAR, "restartPolicy": "Sometimes"}]},
    "init container ready": {f"{POD}.initContainers": [{"name": "i", "image": "i", "readinessProbe": PROBE}]},
    "bad quantity": {f"{C}.resources": LOTS},
    "negative quantity": {f"{C}.resources": {"requests": {"cpu": "-1"}}},
    "request over limit": {f"{C}.resources": OVER},
    "resource name": {f"{C}.resources": {"limits": {"cpus": "1"}}},
    "extended resource": {f"{C}.resources": {"limits": {"nvidia.com/gpu": "0.5"}}},
    "env int value": {f"{C}.env": [{"name": "A", "value": 1}]},
    "env without name": {f"{C}.env": [{"value": "1"}]},
    "env both": {f"{C}.env": [{"name": "A", "value": "1", "valueFrom": FIELD}]},
    "env equals": {f"{C}.env": [{"name": "A=B", "value": "1"}]},
    "env field": {f"{C}.env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.colour"}}}]},
    "env source empty": {f"{C}.env": [{"name": "A", "valueFrom": {}}]},
    "env secret without key": {f"{C}.env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": ""}}}]},
    "env secret name": {f"{C}.env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "S_", "key": "a"}}}]},
    "env from nothing": {f"{C}.envFrom": [{"prefix": "A_"}]},
    "env from both": {f"{C}.envFrom": [{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]},
    "port 70000": {f"{C}.ports.0.containerPort": 70000},
    "port absent": {f"{C}.ports.0.containerPort": None},
    "port protocol": {f"{C}.ports.0.protocol": "HTTP"},
    "long port name": {f"{C}.ports.0.name": "a-very-long-port-name"},
    "port name of digits": {f"{C}.ports.0.name": "80"},
    "duplicate port name": {f"{C}.ports.1": {"name": "http", "containerPort": 9000}},
    "mount without volume": {f"{C}.volumeMounts": [{"name": "v", "mountPath": "/v"}]},
    "mount without path": {f"{C}.volumeMounts": [{"name": "v"}], f"{POD}.volumes": [{"name": "v"}]},
    "mounts at one path": {
        f"{C}.volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}],
        f"{POD}.volumes": [{"name": "v", "emptyDir": {}}],
    },
    "pull policy": {f"{C}.imagePullPolicy": "Sometimes"},
    "probe without action": {f"{C}.livenessProbe": {"periodSeconds": 3}},
    "two handlers": {f"{C}.readinessProbe": {**PROBE, "tcpSocket": {"port": 1}}},
    "liveness success": {f"{C}.livenessProbe": {**PROBE, "successThreshold": 2}},
    "probe port name": {f"{C}.livenessProbe": {"httpGet": {"port": "a_b"}}},
    "probe period negative": {f"{C}.readinessProbe": {**PROBE, "periodSeconds": -1}},
    "probe scheme": {f"{C}.readinessProbe": {"httpGet": {"port": 80, "scheme": "http"}}},
    "probe without command": {f"{C}.startupProbe": {"exec": {}}},
    "hook without handler": {f"{C}.lifecycle": {"preStop": {}}},
    "privileged, no escalation": {CONTEXT: {"privileged": True, "allowPrivilegeEscalation": False}},
    "user negative": {CONTEXT: {"runAsUser": -1}},
    "seccomp type": {CONTEXT: {"seccompProfile": {"type": "Strict"}}},
    "seccomp local without file": {f"{POD}.securityContext": {"seccompProfile": {"type": "Localhost"}}},
    "strategy type": {"spec.strategy": {"type": "Rolling"}},
    "recreate with rolling": {"spec.strategy": {"type": "Recreate", "rollingUpdate": {}}},
    "no surge, none unavailable": {"spec.strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
    "percentage": {"spec.strategy": {"rollingUpdate": {"maxUnavailable": "30"}}},
    "percentage over 100": {"spec.strategy": {"rollingUpdate": {"maxUnavailable": "130%"}}},
    "deployment restarts never": {f"{POD}.restartPolicy": "Never"},
    "deadline before readiness": {"spec.progressDeadlineSeconds": 5, "spec.minReadySeconds": 9},
    "restart policy": {f"{POD}.restartPolicy": "Sometimes"},
    "dns policy": {f"{POD}.dnsPolicy": "Cluster"},
    "dns none": {f"{POD}.dnsPolicy": "None"},
    "grace negative": {f"{POD}.terminationGracePeriodSeconds": -5},
    "account name": {f"{POD}.serviceAccountName": "A_b"},
    "host port": {f"{C}.ports.0.hostPort": 99999},
    "host network ports": {f"{POD}.hostNetwork": True, f"{C}.ports.0.hostPort": 9},
    "spread skew": spread(maxSkew=0),
    "spread word": spread(whenUnsatisfiable="Never"),
    "spread key": spread(topologyKey=""),
    "spread domains": spread(minDomains=2),
    "spread twice": {f"{POD}.topologySpreadConstraints": [SPREAD, SPREAD]},
    "volume without name": {f"{POD}.volumes": [{"emptyDir": {}}]},
    "volume without source": {f"{POD}.volumes": [{"name": "v"}]},
    "two sources": {f"{POD}.volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]},
    "duplicate volume": {f"{POD}.volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]},
    "secret volume without name": {f"{POD}.volumes": [{"name": "v", "secret": {}}]},
    "claim volume without name": {f"{POD}.volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": ""}}]},
    "volume path up": {f"{POD}.volumes": [{"name": "v", "secret": {"secretName": "s", "items": [
        {"key": "a", "path": "../a"}]}}]},
    "volume mode": {f"{POD}.volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 0o1777}}]},
    "toleration": {f"{POD}.tolerations": [{"operator": "Exists", "key": "a", "value": "b"}]},
    "toleration operator": {f"{POD}.tolerations": [{"operator": "Is", "key": "a"}]},
    "toleration without key": {f"{POD}.tolerations": [{"value": "a"}]},
    "toleration effect": {f"{POD}.tolerations": [{"key": "a", "operator": "Exists", "effect": "Never"}]},
    "toleration seconds": {f"{POD}.tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 5,
                                                   "effect": "NoSchedule"}]},
    "anti-affinity weight": {f"{POD}.affinity.podAntiAffinity.{SOFT}": [{"weight": 0, "podAffinityTerm": TERM}]},
    "anti-affinity key": {f"{POD}.affinity.podAntiAffinity.{HARD}": [{**TERM, "topologyKey": ""}]},
    "node affinity empty": {f"{POD}.affinity.nodeAffinity.{HARD}": {"nodeSelectorTerms": []}},
    "node affinity operator": {f"{POD}.affinity.nodeAffinity.{HARD}": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "a", "operator": "Is", "values": ["b"]}]}]}},
    "node selector": {f"{POD}.nodeSelector": {"a b": "c"}},
    "label int": {"metadata.labels": {"v": 1}},
    "label characters": {"metadata.labels": {"v": "a b"}},
    "label key": {"metadata.labels": {"a b": "v"}},
    "label long": {"metadata.labels": {"v": "a" * 64}},
    "label prefix": {"metadata.labels": {"A_/v": "a"}},
    "template label": {"spec.template.metadata.labels": {"app": "x", "v": "a b"}},
    "annotation key": {"metadata.annotations": {"a/b/c": "d"}},
    "annotation of a template": {"spec.template.metadata.annotations": {"a b": "c"}},
    "finalizer": {"metadata.finalizers": ["alone"]},
    "owner without uid": {"metadata.ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a"}]},
    "unknown field": {"spec.replcas": 2},
    "wrong kind": {"kind": "Deploymnt"},
    "wrong version": {"apiVersion": "apps/v1beta1"},
    "kind of another group": {"apiVersion": "batch/v1", "kind": "Job"},
    "containers map": {f"{POD}.containers": {"name": "web"}},
    "spec list": {"spec": []},
    "priority class unknown": {f"{POD}.priorityClassName": "no-such"},
}  # fmt: skip

OTHERS: list[tuple[dict[str, Any], dict[str, Changes]]] = [
    (WHOLE, {"ok deployment, whole": {}}),
    (RS, {"ok replica set": {}, "replica set selector": {"spec.selector": {"matchLabels": {"app": "y"}}}}),
    (DS, {
        "ok daemon set": {}, "ok daemon set, on delete": {"spec.updateStrategy": {"type": "OnDelete"}},
        "daemon strategy": {"spec.updateStrategy": {"type": "Recreate"}},
        "daemon none unavailable": {"spec.updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
        "daemon selector": {"spec.selector.matchLabels": {"app": "y"}},
        "daemon restarts": {f"{POD}.restartPolicy": "OnFailure"},
    }),
    (STS, {
        "ok statefulset": {}, "statefulset without service": {"spec.serviceName": None},
        "ok statefulset, claims": {"spec.volumeClaimTemplates": [changed(CLAIM, "spec.resources.requests.storage", 1)],
                                   f"{C}.volumeMounts": [{"name": "d", "mountPath": "/d"}]},
        "statefulset policy": {"spec.podManagementPolicy": "Ordered"},
        "statefulset strategy": {"spec.updateStrategy": {"type": "Rolling"}},
        "statefulset partition": {"spec.updateStrategy": {"rollingUpdate": {"partition": -1}}},
        "statefulset retention": {"spec.persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Drop"}},
        "statefulset restarts": {f"{POD}.restartPolicy": "Never"},
        "statefulset replicas": {"spec.replicas": -2},
        "statefulset selector": {"spec.selector.matchLabels.app": "c"},
    }),
    (JOB, {
        "ok job": {}, "job restartPolicy": {f"{POD}.restartPolicy": None},
        "ok job, indexed": {"spec.completionMode": "Indexed", "spec.completions": 3, "spec.parallelism": 2,
                            "spec.backoffLimitPerIndex": 1},
        "ok job, work queue": {"spec.parallelism": 2}, "ok job, suspended": {"spec.suspend": True},
        "ok job, cleaned": {"spec.ttlSecondsAfterFinished": 600, "spec.activeDeadlineSeconds": 60,
                            "spec.backoffLimit": 0},
        "ok job, failure policy": {"spec.podFailurePolicy": {"rules": [
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}},
        "job restarts always": {f"{POD}.restartPolicy": "Always"},
        "job mode": {"spec.completionMode": "Ordered"}, "job indexed, no count": {"spec.completionMode": "Indexed"},
        "job retries negative": {"spec.backoffLimit": -1}, "job parallelism": {"spec.parallelism": -1},
        "job deadline": {"spec.activeDeadlineSeconds": -1}, "job ttl": {"spec.ttlSecondsAfterFinished": -1},
        "job own selector": {"spec.selector": {"matchLabels": {"a": "b"}}},
        "job failure action": {"spec.podFailurePolicy": {"rules": [
            {"action": "Stop", "onExitCodes": {"operator": "In", "values": [42]}}]}},
        "job replacement": {"spec.podReplacementPolicy": "Never"},
        "job long name": {"metadata.name": "x" * 64},
    }),
    (CRON, {
        "ok cronjob": {}, "ok cronjob, zone": {"spec.timeZone": "Europe/Berlin", "spec.concurrencyPolicy": "Forbid",
                                               "spec.startingDeadlineSeconds": 60, "spec.suspend": True},
        "ok cronjob, every": {"spec.schedule": "@daily"}, "ok cronjob, steps": {"spec.schedule": "*/5 1-4 * * MON-FRI"},
        "cron words": {"spec.schedule": "0 25 * * *"}, "cron fields": {"spec.schedule": "daily"},
        "cron empty": {"spec.schedule": ""}, "cron tz inside": {"spec.schedule": "TZ=UTC 0 2 * * *"},
        "cron zone": {"spec.timeZone": "Munich"}, "cron zone empty": {"spec.timeZone": ""},
        "cron policy": {"spec.concurrencyPolicy": "Queue"},
        "cron history": {"spec.successfulJobsHistoryLimit": -1}, "cron deadline": {"spec.startingDeadlineSeconds": -1},
        "cron restarts": {"spec.jobTemplate.spec.template.spec.restartPolicy": "Always"},
        "cron long name": {"metadata.name": "x" * 53},
        "cron image": {"spec.jobTemplate.spec.template.spec.containers.0.image": ""},
    }),
    (PODS, {
        "ok pod": {}, "pod account": {"spec.serviceAccountName": "no-such"}, "pod priority": {"spec.priority": 5},
        "pod node name": {"spec.nodeName": "A_b"},
        "pod two fields": {"spec.containers.0.image": None, "spec.dnsPolicy": "Cluster"},
        "pod host aliases": {"spec.hostAliases": [{"ip": "300.1.1.1", "hostnames": ["a"]}]},
        "ok pod, no token": {"spec.automountServiceAccountToken": False},
    }),
]  # fmt: skip

WORKLOADS = probes(D, DEPLOYMENTS)
for _base, _table in OTHERS:
    WORKLOADS |= probes(_base, _table)
