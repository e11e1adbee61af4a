"""What truly comes into being: the API server, nodes, and what add-ons put into the cluster."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from moto.ec2.models import ec2_backends

from bahnvision_lab.aws.eks import checks, offers
from bahnvision_lab.aws.eks.books import Addon, Cluster, Nodegroup, Told, random_id
from bahnvision_lab.aws.rds_proxy.access import find_role
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.cluster import Cluster as Kubernetes
from bahnvision_lab.kubernetes.cluster import Setting
from bahnvision_lab.kubernetes.controllers.hands import NODES, Hands
from bahnvision_lab.postgres import free_port

if TYPE_CHECKING:
    from bahnvision_lab.aws.eks.service import Books, Service

# The service accounts of add-ons that call AWS, and the policy that AWS recommends for each.
ACCOUNTS = {
    "vpc-cni": ("aws-node", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"),
    "adot": ("adot-collector", "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"),
}
# What an add-on runs: kind, name, labels.
WORKLOADS = {
    "vpc-cni": ("DaemonSet", "aws-node"), "kube-proxy": ("DaemonSet", "kube-proxy"),
    "eks-pod-identity-agent": ("DaemonSet", "eks-pod-identity-agent"), "coredns": ("Deployment", "coredns"),
    "metrics-server": ("Deployment", "metrics-server"), "aws-ebs-csi-driver": ("Deployment", "ebs-csi-controller"),
    "adot": ("Deployment", "opentelemetry-operator"),
}  # fmt: skip
SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")  # what a cluster has when nobody says otherwise
PLACES = {"DaemonSet": ("apps", "daemonsets"), "Deployment": ("apps", "deployments")}
DRIVERS = {"aws-ebs-csi-driver": "ebs.csi.aws.com"}
READ = ["get", "list", "watch"]
MOST_NODES = 10


class Makers:
    def __init__(self, service: Service) -> None:
        self.service = service

    def security_group(self, cluster: Cluster) -> None:
        """The group that EKS makes for the control plane and its nodes."""
        vpc = cluster.told["resourcesVpcConfig"]["vpcId"]
        name = f"eks-cluster-sg-{cluster.name}-{random_id(8)}"
        tags = {f"kubernetes.io/cluster/{cluster.name}": "owned", "aws:eks:cluster-name": cluster.name, "Name": name}
        ec2 = ec2_backends[cluster.account][cluster.region]
        words = "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads."
        group = ec2.create_security_group(name, words, vpc, tags)
        source = [{"GroupId": group.id}]
        ec2.authorize_security_group_ingress(group.id, "-1", None, None, [], source)
        cluster.security_group = group.id

    def build(self, cluster: Cluster) -> None:
        folder: Path = self.service.folder / cluster.name
        folder.mkdir(parents=True, exist_ok=True)
        self.service.authority.issue(folder)
        auto = bool((cluster.told.get("computeConfig") or {}).get("enabled"))
        setting = Setting(
            cluster.version, cluster.name, cluster.issuer, self.service.authority.bundle.read_text(), cluster.region,
            cluster.told["kubernetesNetworkConfig"]["serviceIpv4Cidr"], lambda token: self.service.user_of(cluster, token),
            self.service.images.trouble,
        )  # fmt: skip
        if auto:
            setting.more_nodes = lambda _pod: self._grow(cluster)
        cluster.kubernetes = Kubernetes(setting, free_port(), folder)
        self._furnish(cluster, auto)
        cluster.status = "ACTIVE"
        self.service.publish()

    def _furnish(self, cluster: Cluster, auto: bool) -> None:
        kubernetes = cluster.kubernetes
        assert kubernetes is not None
        everything = [
            {"apiGroups": ["*"], "resources": ["*"], "verbs": READ},
            {"nonResourceURLs": ["*"], "verbs": ["get"]},
        ]
        kubernetes.put({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "eks:admin-view"},
                        "rules": everything})  # fmt: skip
        kubernetes.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp2"}, "provisioner": "kubernetes.io/aws-ebs",
                        "parameters": {"type": "gp2", "fsType": "ext4"}, "volumeBindingMode": "WaitForFirstConsumer"})  # fmt: skip
        if auto:
            kubernetes.put(
                {
                    "apiVersion": "storage.k8s.io/v1",
                    "kind": "CSIDriver",
                    "metadata": {"name": "ebs.csi.eks.amazonaws.com"},
                    "spec": {},
                }
            )
        elif cluster.bootstrap_addons:
            for name in SELF_MANAGED:
                self._workload(cluster, name, offers.addon_versions(name, cluster.version)[-1])

    def remove(self, books: Books, cluster: Cluster) -> None:
        if cluster.kubernetes is not None:
            cluster.kubernetes.close()
        ec2 = ec2_backends[cluster.account][cluster.region]
        group = ec2.get_security_group_from_id(cluster.security_group)
        if group is not None:
            ec2.groups[group.vpc_id].pop(group.id, None)
        books.clusters.pop(cluster.name, None)
        self.service.publish()

    def _workload(self, cluster: Cluster, name: str, version: str) -> None:
        """Put an add-on's Deployment or DaemonSet there, or change its image."""
        kind, called = WORKLOADS[name]
        image = f"602401143452.dkr.ecr.{cluster.region}.amazonaws.com/eks/{called}:{version}"
        labels = {"app.kubernetes.io/name": called, "k8s-app": called}
        account = ACCOUNTS[name][0] if name in ACCOUNTS else called
        spec: Told = {
            "selector": {"matchLabels": {"k8s-app": called}},
            "template": {"metadata": {"labels": labels}, "spec": {
                "serviceAccountName": account, "priorityClassName": "system-cluster-critical",
                "containers": [{"name": called, "image": image, "resources": {"requests": {"cpu": "25m", "memory": "40Mi"}}}],
                "tolerations": [{"operator": "Exists"}] if kind == "DaemonSet" else [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
            }},
        }  # fmt: skip
        if kind == "Deployment":
            spec["replicas"] = 2
        kubernetes = cluster.kubernetes
        assert kubernetes is not None
        kubernetes.put(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": "kube-system"}}
        )
        made = kubernetes.put(
            {
                "apiVersion": "apps/v1",
                "kind": kind,
                "metadata": {"name": called, "namespace": "kube-system", "labels": labels},
                "spec": spec,
            }
        )
        if made["spec"]["template"]["spec"]["containers"][0]["image"] != image:
            Hands(kubernetes).change(
                PLACES[kind], made, lambda fresh: fresh["spec"]["template"]["spec"]["containers"][0].update(image=image)
            )
        if name in DRIVERS:
            kubernetes.put(
                {
                    "apiVersion": "storage.k8s.io/v1",
                    "kind": "CSIDriver",
                    "metadata": {"name": DRIVERS[name]},
                    "spec": {},
                }
            )

    def install(self, cluster: Cluster, addon: Addon) -> None:
        self._workload(cluster, addon.name, addon.told["addonVersion"])
        addon.status = "ACTIVE" if WORKLOADS[addon.name][0] == "DaemonSet" else "CREATING"
        self.examine(cluster, addon)

    def examine(self, cluster: Cluster, addon: Addon) -> None:
        """An add-on is as healthy as its Pods are, now; without nodes it is degraded."""
        if addon.status in ("DELETING", "UPDATING") or cluster.kubernetes is None:
            return
        kind, called = WORKLOADS[addon.name]
        found = cluster.kubernetes.store.find(PLACES[kind], "kube-system", called)
        if kind == "DaemonSet" or found is None:
            return
        if (found.get("status") or {}).get("availableReplicas", 0) >= 1:
            addon.status, addon.issues = "ACTIVE", []
        elif not cluster.kubernetes.store.every(NODES):
            addon.status = "DEGRADED"
            addon.issues = [{"code": "InsufficientNumberOfReplicas", "resourceIds": [],
                             "message": "The add-on is unhealthy because it doesn't have the desired number of replicas."}]  # fmt: skip

    def uninstall(self, cluster: Cluster, addon: Addon) -> None:
        kind, called = WORKLOADS[addon.name]
        assert cluster.kubernetes is not None
        hands = Hands(cluster.kubernetes)
        found = hands.store.find(PLACES[kind], "kube-system", called)
        if found is not None:
            hands.delete(PLACES[kind], found)

    def fill(self, cluster: Cluster, group: Nodegroup) -> None:
        """Nodes join when their role lets them and the cluster has a network for them."""
        role = find_role(cluster.account, cluster.partition, group.told["nodeRole"])
        lacking = checks.attached(role, "AmazonEKSWorkerNodePolicy") if role else ["the role itself"]
        kubernetes = cluster.kubernetes
        has_network = (
            kubernetes is not None and kubernetes.store.find(PLACES["DaemonSet"], "kube-system", "aws-node") is not None
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
            self._node(cluster, told["instanceTypes"][0], told["subnets"][len(mine) % len(told["subnets"])],
                       {"eks.amazonaws.com/nodegroup": group.name, "eks.amazonaws.com/capacityType": told["capacityType"],
                        **told["labels"]}, _taints(told["taints"]), told["version"])  # fmt: skip
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
        condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
                     "lastTransitionTime": stamp(), "lastHeartbeatTime": stamp()}  # fmt: skip
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
