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
