"""The real kubectl and helm against the lab's Kubernetes, and the lab's charts in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from bahnvision_lab.charts.archives import SOURCES, build
from bahnvision_lab.charts.server import ChartServer
from bahnvision_lab.kubernetes.api.cells import span
from bahnvision_lab.kubernetes.api.tables import read_path
from kube_world import Client, deployment, running_cluster, wait_for

PROGRAMS = Path(sys.executable).parent
# What a chart cannot be installed without.
NEEDED = {"aws-load-balancer-controller": ["clusterName=app"], "cluster-autoscaler": ["autoDiscovery.clusterName=app"]}
CHARTS = sorted(one.name for one in SOURCES.iterdir())


def program(name: str) -> str:
    found = shutil.which(name, path=f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{name} is missing: the set-up installs it (scripts/kube_tools.py)"
    return found


@dataclass
class Terminal:
    """Where somebody types: a home of his own, with a kubeconfig."""

    home: Path
    client: Client
    charts: str

    def run(self, name: str, *words: str, given: str = "", code: int = 0) -> str:
        environment = {
            "PATH": os.defpath, "HOME": str(self.home), "KUBECONFIG": str(self.home / "config"),
            "KUBECACHEDIR": str(self.home / "cache"),
        }  # fmt: skip
        told = subprocess.run([program(name), *words], input=given, env=environment, capture_output=True, text=True,
                              timeout=120, check=False)  # fmt: skip
        assert told.returncode == code, (name, words, told.stdout, told.stderr)
        return told.stdout + told.stderr

    def kubectl(self, *words: str, given: Any = "", code: int = 0) -> str:
        listed = given if isinstance(given, list) else [given]
        text = given if isinstance(given, str) else yaml.safe_dump_all(listed)
        return self.run("kubectl", *words, given=text, code=code)

    def helm(self, *words: str, code: int = 0) -> str:
        return self.run("helm", *words, code=code)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    home, charts = tmp_path_factory.mktemp("home"), ChartServer()
    charts.start()
    with running_cluster(tmp_path_factory.mktemp("cluster")) as client:
        bundle = base64.b64encode(Path(client.bundle).read_bytes()).decode()
        server = {"server": client.cluster.address, "certificate-authority-data": bundle}
        (home / "config").write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": server}], "users": [{"name": "u", "user": {"token": "admin"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        (home / "config").chmod(0o600)
        yield Terminal(home, client, charts.describe()["url"])
    charts.stop()


def test_kubectl_rolls_out_looks_and_takes_back(terminal: Terminal) -> None:
    space = terminal.client.namespace("roll-out")
    web = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
    here = ("-n", space, "-f", "-")
    assert "+kind: Deployment" in terminal.kubectl("diff", *here, given=web, code=1)
    assert "created" in terminal.kubectl("apply", *here, given=web)
    assert "unchanged" in terminal.kubectl("apply", *here, given=web)
    assert terminal.kubectl("diff", *here, given=web) == ""
    assert "successfully rolled out" in terminal.kubectl("rollout", "status", "deployment/web", "-n", space)
    terminal.kubectl("set", "image", "deployment/web", "web=good:2", "-n", space)
    terminal.kubectl("rollout", "status", "deployment/web", "-n", space, "--timeout=60s")
    terminal.kubectl("rollout", "undo", "deployment/web", "-n", space)
    terminal.kubectl("wait", "--for=condition=Available", "deployment/web", "-n", space, "--timeout=60s")
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert terminal.kubectl("get", "deployment", "web", "-n", space, "-o", image) == "good:1"
    _assert_tables(terminal, space)
    assert "conflict" in terminal.kubectl("apply", "--server-side", *here, given=web | {"spec": {
        **web["spec"], "replicas": 3}}, code=1)  # fmt: skip


def _assert_tables(terminal: Terminal, space: str) -> None:
    """What the server makes a table of, once with metadata beside it and once with whole objects, to sort by them."""
    head, row = terminal.kubectl("get", "deployments", "-n", space, "-L", "app").splitlines()
    assert head.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "APP"]
    assert row.split()[:4] == ["web", "2/2", "2", "2"]
    pods = terminal.kubectl("get", "pods", "-n", space, "-o", "wide", "--sort-by=.metadata.name").splitlines()
    assert [line.split()[1:4] for line in pods[1:]] == [["1/1", "Running", "0"]] * 2
    assert "node-" in pods[1]
    definition = terminal.kubectl("get", "--raw", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    assert '"items":' in definition, "a client that asks for no table gets none"


def test_kubectl_explains_and_asks(terminal: Terminal) -> None:
    assert "rollingUpdate" in terminal.kubectl("explain", "deployment.spec.strategy")
    assert "deployments" in terminal.kubectl("api-resources", "--api-group=apps", "-o", "name")
    assert terminal.kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    assert terminal.kubectl("auth", "can-i", "create", "pods", "--as", "bob", code=1).strip() == "no"


def test_a_watch_can_be_of_tables(terminal: Terminal) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    answer = requests.get(
        f"{terminal.client.cluster.address}/api/v1/namespaces", params={"watch": "true", "timeoutSeconds": "1"},
        headers={"Authorization": "Bearer admin", "Accept": accept}, verify=terminal.client.bundle, timeout=60,
    )  # fmt: skip
    tables = [json.loads(line)["object"] for line in answer.text.splitlines()]
    assert {table["kind"] for table in tables} == {"Table"}
    assert [one["name"] for one in tables[0]["columnDefinitions"]] == ["Name", "Status", "Age"]
    assert tables[1]["columnDefinitions"] is None
    assert tables[0]["rows"][0]["cells"][:2] == ["default", "Active"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (119, "119s"), (125, "2m5s"), (600, "10m"), (10800, "3h"), (11100, "3h5m"), (172800, "2d"),
     (176400, "2d1h"), (800000, "9d"), (64000000, "2y")],
)  # fmt: skip
def test_durations_are_told_as_kubectl_does(seconds: int, told: str) -> None:
    assert span(seconds) == told


def test_columns_of_custom_resources_follow_paths() -> None:
    one = {"a": {"b.c": 1}, "list": [{"type": "Ready", "status": "True"}, {"type": "Other"}]}
    assert read_path(one, ".a.b\\.c") == read_path(one, ".a['b.c']") == 1
    assert read_path(one, '.list[?(@.type=="Ready")].status') == "True"
    assert read_path(one, ".list[1].type") == "Other"
    assert read_path(one, ".list[7].type") is read_path(one, ".none.at.all") is None


def test_kubectl_waits_no_longer_than_it_has_to(terminal: Terminal) -> None:
    """client-go waits for the headers of a watch, even to end it. They do not wait for a change."""
    answer = requests.get(
        f"{terminal.client.cluster.address}/api/v1/namespaces/default/pods", stream=True, timeout=120,
        params={"watch": "true", "resourceVersion": str(terminal.client.cluster.store.version)},
        headers={"Authorization": "Bearer admin"}, verify=terminal.client.bundle,
    )  # fmt: skip
    assert answer.status_code == 200
    answer.close()


@pytest.mark.full  # the roles' tests install most of them
def test_every_chart_can_be_installed(terminal: Terminal) -> None:
    """Strictly: no field that the API does not know. An Ingress has an address when its controller is there."""
    made = []
    for chart in CHARTS:
        values = [word for one in NEEDED.get(chart, []) for word in ("--set", one)]
        owner = ["--take-ownership"] if chart == "karpenter-crd" else []  # karpenter brings the same ones
        terminal.helm("install", chart, chart, "--repo", terminal.charts, "-n", f"of-{chart}", "--create-namespace",
                      *values, *owner)  # fmt: skip
        made.append(terminal.helm("get", "manifest", chart, "-n", f"of-{chart}"))
    terminal.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", given="\n---\n".join(made))
    for chart in CHARTS:
        if chart != "karpenter-crd":
            terminal.kubectl("wait", "--for=jsonpath={.status.readyReplicas}", "--all", "deployments,statefulsets",
                             "-n", f"of-{chart}", "--timeout=90s")  # fmt: skip
    _assert_balanced(terminal)
    _assert_custom_resources_checked(terminal)


def _assert_balanced(terminal: Terminal) -> None:
    client, space = terminal.client, terminal.client.namespace("balanced")
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    client.good("POST", f"/api/v1/namespaces/{space}/services", {
        "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}}})  # fmt: skip
    path = f"/apis/networking.k8s.io/v1/namespaces/{space}/ingresses"
    client.good("POST", path, {"metadata": {"name": "web"}, "spec": {
        "ingressClassName": "alb", "defaultBackend": backend}})  # fmt: skip
    told = wait_for(lambda: client.good("GET", f"{path}/web")["status"]["loadBalancer"].get("ingress"), "an address")
    assert told[0]["hostname"].endswith(".elb.amazonaws.com")


def _assert_custom_resources_checked(terminal: Terminal) -> None:
    """What their controllers would refuse, the definitions refuse."""
    store = {"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "metadata": {"name": "aws"},
             "spec": {"provider": {"aws": {"service": "Secrets", "region": "eu-central-1"}}}}  # fmt: skip
    assert "provider.aws.service" in terminal.kubectl("apply", "-f", "-", given=store, code=1)
    store["spec"]["provider"]["aws"]["service"] = "SecretsManager"  # type: ignore[index]
    terminal.kubectl("apply", "-f", "-", given=store)
    app = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"},
           "spec": {"destination": {}, "source": {"repoURL": "https://git.example/x"}}}  # fmt: skip
    assert "spec.project" in terminal.kubectl("apply", "-f", "-", given=app, code=1)


@pytest.mark.parametrize(
    ("chart", "value", "words"),
    [
        ("aws-load-balancer-controller", "clusterName=", "without a valid clusterName"),
        ("aws-load-balancer-controller", "clustername=app", "clustername"),
        ("aws-load-balancer-controller", "serviceAccount.role=arn", "role"),
        ("external-secrets", "installCRDs=perhaps", "installCRDs"),
        ("argo-cd", "server.replica=2", "replica"),
    ],
)
def test_a_value_that_would_be_ignored_is_refused(terminal: Terminal, chart: str, value: str, words: str) -> None:
    assert words in terminal.helm("template", chart, chart, "--repo", terminal.charts, "--set", value, code=1)


def test_charts_are_the_same_bytes_every_time(terminal: Terminal) -> None:
    found = yaml.safe_load(requests.get(f"{terminal.charts}/index.yaml", timeout=30).text)["entries"]
    assert sorted(found) == CHARTS
    for chart in CHARTS:
        entry, again = found[chart][0], build(SOURCES / chart).content
        assert hashlib.sha256(again).hexdigest() == entry["digest"]
        assert requests.get(f"{terminal.charts}/{entry['urls'][0]}", timeout=30).content == again
    assert requests.get(f"{terminal.charts}/other-1.0.0.tgz", timeout=30).status_code == 404
