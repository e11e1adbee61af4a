"""What the API server takes and refuses, and what it fills in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kube_objects import NS, PLACES, SVC, D
from kube_probes_more import PROBES
from kube_world import Client, changed, deployment, running_cluster, wait_for


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_cluster(tmp_path_factory.mktemp("probes")) as found:
        wait_for(lambda: found.ask("GET", f"/api/v1{NS}/serviceaccounts/default").ok, "the default account")
        yield found


@pytest.mark.parametrize(("name", "manifest", "code", "words"), PROBES, ids=[one[0] for one in PROBES])
def test_a_manifest_is_judged_as_by_a_real_server(
    client: Client, name: str, manifest: dict[str, Any], code: int, words: str
) -> None:
    kind = {"Deploymnt": "Deployment"}.get(manifest["kind"], manifest["kind"])
    answer = client.ask("POST", PLACES[kind], manifest, dryRun="All")
    told = answer.json()
    assert answer.status_code == code, told
    assert words in told.get("message", ""), told


def test_there_are_enough_of_them() -> None:
    assert len(PROBES) > 100
    assert len({one[0] for one in PROBES}) == len(PROBES)


def test_nothing_of_a_dry_run_stays(client: Client) -> None:
    for place in PLACES.values():
        names = [one["metadata"]["name"] for one in client.good("GET", place)["items"]]
        assert "x" not in names


def test_a_strict_client_learns_of_unknown_and_double_fields(client: Client) -> None:
    body = changed(D, "spec.replcas", 2)
    words = 'strict decoding error: unknown field "spec.replcas"'
    client.refused(400, words, "POST", PLACES["Deployment"], body, dryRun="All", fieldValidation="Strict")
    warned = client.ask("POST", PLACES["Deployment"], body, dryRun="All", fieldValidation="Warn")
    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.replcas\\""'
    assert "replcas" not in warned.json()["spec"]


def test_defaults_are_filled_in(client: Client) -> None:
    """Every field that kube-apiserver 1.35 documents; not held against a real one yet."""
    told = client.good("POST", PLACES["Deployment"], deployment("x", "nginx"), dryRun="All")["spec"]
    assert told == {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "x"}},
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "nginx",
                        "imagePullPolicy": "Always",
                        "resources": {},
                        "ports": [{"name": "http", "containerPort": 8000, "protocol": "TCP"}],
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                    }
                ],
                "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 30,
                "dnsPolicy": "ClusterFirst",
                "securityContext": {},
                "schedulerName": "default-scheduler",
            },
        },
    }
    service = client.good("POST", PLACES["Service"], SVC, dryRun="All")["spec"]
    address = service.pop("clusterIP")
    assert service == {
        "selector": {"a": "b"},
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "clusterIPs": [address],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    }
