"""EKS capabilities: what EKS refuses of them, and what comes with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_world import fresh, refused, vpc_with_subnets
from bahnvision_lab.testing import Lab
from test_eks import make_role
from walks.clusters import FAST, _until

INSTANCE = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
ARGO = {"argoCd": {"awsIdc": {"idcInstanceArn": INSTANCE}}}


@pytest.fixture(scope="module")
def made(lab: Lab) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A cluster without nodes, and the arguments of a capability that EKS takes."""
    eks, name = lab.client("eks"), fresh("cluster")
    _vpc, subnets = vpc_with_subnets(lab.client("ec2"))
    role = make_role(lab, "eks.amazonaws.com", "AmazonEKSClusterPolicy")
    eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": subnets},
                       accessConfig={"authenticationMode": "API"})  # fmt: skip
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
    yield eks, {
        "clusterName": name, "capabilityName": "argocd", "type": "ARGOCD", "configuration": ARGO,
        "roleArn": make_role(lab, "capabilities.eks.amazonaws.com"), "deletePropagationPolicy": "RETAIN",
    }  # fmt: skip
    eks.delete_cluster(name=name)
    eks.get_waiter("cluster_deleted").wait(name=name, WaiterConfig=FAST)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"roleArn": "arn:aws:iam::123456789012:role/none"}, "trusted entity is not correct"),
        ({"configuration": {}}, "Identity Center configuration"),
        ({"configuration": {"argoCd": {"awsIdc": {"idcInstanceArn": "arn:aws:sso:::instance/x"}}}}, "is not valid"),
        ({"type": "KRO"}, "not valid for a capability of type KRO"),
        ({"capabilityName": "a b"}, "alphanumeric"),
    ],
)
def test_what_cannot_be_is_refused(made: tuple[Any, dict[str, Any]], changes: dict[str, Any], words: str) -> None:
    eks, wish = made
    with refused("InvalidParameterException", words, 400):
        eks.create_capability(**{**wish, **changes})


def test_its_role_gets_what_it_needs_to_work_and_the_cluster_its_kinds(lab: Lab, made: Any) -> None:
    eks, wish = made
    eks.create_capability(**wish)
    one = {key: wish[key] for key in ("clusterName", "capabilityName")}
    _until(lambda: eks.describe_capability(**one)["capability"]["status"] == "ACTIVE")
    entry = {"clusterName": wish["clusterName"], "principalArn": wish["roleArn"]}
    given = eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert {item["policyArn"].rpartition("/")[2]: item["accessScope"]["namespaces"] for item in given} == {
        "AmazonEKSArgoCDClusterPolicy": [], "AmazonEKSArgoCDPolicy": ["argocd"],
    }  # fmt: skip
    with refused("ResourceInUseException", "of type ARGOCD already exists"):
        eks.create_capability(**{**wish, "capabilityName": "second"})
    eks.delete_capability(**one)
    _until(lambda: not eks.list_capabilities(clusterName=wish["clusterName"])["capabilities"])
