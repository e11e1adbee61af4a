"""Manifests with the verdict and the words of a real API server."""

from __future__ import annotations

from typing import Any

from kube_world import APPS, BATCH, NET, changed, deployment

D = deployment("x")
POD = "spec.template.spec"
C = f"{POD}.containers.0"
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "x"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "b"}]}}},
}
CRON = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "x"},
    "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": JOB["spec"]}},
}
SVC = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "x"},
    "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]},
}
BACKEND = {"service": {"name": "s", "port": {"number": 80}}}
ING = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "x"},
    "spec": {"rules": [{"host": "a.b", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}]},
}
PATH = "spec.rules.0.http.paths.0"
CM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "YQ=="}}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "x"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}
BIND = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "x"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"},
    "subjects": [{"kind": "User", "name": "u"}],
}
HPA = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "x"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    },
}
PDB = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "x"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}},
}
NP = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "x"},
    "spec": {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 443}]}],
    },
}
PVC = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "x"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
STS = changed(changed(D, "kind", "StatefulSet"), "spec.serviceName", "x")
SA = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
PC = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "x"}, "value": 10}
SC = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "x"},
    "provisioner": "ebs.csi.aws.com",
}
IC = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "x"},
    "spec": {"controller": "ingress.k8s.aws/alb"},
}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "tests.lab.example"},
    "spec": {
        "group": "lab.example",
        "scope": "Namespaced",
        "names": {"plural": "tests", "kind": "Test"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}},
            }
        ],
    },
}
NS = "/namespaces/default"
PLACES = {
    "Deployment": f"{APPS}{NS}/deployments",
    "StatefulSet": f"{APPS}{NS}/statefulsets",
    "Job": f"{BATCH}{NS}/jobs",
    "CronJob": f"{BATCH}{NS}/cronjobs",
    "Service": f"/api/v1{NS}/services",
    "Ingress": f"{NET}{NS}/ingresses",
    "ConfigMap": f"/api/v1{NS}/configmaps",
    "Secret": f"/api/v1{NS}/secrets",
    "ServiceAccount": f"/api/v1{NS}/serviceaccounts",
    "Role": f"/apis/rbac.authorization.k8s.io/v1{NS}/roles",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1{NS}/rolebindings",
    "HorizontalPodAutoscaler": f"/apis/autoscaling/v2{NS}/horizontalpodautoscalers",
    "PodDisruptionBudget": f"/apis/policy/v1{NS}/poddisruptionbudgets",
    "NetworkPolicy": f"{NET}{NS}/networkpolicies",
    "PersistentVolumeClaim": f"/api/v1{NS}/persistentvolumeclaims",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "IngressClass": f"{NET}/ingressclasses",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "Namespace": "/api/v1/namespaces",
}
LOTS, TWO = {"limits": {"cpu": "lots"}}, [{"name": "a", "port": 80}, {"port": 81}]
PROBE = {"httpGet": {"path": "/", "port": 8000}}
# (name, manifest, status, words of the refusal). The first 38 are those of the study against a real server.
PROBES: list[tuple[str, dict[str, Any], int, str]] = [
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
    # What the roles apply, beyond the study.
    ("ok statefulset", STS, 201, ""),
    ("ok job", JOB, 201, ""),
    ("ok cronjob", CRON, 201, ""),
    ("ok service", SVC, 201, ""),
    ("ok ingress", ING, 201, ""),
    ("ok role", ROLE, 201, ""),
    ("ok autoscaler", HPA, 201, ""),
    ("ok budget", PDB, 201, ""),
    ("ok policy", NP, 201, ""),
    ("ok claim", PVC, 201, ""),
    ("ok account", SA, 201, ""),
    ("ok priority", PC, 201, ""),
    ("ok storage class", SC, 201, ""),
    ("ok ingress class", IC, 201, ""),
    ("ok definition", CRD, 201, ""),
    ("ok binding", BIND, 201, ""),
    (
        "strategy type",
        changed(D, "spec.strategy", {"type": "Rolling"}),
        422,
        'supported values: "Recreate", "RollingUpdate"',
    ),
    (
        "recreate with rolling",
        changed(D, "spec.strategy", {"type": "Recreate", "rollingUpdate": {}}),
        422,
        "may not be specified when strategy `type` is 'Recreate'",
    ),
    (
        "no surge, none unavailable",
        changed(D, "spec.strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
        422,
        "may not be 0 when `maxSurge` is 0",
    ),
    (
        "percentage",
        changed(D, "spec.strategy", {"rollingUpdate": {"maxUnavailable": "30"}}),
        422,
        "a valid percent string must be",
    ),
    (
        "deployment restarts never",
        changed(D, f"{POD}.restartPolicy", "Never"),
        422,
        'Unsupported value: "Never": supported values: "Always"',
    ),
    (
        "deadline before readiness",
        changed(changed(D, "spec.progressDeadlineSeconds", 5), "spec.minReadySeconds", 9),
        422,
        "must be greater than minReadySeconds",
    ),
    (
        "two handlers",
        changed(D, f"{C}.readinessProbe", {**PROBE, "tcpSocket": {"port": 1}}),
        422,
        "may not specify more than 1 handler type",
    ),
    (
        "liveness success",
        changed(D, f"{C}.livenessProbe", {**PROBE, "successThreshold": 2}),
        422,
        "successThreshold: Invalid value: 2: must be 1",
    ),
    (
        "probe port name",
        changed(D, f"{C}.livenessProbe", {"httpGet": {"port": "a_b"}}),
        422,
        "must contain only alpha-numeric characters",
    ),
    (
        "long port name",
        changed(D, f"{C}.ports.0.name", "a-very-long-port-name"),
        422,
        "must be no more than 15 characters",
    ),
    (
        "env both",
        changed(
            D, f"{C}.env", [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
        ),
        422,
        "may not be specified when `value` is not empty",
    ),
    (
        "env equals",
        changed(D, f"{C}.env", [{"name": "A=B", "value": "1"}]),
        422,
        "printable ASCII characters other than '='",
    ),
    (
        "resource name",
        changed(D, f"{C}.resources", {"limits": {"cpus": "1"}}),
        422,
        "must be a standard resource type or fully qualified",
    ),
    (
        "spread skew",
        changed(
            D,
            f"{POD}.topologySpreadConstraints",
            [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        ),
        422,
        "must be greater than zero",
    ),
    (
        "spread word",
        changed(
            D, f"{POD}.topologySpreadConstraints", [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "Never"}]
        ),
        422,
        'supported values: "DoNotSchedule", "ScheduleAnyway"',
    ),
    ("volume without name", changed(D, f"{POD}.volumes", [{"emptyDir": {}}]), 422, "volumes[0].name: Required value"),
    (
        "two sources",
        changed(D, f"{POD}.volumes", [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]),
        422,
        "may not specify more than 1 volume type",
    ),
    (
        "toleration",
        changed(D, f"{POD}.tolerations", [{"operator": "Exists", "key": "a", "value": "b"}]),
        422,
        "value must be empty when `operator` is 'Exists'",
    ),
    ("cron words", changed(CRON, "spec.schedule", "0 25 * * *"), 422, "end of range (25) above maximum (23)"),
    ("cron fields", changed(CRON, "spec.schedule", "daily"), 422, "expected exactly 5 fields, found 1"),
    ("cron zone", changed(CRON, "spec.timeZone", "Munich"), 422, "unknown time zone Munich"),
    (
        "cron policy",
        changed(CRON, "spec.concurrencyPolicy", "Queue"),
        422,
        'supported values: "Allow", "Forbid", "Replace"',
    ),
    ("external name", changed(SVC, "spec", {"type": "ExternalName"}), 422, "spec.externalName: Required value"),
    (
        "service duplicate port",
        changed(SVC, "spec.ports", [{"name": "a", "port": 80}, {"name": "b", "port": 80}]),
        422,
        "Duplicate value",
    ),
    ("service name", changed(SVC, "metadata.name", "1x"), 422, "a DNS-1035 label must consist of"),
    ("service address", changed(SVC, "spec.clusterIP", "192.0.2.1"), 422, "is not in the valid range"),
    ("ingress empty", changed(ING, "spec", {}), 422, "either `defaultBackend` or `rules` must be specified"),
    (
        "ingress no port",
        changed(ING, f"{PATH}.backend", {"service": {"name": "s"}}),
        422,
        "port name or number is required",
    ),
    (
        "ingress class twice",
        changed(
            changed(ING, "spec.ingressClassName", "alb"), "metadata.annotations", {"kubernetes.io/ingress.class": "alb"}
        ),
        422,
        "can not be set when the class field is also set",
    ),
    ("ingress host", changed(ING, "spec.rules.0.host", "A.b"), 422, "a lowercase RFC 1123 subdomain"),
    (
        "autoscaler turned round",
        changed(HPA, "spec.minReplicas", 9),
        422,
        "must be greater than or equal to `minReplicas`",
    ),
    (
        "autoscaler no most",
        changed(HPA, "spec.maxReplicas", None),
        422,
        "spec.maxReplicas: Invalid value: 0: must be greater than 0",
    ),
    ("autoscaler metric", changed(HPA, "spec.metrics.0.type", "Cpu"), 422, 'Unsupported value: "Cpu"'),
    ("budget both", changed(PDB, "spec.maxUnavailable", 1), 422, "minAvailable and maxUnavailable cannot be both set"),
    ("budget share", changed(PDB, "spec.minAvailable", "150%"), 422, "must not be greater than 100%"),
    ("policy range", changed(NP, "spec.egress.0.to.0.ipBlock.cidr", "10.0.0.0"), 422, "must be a valid CIDR value"),
    ("policy word", changed(NP, "spec.policyTypes", ["Out"]), 422, 'supported values: "Egress", "Ingress"'),
    (
        "policy two peers",
        changed(NP, "spec.egress.0.to.0.podSelector", {}),
        422,
        "may not specify both ipBlock and another peer",
    ),
    ("claim mode", changed(PVC, "spec.accessModes", ["ReadWrite"]), 422, 'Unsupported value: "ReadWrite"'),
    ("claim no size", changed(PVC, "spec.resources", None), 422, "spec.resources[storage]: Required value"),
    ("binding kind", changed(BIND, "roleRef.kind", "Rolle"), 422, "roleRef.kind: Unsupported value"),
    (
        "binding account",
        changed(BIND, "subjects", [{"kind": "ServiceAccount", "name": "a"}]),
        422,
        "subjects[0].namespace: Required value",
    ),
    (
        "class mode",
        changed(SC, "volumeBindingMode", "Later"),
        422,
        'supported values: "Immediate", "WaitForFirstConsumer"',
    ),
    ("ingress class controller", changed(IC, "spec.controller", "alb"), 422, "must be a domain-prefixed path"),
    (
        "priority",
        changed(PC, "value", 2000000000),
        422,
        "maximum allowed value of a user defined priority is 1000000000",
    ),
    ("definition name", changed(CRD, "metadata.name", "test.lab.example"), 422, "must be spec.names.plural"),
    ("definition schema", changed(CRD, "spec.versions.0.schema", None), 422, "schemas are required"),
    (
        "definition type",
        changed(CRD, "spec.versions.0.schema.openAPIV3Schema.properties.spec", {}),
        422,
        "must not be empty for specified object fields",
    ),
    ("namespace label", {"kind": "Namespace", "metadata": {"name": "x_y"}}, 422, "a lowercase RFC 1123 label"),
    (
        "security level",
        {"kind": "Namespace", "metadata": {"name": "x", "labels": {"pod-security.kubernetes.io/enforce": "strict"}}},
        422,
        "must be one of privileged, baseline, restricted",
    ),
    (
        "other namespace",
        changed(CM, "metadata.namespace", "kube-system"),
        400,
        "the namespace of the provided object does not match",
    ),
    ("no name", changed(CM, "metadata", {}), 422, "name or generateName is required"),
    ("annotation key", changed(CM, "metadata.annotations", {"a/b/c": "d"}), 422, "metadata.annotations: Invalid value"),
]
