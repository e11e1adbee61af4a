"""Our EKS modules against the lab's EKS, whose clusters answer as Kubernetes: foreseen, made, made once.

What a module does is called without Ansible around it, so that every change is tried alone. The tests share one
cluster and follow each other: it is made, changed, gets nodes, add-ons and people, is upgraded and removed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import spec
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.access_entry import ensure_access_entry
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon import ensure_addon
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster import ensure_cluster
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.info import cluster_versions
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group import ensure_node_group
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.pod_identity import ensure_association
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from bahnvision_lab.testing import Lab, running_lab
from botocore.config import Config

NAME = "orders-lab"
QUICK = {"app": "orders", "stage": "lab", "wait_timeout": 300, "wait_pause": 0.2}
ZONES = ("eu-central-1a", "eu-central-1b")
Ensure = Callable[[Mapping[str, Any], Mapping[str, Any], bool], dict[str, Any]]


class World:
    """A lab, the modules' clients (without retries of their own, as the modules have them), and what stands so far."""

    def __init__(self, lab: Lab) -> None:
        once = Config(retries={"total_max_attempts": 1})
        self.clients = {service: lab.client(service, config=once) for service in ("eks", "ec2", "iam", "kms")}
        self.log = lab.state.request_log
        ec2 = self.clients["ec2"]
        vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.60.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(ZONES)
        ]
        self.wish: dict[str, Any] = {
            "name": NAME, "version": "1.34", "role_arn": self.role("cluster", "eks.amazonaws.com"),
            "subnet_ids": self.subnets, "deletion_protection": False,
        }  # fmt: skip
        self.nodes: dict[str, Any] = {
            "name": "main", "cluster_name": NAME, "subnet_ids": self.subnets,
            "node_role_arn": self.role("nodes", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy"),
        }  # fmt: skip
        self.pods = self.role("pods", "pods.eks.amazonaws.com")

    def role(self, name: str, service: str, *policies: str) -> str:
        actions = ["sts:AssumeRole", "sts:TagSession"]
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = self.clients["iam"]
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        for policy in policies:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        return str(arn)

    def run(self, ensure: Ensure, options: Mapping[str, Any], wish: Mapping[str, Any], check: bool) -> dict[str, Any]:
        known = {key: value for key, value in QUICK.items() if key in options}
        validated = ArgumentSpecValidator(options).validate({**known, **wish})
        assert not validated.error_messages
        return ensure(self.clients, validated.validated_parameters, check)

    def writes(self) -> int:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return sum(entry["service"] == "eks" and entry["write"] for entry in lines)

    def foreseen_made_once(self, ensure: Ensure, options: Mapping[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
        """Check mode tells what a run then does and writes nothing; a second run has nothing to do."""
        before = self.writes()
        told = self.run(ensure, options, wish, check=True)
        assert self.writes() == before
        made = self.run(ensure, options, wish, check=False)
        assert (told["changed"], told["actions"]) == (True, made["actions"])
        again = self.run(ensure, options, wish, check=False)
        assert not again["changed"], again["diff"]
        return made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("eks")) as lab:
        yield World(lab)


def test_a_cluster_is_made_with_an_endpoint_that_answers(world: World) -> None:
    offered = cluster_versions(world.clients, {
        "version": "", "running_version": "", "allow_version_upgrade": False, "extended_support": False,
        "minimum_support_days": 60, "addons": ["coredns"],
    }, False)  # fmt: skip
    assert offered["addon_versions"]["coredns"].startswith("v1.")
    made = world.foreseen_made_once(ensure_cluster, spec.CLUSTER_SPEC, world.wish)
    assert made["cluster"]["status"] == "ACTIVE"
    assert made["cluster"]["endpoint"].startswith("https://")
    assert made["cluster"]["certificate_authority_data"]


@pytest.mark.parametrize(
    "change",
    [
        {"logging": ["audit"]}, {"endpoint_public_access_cidrs": ["203.0.113.0/24"]}, {"zonal_shift": False},
        {"support_type": "EXTENDED"}, {"deletion_protection": True}, {"tags": {"cost-center": "4711"}},
    ],
    ids=str,
)  # fmt: skip
def test_each_setting_is_changed_alone(world: World, change: dict[str, Any]) -> None:
    world.wish |= change
    world.foreseen_made_once(ensure_cluster, spec.CLUSTER_SPEC, world.wish)


def test_a_key_is_given_once(world: World) -> None:
    world.wish["encryption_key_arn"] = world.clients["kms"].create_key()["KeyMetadata"]["Arn"]
    world.foreseen_made_once(ensure_cluster, spec.CLUSTER_SPEC, world.wish)


def test_addons_that_nodes_need_come_first(world: World) -> None:
    for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        world.foreseen_made_once(ensure_addon, spec.ADDON_SPEC, {"name": name, "cluster_name": NAME})


def test_nodes_come_and_are_changed(world: World) -> None:
    made = world.foreseen_made_once(ensure_node_group, spec.NODE_GROUP_SPEC, world.nodes)
    assert made["node_group"]["status"] == "ACTIVE"
    for change in ({"max_size": 4}, {"labels": {"tier": "web"}}, {"max_unavailable_percentage": 50}):
        world.nodes |= change
        world.foreseen_made_once(ensure_node_group, spec.NODE_GROUP_SPEC, world.nodes)


def test_an_addon_with_settings_and_a_role(world: World) -> None:
    wish = {"name": "coredns", "cluster_name": NAME}
    world.foreseen_made_once(ensure_addon, spec.ADDON_SPEC, wish)
    wish["configuration"] = {"replicaCount": 3}
    world.foreseen_made_once(ensure_addon, spec.ADDON_SPEC, wish)


def test_people_and_pods_get_what_they_may(world: World) -> None:
    people = {"cluster_name": NAME, "principal_arn": world.role("deploy", "ec2.amazonaws.com")}
    view, edit = ({"policy": f"AmazonEKS{name}Policy", "namespaces": ["orders"]} for name in ("View", "Edit"))
    for policies in ([view], [view, edit], [{**edit, "namespaces": []}]):
        wish = {**people, "policies": policies}
        world.foreseen_made_once(ensure_access_entry, spec.ACCESS_ENTRY_SPEC, wish)
    pod = {"cluster_name": NAME, "namespace": "orders", "service_account": "backend", "role_arn": world.pods}
    world.foreseen_made_once(ensure_association, spec.POD_IDENTITY_ASSOCIATION_SPEC, pod)
    world.foreseen_made_once(ensure_access_entry, spec.ACCESS_ENTRY_SPEC, {**people, "state": "absent"})
    world.foreseen_made_once(ensure_association, spec.POD_IDENTITY_ASSOCIATION_SPEC, {**pod, "state": "absent"})


def test_an_upgrade_goes_from_the_control_plane_to_the_nodes(world: World) -> None:
    with pytest.raises(ResourceError, match=r"while the control plane runs 1\.34"):
        world.run(ensure_node_group, spec.NODE_GROUP_SPEC, {**world.nodes, "version": "1.35"}, check=False)
    leap = {**world.wish, "version": "1.36", "allow_version_upgrade": True}
    with pytest.raises(ResourceError, match=r"ask for 1\.35 first"):
        world.run(ensure_cluster, spec.CLUSTER_SPEC, leap, check=False)
    world.wish |= {"version": "1.35", "allow_version_upgrade": True}
    assert world.foreseen_made_once(ensure_cluster, spec.CLUSTER_SPEC, world.wish)["cluster"]["version"] == "1.35"
    world.nodes["version"] = "1.35"
    made = world.foreseen_made_once(ensure_node_group, spec.NODE_GROUP_SPEC, world.nodes)
    assert made["node_group"]["version"] == "1.35"


def test_all_of_it_goes_in_order(world: World) -> None:
    gone = {**world.wish, "state": "absent"}
    with pytest.raises(ResourceError, match="deletion protection"):
        world.run(ensure_cluster, spec.CLUSTER_SPEC, gone, check=False)
    world.run(ensure_cluster, spec.CLUSTER_SPEC, {**world.wish, "deletion_protection": False}, check=False)
    with pytest.raises(ResourceError, match="still has node group main"):
        world.run(ensure_cluster, spec.CLUSTER_SPEC, gone, check=False)
    world.foreseen_made_once(ensure_node_group, spec.NODE_GROUP_SPEC, {**world.nodes, "state": "absent"})
    world.foreseen_made_once(ensure_cluster, spec.CLUSTER_SPEC, gone)
