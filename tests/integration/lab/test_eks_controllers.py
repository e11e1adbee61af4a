"""The controllers of the role eks in a cluster of the lab: their own identities, pinned charts, and the way back."""

from __future__ import annotations

import base64
import gzip
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bahnvision_lab.testing import running_lab
from cluster_world import NAME, ClusterWorld
from stage import ROOT, Outcome, Stage, assert_four_runs

STORY = str(ROOT / "tests" / "integration" / "lab" / "controllers.yml")
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: default, finalizers: [ingress.k8s.aws/resources]}
spec: {defaultBackend: {service: {name: shop, port: {number: 80}}}}
"""


class World(ClusterWorld):
    def __init__(self, lab: Any, folder: Path) -> None:
        super().__init__(lab, folder)
        self.settle()
        self.home = folder / "home"
        self.home.mkdir()
        self.stage = Stage(
            lab, "eks", STORY, place="eks", eks_kubeconfig_path=str(self.config), eks_poll_seconds=0.2,
            eks_helm_home=str(folder / "helm"), eks_wait_timeout=120,
        )  # fmt: skip

    def run(self, *options: str, **inputs: Any) -> Outcome:
        return self.stage.run(*options, **inputs)

    def policy(self, part: str) -> dict[str, Any]:
        role = f"{NAME}-eks-{part}"
        (name,) = self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        return self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

    def associations(self) -> dict[str, str]:
        listed = self.eks.list_pod_identity_associations(clusterName=NAME)["associations"]
        found = [self.eks.describe_pod_identity_association(clusterName=NAME, associationId=one["associationId"])
                 for one in listed]  # fmt: skip
        return {one["association"]["serviceAccount"]: one["association"]["roleArn"] for one in found}

    def records(self, release: str) -> list[dict[str, Any]]:
        listed = self.read("secrets", "-n", "kube-system", "-l", f"owner=helm,name={release}")["items"]
        return sorted(listed, key=lambda one: int(one["metadata"]["labels"]["version"]))

    def keep(self, record: dict[str, Any]) -> None:
        """Make or replace it, past kubectl's annotation of what was applied."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=json.dumps(record))

    def releases(self) -> set[str]:
        listed = self.read("secrets", "-n", "kube-system", "-l", "owner=helm")["items"]
        return {one["metadata"]["labels"]["name"] for one in listed}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ctl")
    with running_lab(folder / "lab") as lab:
        yield World(lab, folder)


@pytest.fixture(scope="module")
def made(world: World) -> Outcome:
    outcome = world.run("--diff")
    assert outcome.code == 0, outcome.errors
    return outcome


def test_each_controller_runs_with_an_identity_of_its_own(world: World, made: Outcome) -> None:
    account = "arn:aws:iam::123456789012:role"
    assert world.associations() == {
        "aws-load-balancer-controller": f"{account}/{NAME}-eks-lb-controller",
        "cluster-autoscaler": f"{account}/{NAME}-eks-cluster-autoscaler",
    }
    trusted = world.iam.get_role(RoleName=f"{NAME}-eks-lb-controller")["Role"]["AssumeRolePolicyDocument"]
    assert trusted["Statement"][0]["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": NAME,
        "aws:RequestTag/kubernetes-namespace": "kube-system",
        "aws:RequestTag/kubernetes-service-account": "aws-load-balancer-controller",
    }
    # It may change the groups of this cluster, and no others.
    writes = [one for one in world.policy("cluster-autoscaler")["Statement"] if "SetDesired" in str(one["Action"])]
    assert [one["Condition"] for one in writes] == [
        {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{NAME}": "owned"}}
    ]
    published = json.loads((ROOT / "roles" / "eks" / "files" / "aws-load-balancer-controller.json").read_text())
    assert world.policy("lb-controller") == published


def test_they_run_twice_and_give_way_one_at_a_time(world: World, made: Outcome) -> None:
    for name in ("aws-load-balancer-controller", "cluster-autoscaler"):
        deployment = world.read("deployment", name, "-n", "kube-system")
        assert deployment["status"]["availableReplicas"] == 2
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == name
    budgets = world.read("poddisruptionbudgets", "-n", "kube-system")["items"]
    assert {"aws-load-balancer-controller", "cluster-autoscaler"} <= {one["metadata"]["name"] for one in budgets}
    (alb,) = world.read("ingressclasses")["items"]
    assert alb["metadata"]["name"] == "alb"
    assert alb["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true"
    (container,) = world.read("deployment", "cluster-autoscaler", "-n", "kube-system")["spec"]["template"]["spec"][
        "containers"
    ]
    # Its image is of the cluster's minor version.
    assert container["image"].endswith(":v1.34.5")


def test_the_kubeconfig_lets_kubectl_in_and_holds_no_credentials(world: World, made: Outcome) -> None:
    assert stat.S_IMODE(world.config.stat().st_mode) == 0o600
    secrets = world.lab.status()["aws"]
    text = world.config.read_text()
    assert secrets["secret_access_key"] not in text
    assert "k8s-aws-v1" not in text
    assert world.kubectl("config", "current-context").stdout.strip() == NAME
    assert len(world.read("nodes")["items"]) == 2


@pytest.mark.full
def test_the_four_runs(tmp_path: Path) -> None:
    with running_lab(tmp_path / "lab") as lab:
        assert_four_runs(World(lab, tmp_path).stage)


@pytest.mark.full
def test_a_broken_image_ends_the_run_with_the_pods_reason_and_the_next_run_mends_it(
    world: World, made: Outcome
) -> None:
    values = {"cluster-autoscaler": {"image": {"repository": "registry.invalid/autoscaler"}}}
    broken = world.run(eks_chart_values=values, eks_wait_timeout=60)
    assert broken.code == 2
    assert "cluster-autoscaler" in broken.errors[0]
    assert "ImagePull" in broken.errors[0]
    assert "former version still serves" in broken.errors[0]
    mended = world.run()
    assert (mended.code, mended.changed) == (0, ["chart | Ensure the chart cluster-autoscaler"]), mended.errors


@pytest.mark.full
def test_what_a_killed_helm_has_left_does_not_keep_the_next_run(world: World, made: Outcome) -> None:
    """One was killed in an upgrade, after which the last good release is there too; the other in its installation."""
    upgraded, installed = "cluster-autoscaler", "aws-load-balancer-controller"
    last = world.records(upgraded)[-1]
    world.keep(killed(last, "pending-upgrade", int(last["metadata"]["labels"]["version"]) + 1))
    (only,) = world.records(installed)
    world.keep(killed(only, "pending-install", 1))
    again = world.run()
    assert again.code == 0, again.errors
    assert set(again.changed) == {
        f"chart_unfinished | Remove them: {upgraded}",
        f"chart_unfinished | Remove them: {installed}",
        f"chart | Install it once more: {installed}",
    }
    assert {world.records(name)[-1]["metadata"]["labels"]["status"] for name in (upgraded, installed)} == {"deployed"}
    assert world.run().changed == []


def killed(record: dict[str, Any], status: str, version: int) -> dict[str, Any]:
    """Return a record of Helm as its next step leaves it when killed: Helm believes what is packed into it."""
    name = record["metadata"]["labels"]["name"]
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(record["data"]["release"]))))
    release["version"] = version
    release["info"] |= {"status": status, "description": "Preparing"}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    labels = {**record["metadata"]["labels"], "status": status, "version": str(version)}
    return {
        "apiVersion": "v1", "kind": "Secret", "type": record["type"], "data": {"release": packed},
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{version}", "namespace": "kube-system", "labels": labels},
    }  # fmt: skip


@pytest.mark.full
def test_a_load_balancer_keeps_its_controller(world: World, made: Outcome) -> None:
    world.kubectl("apply", "-f", "-", text=INGRESS)
    refused = world.run(eks_load_balancer_controller=False)
    assert refused.code == 2
    assert "still keeps load balancers of shop" in refused.errors[0]
    assert "aws-load-balancer-controller" in world.releases()
    world.kubectl("patch", "ingress", "shop", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    world.kubectl("delete", "ingress", "shop")


@pytest.mark.full
def test_karpenter_takes_the_autoscalers_place_and_gives_it_back(world: World, made: Outcome) -> None:
    choice = {"eks_autoscaler": "karpenter"}
    foreseen = world.run("--check", **choice)
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    changed = world.run(**choice)
    assert changed.code == 0, changed.errors
    assert foreseen.changed == changed.changed
    assert world.releases() == {"aws-load-balancer-controller", "karpenter"}
    assert set(world.associations()) == {"aws-load-balancer-controller", "karpenter"}
    assert world.read("nodepools")["items"][0]["spec"]["limits"] == {"cpu": 64, "memory": "256Gi"}
    assert world.run(**choice).changed == []
    back = world.run(eks_autoscaler="none")
    assert back.code == 0, back.errors
    assert world.releases() == {"aws-load-balancer-controller"}
    assert world.read("nodepools")["items"] == []
    roles = [one["RoleName"] for one in world.iam.list_roles()["Roles"]]
    assert not [one for one in roles if "karpenter" in one or "autoscaler" in one]
