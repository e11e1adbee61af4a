"""The stand-in for Argo CD: what is in Git comes to be, what is not goes, and what is wrong is told in its words."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from bahnvision_lab.kubernetes.argocd.model import Argo, definitions
from kube_world import APPS, BATCH, USERS, Client, Object, changed, deployment, running_cluster, wait_for

CORE, ARGO = "/api/v1", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}}


@dataclass
class World:
    client: Client
    work: Path
    managed: list[Argo]

    def git(self, *words: str) -> str:
        told = ["git", "-C", str(self.work), "-c", "user.name=t", "-c", "user.email=t@example.com", *words]
        return subprocess.run(told, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def push(self, path: str, *objects: Object, **files: str) -> str:
        """All that is in a folder from now on; return the commit."""
        folder = self.work / path
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for number, one in enumerate(objects):
            (folder / f"{number}.yaml").write_text(yaml.safe_dump(one))
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def application(self, name: str, path: str = "", policy: Any = None, **spec: Any) -> str:
        """Make one for a namespace of the same name; return where it is."""
        self.client.good("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        source = {"repoURL": str(self.work), "path": path or name, "targetRevision": "main"}
        body = {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name},
            "spec": {"project": "default", "source": source, "syncPolicy": policy or {},
                     "destination": {"server": "https://kubernetes.default.svc", "namespace": name}, **spec},
        }  # fmt: skip
        self.client.good("POST", ARGO, body)
        return f"{ARGO}/{name}"

    def until(self, at: str, **wanted: Any) -> Any:
        """Wait for sync, health, phase, revision or a part of a message."""

        def look() -> Any:
            status = self.client.good("GET", at).get("status") or {}
            last = status.get("operationState") or {}
            told = {
                "sync": (status.get("sync") or {}).get("status"), "health": (status.get("health") or {}).get("status"),
                "revision": (status.get("sync") or {}).get("revision"), "phase": last.get("phase"),
            }  # fmt: skip
            words = [one["message"] for one in status.get("conditions") or ()] + [last.get("message", "")]
            said = wanted.get("words") is None or any(wanted["words"] in text for text in words)
            fits = said and all(told[key] == value for key, value in wanted.items() if key != "words")
            return status if fits else None

        return wait_for(look, f"{at}: {wanted}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    work, managed = tmp_path_factory.mktemp("git"), []  # type: tuple[Path, list[Argo]]
    with running_cluster(
        tmp_path_factory.mktemp("argo"), managed_argocd=lambda: managed[0] if managed else None
    ) as client:
        for definition in definitions():
            client.cluster.put(definition)
        client.good("POST", "/api/v1/namespaces", {"metadata": {"name": "argocd"}})
        _install(client)
        found = World(client, work, managed)
        found.git("init", "-q", "-b", "main")
        yield found


def _install(client: Client) -> None:
    """What of the chart matters here: the controller's Pod and what it may."""
    binding = {
        "metadata": {"name": "argocd"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "ServiceAccount", "name": "argocd-application-controller", "namespace": "argocd"}],
    }
    client.good("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    account = {"metadata": {"name": "argocd-application-controller"}}
    client.good("POST", f"{CORE}/namespaces/argocd/serviceaccounts", account)
    controller = changed(deployment("argocd"), "spec.template.spec.serviceAccountName", account["metadata"]["name"])
    labels = {"app": "argocd", "app.kubernetes.io/name": "argocd-application-controller"}
    controller = changed(controller, "spec.template.metadata.labels", labels)
    client.good("POST", f"{APPS}/namespaces/argocd/deployments", controller)


def config(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_what_is_in_git_comes_to_be_and_what_is_no_longer_goes(world: World) -> None:
    commit = world.push("shop", deployment(), config("one"), config("two"))
    at = world.application("shop", policy=AUTOMATED)
    status = world.until(at, sync="Synced", health="Healthy", phase="Succeeded", revision=commit)
    assert {(one["kind"], one["name"]) for one in status["resources"]} == {
        ("Deployment", "web"), ("ConfigMap", "one"), ("ConfigMap", "two"),
    }  # fmt: skip
    commit = world.push("shop", deployment(replicas=1), config("one", a="b"))
    status = world.until(at, sync="Synced", revision=commit)
    assert world.client.ask("GET", f"{CORE}/namespaces/shop/configmaps/two").status_code == 404
    assert len(status["history"]) == 2


def test_what_was_changed_by_hand_is_brought_back_but_for_what_is_not_git_s(world: World) -> None:
    world.push("heal", deployment(), config("one", a="git"))
    ignored = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
    at = world.application("heal", policy=AUTOMATED, ignoreDifferences=ignored)
    world.until(at, sync="Synced", health="Healthy")
    merge = "application/merge-patch+json"
    scaled = f"{APPS}/namespaces/heal/deployments/web"
    world.client.good("PATCH", scaled, {"spec": {"replicas": 3}}, merge)
    one = f"{CORE}/namespaces/heal/configmaps/one"
    world.client.good("PATCH", one, {"data": {"a": "hand"}}, merge)
    wait_for(lambda: world.client.good("GET", one)["data"]["a"] == "git", "the change by hand to be undone")
    world.until(at, sync="Synced")
    assert world.client.good("GET", scaled)["spec"]["replicas"] == 3


def test_without_automation_it_waits_to_be_told(world: World) -> None:
    commit = world.push("manual", config("one"))
    at = world.application("manual")
    status = world.until(at, sync="OutOfSync", health="Missing", revision=commit)
    assert "operationState" not in status
    world.client.good("PATCH", at, {"operation": {"sync": {}}}, "application/merge-patch+json")
    world.until(at, sync="Synced", health="Healthy", phase="Succeeded")


@pytest.mark.full
def test_a_broken_image_is_degraded_and_a_revert_brings_the_old_one_back(world: World) -> None:
    world.push("broken", deployment(progressDeadlineSeconds=2))
    at = world.application("broken", policy=AUTOMATED)
    world.until(at, health="Healthy")
    world.push("broken", deployment(image="broken:2", progressDeadlineSeconds=2))
    status = world.until(at, sync="Synced", health="Degraded")
    (web,) = status["resources"]
    assert "exceeded its progress deadline" in web["health"]["message"]
    world.git("revert", "--no-edit", "HEAD")
    world.until(at, sync="Synced", health="Healthy", revision=world.git("rev-parse", "HEAD"))


@pytest.mark.full
def test_a_job_in_a_wave_ends_before_what_comes_behind_it(world: World) -> None:
    wave, hook = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "crash:1"}]}},
            "backoffLimit": 0}  # fmt: skip
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec,
           "metadata": {"name": "migrate", "annotations": {wave: "1", hook: "Sync"}}}  # fmt: skip
    web = changed(deployment(), "metadata.annotations", {wave: "2"})
    world.push("waves", config("one"), job, web)
    at = world.application("waves", policy=AUTOMATED)
    world.until(at, phase="Failed", words="batch/Job/migrate")
    assert world.client.ask("GET", f"{APPS}/namespaces/waves/deployments/web").status_code == 404
    first = world.client.good("GET", f"{BATCH}/namespaces/waves/jobs/migrate")["metadata"]["uid"]
    world.push("waves", config("one"), changed(job, "spec.template.spec.containers.0.image", "good:1"), web)
    world.until(at, sync="Synced", health="Healthy", phase="Succeeded")
    assert world.client.good("GET", f"{BATCH}/namespaces/waves/jobs/migrate")["metadata"]["uid"] != first


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("nowhere", {"path": "none"}, "app path does not exist"),
        ("unknown", {"targetRevision": "none"}, "unable to resolve 'none' to a commit SHA"),
        ("norepo", {"repoURL": "/nowhere/at/all"}, "does not appear to be a git repository"),
        ("far", {"repoURL": "https://git.example.com/x.git"}, "no way to other machines"),
        ("chart", {"chart": "nginx"}, "plain manifests and kustomization.yaml with resources alone, not chart"),
        ("patched", {"path": "kustomized"}, "knows of kustomized/kustomization.yaml only resources, not patches"),
    ],
)
def test_what_it_cannot_do_it_says(world: World, name: str, source: dict[str, Any], words: str) -> None:
    world.push("kustomized", kustomization="resources: []\npatches: []\n")
    told = {"repoURL": str(world.work), "path": "shop", "targetRevision": "main", **source}
    status = world.until(world.application(name, policy=AUTOMATED, source=told), sync="Unknown", words=words)
    assert status["conditions"][0]["type"] == "ComparisonError"


def test_a_project_limits_where_to_and_what(world: World) -> None:
    limits = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "fenced*"}],
              "namespaceResourceWhitelist": [{"group": "", "kind": "ConfigMap"}]}  # fmt: skip
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "fence"},
        "spec": limits,
    }
    world.client.good("POST", ARGO.replace("applications", "appprojects"), project)
    world.push("fenced", config("one"), deployment())
    at = world.application("fenced", policy=AUTOMATED, project="fence")
    world.until(
        at, sync="OutOfSync", phase="Failed", words="resource apps:Deployment is not permitted in project fence"
    )
    outside = world.application("elsewhere", "fenced", project="fence")
    status = world.until(outside, words="do not match any of the allowed destinations in project 'fence'")
    assert status["conditions"][0]["type"] == "InvalidSpecError"


def test_with_its_finalizer_it_takes_all_with_it(world: World) -> None:
    world.push("gone", config("one"))
    at = world.application("gone", policy=AUTOMATED)
    world.until(at, sync="Synced")
    finalizers = {"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}}
    world.client.good("PATCH", at, finalizers, "application/merge-patch+json")
    world.client.good("DELETE", at)
    wait_for(lambda: world.client.ask("GET", at).status_code == 404, "the Application to go")
    assert world.client.ask("GET", f"{CORE}/namespaces/gone/configmaps/one").status_code == 404


def test_the_one_that_aws_runs_deploys_where_it_is_registered_and_permitted(world: World) -> None:
    arn = "arn:aws:eks:eu-central-1:123456789012:cluster/orders-lab"
    world.push("managed", config("one"))
    at = world.application("managed", policy=AUTOMATED, destination={"name": "local", "namespace": "managed"})
    world.client.good("DELETE", f"{APPS}/namespaces/argocd/deployments/argocd")
    wait_for(lambda: not world.client.good("GET", f"{CORE}/namespaces/argocd/pods")["items"], "the Pods to go")
    world.managed.append(Argo("argocd", USERS["bob"], arn))
    world.until(at, words="there are no clusters with this name: local")
    secret = {"metadata": {"name": "local", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
              "stringData": {"name": "local", "server": arn}}  # fmt: skip
    world.client.good("POST", f"{CORE}/namespaces/argocd/secrets", secret)
    world.until(at, words='is forbidden: User "bob" cannot list resource')
    world.managed[0] = Argo("argocd", USERS["admin"], arn)
    world.until(at, sync="Synced", health="Healthy")
