"""The upgrade of a cluster by one minor version, against the lab's EKS: refused, foreseen, made, and completed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade import (
    INFO_SPEC,
    UPGRADE_SPEC,
    upgrade,
    upgrade_info,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from bahnvision_lab.testing import running_lab
from botocore.config import Config
from cluster_world import NAME, ClusterWorld
from stage import Stage, kill_family

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: "shop/web:1"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop, namespace: default}
spec: {maxUnavailable: %s, selector: {matchLabels: {app: shop}}}
"""
PARTS = ("control_plane", "addons", "node_groups")
GROUP = f"{NAME}-main"


class World(ClusterWorld):
    """The modules without Ansible around them; the tests follow each other from 1.34 to 1.35."""

    def __init__(self, lab: Any, folder: Path) -> None:
        super().__init__(lab, folder)
        self.settle()
        once = Config(retries={"total_max_attempts": 1})
        self.clients = {service: lab.client(service, config=once) for service in ("eks", "ec2")}
        self.log = Path(lab.status()["aws"]["request_log"])

    def wish(self, spec: dict[str, Any], **wish: Any) -> dict[str, Any]:
        told = {"name": NAME, "app": "bahnvision", "stage": "lab", "version": "1.35", **wish}
        validated = ArgumentSpecValidator(spec).validate(told)
        assert not validated.error_messages
        return validated.validated_parameters

    def info(self, **wish: Any) -> dict[str, Any]:
        return upgrade_info(self.clients, self.wish(INFO_SPEC, **wish), False)

    def do(self, part: str, check: bool = False, **wish: Any) -> list[str]:
        wish = self.wish(UPGRADE_SPEC, part=part, wait_timeout=300, wait_pause=0.2, **wish)
        return upgrade(self.clients, wish, check)["actions"]

    def writes(self) -> int:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return sum(entry["service"] == "eks" and entry["write"] for entry in lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("up")
    with running_lab(folder / "lab") as lab:
        yield World(lab, folder)


@pytest.mark.parametrize(
    ("version", "words"), [("1.36", "one minor version at a time"), ("1.33", "does not go back"), ("1.99", "at a time")]
)
def test_skips_and_ways_back_are_refused(world: World, version: str, words: str) -> None:
    before = world.writes()
    told = world.info(version=version, accept=["Version"])
    assert words in next(one["detail"] for one in told["findings"] if one["result"] == "fail")
    assert told["plan"] == {part: [] for part in PARTS}
    for part in PARTS:
        with pytest.raises(ResourceError, match=words):
            world.do(part, version=version)
    assert world.writes() == before


def test_the_order_is_kept_and_check_mode_foresees_all_of_it(world: World) -> None:
    before = world.writes()
    told = world.info()
    assert [one["sentence"] for one in told["findings"] if one["result"] == "fail"] == []
    assert told["plan"]["control_plane"][0]["kind"] == "eks_cluster"
    for part in PARTS:
        assert world.do(part, check=True) == [f"upgrade {step['kind']} {step['name']}" for step in told["plan"][part]]
    for part in PARTS[1:]:
        with pytest.raises(ResourceError, match=r"runs Kubernetes 1[.]34; upgrade it to 1[.]35 before"):
            world.do(part)
    assert world.writes() == before


def test_a_strangers_cluster_is_left_alone(world: World) -> None:
    with pytest.raises(ResourceError, match="is not ours"):
        world.do("control_plane", app="other")


def test_what_a_killed_run_has_begun_is_waited_for_and_not_done_again(world: World) -> None:
    world.eks.update_cluster_version(name=NAME, version="1.35")
    assert world.do("control_plane") == []
    assert world.eks.describe_cluster(name=NAME)["cluster"]["version"] == "1.35"
    assert world.info()["plan"]["control_plane"] == []


def test_addons_and_nodes_follow_and_a_second_run_finds_nothing_left(world: World) -> None:
    left = world.info()["plan"]
    assert world.do("addons") == [f"upgrade eks_addon {step['name']}" for step in left["addons"]]
    assert world.do("node_groups") == [f"upgrade eks_node_group {GROUP}"]
    assert world.info()["plan"] == {part: [] for part in PARTS}
    assert [world.do(part) for part in PARTS] == [[], [], []]
    assert world.eks.describe_nodegroup(clusterName=NAME, nodegroupName=GROUP)["nodegroup"]["version"] == "1.35"


@pytest.mark.full
def test_the_playbook_upgrades_a_cluster_in_which_an_application_runs(tmp_path: Path) -> None:
    with running_lab(tmp_path / "lab") as lab:
        world = World(lab, tmp_path)
        stage = Stage(
            lab, "eks", "upgrade_eks.yml", eks_kubeconfig_path=str(world.config), eks_helm_home=str(tmp_path / "helm"),
            eks_poll_seconds=0.2, upgrade_poll_seconds=0.2, reports_dir=str(tmp_path / "reports"),
        )  # fmt: skip
        silent = stage.run()
        assert silent.code == 2
        assert "name the minor version" in silent.errors[0]
        lab_kubeconfig(world)
        _held_by_a_budget(world, stage)
        foreseen = stage.run("--check", "--diff", upgrade_version="1.35")
        assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
        assert {"Upgrade the control plane", "Upgrade the add-ons", "Upgrade the nodes"} <= set(foreseen.changed)
        _killed(stage)
        made = stage.run(upgrade_version="1.35")
        assert made.code == 0, made.errors
        shop = world.read("deployment", "shop")
        assert shop["status"]["availableReplicas"] == 2
        kubelets = {one["status"]["nodeInfo"]["kubeletVersion"][:5] for one in world.read("nodes")["items"]}
        assert kubelets == {"v1.35"}
        (container,) = world.read("deployment", "cluster-autoscaler", "-n", "kube-system")["spec"]["template"]["spec"][
            "containers"
        ]
        assert container["image"].endswith(":v1.35.2")
        again = stage.run(upgrade_version="1.35")
        assert (again.code, again.writes) == (0, []), again.errors
        told = json.loads((tmp_path / "reports" / "upgrade-eks.json").read_text())
        assert told["verdict"]["result"] == "pass"


def lab_kubeconfig(world: World) -> None:
    """The file of the role comes with the first run; the application is there before."""
    from bahnvision_lab.clusters_cli import kubeconfig

    world.config.parent.mkdir(parents=True)
    world.config.write_text(json.dumps(kubeconfig(NAME, world.lab.status(), world.lab.state)))
    world.kubectl("apply", "-f", "-", text=APP % 0)
    world.kubectl("rollout", "status", "deployment/shop", "--timeout=100s")


def _held_by_a_budget(world: World, stage: Stage) -> None:
    refused = stage.run(upgrade_version="1.35")
    assert (refused.code, refused.writes) == (2, [])
    assert "Disruption budget default/shop: it allows no disruption" in refused.errors[0]
    assert "[disruption-budget:default/shop]" in refused.errors[0]
    world.kubectl("apply", "-f", "-", text=APP % 1)


def _killed(stage: Stage) -> None:
    """Kill the run as soon as the control plane has been told."""
    child = stage.start(output=None, upgrade_version="1.35")
    seen, deadline = len(stage.requests()), time.monotonic() + 400
    while time.monotonic() < deadline and child.poll() is None:
        if any(entry["operation"] == "UpdateClusterVersion" for entry in stage.requests()[seen:]):
            break
        time.sleep(0.05)
    assert child.poll() is None
    kill_family(child.pid)
    child.wait(timeout=120)
