"""What truly comes into being: the API server, nodes, and what add-ons put into the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from moto.ec2.models import ec2_backends

from bahnvision_lab.aws.eks import offers
from bahnvision_lab.aws.eks.books import Addon, Cluster, Told, random_id
from bahnvision_lab.aws.eks.capabilities import managed_argocd
from bahnvision_lab.aws.eks.nodes import Nodes
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


class Makers(Nodes):
    def __init__(self, service: Service) -> None:
        self.service = service

    def security_group(self, cluster: Cluster) -> None:
        """The group that EKS makes for the control plane and its nodes."""
        vpc = cluster.told["resourcesVpcConfig"]["vpcId"]
        name = f"eks-cluster-sg-{cluster.name}-{random_id(8)}"
        tags = {f"kubernetes.io/cluster/{cluster.name}": "owned", "aws:eks:cluster-name": cluster.name, "Name": name}
        ec2 = ec2_backends[cluster.account][cluster.region]
        words = (
            "EKS created security group applied to ENI that is attached to EKS Control Plane "
            "master nodes, as well as any managed workloads."
        )
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
            cluster.version,
            cluster.name,
            cluster.issuer,
            self.service.authority.bundle.read_text(),
            cluster.region,
            cluster.told["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
            lambda token: self.service.user_of(cluster, token),
            self.service.images.trouble,
            managed_argocd=lambda: managed_argocd(cluster),
        )
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
        kubernetes.put(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": "eks:admin-view"},
                "rules": everything,
            }
        )
        kubernetes.put(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": "gp2"},
                "provisioner": "kubernetes.io/aws-ebs",
                "parameters": {"type": "gp2", "fsType": "ext4"},
                "volumeBindingMode": "WaitForFirstConsumer",
            }
        )
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
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": account,
                    "priorityClassName": "system-cluster-critical",
                    "containers": [
                        {"name": called, "image": image, "resources": {"requests": {"cpu": "25m", "memory": "40Mi"}}}
                    ],
                    "tolerations": [{"operator": "Exists"}]
                    if kind == "DaemonSet"
                    else [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
                },
            },
        }
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
            addon.issues = [
                {
                    "code": "InsufficientNumberOfReplicas",
                    "resourceIds": [],
                    "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
                }
            ]

    def uninstall(self, cluster: Cluster, addon: Addon) -> None:
        kind, called = WORKLOADS[addon.name]
        assert cluster.kubernetes is not None
        hands = Hands(cluster.kubernetes)
        found = hands.store.find(PLACES[kind], "kube-system", called)
        if found is not None:
            hands.delete(PLACES[kind], found)
