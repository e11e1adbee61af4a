# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others need to know of a cluster, and how to reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster import facts
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict

# The EBS driver marks with these the volumes of Pods; those of nodes go with their nodes.
OF_PODS = ("CSIVolumeName", "kubernetes.io/created-for/pvc/name")

ENTRY = "bahnvision.aws/reached"


def cluster_info(clients: Mapping[str, Any], params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    cluster = api.get_cluster(clients["eks"], params["name"])
    found = facts(cluster) if cluster else {}
    left = leftovers(clients, cluster) if cluster and params["leftovers"] else []
    return {"changed": False, "cluster": found, "kubeconfig": kubeconfig(found), "leftovers": left}


def leftovers(clients: Mapping[str, Any], cluster: Mapping[str, Any]) -> list[str]:
    """Return the volumes and load balancers that were made from within the cluster: only it removes them orderly."""
    name = cluster["name"]
    what, chosen = f"list the volumes of eks_cluster {name}", [{"Name": "tag-key", "Values": [*OF_PODS]}]
    volumes = pages(clients["ec2"], "describe_volumes", "Volumes", what, Filters=chosen)
    held = [f"volume {one['VolumeId']}" for one in volumes if _marked(name, tags_to_dict(one.get("Tags")))]
    return [*held, *_balancers(clients["elbv2"], name, cluster["resourcesVpcConfig"].get("vpcId", ""))]


def _balancers(elb: Any, name: str, vpc: str) -> Iterator[str]:
    listed = pages(elb, "describe_load_balancers", "LoadBalancers", f"list the load balancers of eks_cluster {name}")
    inside = {one["LoadBalancerArn"]: one["LoadBalancerName"] for one in listed if one.get("VpcId") == vpc}
    arns = sorted(inside)
    for start in range(0, len(arns), 20):  # as many as one call takes
        what = f"read the tags of the load balancers in {vpc}"
        told = call(elb, "describe_tags", what, ResourceArns=arns[start : start + 20])["TagDescriptions"]
        for one in told:
            if _marked(name, tags_to_dict(one["Tags"])):
                yield f"load balancer {inside[one['ResourceArn']]}"


def _marks(name: str) -> dict[str, str]:
    """How the load balancer controller, the EBS driver and Auto Mode mark what they make (key and value)."""
    return {
        "elbv2.k8s.aws/cluster": name, "KubernetesCluster": name, "eks:eks-cluster-name": name,
        f"kubernetes.io/cluster/{name}": "owned",
    }  # fmt: skip


def _marked(name: str, tags: Mapping[str, str]) -> bool:
    return any(tags.get(key) == value for key, value in _marks(name).items())


def kubeconfig(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the API server is and who vouches for it; {} before there is one.

    The user has nothing to log in with: a token lives 15 minutes and is given beside this, so nobody stores it.
    kubernetes.core hides every string of this dictionary wherever it comes up in a task's result. So it holds none that
    comes up elsewhere: no "v1" (all clients do without it here), and not the name of the cluster.
    """
    if not cluster or not cluster["endpoint"]:
        return {}
    reached = {"server": cluster["endpoint"], "certificate-authority-data": cluster["certificate_authority_data"]}
    return {
        "clusters": [{"name": ENTRY, "cluster": reached}],
        "users": [{"name": ENTRY, "user": {}}],
        "contexts": [{"name": ENTRY, "context": {"cluster": ENTRY, "user": ENTRY}}],
        "current-context": ENTRY,
    }
