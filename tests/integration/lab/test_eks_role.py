"""The role eks against a lab whose clusters answer as Kubernetes: refused, made, changed in place, renewed, removed.

The tests of this file share one lab and follow each other. test_playbooks.py sees the cluster foreseen in an empty
account and left alone by a second run of site.yml.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from bahnvision_lab.testing import running_lab
from eks_stage import IDENTITY, NAME, NOTHING, WHOLE, EksStage
from stage import ROOT, Outcome, Stage, assert_four_runs

CLUSTER = "cluster | Ensure the control plane and wait for it"
NODES = "nodes | Ensure the node groups and wait for them"
ABSENT = {"eks_state": "absent", "eks_confirm_absent": "lab"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EksStage]:
    with running_lab(tmp_path_factory.mktemp("eks-role") / "lab") as lab:
        yield EksStage(lab)


@pytest.fixture(scope="module")
def network(stage: EksStage) -> EksStage:
    """A network, and the groups whom database and cache let in, as the roles rds and elasticache make them."""
    made = Stage(
        stage.lab, "vpc", "network.yml", vpc_nat="none", vpc_interface_endpoints=[], vpc_flow_logs="none"
    ).run()
    assert made.code == 0, made.errors
    vpc = next(one for one in stage.ec2.describe_vpcs()["Vpcs"] if any(tag["Key"] == "app" for tag in one["Tags"]))
    for component in ("rds", "elasticache"):
        tags = [{"Key": key, "Value": value} for key, value in {**IDENTITY, "component": component}.items()]
        marked = [{"ResourceType": "security-group", "Tags": tags}]
        name = f"{NAME}-{component}-client"
        stage.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc["VpcId"], TagSpecifications=marked)
    return stage


@pytest.fixture(scope="module")
def made(network: EksStage) -> Outcome:
    outcome = network.run("--diff")
    assert outcome.code == 0, outcome.errors
    return outcome


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "many at once": (
        {
            "eks_version": "1.28", "eks_public_access_cidrs": ["0.0.0.0/0", "10.0.0.0/8"], "eks_node_max_size": 900,
            "eks_log_retention_days": 8, "eks_addon_versions": {"coredns": "v0.1"}, "eks_addons_extra": ["core-dns"],
            "eks_access_entries": [{"principal_arn": "arn:aws:sts::1:assumed-role/a/b", "access": "view"}],
        },
        [
            "Kubernetes 1.28 is not offered by EKS (any more)", "would let the whole internet knock",
            "10.0.0.0/8 is no public address", "900 nodes of 35 pods need", "must be one of 1, 3, 5",
            "that is a session and no principal",
        ],
    ),
    "soon out of support": (
        {"eks_version": "1.34"}, ["leaves standard support on 2026-12-02, in less than 60 days"],
    ),
    "out of support": ({"eks_version": "1.33"}, ["1.33 has left standard support"]),
    "nobody could reach it": ({"eks_private_access": False}, ["nobody could reach the cluster"]),
    "processors": ({"eks_node_architecture": "arm64", "eks_node_instance_types": ["m7i.large"]}, ["is x86_64, and"]),
    "no such type": ({"eks_node_instance_types": ["m99.large"]}, ["there is no instance type m99.large"]),
    "add-on": ({"eks_addons_extra": ["core-dns"]}, ["core-dns"]),
    "add-on's version": ({"eks_addon_versions": {"coredns": "v0.1"}}, ["eks_addon coredns v0.1 does not fit"]),
    "name": ({"eks_cluster_name": "x" * 41}, ["has 41 characters; 40 leave room"]),
    "auto mode's own": ({"eks_compute": "auto", "eks_service_ipv4_cidr": "8.8.8.0/24"}, ["must be a /12 to a /24"]),
}  # fmt: skip
QUICK = ("many at once",)


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in REFUSED]
)
def test_what_cannot_work_is_one_error_and_no_write(network: EksStage, case: str) -> None:
    inputs, texts = REFUSED[case]
    refused = network.run(**inputs)
    assert (refused.code, refused.writes, len(refused.errors)) == (2, [], 1)
    assert [text for text in texts if text not in refused.errors[0]] == []


def test_the_cluster_is_made_as_safe_as_it_is_said_to_be(network: EksStage, made: Outcome) -> None:
    assert network.living() == WHOLE
    cluster = network.cluster()
    assert cluster["accessConfig"] == {
        "authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False,
    }  # fmt: skip
    access = cluster["resourcesVpcConfig"]
    assert (access["endpointPublicAccess"], access["endpointPrivateAccess"]) == (False, True)
    assert cluster["encryptionConfig"][0]["resources"] == ["secrets"]
    assert len(cluster["logging"]["clusterLogging"][0]["types"]) == 5
    assert (cluster["upgradePolicy"], cluster["zonalShiftConfig"]) == ({"supportType": "STANDARD"}, {"enabled": True})
    assert network.keys() == ["Enabled"]
    group = network.logs.describe_log_groups(logGroupNamePrefix=f"/aws/eks/{NAME}/cluster")["logGroups"][0]
    assert group["retentionInDays"] == 7
    order = [entry["operation"] for entry in made.requests if entry["write"]]
    assert order.index("CreateLogGroup") < order.index("CreateCluster"), "EKS would make it without a retention"


@pytest.mark.usefixtures("made")
def test_nodes_reach_database_and_cache_and_their_pods_no_credentials(network: EksStage) -> None:
    group, data = network.group(), network.template()
    assert group["scalingConfig"] == {"minSize": 2, "maxSize": 6, "desiredSize": 2}
    assert group["updateConfig"] == {"maxUnavailablePercentage": 33}
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    volume = data["BlockDeviceMappings"][0]["Ebs"]
    assert (volume["Encrypted"], volume["VolumeType"]) == (True, "gp3")
    names = {one["GroupId"]: one["GroupName"] for one in network.ec2.describe_security_groups()["SecurityGroups"]}
    held = {names[one] for one in data["SecurityGroupIds"]}
    assert {f"{NAME}-rds-client", f"{NAME}-elasticache-client"} < held
    assert any(name.startswith(f"eks-cluster-sg-{NAME}") for name in held), (
        "EKS adds none to a template that names some"
    )
    policies = network.iam.list_attached_role_policies(RoleName=f"{NAME}-eks-node")["AttachedPolicies"]
    assert {one["PolicyName"] for one in policies} == {
        "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore",
    }  # fmt: skip


@pytest.mark.usefixtures("made")
def test_addons_are_healthy_and_their_identities_their_own(network: EksStage) -> None:
    told = {
        name: network.eks.describe_addon(clusterName=NAME, addonName=name)["addon"]
        for name in network.eks.list_addons(clusterName=NAME)["addons"]
    }
    assert {name: addon["status"] for name, addon in told.items()} == dict.fromkeys(told, "ACTIVE")
    assert json.loads(told["vpc-cni"]["configurationValues"]) == {"enableNetworkPolicy": "true"}
    listed = network.eks.list_pod_identity_associations(clusterName=NAME)["associations"]
    assert {one["serviceAccount"] for one in listed} == {"aws-node", "ebs-csi-controller-sa"}
    trust = network.iam.get_role(RoleName=f"{NAME}-eks-cni")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": NAME, "aws:RequestTag/kubernetes-namespace": "kube-system",
        "aws:RequestTag/kubernetes-service-account": "aws-node",
    }  # fmt: skip


def test_others_learn_how_to_reach_it_and_nothing_secret(made: Outcome) -> None:
    told = made.tasks["connect | Tell how to reach it"]["ansible_facts"]["eks_kubernetes"]
    assert told["cluster"] == NAME
    config = told["kubeconfig"]
    assert [user["user"] for user in config["users"]] == [{}]
    cluster = config["clusters"][0]["cluster"]
    trusted = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with pytest.raises(urllib.error.HTTPError, match=r"401|403"):
        urllib.request.urlopen(f"{cluster['server']}/api/v1/namespaces", context=trusted, timeout=20)
    facts = made.tasks["result | Hand the facts to the roles that follow"]["ansible_facts"]["eks_result"]
    assert (facts["endpoint"], facts["node_groups"]) == (cluster["server"], [f"{NAME}-main"])
    assert len(facts["addons"]) == 6


@pytest.mark.usefixtures("made")
def test_removal_wants_the_name_of_the_stage(network: EksStage) -> None:
    refused = network.run(eks_state="absent")
    assert (len(refused.errors), refused.writes) == (1, [])
    assert "Set eks_confirm_absent" in refused.errors[0]


def changes(network: EksStage) -> dict[str, Any]:
    people = {name: network.role(name) for name in ("deploy", "look")}
    people["pods"] = network.role("pods", "pods.eks.amazonaws.com")
    return {
        "eks_public_access_cidrs": ["203.0.113.0/24"], "eks_log_types": ["api", "audit"], "eks_log_retention_days": 14,
        "eks_zonal_shift": False, "eks_deletion_protection": True, "eks_tags": {"team": "platform"}, "eks_irsa": True,
        "eks_access_entries": [
            {"principal_arn": people["deploy"], "access": "deploy", "namespaces": ["bahnvision"]},
            {"principal_arn": people["look"], "access": "groups", "kubernetes_groups": ["lookers"]},
        ],
        "eks_node_max_size": 8, "eks_node_disk_size": 80, "eks_node_labels": {"pool": "main"},
        "eks_node_max_unavailable_percentage": 50, "eks_prefix_delegation": True,
        "eks_pod_identity_associations": [
            {"namespace": "bahnvision", "service_account": "backend", "role_arn": people["pods"]},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def wish(network: EksStage, made: Outcome) -> dict[str, Any]:
    assert made.code == 0
    return changes(network)


@pytest.mark.full
def test_many_changes_at_once_are_foreseen_made_in_place_and_made_once(network: EksStage, wish: dict[str, Any]) -> None:
    before = network.cluster()
    foreseen, done = assert_four_runs(network, **wish)
    for name in (CLUSTER, "nodes | Ensure the template of the nodes"):
        assert done.tasks[name]["diff"] == foreseen.tasks[name]["diff"]
    now = network.cluster()
    assert (now["createdAt"], now["deletionProtection"]) == (before["createdAt"], True)
    assert network.group()["launchTemplate"]["version"] == "2"
    assert network.template()["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 80
    assert network.living() == {**WHOLE, "entries": 4, "providers": 1}
    policies = network.eks.list_associated_access_policies(
        clusterName=NAME, principalArn=wish["eks_access_entries"][0]["principal_arn"]
    )["associatedAccessPolicies"]  # fmt: skip
    assert [one["policyArn"].rpartition("/")[2] for one in policies] == ["AmazonEKSEditPolicy"]


@pytest.mark.full
def test_other_nodes_are_ready_before_the_old_ones_go_and_nobody_else_may_log_in(
    network: EksStage, wish: dict[str, Any]
) -> None:
    anew = {**wish, "eks_node_group_name": "arm", "eks_node_architecture": "arm64", "eks_access_entries": []}
    done = network.run(**anew)
    assert done.code == 0, done.errors
    assert done.writes.index("CreateNodegroup") < done.writes.index("DeleteNodegroup")
    assert network.eks.list_nodegroups(clusterName=NAME)["nodegroups"] == [f"{NAME}-arm"]
    # Whoever runs this, and the nodes.
    assert network.living()["entries"] == 2
    back = network.run(eks_node_group_per_zone=True, eks_deletion_protection=False)
    assert back.code == 0, back.errors
    assert network.living() == {**WHOLE, "node groups": 3}


@pytest.mark.usefixtures("made")
@pytest.mark.full
def test_a_cluster_is_removed_in_order_twice_and_comes_back_with_its_key(network: EksStage) -> None:
    marked = [{"Key": f"kubernetes.io/cluster/{NAME}", "Value": "owned"}, {"Key": "CSIVolumeName", "Value": "pvc-1"}]
    held = network.ec2.create_volume(
        AvailabilityZone="eu-central-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": marked}]
    )["VolumeId"]  # fmt: skip
    refused = network.run(**ABSENT)
    assert (len(refused.errors), refused.writes) == (1, [])
    assert f"From within it were made: volume {held}" in refused.errors[0]
    network.ec2.delete_volume(VolumeId=held)

    foreseen = network.run("--check", **ABSENT)
    gone = network.run(**ABSENT)
    assert (gone.code, gone.changed) == (0, foreseen.changed), gone.errors
    assert (network.living(), network.keys()) == (NOTHING, ["PendingDeletion"])
    again = network.run(**ABSENT)
    assert (again.code, again.changed, again.writes) == (0, [], [])
    back = network.run()
    assert (back.code, network.keys(), network.living()) == (0, ["Enabled"], WHOLE), back.errors


@pytest.mark.full
def test_auto_mode_needs_no_nodes_of_ours_and_is_made_once(network: EksStage) -> None:
    inputs = {"eks_cluster_name": "auto-lab", "eks_compute": "auto", "eks_irsa": False}
    with network.lab.faults(throttle=0.2):
        foreseen, done = assert_four_runs(network, **inputs)
    assert foreseen.changed == done.changed
    assert network.living("auto-lab") == {**WHOLE, "node groups": 0, "add-ons": 0, "roles": 2, "templates": 0}
    assert network.cluster("auto-lab")["computeConfig"]["enabled"] is True
    gone = network.run(**ABSENT, **inputs)
    assert (gone.code, network.living("auto-lab")) == (0, NOTHING), gone.errors


# What no run of these tests asks for, and why the README names it nevertheless.
UNSEEN = {
    "ec2:RunInstances", "iam:PassRole", "iam:CreateServiceLinkedRole", "kms:CreateGrant",  # of EKS on our behalf
    "eks:UpdateClusterVersion", "eks:AssociateEncryptionConfig",  # an upgrade; a cluster that was made without a key
    "eks:UpdateAddon", "eks:UpdateAccessEntry", "eks:DisassociateAccessPolicy", "eks:UpdatePodIdentityAssociation",
    "eks:DeletePodIdentityAssociation", "elasticloadbalancing:DescribeTags", "iam:GetRolePolicy", "kms:ListKeys",
    "iam:UpdateAssumeRolePolicy", "iam:DetachRolePolicy",  # another kind of nodes
    "iam:PutRolePolicy", "iam:DeleteRolePolicy",  # of the controllers
    "ec2:DeleteTags", "eks:UntagResource", "iam:UntagOpenIDConnectProvider", "iam:UntagRole", "kms:UntagResource",
    "logs:UntagLogGroup", "logs:UntagResource",  # what is no longer named
    "ec2:CreateTags", "iam:TagOpenIDConnectProvider", "logs:TagLogGroup", "logs:TagResource",
    "logs:ListTagsForResource",  # what is named anew
}  # fmt: skip


def test_the_readme_lists_the_actions_that_the_runs_above_used(network: EksStage) -> None:
    text = (ROOT / "roles" / "eks" / "README.md").read_text()
    listed = {
        f"{service}:{name}"
        for service, names in re.findall(r"^- `([a-z0-9]+)`[^:]*:((?:.*\n)(?:  .*\n)*)", text, re.M)
        for name in re.findall(r"`([A-Z][A-Za-z0-9]+)`", names)
    }
    used = {one.replace("elbv2:", "elasticloadbalancing:") for one in network.used}
    assert used, "the tests above have not run"
    assert used - listed == set(), "the README lacks them"
    if {"eks:DeleteCluster", "eks:UpdateNodegroupVersion", "iam:CreateOpenIDConnectProvider"} <= used:  # all have run
        assert listed - used - UNSEEN == set(), "the README names more than is needed"
