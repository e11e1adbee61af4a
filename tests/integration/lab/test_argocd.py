"""Argo CD by its chart and as a capability: installed once, handed an application, told when it does not come."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bahnvision_lab.testing import running_lab
from eks_world import cluster_with_nodes
from stage import Stage

PLAYBOOK = "../tests/integration/lab/argocd_deliver.yml"
IDENTITY_CENTER = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
OURS = {"app.kubernetes.io/part-of": "bahnvision"}
pytestmark = pytest.mark.full


def manifests(image: str) -> list[dict[str, Any]]:
    """A namespace, a job that has to be over first, and what serves with an autoscaler's number of Pods."""

    def one(api: str, kind: str, name: str, **members: Any) -> dict[str, Any]:
        return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "bahnvision"}, **members}

    container = {"name": "web", "image": image, "resources": {"requests": {"cpu": "10m"}}}
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    job = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "good:1"}]}}}
    scaling = {"minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": {
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}  # fmt: skip
    web = {"selector": {"matchLabels": {"app": "web"}}, "template": pod, "progressDeadlineSeconds": 3}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bahnvision", "labels": OURS}},
        one("v1", "ConfigMap", "web", data={"LEVEL": "info"}), one("batch/v1", "Job", "schema", spec=job),
        one("apps/v1", "Deployment", "web", spec=web),
        one("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=scaling),
    ]  # fmt: skip


@pytest.fixture(params=["helm", "capability"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    bare = tmp_path / "deploy.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    with running_lab(tmp_path / "lab") as lab:
        cluster_with_nodes(lab, "bahnvision-lab")
        yield Stage(
            lab, "argocd", PLAYBOOK, argocd_install=request.param, argocd_idc_instance_arn=IDENTITY_CENTER,
            argocd_git_repository=bare.as_uri(), argocd_sync_patience=3, argocd_sync_timeout=120,
        )  # fmt: skip


def git(folder: Path, *words: str) -> str:
    told = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.com", *words]
    return subprocess.run(told, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_an_application_comes_through_git_and_goes_back_through_git(stage: Stage, tmp_path: Path) -> None:
    bare = tmp_path / "deploy.git"
    made = stage.run(argocd_manifests=manifests("good:1"))
    assert made.code == 0, made.errors
    wait = "application_present | Wait for Argo CD at this commit, or say why it does not come"
    told = made.tasks[wait]["application"]
    assert (told["sync"], told["health"], told["commit"]) == ("Synced", "Healthy", git(bare, "rev-parse", "main"))

    again = stage.run(argocd_manifests=manifests("good:1"))
    assert (again.code, again.changed) == (0, [])
    assert git(bare, "rev-list", "--count", "main") == "1"

    broken = stage.run("--skip-tags", "install", argocd_manifests=manifests("registry.invalid/web:2"))
    assert broken.code != 0
    (error,) = broken.errors
    assert "Deployment web is Degraded" in error
    assert f"revert the commit {git(bare, 'rev-parse', 'main')[:12]}" in error

    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(bare), str(work))
    git(work, "revert", "--no-edit", "HEAD")
    git(work, "push", "-q")
    back = stage.run("--skip-tags", "install", argocd_manifests=manifests("good:1"))
    assert (back.code, back.changed) == (0, []), back.errors
    assert json.dumps(back.tasks[wait]["application"]).count("Healthy") > 1
