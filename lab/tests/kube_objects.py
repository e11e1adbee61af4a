"""Good manifests of every kind that is probed, and where each is sent."""

from __future__ import annotations

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
DS = changed(changed(changed(D, "kind", "DaemonSet"), "spec.replicas", None), "spec.strategy", {})
del DS["spec"]["strategy"]
RS = changed(D, "kind", "ReplicaSet")
PODS = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "x"},
    "spec": {"containers": [{"name": "c", "image": "b"}]},
}
CROLE = changed(ROLE, "kind", "ClusterRole")
CBIND = changed(changed(BIND, "kind", "ClusterRoleBinding"), "roleRef.kind", "ClusterRole")
NS1 = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
CSI = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "x.example"}, "spec": {}}
PV = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "x"},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
    },
}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "x"},
    "spec": {"hard": {"pods": "10", "requests.cpu": "4", "limits.memory": "8Gi", "services.loadbalancers": "1"}},
}
LIMITS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "x"},
    "spec": {
        "limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": 0.1}}]
    },
}
LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "x"},
    "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15},
}
SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "x"},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.1"]}],
    "ports": [{"port": 80}],
}
# A Deployment as the roles make it: everything that an application of today says.
_SECURE = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_WEB = {
    "name": "web",
    "image": "registry.example/web@sha256:" + "1" * 64,
    "args": ["--port", "8000"],
    "ports": [{"name": "http", "containerPort": 8000}, {"name": "metrics", "containerPort": 9000, "protocol": "TCP"}],
    "env": [
        {"name": "STAGE", "value": "lab"},
        {"name": "URL", "valueFrom": {"secretKeyRef": {"name": "web", "key": "url"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "web"}}, {"secretRef": {"name": "web", "optional": True}}],
    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
    "livenessProbe": {"tcpSocket": {"port": 8000}},
    "startupProbe": {"exec": {"command": ["true"]}, "failureThreshold": 30},
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "securityContext": _SECURE,
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "all", "mountPath": "/etc/web", "readOnly": True}],
}
_ALL = [
    {"secret": {"name": "web", "items": [{"key": "url", "path": "url"}]}},
    {"configMap": {"name": "web"}},
    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    {"serviceAccountToken": {"path": "token", "audience": "sts.amazonaws.com"}},
]
_TERM = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "x"}}}
_ARM = [{"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}]
WHOLE = changed(
    D,
    POD,
    {
        "serviceAccountName": "web",
        "automountServiceAccountToken": False,
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 45,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "app", "value": "x", "effect": "NoSchedule"}, {"operator": "Exists"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "minDomains": 2,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "x"}},
            }
        ],
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": _TERM}]
            },
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": _ARM}},
        },
        "securityContext": {"runAsUser": 10001, "fsGroup": 10001, "fsGroupChangePolicy": "OnRootMismatch"},
        "initContainers": [{"name": "wait", "image": "registry.example/wait:1.2", "command": ["true"]}],
        "containers": [_WEB],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "all", "projected": {"sources": _ALL}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "host", "hostPath": {"path": "/var"}},
            {"name": "node", "csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True}},
        ],
    },
)
NS = "/namespaces/default"
PLACES = {
    "Pod": f"/api/v1{NS}/pods",
    "DaemonSet": f"{APPS}{NS}/daemonsets",
    "ReplicaSet": f"{APPS}{NS}/replicasets",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "CSIDriver": "/apis/storage.k8s.io/v1/csidrivers",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "ResourceQuota": f"/api/v1{NS}/resourcequotas",
    "LimitRange": f"/api/v1{NS}/limitranges",
    "Lease": f"/apis/coordination.k8s.io/v1{NS}/leases",
    "EndpointSlice": f"/apis/discovery.k8s.io/v1{NS}/endpointslices",
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
TWO = [{"name": "a", "port": 80}, {"port": 81}]
PROBE = {"httpGet": {"path": "/", "port": 8000}}
