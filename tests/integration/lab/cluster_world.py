"""A cluster of the lab with nodes and add-ons, made without the role eks, and clients of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from aws_world import vpc_with_subnets
from bahnvision_lab.testing import Lab

NAME = "bahnvision-lab"
FAST = {"Delay": 0.1, "MaxAttempts": 600}
TAGS = {"app": "bahnvision", "stage": "lab", "component": "eks", "managed-by": "bahnvision.aws"}
POD = ["sts:AssumeRole", "sts:TagSession"]


class ClusterWorld:
    """`kubectl` asks as the lab's own identity, by the file that a run of the role has written."""

    def __init__(self, lab: Lab, folder: Path, version: str = "1.34") -> None:
        self.lab, self.eks, self.iam = lab, lab.client("eks"), lab.client("iam")
        self.config = folder / "kubeconfig" / f"{NAME}.yaml"
        _vpc, self.subnets = vpc_with_subnets(lab.client("ec2"))
        self.eks.create_cluster(
            name=NAME, version=version, roleArn=self.role("cluster", "eks.amazonaws.com"), tags=TAGS,
            resourcesVpcConfig={"subnetIds": self.subnets}, accessConfig={"authenticationMode": "API"},
            upgradePolicy={"supportType": "STANDARD"},
        )  # fmt: skip
        self.eks.get_waiter("cluster_active").wait(name=NAME, WaiterConfig=FAST)

    def role(self, name: str, service: str, *policies: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": POD}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        return str(arn)

    def settle(self) -> None:
        """Add-ons, without which nodes do not become ready, and two nodes."""
        for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
            self.eks.create_addon(clusterName=NAME, addonName=name, tags=TAGS)
        node = self.role("nodes", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy")
        where = {"clusterName": NAME, "nodegroupName": f"{NAME}-main"}
        self.eks.create_nodegroup(**where, subnets=self.subnets, nodeRole=node, tags=TAGS)
        self.eks.get_waiter("nodegroup_active").wait(**where, WaiterConfig=FAST)

    def kubectl(self, *words: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("kubectl")
        environment = {**os.environ, **self.lab.environment(), "KUBECONFIG": str(self.config)}
        done = subprocess.run(
            [str(program), *words],
            env=environment, input=text, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done

    def read(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json").stdout)
