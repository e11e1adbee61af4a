"""Nodes: those of node groups, and those that Auto Mode adds."""

from __future__ import annotations

import copy

from moto.ec2.models import ec2_backends

from bahnvision_lab.aws.eks import checks, offers
from bahnvision_lab.aws.eks.books import Cluster, Nodegroup, Told, random_id
from bahnvision_lab.aws.rds_proxy.access import find_role
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.controllers.hands import NODES, Hands

MOST_NODES = 10
NETWORK = ("apps", "daemonsets"), "aws-node"


class Nodes:
    """The nodes of all clusters."""

    def fill(self, cluster: Cluster, group: Nodegroup) -> None:
        """Nodes join when their role lets them and the cluster has a network for them."""
        role = find_role(cluster.account, cluster.partition, group.told["nodeRole"])
        lacking = checks.attached(role, "AmazonEKSWorkerNodePolicy") if role else ["the role itself"]
        kubernetes = cluster.kubernetes
        has_network = (
            kubernetes is not None and kubernetes.store.find(NETWORK[0], "kube-system", NETWORK[1]) is not None
        )
        if lacking or not has_network:
            words = (
                "Instances failed to join the kubernetes cluster"
                if lacking
                else "Unhealthy nodes in the kubernetes cluster"
            )
            group.issues = [{"code": "NodeCreationFailure", "message": words, "resourceIds": []}]
            group.status = "CREATE_FAILED"
            return
        self.fit(cluster, group)
        group.status = "ACTIVE"

    def fit(self, cluster: Cluster, group: Nodegroup) -> None:
        """As many nodes as the group wants, with its labels and taints."""
        assert cluster.kubernetes is not None
        hands, told = Hands(cluster.kubernetes), group.told
        mine = self._nodes(hands, group)
        for _number in range(told["scalingConfig"]["desiredSize"] - len(mine)):
            self._node(
                cluster,
                told["instanceTypes"][0],
                told["subnets"][len(mine) % len(told["subnets"])],
                {
                    "eks.amazonaws.com/nodegroup": group.name,
                    "eks.amazonaws.com/capacityType": told["capacityType"],
                    **told["labels"],
                },
                _taints(told["taints"]),
                told["version"],
            )
            mine = self._nodes(hands, group)
        for node in mine[told["scalingConfig"]["desiredSize"] :]:
            self._drop(hands, node)
        for node in self._nodes(hands, group):
            hands.change(NODES, node, lambda fresh: _mark(fresh, told))

    def _nodes(self, hands: Hands, group: Nodegroup) -> list[Told]:
        return [
            one
            for one in hands.every(NODES)
            if one["metadata"].get("labels", {}).get("eks.amazonaws.com/nodegroup") == group.name
        ]

    def _node(
        self, cluster: Cluster, kind: str, subnet_id: str, labels: dict[str, str], taints: list[Told], minor: str
    ) -> None:
        assert cluster.kubernetes is not None
        subnet = ec2_backends[cluster.account][cluster.region].get_subnet(subnet_id)
        arch, cpus, memory, pods = offers.instance(kind) or ("amd64", 2, 4.0, 17)
        count = len(cluster.kubernetes.store.every(NODES)) + int(cluster.kubernetes.store.version)
        name = f"ip-10-0-{count // 250 % 250}-{count % 250 + 4}.{cluster.region}.compute.internal"
        hands, zone = Hands(cluster.kubernetes), subnet.availability_zone
        node = cluster.kubernetes.put({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                **labels, "kubernetes.io/arch": arch, "kubernetes.io/os": "linux", "kubernetes.io/hostname": name,
                "node.kubernetes.io/instance-type": kind, "topology.kubernetes.io/zone": zone,
                "topology.kubernetes.io/region": cluster.region, "topology.k8s.aws/zone-id": zone,
            }},
            "spec": {"providerID": f"aws:///{zone}/i-{random_id(17)}", "taints": taints},
        })  # fmt: skip
        room = {"cpu": f"{cpus * 1000 - 70}m", "memory": f"{int(memory * 1024 - 600)}Mi", "pods": str(pods)}
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastTransitionTime": stamp(),
            "lastHeartbeatTime": stamp(),
        }
        version = {"kubeletVersion": f"v{minor}.0-eks-lab", "architecture": arch, "operatingSystem": "linux"}
        blank = (
            "machineID",
            "systemUUID",
            "bootID",
            "kernelVersion",
            "osImage",
            "containerRuntimeVersion",
            "kubeProxyVersion",
        )
        hands.status(NODES, node, {"capacity": room, "allocatable": room, "conditions": [condition],
                                   "nodeInfo": {**dict.fromkeys(blank, ""), **version},
                                   "addresses": [{"type": "InternalDNS", "address": name}]})  # fmt: skip

    def _grow(self, cluster: Cluster) -> None:
        """Auto Mode: a node for what fits nowhere, zone after zone."""
        assert cluster.kubernetes is not None
        there = cluster.kubernetes.store.every(NODES)
        subnets = cluster.told["resourcesVpcConfig"]["subnetIds"]
        pools = cluster.told["computeConfig"]["nodePools"]
        if len(there) < MOST_NODES and "general-purpose" in pools:
            labels = {"eks.amazonaws.com/compute-type": "auto", "karpenter.sh/nodepool": "general-purpose"}
            self._node(cluster, "c6a.large", subnets[len(there) % len(subnets)], labels, [], cluster.version)

    def _drop(self, hands: Hands, node: Told) -> None:
        name = node["metadata"]["name"]
        for pod in hands.every(("", "pods")):
            if pod["spec"].get("nodeName") == name:
                hands.delete(("", "pods"), pod)
        hands.delete(NODES, node)

    def empty_nodes(self, cluster: Cluster, group: Nodegroup) -> None:
        if cluster.kubernetes is not None:
            hands = Hands(cluster.kubernetes)
            for node in self._nodes(hands, group):
                self._drop(hands, node)

    def empty(self, cluster: Cluster, group: Nodegroup) -> None:
        self.empty_nodes(cluster, group)
        cluster.nodegroups.pop(group.name, None)


def _mark(node: Told, told: Told) -> None:
    node["metadata"]["labels"].update(told["labels"])
    node["spec"]["taints"] = _taints(told["taints"])


def _taints(taints: list[Told]) -> list[Told]:
    names = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
    return [{**copy.deepcopy(one), "effect": names[one["effect"]]} for one in taints]
