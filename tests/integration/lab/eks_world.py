"""A cluster with nodes in the lab, made by calls: for tests of what is put into clusters."""

from __future__ import annotations

import json
from typing import Any

from bahnvision_lab.testing import Lab

FAST = {"Delay": 0.1, "MaxAttempts": 600}
ZONES = ("eu-central-1a", "eu-central-1b")


def cluster_with_nodes(lab: Lab, name: str) -> None:
    """Who makes it is its administrator."""
    eks, ec2 = lab.client("eks"), lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.61.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.61.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(ZONES)
    ]
    role = _role(lab, f"{name}-cluster", "eks.amazonaws.com")
    network, access = {"subnetIds": subnets}, {"authenticationMode": "API"}
    eks.create_cluster(name=name, roleArn=role, accessConfig=access, resourcesVpcConfig=network)
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
    where: dict[str, Any] = {"clusterName": name, "nodegroupName": "main"}
    nodes = _role(lab, f"{name}-nodes", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
    eks.create_nodegroup(**where, subnets=subnets, nodeRole=nodes)
    eks.get_waiter("nodegroup_active").wait(**where, WaiterConfig=FAST)


def _role(lab: Lab, name: str, service: str, *policies: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = lab.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return str(arn)
