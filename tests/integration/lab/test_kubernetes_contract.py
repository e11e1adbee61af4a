"""How roles speak to a cluster: kubernetes.core and helm with a kubeconfig without secrets and a token beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_world import vpc_with_subnets
from bahnvision_lab.testing import Lab, running_lab
from stage import PROGRAM, ROOT
from test_eks import FAST, NODE, make_role

NAME = "orders-lab"
TOKEN = "{{ lookup('bahnvision.aws.eks_token', '" + NAME + "', **aws) }}"
REACH = {"kubeconfig": "{{ reached.kubeconfig }}", "api_key": TOKEN}
WEB = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "orders"},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "good:v1"}]}}},
}  # fmt: skip
CHART = {
    "name": "lbc", "release_namespace": "kube-system", "chart_ref": "aws-load-balancer-controller",
    "chart_repo_url": "{{ charts }}", "chart_version": "3.5.0", "wait": True,
    "values": {"clusterName": NAME, "serviceAccount": {"name": "lbc"}},
}  # fmt: skip
PATCHED = {"state": "patched", "kind": "Deployment", "api_version": "apps/v1", "name": "web", "namespace": "orders",
           "wait": True, "definition": {"spec": {"template": {"spec": {"containers": [
               {"name": "web", "image": "good:v2"}]}}}}}  # fmt: skip
SEEN = {"kind": "Deployment", "api_version": "apps/v1", "name": "web", "namespace": "orders", "wait": True,
        "wait_condition": {"type": "Available", "status": "True"}, "wait_timeout": 60}  # fmt: skip
SERVER_SIDE = {"apply": True, "server_side_apply": {"field_manager": "bahnvision", "force_conflicts": True}}
TASKS: list[dict[str, Any]] = [
    {"name": "namespace", "kubernetes.core.k8s": {"kind": "Namespace", "name": "orders", "state": "present"}},
    {"name": "applied", "kubernetes.core.k8s": {"apply": True, "definition": WEB, "wait": True, "wait_timeout": 60}},
    {"name": "applied again", "kubernetes.core.k8s": {"apply": True, "definition": WEB, "wait": True}},
    {"name": "server side", "kubernetes.core.k8s": {**SERVER_SIDE, "definition": WEB}},
    {"name": "server side again", "kubernetes.core.k8s": {**SERVER_SIDE, "definition": WEB}},
    {"name": "new image", "kubernetes.core.k8s": PATCHED},
    {"name": "rolled back", "kubernetes.core.k8s_rollback": {  # in no action group
        **REACH, "kind": "Deployment", "api_version": "apps/v1", "name": "web", "namespace": "orders"}},
    {"name": "seen", "kubernetes.core.k8s_info": SEEN},
    {"name": "foreseen", "kubernetes.core.helm": CHART, "check_mode": True},
    {"name": "installed", "kubernetes.core.helm": CHART},
    {"name": "installed again", "kubernetes.core.helm": CHART},
    {"name": "refused", "kubernetes.core.helm": {**CHART, "values": {"clustername": NAME}}, "ignore_errors": True},
    {"name": "release", "kubernetes.core.helm_info": {"name": "lbc", "release_namespace": "kube-system"}},
    {"name": "gone", "kubernetes.core.helm": {
        "name": "lbc", "release_namespace": "kube-system", "state": "absent", "wait": True}},
    {"name": "namespace gone", "kubernetes.core.k8s": {
        "kind": "Namespace", "name": "orders", "state": "absent", "wait": True, "wait_timeout": 60}},
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("contract") / "lab") as running:
        eks = running.client("eks")
        subnets = vpc_with_subnets(running.client("ec2"))[1]
        role = make_role(running, "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        eks.create_cluster(name=NAME, version="1.34", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
        eks.get_waiter("cluster_active").wait(name=NAME, WaiterConfig=FAST)
        nodes = {"clusterName": NAME, "nodegroupName": "main"}
        eks.create_nodegroup(**nodes, subnets=subnets, nodeRole=make_role(running, "ec2.amazonaws.com", *NODE))
        eks.get_waiter("nodegroup_active").wait(**nodes, WaiterConfig=FAST)
        yield running


def played(lab: Lab, folder: Path) -> dict[str, dict[str, Any]]:
    """Run TASKS in a home of their own and return each one's result."""
    status, helm = lab.status(), folder / "helm"
    aws = {"region": status["aws"]["region"], "endpoint_url": status["aws"]["endpoint_url"],
           "access_key": status["aws"]["access_key_id"], "secret_key": status["aws"]["secret_access_key"]}  # fmt: skip
    play = {
        "hosts": "localhost", "gather_facts": False,
        "module_defaults": {f"group/kubernetes.core.{group}": REACH for group in ("k8s", "helm")},
        "environment": {
            "HELM_CACHE_HOME": str(helm / "cache"), "HELM_CONFIG_HOME": str(helm / "config"),
            "HELM_DATA_HOME": str(helm / "data"), "KUBECACHEDIR": str(helm / "kube"),
        },
        "tasks": [{"name": "reached", "bahnvision.aws.eks_cluster_info": {"name": NAME, **aws}, "register": "reached"},
                  *TASKS],
    }  # fmt: skip
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "home").mkdir()
    inputs = {"aws": aws, "charts": status["charts"]["url"], "ansible_python_interpreter": sys.executable}
    environment = {
        **os.environ, "HOME": str(folder / "home"), "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }  # fmt: skip
    argv = [str(PROGRAM), "-i", "localhost,", "-c", "local", str(folder / "play.yml"), "-e", json.dumps(inputs)]
    told = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert told.stdout.startswith("{"), told.stdout + told.stderr
    assert aws["secret_key"] not in told.stdout.replace(json.dumps(inputs), "")
    tasks = json.loads(told.stdout)["plays"][0]["tasks"]
    return {task["task"]["name"]: task["hosts"]["localhost"] for task in tasks}


@pytest.mark.full  # the tests of the roles walk the same way
def test_the_contract_holds(lab: Lab, tmp_path: Path) -> None:
    results = played(lab, tmp_path)
    failed = {name: result["msg"] for name, result in results.items() if result.get("failed")}
    assert list(failed) == ["refused"], failed
    assert "clustername" in failed["refused"]
    assert list(results) == ["reached", *(task["name"] for task in TASKS)]
    unchanged = {name for name, result in results.items() if not result["changed"]}
    assert unchanged == {
        "reached",
        "applied again",
        "server side again",
        "seen",
        "installed again",
        "refused",
        "release",
    }
    # kubernetes.core hides every string of the kubeconfig in results: none may be lost by it.
    seen = results["seen"]["resources"][0]
    assert (seen["apiVersion"], seen["metadata"]["namespace"]) == ("apps/v1", "orders")
    assert seen["spec"]["template"]["spec"]["containers"][0]["image"] == "good:v1"
    assert results["release"]["status"]["values"]["clusterName"] == NAME
    assert "k8s-aws-v1." not in json.dumps(results)
    assert [one for one in (tmp_path / "home").rglob("*") if one.is_file()] == []
