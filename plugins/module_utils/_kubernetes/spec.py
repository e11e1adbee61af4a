# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of our modules that read a cluster, besides the connection's, and what they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.api import Reader
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.watch import follow, judge
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

ROLLOUT_SPEC: dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "deployments": {"type": "list", "elements": "str", "default": []},
    "jobs": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 600},
    "patience": {"type": "float", "default": 60},
    "pause": {"type": "float", "default": 3},
    "advice": {"type": "str", "default": ""},
}
OBJECTS_SPEC: dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "label_selectors": {"type": "dict", "default": {}},
}
# The kinds that an application may be made of, in the order in which they are removed: what starts others goes first.
KINDS = {
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Service": "/api/v1/namespaces/{}/services",
    "ExternalSecret": "/apis/external-secrets.io/v1/namespaces/{}/externalsecrets",
    "SecretStore": "/apis/external-secrets.io/v1/namespaces/{}/secretstores",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    # Not made by the role; they show who else lives in the namespace.
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Pod": "/api/v1/namespaces/{}/pods",
}


def rolled_out(reader: Reader, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Wait for Deployments and Jobs; in check mode only tell where they are."""
    space, jobs, deployments = params["namespace"], params["jobs"], params["deployments"]
    if not jobs and not deployments:
        raise ResourceError("name what is to be waited for: deployments, jobs, or both")
    if check_mode:
        verdicts = judge(reader.world(space, bool(jobs), bool(deployments)), deployments, jobs)
    else:
        verdicts = follow(
            lambda: reader.world(space, bool(jobs), bool(deployments)),
            params,
            lambda pod, container, previous: reader.log(space, pod, container, previous),
        )
    return {"changed": False, "rollouts": [one.told() for one in verdicts]}


def objects(reader: Reader, params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    """Return the namespace and the objects in it, without what Secrets hold."""
    space = params["namespace"]
    told = reader.get(f"/api/v1/namespaces/{space}")
    labels = ",".join(f"{key}={value}" for key, value in params["label_selectors"].items())
    found = list(_found(reader, space, {"labelSelector": labels} if labels else {})) if told else []
    version = reader.get("/version") or {}
    return {
        "changed": False,
        "namespace": _shown(dict(told)) if told else {},
        "objects": found,
        # EKS writes "34+".
        "kubernetes_version": f"{version.get('major', '')}.{version.get('minor', '').rstrip('+')}",
    }


def _found(reader: Reader, space: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    for path in KINDS.values():
        yield from (_shown(one) for one in reader.items(path.format(space), **query))


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    hidden = ("data", "stringData") if one["kind"] == "Secret" else ()
    metadata = {key: value for key, value in one["metadata"].items() if key != "managedFields"}
    return {**{key: value for key, value in one.items() if key not in hidden}, "metadata": metadata}
