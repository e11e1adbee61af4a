"""Cluster insights: what stands in the way of the next version."""

from __future__ import annotations

import hashlib

from bahnvision_lab.aws.eks import offers
from bahnvision_lab.aws.eks.books import Cluster, Told, now
from bahnvision_lab.kubernetes.controllers.hands import NODES


def insights(cluster: Cluster) -> list[Told]:
    """Of each kind that EKS checks before an upgrade."""
    following = offers.next_minor(cluster.version)
    old = _old_nodes(cluster, following)
    misfits = [
        addon.name
        for addon in cluster.addons.values()
        if following in offers.offered()
        and addon.told["addonVersion"] not in offers.addon_versions(addon.name, following)
        and addon.name != "kube-proxy"
    ]
    unhealthy = [f"{issue['code']}: {group.name}" for group in cluster.nodegroups.values() for issue in group.issues]
    return [
        _insight(
            cluster,
            following,
            "Kubelet version skew",
            old,
            "Checks for kubelet minor versions of worker nodes in the cluster to see "
            "if upgrade would cause noncompliance with supported Kubernetes kubelet version skew policy.",
            "Update the node groups to the cluster's version first.",
        ),
        _insight(
            cluster,
            following,
            "EKS add-on version compatibility",
            misfits,
            "Checks version of installed EKS add-ons to ensure they "
            "are compatible with the next version of Kubernetes.",
            "Update the add-ons to versions that fit.",
        ),
        _insight(
            cluster,
            following,
            "Cluster health issues",
            unhealthy,
            "Checks for any cluster health issues that prevent successful "
            "upgrade to the next Kubernetes version on EKS.",
            "Resolve the issues of the cluster and its node groups.",
        ),
    ]


def _old_nodes(cluster: Cluster, following: str) -> list[str]:
    found = []
    for node in cluster.kubernetes.store.every(NODES) if cluster.kubernetes else ():
        version = ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", "")
        minor = ".".join(version.removeprefix("v").split(".")[:2])
        if minor and offers.number(following)[1] - offers.number(minor)[1] > 3:
            found.append(node["metadata"]["name"])
    return found


def _insight(cluster: Cluster, following: str, name: str, bad: list[str], description: str, advice: str) -> Told:
    state = "ERROR" if bad else "PASSING"
    reason = f"{name}: {', '.join(bad)}" if bad else f"No issue found for {name.lower()}."
    digest = hashlib.sha256(f"{cluster.arn()}{name}".encode()).hexdigest()
    one_id = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    return {
        "id": one_id,
        "name": name,
        "category": "UPGRADE_READINESS",
        "kubernetesVersion": following,
        "lastRefreshTime": now(),
        "lastTransitionTime": cluster.created,
        "description": description,
        "insightStatus": {"status": state, "reason": reason},
        "recommendation": advice,
        "additionalInfo": {},
        "resources": [{"insightStatus": {"status": state, "reason": one}, "kubernetesResourceUri": one} for one in bad],
    }
