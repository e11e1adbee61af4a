"""EKS: what it refuses, what comes to be, and who gets into a cluster."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from aws_world import fresh, refused, vpc_with_subnets
from bahnvision_lab.testing import Lab
from botocore.signers import RequestSigner

FAST = {"Delay": 0.1, "MaxAttempts": 600}
POD = ("sts:AssumeRole", "sts:TagSession")
NODE = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy")


def make_role(lab: Lab, service: str, *policies: str, actions: tuple[str, ...] = POD) -> str:
    iam, name = lab.client("iam"), fresh("role")
    principal: dict[str, Any] = {"Service": service} if "." in service else {"AWS": "*"}
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": [*actions]}]}  # fmt: skip
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return str(arn)


def token(lab: Lab, cluster: str, **keys: str) -> str:
    """What `aws eks get-token` prints."""
    aws = lab.status()["aws"]
    told = keys or {key: aws[key] for key in ("access_key_id", "secret_access_key")}
    session = boto3.session.Session(**{f"aws_{key}": value for key, value in told.items()}, region_name=aws["region"])
    sts = session.client("sts")
    signer = RequestSigner(
        sts.meta.service_model.service_id, aws["region"], "sts", "v4", session.get_credentials(), session.events
    )
    request = {
        "method": "GET", "body": {}, "headers": {"x-k8s-aws-id": cluster}, "context": {},
        "url": f"https://sts.{aws['region']}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
    }  # fmt: skip
    url = signer.generate_presigned_url(request, region_name=aws["region"], expires_in=60, operation_name="")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@dataclass
class World:
    lab: Lab
    eks: Any
    name: str
    role: str
    node_role: str
    subnets: list[str]

    @property
    def endpoint(self) -> str:
        return str(self.eks.describe_cluster(name=self.name)["cluster"]["endpoint"])

    def ask(self, text: str, path: str, **options: Any) -> requests.Response:
        bundle = self.lab.status()["ca_bundle"]
        headers = {"Authorization": f"Bearer {text}"}
        return requests.get(self.endpoint + path, headers=headers, verify=bundle, timeout=30, **options)

    def arguments(self, **changes: Any) -> dict[str, Any]:
        told = {"name": fresh("cluster"), "version": "1.35", "roleArn": self.role,
                "resourcesVpcConfig": {"subnetIds": self.subnets}, **changes}  # fmt: skip
        return {key: value for key, value in told.items() if value is not None}


@pytest.fixture(scope="module")
def world(lab: Lab) -> Iterator[World]:
    eks = lab.client("eks")
    _vpc, subnets = vpc_with_subnets(lab.client("ec2"))
    found = World(lab, eks, fresh("cluster"), make_role(lab, "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
                  make_role(lab, "ec2.amazonaws.com", *NODE), subnets)  # fmt: skip
    eks.create_cluster(**found.arguments(name=found.name, accessConfig={"authenticationMode": "API"}, version="1.34"))
    eks.get_waiter("cluster_active").wait(name=found.name, WaiterConfig=FAST)
    eks.create_nodegroup(clusterName=found.name, nodegroupName="main", subnets=subnets, nodeRole=found.node_role)
    eks.get_waiter("nodegroup_active").wait(clusterName=found.name, nodegroupName="main", WaiterConfig=FAST)
    yield found
    eks.delete_nodegroup(clusterName=found.name, nodegroupName="main")
    eks.get_waiter("nodegroup_deleted").wait(clusterName=found.name, nodegroupName="main", WaiterConfig=FAST)
    eks.delete_cluster(name=found.name)
    eks.get_waiter("cluster_deleted").wait(name=found.name, WaiterConfig=FAST)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "1.28"}, "unsupported Kubernetes version 1.28"),
        ({"roleArn": "arn:aws:iam::123456789012:role/none"}, "does not exist or the trusted entity is not correct"),
        ({"resourcesVpcConfig": {"subnetIds": ["subnet-0123456789abcdef0"]}}, "does not exist"),
        ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "192.0.2.0/30"}}, "serviceIpv4Cidr"),
        (
            {
                "encryptionConfig": [
                    {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:eu-central-1:1:key/x"}}
                ]
            },
            "keyArn",
        ),
        ({"computeConfig": {"enabled": True}}, "For EKS Auto Mode, please ensure that all required configs"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(world: World, changes: dict[str, Any], words: str) -> None:
    with refused("InvalidParameterException", words, 400):
        world.eks.create_cluster(**world.arguments(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"endpointPublicAccess": False, "endpointPrivateAccess": False},
            "Private and public endpoint access cannot be false.",
        ),
        ({"publicAccessCidrs": ["10.0.0.0/8"]}, "not allowed in publicAccessCidrs"),
        ({"publicAccessCidrs": ["203.0.113.1/24"]}, "invalid in publicAccessCidrs"),
    ],
)
def test_an_endpoint_nobody_could_reach_is_refused(world: World, changes: dict[str, Any], words: str) -> None:
    with refused("InvalidParameterException", words):
        world.eks.create_cluster(**world.arguments(resourcesVpcConfig={"subnetIds": world.subnets, **changes}))


def test_one_zone_is_too_few(world: World) -> None:
    with refused("InvalidParameterException", "at least two different AZs"):
        world.eks.create_cluster(**world.arguments(resourcesVpcConfig={"subnetIds": world.subnets[:1]}))


def test_a_cluster_answers_those_who_have_an_entry(world: World) -> None:
    nodes = world.ask(token(world.lab, world.name), "/api/v1/nodes")
    assert len(nodes.json()["items"]) == 2
    assert world.ask(token(world.lab, "another"), "/api/v1/nodes").status_code == 401
    good = token(world.lab, world.name)
    assert world.ask(good[:-8] + "AAAAAAAA", "/api/v1/nodes").status_code == 401
    assert world.ask("k8s-aws-v1.nonsense", "/api/v1/nodes").status_code == 401


def test_access_policies_are_enforced_where_they_hold(world: World) -> None:
    iam, user = world.lab.client("iam"), fresh("user")
    arn = iam.create_user(UserName=user)["User"]["Arn"]
    made = iam.create_access_key(UserName=user)["AccessKey"]
    keys = {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}
    assert world.ask(token(world.lab, world.name, **keys), "/api/v1/namespaces/default/pods").status_code == 401
    where = {"clusterName": world.name, "principalArn": arn}
    world.eks.create_access_entry(**where)
    assert world.ask(token(world.lab, world.name, **keys), "/api/v1/namespaces/default/pods").status_code == 403
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    scope = {"type": "namespace", "namespaces": ["default"]}
    world.eks.associate_access_policy(**where, policyArn=policy, accessScope=scope)
    mine = token(world.lab, world.name, **keys)
    assert world.ask(mine, "/api/v1/namespaces/default/pods").status_code == 200
    assert world.ask(mine, "/api/v1/namespaces/default/secrets").status_code == 403
    assert world.ask(mine, "/api/v1/namespaces/kube-system/pods").status_code == 403
    world.eks.delete_access_entry(**where)
    assert world.ask(mine, "/api/v1/namespaces/default/pods").status_code == 401


def test_entries_that_eks_refuses(world: World) -> None:
    where = {"clusterName": world.name}
    with refused("InvalidParameterException", "invalid principal"):
        world.eks.create_access_entry(**where, principalArn="arn:aws:iam::123456789012:role/none")
    role = make_role(world.lab, "eks.amazonaws.com")
    with refused("InvalidParameterException", "cannot start with 'system:'"):
        world.eks.create_access_entry(**where, principalArn=role, kubernetesGroups=["system:masters"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amiType": "AL2_x86_64"}, "only supported for kubernetes versions 1.32 or earlier"),
        ({"instanceTypes": ["t4g.medium"]}, "is not a valid instance type for requested amiType"),
        ({"instanceTypes": ["x9.huge"]}, "do not exist"),
        ({"scalingConfig": {"minSize": 3, "maxSize": 2, "desiredSize": 2}}, "can't be greater than maximum capacity"),
        ({"version": "1.35"}, "is not supported with cluster version 1.34"),
    ],
)
def test_node_groups_that_cannot_be(world: World, changes: dict[str, Any], words: str) -> None:
    with refused("InvalidParameterException", words):
        world.eks.create_nodegroup(clusterName=world.name, nodegroupName="bad", subnets=world.subnets,
                                   nodeRole=world.node_role, **changes)  # fmt: skip


def test_nodes_whose_role_lets_them_nothing_do_not_join(world: World) -> None:
    bare = make_role(world.lab, "ec2.amazonaws.com")
    where = {"clusterName": world.name, "nodegroupName": "bare"}
    world.eks.create_nodegroup(**where, subnets=world.subnets, nodeRole=bare)
    with pytest.raises(Exception, match="CREATE_FAILED"):
        world.eks.get_waiter("nodegroup_active").wait(**where, WaiterConfig=FAST)
    health = world.eks.describe_nodegroup(**where)["nodegroup"]["health"]["issues"]
    assert [one["code"] for one in health] == ["NodeCreationFailure"]
    world.eks.delete_nodegroup(**where)
    world.eks.get_waiter("nodegroup_deleted").wait(**where, WaiterConfig=FAST)


def test_addons_have_versions_that_fit_and_bring_their_pods(world: World) -> None:
    offered = world.eks.describe_addon_versions(addonName="kube-proxy", kubernetesVersion="1.34")["addons"][0]
    assert all(one["addonVersion"].startswith("v1.34.") for one in offered["addonVersions"])
    where = {"clusterName": world.name, "addonName": "metrics-server"}
    with refused("InvalidParameterException", "Addon version specified is not supported"):
        world.eks.create_addon(**where, addonVersion="v0.0.1-eksbuild.1")
    world.eks.create_addon(**where)
    world.eks.get_waiter("addon_active").wait(**where, WaiterConfig=FAST)
    path = "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server"
    assert world.ask(token(world.lab, world.name), path).json()["status"]["availableReplicas"] >= 1
    with refused("ResourceInUseException", "Addon already exists"):
        world.eks.create_addon(**where)


def test_pod_identity_needs_a_role_that_trusts_it(world: World) -> None:
    told = {"clusterName": world.name, "namespace": "default", "serviceAccount": "app"}
    with refused("InvalidParameterException", "pods.eks.amazonaws.com"):
        world.eks.create_pod_identity_association(**told, roleArn=world.node_role)
    role = make_role(world.lab, "pods.eks.amazonaws.com", actions=POD[:1])
    with refused("InvalidParameterException", "sts:TagSession"):
        world.eks.create_pod_identity_association(**told, roleArn=role)
    role = make_role(world.lab, "pods.eks.amazonaws.com")
    made = world.eks.create_pod_identity_association(**told, roleArn=role)["association"]
    assert made["associationId"].startswith("a-")
    with refused("ResourceInUseException", "Association already exists"):
        world.eks.create_pod_identity_association(**told, roleArn=role)


def test_an_update_is_one_change_and_one_minor(world: World) -> None:
    with refused("InvalidParameterException", "unsupported Kubernetes version"):
        world.eks.update_cluster_version(name=world.name, version="1.99")
    with refused("InvalidParameterException", "Unsupported Kubernetes minor version update from 1.34 to 1.36"):
        world.eks.update_cluster_version(name=world.name, version="1.36")
    with refused("InvalidParameterException", "Cluster is already at the desired configuration"):
        world.eks.update_cluster_config(name=world.name, resourcesVpcConfig={"endpointPublicAccess": True})
    update = world.eks.update_cluster_version(name=world.name, version="1.35")["update"]
    world.eks.get_waiter("cluster_active").wait(name=world.name, WaiterConfig=FAST)
    assert world.eks.describe_update(name=world.name, updateId=update["id"])["update"]["status"] == "Successful"
    assert world.ask(token(world.lab, world.name), "/version").json()["gitVersion"].startswith("v1.35.")


def test_what_is_in_use_or_protected_is_not_deleted(world: World) -> None:
    with refused("ResourceInUseException", "Cluster has nodegroups attached", 409):
        world.eks.delete_cluster(name=world.name)
    world.eks.update_cluster_config(name=world.name, deletionProtection=True)
    world.eks.get_waiter("cluster_active").wait(name=world.name, WaiterConfig=FAST)
    with refused("InvalidRequestException", "deletion protection"):
        world.eks.delete_cluster(name=world.name)
    world.eks.update_cluster_config(name=world.name, deletionProtection=False)
    world.eks.get_waiter("cluster_active").wait(name=world.name, WaiterConfig=FAST)


def test_versions_are_told_with_their_dates(world: World) -> None:
    rows = world.eks.describe_cluster_versions()["clusterVersions"]
    assert [one["clusterVersion"] for one in rows if one["defaultVersion"]] == ["1.35"]
    assert all(one["endOfExtendedSupportDate"] > one["endOfStandardSupportDate"] for one in rows)
    assert "1.28" not in {one["clusterVersion"] for one in rows}


def test_a_person_reaches_a_cluster_with_kubectl(world: World, tmp_path: Path) -> None:
    """The kubeconfig holds no secret: kubectl runs `lab eks-token`."""
    config, environment = tmp_path / "config", {**os.environ, **world.lab.environment(), "HOME": str(tmp_path)}
    aws = world.lab.status()["aws"]

    def run(*words: str, code: int = 0) -> str:
        told = subprocess.run(words, env=environment | {"KUBECONFIG": str(config)}, capture_output=True, text=True,
                              timeout=120, check=False)  # fmt: skip
        assert told.returncode == code, told
        return told.stdout + told.stderr

    lab = (sys.executable, "-m", "bahnvision_lab.cli")
    run(*lab, "kubeconfig", "--cluster", world.name, "--output", str(config))
    assert aws["secret_access_key"] not in config.read_text()
    assert config.stat().st_mode & 0o077 == 0
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert kubectl, "the set-up installs it (scripts/kube_tools.py)"
    assert run(kubectl, "get", "nodes", "-o", "name").count("node/ip-") == 2
    assert "there is no cluster none" in run(*lab, "kubeconfig", "--cluster", "none", code=1)
    config.write_text("clusters: [{name: mine}]\n")
    assert "holds something else" in run(*lab, "kubeconfig", "--cluster", world.name, "--output", str(config), code=1)
    assert "mine" in config.read_text()
