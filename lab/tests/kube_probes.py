"""Manifests with the verdict and the words that kube-apiserver has for them.

The study held the first 38 against a real server (1.20).
"""

from __future__ import annotations

from typing import Any

from kube_objects import CM, ING, JOB, LOTS, PATH, POD, ROLE, SECRET, STS, SVC, TWO, C, D
from kube_world import changed

Probe = tuple[str, dict[str, Any], int, str]  # name, manifest, status, words of the refusal

STUDY: list[Probe] = [
    ("ok deployment", D, 201, ""),
    (
        "replicas string",
        changed(D, "spec.replicas", "2"),
        400,
        "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    (
        "replicas negative",
        changed(D, "spec.replicas", -1),
        422,
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    ("no selector", changed(D, "spec.selector", None), 422, "spec.selector: Required value"),
    (
        "selector mismatch",
        changed(D, "spec.selector.matchLabels.app", "c"),
        422,
        "`selector` does not match template `labels`",
    ),
    ("no containers", changed(D, f"{POD}.containers", []), 422, "spec.template.spec.containers: Required value"),
    ("upper-case name", changed(D, "metadata.name", "Web"), 422, "a lowercase RFC 1123 subdomain must consist of"),
    (
        "container name",
        changed(D, f"{C}.name", "Web_1"),
        422,
        'containers[0].name: Invalid value: "Web_1": a lowercase RFC 1123 label',
    ),
    ("no image", changed(D, f"{C}.image", None), 422, "spec.template.spec.containers[0].image: Required value"),
    (
        "duplicate container",
        changed(D, f"{POD}.containers.1", {"name": "web", "image": "b"}),
        422,
        'containers[1].name: Duplicate value: "web"',
    ),
    ("bad quantity", changed(D, f"{C}.resources", LOTS), 400, "quantities must match the regular expression"),
    (
        "request over limit",
        changed(D, f"{C}.resources", {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        422,
        'requests: Invalid value: "2": must be less than or equal to cpu limit',
    ),
    (
        "env int value",
        changed(D, f"{C}.env", [{"name": "A", "value": 1}]),
        400,
        "cannot unmarshal number into Go struct field EnvVar",
    ),
    ("env without name", changed(D, f"{C}.env", [{"value": "1"}]), 422, "env[0].name: Required value"),
    (
        "port 70000",
        changed(D, f"{C}.ports.0.containerPort", 70000),
        422,
        "containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ),
    (
        "mount without volume",
        changed(D, f"{C}.volumeMounts", [{"name": "v", "mountPath": "/v"}]),
        422,
        'volumeMounts[0].name: Not found: "v"',
    ),
    (
        "pull policy",
        changed(D, f"{C}.imagePullPolicy", "Sometimes"),
        422,
        'Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ),
    (
        "probe without action",
        changed(D, f"{C}.livenessProbe", {"periodSeconds": 3}),
        422,
        "livenessProbe: Required value: must specify a handler type",
    ),
    ("label int", changed(D, "metadata.labels", {"v": 1}), 400, "cannot unmarshal number"),
    (
        "label characters",
        changed(D, "metadata.labels", {"v": "a b"}),
        422,
        'metadata.labels: Invalid value: "a b": a valid label must be',
    ),
    ("unknown field", changed(D, "spec.replcas", 2), 201, ""),
    ("wrong kind", changed(D, "kind", "Deploymnt"), 400, "Deploymnt"),
    ("wrong version", changed(D, "apiVersion", "apps/v1beta1"), 400, "apps/v1beta1"),
    (
        "configmap int",
        changed(CM, "data.a", 1),
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number',
    ),
    ("configmap bool", changed(CM, "data.a", True), 400, "cannot unmarshal bool"),
    ("configmap key", changed(CM, "data", {"a b": "1"}), 422, "a valid config key must consist of"),
    ("secret no base64", changed(SECRET, "data.a", "%%"), 400, "illegal base64 data at input byte 0"),
    (
        "tls secret without key",
        changed(SECRET, "type", "kubernetes.io/tls"),
        422,
        "data[tls.crt]: Required value, data[tls.key]: Required value",
    ),
    ("service without ports", changed(SVC, "spec.ports", None), 422, "spec.ports: Required value"),
    ("two unnamed ports", changed(SVC, "spec.ports", TWO), 422, "spec.ports[1].name: Required value"),
    (
        "service type",
        changed(SVC, "spec.type", "Ballancer"),
        422,
        'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ),
    ("service port string", changed(SVC, "spec.ports.0.port", "80"), 400, "cannot unmarshal string"),
    ("ingress no pathType", changed(ING, f"{PATH}.pathType", None), 422, "pathType must be specified"),
    (
        "ingress path",
        changed(ING, f"{PATH}.path", "x"),
        422,
        'paths[0].path: Invalid value: "x": must be an absolute path',
    ),
    (
        "ingress v1beta1 backend",
        changed(ING, f"{PATH}.backend", {"serviceName": "s", "servicePort": 80}),
        422,
        "resource or service backend is required",
    ),
    (
        "job restartPolicy",
        changed(JOB, f"{POD}.restartPolicy", None),
        422,
        'restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ),
    ("role without verbs", changed(ROLE, "rules.0.verbs", None), 422, "verbs must contain at least one value"),
    ("statefulset without service", changed(STS, "spec.serviceName", None), 201, ""),
]
