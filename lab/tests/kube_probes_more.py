"""Manifests that servers are asked to judge: all kinds but workloads."""

from __future__ import annotations

from typing import Any

from kube_objects import (
    BIND,
    CBIND,
    CM,
    CRD,
    CROLE,
    CSI,
    HPA,
    IC,
    ING,
    LEASE,
    LIMITS,
    NP,
    NS1,
    PATH,
    PC,
    PDB,
    PV,
    PVC,
    QUOTA,
    ROLE,
    SA,
    SC,
    SECRET,
    SLICE,
    SVC,
    TWO,
)  # fmt: skip
from kube_probes import WORKLOADS, Changes, Probes, probes

TARGET = "spec.metrics.0.resource.target"
SCHEMA = "spec.versions.0.schema.openAPIV3Schema"
SPEC = f"{SCHEMA}.properties.spec"
TLS = {"hosts": ["a.b"], "secretName": "t"}
POLICY = {"type": "Pods", "value": 1, "periodSeconds": 60}
LEVEL = "metadata.labels"
RULE = "rules.0"
EGRESS = "spec.egress.0"

TABLES: list[tuple[dict[str, Any], dict[str, Changes]]] = [
    (CM, {
        "ok configmap": {}, "configmap int": {"data.a": 1}, "configmap bool": {"data.a": True},
        "configmap key": {"data": {"a b": "1"}}, "configmap key up": {"data": {"..": "1"}},
        "ok configmap, binary": {"binaryData": {"b": "AAE="}, "immutable": True},
        "configmap key twice": {"binaryData": {"a": "AAE="}}, "configmap binary text": {"binaryData": {"b": "*"}},
        "ok configmap, empty": {"data": None}, "ok configmap, null value": {"data": {"a": None}},
        "other namespace": {"metadata.namespace": "kube-system"}, "no name": {"metadata": {}},
        "configmap name": {"metadata.name": "a_b"}, "configmap large": {"data.a": "x" * 1048577},
        "ok configmap, generated": {"metadata": {"generateName": "gen-"}},
        "configmap version set": {"metadata.resourceVersion": "7"},
        "data list": {"data": ["a"]}, "metadata string": {"metadata": "x"},
    }),
    (SECRET, {
        "ok secret": {}, "ok secret, text": {"stringData": {"b": "c"}}, "secret no base64": {"data.a": "%%"},
        "tls secret without key": {"type": "kubernetes.io/tls"}, "secret key": {"data": {"a b": "YQ=="}},
        "docker secret": {"type": "kubernetes.io/dockerconfigjson"},
        "docker secret text": {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "YQ=="}},
        "account secret": {"type": "kubernetes.io/service-account-token"},
        "basic secret": {"type": "kubernetes.io/basic-auth"}, "ssh secret": {"type": "kubernetes.io/ssh-auth"},
        "ok secret, own type": {"type": "lab.example/type"}, "secret large": {"data.a": "AAAA" * 349526},
    }),
    (SVC, {
        "ok service": {}, "service without ports": {"spec.ports": None}, "two unnamed ports": {"spec.ports": TWO},
        "ok service, headless": {"spec.clusterIP": "None"}, "ok service, no selector": {"spec.selector": None},
        "ok service, node port": {"spec.type": "NodePort"},
        "ok service, balancer": {"spec.type": "LoadBalancer", "spec.loadBalancerClass": "service.k8s.aws/nlb",
                                 "spec.externalTrafficPolicy": "Local"},
        "ok service, plain balancer": {"spec.type": "LoadBalancer"},
        "ok service, named": {"spec": {"type": "ExternalName", "externalName": "a.example"}},
        "ok service, sticky": {"spec.sessionAffinity": "ClientIP", "spec.ports.0.targetPort": "http"},
        "service type": {"spec.type": "Ballancer"}, "service port string": {"spec.ports.0.port": "80"},
        "service port range": {"spec.ports.0.port": 0}, "service target": {"spec.ports.0.targetPort": 70000},
        "service target name": {"spec.ports.0.targetPort": "a_b"},
        "service protocol": {"spec.ports.0.protocol": "HTTP"},
        "external name": {"spec": {"type": "ExternalName"}}, "service name": {"metadata.name": "1x"},
        "service long name": {"metadata.name": "x" * 64},
        "service duplicate port": {"spec.ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
        "service duplicate name": {"spec.ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]},
        "service address": {"spec.clusterIP": "192.0.2.1"}, "service address text": {"spec.clusterIP": "here"},
        "service affinity": {"spec.sessionAffinity": "Cookie"}, "service selector": {"spec.selector": {"a b": "c"}},
        "service node port range": {"spec.type": "NodePort", "spec.ports.0.nodePort": 80},
        "service node port of cluster": {"spec.ports.0.nodePort": 30001},
        "service traffic policy": {"spec.internalTrafficPolicy": "Near"},
        "service external policy": {"spec.externalTrafficPolicy": "Local"},
        "service class of cluster": {"spec.loadBalancerClass": "service.k8s.aws/nlb"},
        "service ranges": {"spec.type": "LoadBalancer", "spec.loadBalancerSourceRanges": ["10.0.0.0"]},
        "service headless balancer": {"spec.type": "LoadBalancer", "spec.clusterIP": "None"},
        "service stack": {"spec.ipFamilies": ["IPv6"]},
    }),
    (ING, {
        "ok ingress": {}, "ok ingress, whole": {"spec.ingressClassName": "alb", "spec.tls": [TLS],
                                                "spec.defaultBackend": {"service": {"name": "s", "port": {
                                                    "name": "use-annotation"}}}},
        "ok ingress, wildcard": {"spec.rules.0.host": "*.a.b"}, "ok ingress, no host": {"spec.rules.0.host": None},
        "ingress no pathType": {f"{PATH}.pathType": None}, "ingress pathType": {f"{PATH}.pathType": "Regex"},
        "ingress path": {f"{PATH}.path": "x"}, "ingress path empty": {f"{PATH}.path": ""},
        "ingress path slashes": {f"{PATH}.path": "/a//b"}, "ok ingress, free path": {
            f"{PATH}.path": "/*", f"{PATH}.pathType": "ImplementationSpecific"},
        "ingress v1beta1 backend": {f"{PATH}.backend": {"serviceName": "s", "servicePort": 80}},
        "ingress empty": {"spec": {}}, "ingress no port": {f"{PATH}.backend": {"service": {"name": "s"}}},
        "ingress two ports": {f"{PATH}.backend.service.port": {"name": "a", "number": 80}},
        "ingress port": {f"{PATH}.backend.service.port": {"number": 70000}},
        "ingress no service": {f"{PATH}.backend": {"service": {"name": "", "port": {"number": 80}}}},
        "ingress both backends": {f"{PATH}.backend.resource": {"kind": "B", "name": "b"}},
        "ingress class twice": {"spec.ingressClassName": "alb",
                                "metadata.annotations": {"kubernetes.io/ingress.class": "alb"}},
        "ingress class name": {"spec.ingressClassName": "A_b"}, "ingress host": {"spec.rules.0.host": "A.b"},
        "ingress host address": {"spec.rules.0.host": "10.0.0.1"}, "ingress no paths": {"spec.rules.0.http": {}},
        "ingress tls host": {"spec.tls": [{"hosts": ["A.b"]}]},
        "ingress star inside": {"spec.rules.0.host": "a.*.b"},
    }),
    (IC, {"ok ingress class": {}, "ingress class controller": {"spec.controller": "alb"},
          "ok ingress class, parameters": {"spec.parameters": {"apiGroup": "eks.amazonaws.com",
                                                               "kind": "IngressClassParams", "name": "alb"}},
          "ingress class no controller": {"spec": {}}, "ingress class scope": {"spec.parameters": {
              "apiGroup": "eks.amazonaws.com", "kind": "IngressClassParams", "name": "alb", "scope": "World"}}}),
    (NP, {
        "ok policy": {}, "ok policy, deny": {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}},
        "ok policy, implied": {"spec.policyTypes": None}, "ok policy, range": {
            f"{EGRESS}.ports": [{"port": 80, "endPort": 90}, {"port": "http", "protocol": "UDP"}]},
        "ok policy, peers": {"spec.ingress": [{"from": [{"namespaceSelector": {}, "podSelector": {}}]}]},
        "policy range": {f"{EGRESS}.to.0.ipBlock.cidr": "10.0.0.0"}, "policy word": {"spec.policyTypes": ["Out"]},
        "policy except": {f"{EGRESS}.to.0.ipBlock.except": ["192.0.2.0/24"]},
        "policy two peers": {f"{EGRESS}.to.0.podSelector": {}}, "policy no peer": {f"{EGRESS}.to": [{}]},
        "policy port": {f"{EGRESS}.ports.0.port": 0}, "policy protocol": {f"{EGRESS}.ports.0.protocol": "HTTP"},
        "policy end port": {f"{EGRESS}.ports.0.endPort": 1}, "policy port name": {f"{EGRESS}.ports.0.port": "a_b"},
        "policy named end": {f"{EGRESS}.ports.0": {"port": "http", "endPort": 9}},
        "policy selector": {"spec.podSelector": {"matchLabels": {"a b": "c"}}},
    }),
    (PDB, {
        "ok budget": {}, "budget both": {"spec.maxUnavailable": 1}, "budget share": {"spec.minAvailable": "150%"},
        "ok budget, share": {"spec.minAvailable": "50%", "spec.unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "budget negative": {"spec.minAvailable": -1}, "budget words": {"spec.minAvailable": "half"},
        "budget policy": {"spec.unhealthyPodEvictionPolicy": "Never"},
        "ok budget, nothing": {"spec.minAvailable": None},
        "budget selector": {"spec.selector": {"matchLabels": {"a": "b c"}}},
    }),
    (HPA, {
        "ok autoscaler": {}, "ok autoscaler, no metrics": {"spec.metrics": None, "spec.minReplicas": None},
        "ok autoscaler, behaviour": {"spec.behavior": {"scaleDown": {"policies": [POLICY]}, "scaleUp": {
            "stabilizationWindowSeconds": 30}}},
        "ok autoscaler, memory": {"spec.metrics.1": {"type": "Resource", "resource": {
            "name": "memory", "target": {"type": "AverageValue", "averageValue": "0.5Gi"}}}},
        "autoscaler turned round": {"spec.minReplicas": 9}, "autoscaler no most": {"spec.maxReplicas": None},
        "autoscaler least": {"spec.minReplicas": 0}, "autoscaler metric": {"spec.metrics.0.type": "Cpu"},
        "autoscaler no source": {"spec.metrics.0.resource": None}, "autoscaler no target": {f"{TARGET}": {}},
        "autoscaler target type": {f"{TARGET}.type": "Share"}, "autoscaler use": {f"{TARGET}.averageUtilization": 0},
        "autoscaler both": {f"{TARGET}.averageValue": "1"}, "autoscaler no kind": {"spec.scaleTargetRef.kind": ""},
        "autoscaler no reference": {"spec.scaleTargetRef": {"kind": "Deployment", "name": ""}},
        "autoscaler window": {"spec.behavior": {"scaleDown": {"stabilizationWindowSeconds": 4000}}},
        "autoscaler policy": {"spec.behavior": {"scaleUp": {"policies": [{**POLICY, "type": "All"}]}}},
        "autoscaler period": {"spec.behavior": {"scaleUp": {"policies": [{**POLICY, "periodSeconds": 0}]}}},
        "autoscaler select": {"spec.behavior": {"scaleUp": {"selectPolicy": "Most"}}},
    }),
    (PVC, {
        "ok claim": {}, "ok claim, class": {"spec.storageClassName": "gp3", "spec.volumeMode": "Block"},
        "claim mode": {"spec.accessModes": ["ReadWrite"]}, "claim no mode": {"spec.accessModes": []},
        "claim no size": {"spec.resources": None}, "claim size": {"spec.resources.requests.storage": "0"},
        "claim size text": {"spec.resources.requests.storage": "1 GB"}, "claim volume mode": {"spec.volumeMode": "Raw"},
        "claim class": {"spec.storageClassName": "A_b"},
        "claim pod alone": {"spec.accessModes": ["ReadWriteOncePod", "ReadWriteOnce"]},
        "claim selector": {"spec.selector": {"matchLabels": {"a": "b c"}}},
    }),
    (PV, {"ok volume": {}, "volume no size": {"spec.capacity": None}, "volume no mode": {"spec.accessModes": None},
          "volume no kind": {"spec.csi": None}, "volume policy": {"spec.persistentVolumeReclaimPolicy": "Keep"}}),
    (ROLE, {
        "ok role": {}, "role without verbs": {f"{RULE}.verbs": None},
        "role without groups": {f"{RULE}.apiGroups": None},
        "role without resources": {f"{RULE}.resources": None}, "ok role, empty": {"rules": []},
        "role with urls": {f"{RULE}.nonResourceURLs": ["/healthz"]}, "ok role, name": {"metadata.name": "a:b.C"},
        "role name": {"metadata.name": "a/b"}, "ok role, names": {f"{RULE}.resourceNames": ["a"]},
    }),
    (CROLE, {"ok cluster role": {}, "ok cluster role, urls": {"rules": [
        {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}]}, "ok cluster role, sum": {
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"no": "such"}}]}, "rules": None},
        "cluster role mixed": {f"{RULE}.nonResourceURLs": ["/healthz"]}}),
    (BIND, {
        "ok binding": {}, "binding kind": {"roleRef.kind": "Rolle"}, "binding group": {"roleRef.apiGroup": "rbac"},
        "binding account": {"subjects": [{"kind": "ServiceAccount", "name": "a"}]},
        "ok binding, account": {"subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "b"}]},
        "binding subject": {"subjects": [{"kind": "Role", "name": "a"}]}, "binding no role": {"roleRef.name": ""},
        "binding subject name": {"subjects": [{"kind": "User", "name": ""}]}, "ok binding, nobody": {"subjects": []},
        "binding subject group": {"subjects": [{"kind": "User", "name": "a", "apiGroup": "v1"}]},
        "ok binding, no group": {"roleRef.apiGroup": None},
    }),
    (CBIND, {"ok cluster binding": {}, "cluster binding to role": {"roleRef.kind": "Role"}}),
    (SA, {
        "ok account": {},
        "ok account, secrets": {"imagePullSecrets": [{"name": "a"}], "automountServiceAccountToken": False},
        "account name": {"metadata.name": "A"},
    }),
    (NS1, {
        "ok namespace": {}, "ok namespace, security": {
            LEVEL: {"pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/enforce-version": "latest"}},
        "namespace label": {"metadata.name": "x_y"}, "namespace name": {"metadata.name": "a.b"},
        "security level": {LEVEL: {"pod-security.kubernetes.io/enforce": "strict"}},
        "security version": {LEVEL: {"pod-security.kubernetes.io/enforce-version": "1.30"}},
        "namespace again": {"metadata.name": "default"},
    }),
    (SC, {"ok storage class": {}, "class mode": {"volumeBindingMode": "Later"}, "class no provisioner": {
        "provisioner": None}, "class policy": {"reclaimPolicy": "Keep"}, "class provisioner": {"provisioner": "A b"},
        "ok storage class, whole": {"parameters": {"type": "gp3"}, "allowVolumeExpansion": True,
                                    "volumeBindingMode": "WaitForFirstConsumer"}}),
    (CSI, {"ok driver": {}, "driver mode": {"spec.volumeLifecycleModes": ["Sometimes"]}}),
    (PC, {"ok priority": {}, "priority": {"value": 2000000000}, "ok priority, never": {"preemptionPolicy": "Never"},
          "priority policy": {"preemptionPolicy": "Now"}, "priority name": {"metadata.name": "system-own"},
          "ok priority, no value": {"value": None}}),
    (CRD, {
        "ok definition": {}, "definition name": {"metadata.name": "test.lab.example"},
        "definition schema": {"spec.versions.0.schema": None}, "definition type": {SPEC: {}},
        "definition scope": {"spec.scope": "World"}, "definition no versions": {"spec.versions": []},
        "definition not stored": {"spec.versions.0.storage": False}, "definition group": {"spec.group": "lab"},
        "definition items": {f"{SPEC}.properties": {"a": {"type": "array"}}},
        "definition kind of value": {f"{SPEC}.type": "map"}, "definition root": {f"{SCHEMA}.type": "string"},
        "definition no kind": {"spec.names.kind": ""}, "definition column": {
            "spec.versions.0.additionalPrinterColumns": [{"name": "A", "type": "text", "jsonPath": ".a"}]},
        "ok definition, whole": {
            "spec.names.shortNames": ["t"], "spec.names.categories": ["all"], "spec.versions.0.subresources": {
                "status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}},
            f"{SPEC}.properties": {"n": {"type": "integer", "default": 1, "minimum": 0}}},
    }),
    (QUOTA, {"ok quota": {}, "quota name": {"spec.hard": {"cpus": "1"}}, "quota amount": {"spec.hard.pods": "-1"},
             "quota fraction": {"spec.hard.pods": "1.5"}, "quota scope": {"spec.scopes": ["Best"]},
             "ok quota, counts": {"spec.hard": {"count/deployments.apps": "2", "requests.storage": "10Gi"}}}),
    (LIMITS, {"ok limits": {}, "limits kind": {"spec.limits.0.type": "Box"},
              "limits turned round": {"spec.limits.0.min": {"cpu": "4"}},
              "limits default over most": {"spec.limits.0.default": {"cpu": "4"}},
              "limits twice": {"spec.limits.1": {"type": "Container"}},
              "limits claim default": {"spec.limits.1": {"type": "PersistentVolumeClaim", "default": {"storage": 1}}},
              "ok limits, claim": {"spec.limits.1": {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}}}),
    (LEASE, {"ok lease": {}, "lease seconds": {"spec.leaseDurationSeconds": 0}}),
    (SLICE, {"ok slice": {}, "slice type": {"addressType": "IP"}, "slice address": {"endpoints.0.addresses": ["a"]},
             "slice no address": {"endpoints.0.addresses": []}}),
]  # fmt: skip

PROBES: Probes = dict(WORKLOADS)
for _base, _table in TABLES:
    PROBES |= probes(_base, _table)
