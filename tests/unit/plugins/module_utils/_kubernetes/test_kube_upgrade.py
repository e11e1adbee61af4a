"""What stands in the way of an upgrade inside a cluster: from its objects, without a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.upgrade import Look, kube_findings

WANT = {"version": "1.35", "nodes_are_replaced": True}
GROUP = {"eks.amazonaws.com/nodegroup": "main"}
ASKED = 'apiserver_requested_deprecated_apis{{group="{}",removed_release="{}",resource="{}",version="v1beta1"}} {}'


def node(version="v1.34.2-eks-1", ready="True", labels=None):
    return {
        "metadata": {"name": f"ip-{version}", "labels": GROUP if labels is None else labels},
        "status": {"nodeInfo": {"kubeletVersion": version}, "conditions": [{"type": "Ready", "status": ready}]},
    }


def one(name, **parts):
    return {"metadata": {"namespace": "shop", "name": name, **parts.pop("metadata", {})}, **parts}


SEEN = Look(
    nodes=[node()],
    budgets=[one("cart", status={"expectedPods": 2, "disruptionsAllowed": 1})],
    deployments=[one("cart", spec={"replicas": 2}, status={"availableReplicas": 2})],
    daemon_sets=[one("agent", spec={}, status={"desiredNumberScheduled": 1, "numberAvailable": 1})],
    pods=[one("cart-1", metadata={"ownerReferences": [{}]}, status={"phase": "Running"})],
    metrics=ASKED.format("flowcontrol.apiserver.k8s.io", "1.40", "flowschemas", 1),
)


def results(seen, result, **wish):
    return [f"{one.name}: {one.detail}" for one in kube_findings({**WANT, **wish}, seen) if one.result == result]


def test_a_sound_cluster_passes():
    assert results(SEEN, "fail") == results(SEEN, "warn") == []


HELD = one("cart", status={"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 2, "disruptionsAllowed": 0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nodes": [node(ready="Unknown")]}, "it is not ready"),
        ({"nodes": [node("v1.31.9")]}, "its kubelet v1.31.9 is too old for a control plane of 1.35"),
        ({"budgets": [HELD]}, "shop/cart: it allows no disruption (2 of 2 Pods healthy, 2 must be)"),
        ({"deployments": [one("cart", spec={}, status={})]}, "Deployment shop/cart: 0 of 1 Pods available"),
        ({"stateful_sets": [one("db", spec={"replicas": 3}, status={"availableReplicas": 2})]}, "2 of 3 Pods"),
        ({"daemon_sets": [one("agent", spec={}, status={"desiredNumberScheduled": 1})]}, "shop/agent: 0 of 1"),
        ({"metrics": ASKED.format("batch", "1.35", "cronjobs", 3)}, "API batch/v1beta1/cronjobs: somebody asks for it"),
    ],
)  # fmt: skip
def test_what_would_break_is_refused(change, words):
    assert words in " | ".join(results(replace(SEEN, **change), "fail"))


def test_budgets_and_lonely_pods_matter_only_where_nodes_are_replaced():
    seen = replace(SEEN, budgets=[HELD], pods=[one("lonely", status={"phase": "Running"})])
    assert "shop/lonely" in results(seen, "warn")[0]
    assert results(seen, "fail", nodes_are_replaced=False) == results(seen, "warn", nodes_are_replaced=False) == []


def test_what_cannot_be_known_is_said():
    assert "does not tell" in results(replace(SEEN, metrics=None), "info")[0]
    assert "whoever made them" in results(replace(SEEN, nodes=[node(labels={})]), "info")[0]
