# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of an upgrade, as the cluster itself sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.api import Reader
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.findings import Finding, accepted

Object = Mapping[str, Any]
UPGRADE_SPEC: dict[str, Any] = {
    "version": {"type": "str", "required": True},
    "nodes_are_replaced": {"type": "bool", "default": True},
    "accept": {"type": "list", "elements": "str", "default": []},
}
NODE_GROUP = "eks.amazonaws.com/nodegroup"
# https://kubernetes.io/releases/version-skew-policy/
OLDEST_SKEW = 3
LISTS = {
    "nodes": "/api/v1/nodes",
    "budgets": "/apis/policy/v1/poddisruptionbudgets",
    "deployments": "/apis/apps/v1/deployments",
    "stateful_sets": "/apis/apps/v1/statefulsets",
    "daemon_sets": "/apis/apps/v1/daemonsets",
    "pods": "/api/v1/pods",
}
# The API server counts who still asks for what goes: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
DEPRECATED = re.compile(r"^apiserver_requested_deprecated_apis\{(?P<labels>[^}]*)\}\s+(?P<value>[0-9.e+]+)", re.M)
LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Look:
    nodes: Sequence[Object] = ()
    budgets: Sequence[Object] = ()
    deployments: Sequence[Object] = ()
    stateful_sets: Sequence[Object] = ()
    daemon_sets: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    metrics: str | None = ""  # None: the API server does not tell


def upgrade_facts(reader: Reader, params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    seen = Look(**{name: reader.items(path) for name, path in LISTS.items()}, metrics=reader.metrics())
    findings = accepted(kube_findings(params, seen), params["accept"])
    return {"changed": False, "findings": [one.told() for one in findings], "nodes": [_node(one) for one in seen.nodes]}


def kube_findings(want: Mapping[str, Any], seen: Look) -> list[Finding]:
    return [
        *_nodes(want, seen), *_workloads(seen), *(_budgets(want, seen)), *_lonely(want, seen), *_apis(want, seen),
    ]  # fmt: skip


def numbers(version: str) -> tuple[int, ...]:
    """Return major and minor of "1.35", "v1.35.2-eks-1a2b3c" or "35+"."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _node(one: Object) -> dict[str, Any]:
    conditions = {each["type"]: each["status"] for each in (one.get("status") or {}).get("conditions") or ()}
    return {
        "name": one["metadata"]["name"],
        "version": ((one.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", ""),
        "ready": conditions.get("Ready") == "True",
        "node_group": (one["metadata"].get("labels") or {}).get(NODE_GROUP, ""),
    }


def _nodes(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    nodes = [_node(one) for one in seen.nodes]
    for node in nodes:
        mark, title = f"node:{node['name']}", f"Node {node['name']}"
        if not node["ready"]:
            yield Finding(title, "fail", "it is not ready", mark)
        elif numbers(want["version"])[1] - numbers(node["version"])[1] > OLDEST_SKEW:
            detail = f"its kubelet {node['version']} is too old for a control plane of {want['version']}"
            yield Finding(title, "fail", f"{detail}: replace it first")
    others = [node["name"] for node in nodes if not node["node_group"]]
    if others:
        detail = f"{', '.join(others[:8])}: not of a managed node group; whoever made them replaces them"
        yield Finding("Other nodes", "info", detail)
    versions = sorted({".".join(map(str, numbers(node["version"]))) for node in nodes})
    yield Finding("Nodes", "pass" if nodes else "warn", f"{len(nodes)} of {', '.join(versions) or 'no version'}")


def _workloads(seen: Look) -> Iterator[Finding]:
    """What is short of Pods already would be down when a node goes, and nobody could tell that it was so before."""
    counted = [
        ("Deployment", seen.deployments, "availableReplicas", lambda one: one["spec"].get("replicas", 1)),
        ("StatefulSet", seen.stateful_sets, "availableReplicas", lambda one: one["spec"].get("replicas", 1)),
        ("DaemonSet", seen.daemon_sets, "numberAvailable",
         lambda one: (one.get("status") or {}).get("desiredNumberScheduled", 0)),
    ]  # fmt: skip
    short = 0
    for kind, objects, member, wanted in counted:
        for one in objects:
            has, wants, place = (one.get("status") or {}).get(member, 0), wanted(one), _place(one)
            if has < wants:
                short += 1
                yield Finding(f"{kind} {place}", "fail", f"{has} of {wants} Pods available", f"workload:{place}")
    if not short:
        yield Finding(
            "Workloads", "pass", f"all {sum(len(objects) for _k, objects, _m, _w in counted)} have their Pods"
        )


def _budgets(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    held = 0
    for one in seen.budgets:
        status = one.get("status") or {}
        if status.get("expectedPods", 0) and not status.get("disruptionsAllowed", 0):
            held += 1
            healthy = f"{status.get('currentHealthy', 0)} of {status.get('expectedPods')} Pods healthy, "
            detail = f"it allows no disruption ({healthy}{status.get('desiredHealthy', 0)} must be)"
            result = "fail" if want["nodes_are_replaced"] else "info"
            yield Finding(f"Disruption budget {_place(one)}", result, detail, f"disruption-budget:{_place(one)}")
    if not held:
        yield Finding("Disruption budgets", "pass", f"each of {len(seen.budgets)} allows a disruption")


def _lonely(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    if not want["nodes_are_replaced"]:
        return
    free = [one for one in seen.pods if not one["metadata"].get("ownerReferences")]
    lonely = [_place(one) for one in free if (one.get("status") or {}).get("phase") in ("Running", "Pending")]
    if lonely:
        yield Finding("Pods without an owner", "warn", f"they do not come back: {', '.join(lonely[:8])}")


def _apis(want: Mapping[str, Any], seen: Look) -> Iterator[Finding]:
    if seen.metrics is None:
        yield Finding("APIs that go", "info", "the API server does not tell who asks for them; see EKS's insights")
        return
    gone = 0
    for hit in DEPRECATED.finditer(seen.metrics):
        labels = dict(LABEL.findall(hit["labels"]))
        removed = labels.get("removed_release", "")
        name = "/".join(part for part in (labels.get("group"), labels.get("version"), labels.get("resource")) if part)
        if float(hit["value"]) and removed and numbers(removed) <= numbers(want["version"]):
            gone += 1
            yield Finding(f"API {name}", "fail", f"somebody asks for it, and {removed} has it no more", f"api:{name}")
    if not gone:
        yield Finding("APIs that go", "pass", f"nobody has asked for one that {want['version']} lacks")


def _place(one: Object) -> str:
    return f"{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"
