"""How the API server reads and writes: patches, apply, watches, pages, deletion, identity and permission."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from kube_world import APPS, Client, changed, deployment, running_cluster, wait_for

CORE, RBAC = "/api/v1", "/apis/rbac.authorization.k8s.io/v1"
MERGE, JSON, STRATEGIC, APPLY = (
    f"application/{one}"
    for one in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
)
NS = "/namespaces/app"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_cluster(tmp_path_factory.mktemp("api"), nodes=0) as found:
        found.namespace("app")
        yield found


def config(client: Client, name: str, **data: str) -> Any:
    return client.good("POST", f"{CORE}{NS}/configmaps", {"metadata": {"name": name}, "data": data})


def test_discovery_is_told_in_both_forms(client: Client) -> None:
    kinds = {one["kind"] for one in client.good("GET", APPS)["resources"]}
    assert {"Deployment", "StatefulSet", "Scale"} <= kinds
    answer = requests.get(
        client.cluster.address + "/apis",
        verify=client.bundle,
        timeout=10,
        headers={
            "Authorization": "Bearer admin",
            "Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        },
    )
    assert answer.json()["kind"] == "APIGroupDiscoveryList"
    schema = client.good("GET", "/openapi/v3/apis/apps/v1")
    assert "io.k8s.api.apps.v1.Deployment" in schema["components"]["schemas"]


def test_what_the_lab_lacks_it_says(client: Client) -> None:
    client.refused(501, "NotImplementedByLab", "GET", f"{CORE}{NS}/replicationcontrollers")
    client.refused(404, "could not find the requested resource", "GET", "/apis/batch/v1beta1/cronjobs")


def test_a_stale_update_is_a_conflict_and_an_empty_one_changes_nothing(client: Client) -> None:
    one = config(client, "stale", a="1")
    fresh = client.good("PUT", f"{CORE}{NS}/configmaps/stale", changed(one, "data.a", "2"))
    assert fresh["metadata"]["resourceVersion"] != one["metadata"]["resourceVersion"]
    client.refused(
        409, "the object has been modified", "PUT", f"{CORE}{NS}/configmaps/stale", changed(one, "data.a", "3")
    )
    same = client.good("PUT", f"{CORE}{NS}/configmaps/stale", fresh)
    assert same["metadata"]["resourceVersion"] == fresh["metadata"]["resourceVersion"]


def test_three_patches(client: Client) -> None:
    config(client, "patched", a="1", b="2")
    at = f"{CORE}{NS}/configmaps/patched"
    assert client.good("PATCH", at, {"data": {"a": None, "c": "3"}}, MERGE)["data"] == {"b": "2", "c": "3"}
    steps = [{"op": "test", "path": "/data/b", "value": "2"}, {"op": "remove", "path": "/data/c"}]
    assert client.good("PATCH", at, steps, JSON)["data"] == {"b": "2"}
    client.refused(
        422, "the server rejected our request", "PATCH", at, [{"op": "test", "path": "/data/b", "value": "9"}], JSON
    )
    client.refused(415, "Unsupported Media Type", "PATCH", at, {}, "application/json")


def test_a_strategic_patch_merges_containers_by_name(client: Client) -> None:
    at = f"{APPS}{NS}/deployments"
    client.good("POST", at, deployment("merged", replicas=0))
    spec = {
        "template": {
            "spec": {
                "containers": [{"name": "side", "image": "s:1"}, {"name": "web", "env": [{"name": "A", "value": "1"}]}]
            }
        }
    }
    told = client.good("PATCH", f"{at}/merged", {"spec": spec}, STRATEGIC)["spec"]["template"]["spec"]["containers"]
    assert {one["name"]: one["image"] for one in told} == {"web": "good:1", "side": "s:1"}
    gone = {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}
    told = client.good("PATCH", f"{at}/merged", {"spec": gone}, STRATEGIC)["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in told] == ["web"]
    assert told[0]["env"] == [{"name": "A", "value": "1"}]


def test_apply_owns_takes_over_and_lets_go(client: Client) -> None:
    at = f"{APPS}{NS}/deployments/applied"
    one = deployment("applied", replicas=0)
    one["metadata"]["labels"] = {"a": "1", "b": "1"}
    client.refused(422, "is required for apply patch", "PATCH", at, one, APPLY)
    client.good("PATCH", at, one, APPLY, fieldManager="we")
    client.good("PATCH", f"{at}", {"metadata": {"labels": {"b": "2"}}}, MERGE, fieldManager="they")
    client.refused(
        409, 'conflict with "they" using apps/v1: .metadata.labels.b', "PATCH", at, one, APPLY, fieldManager="we"
    )
    forced = client.good("PATCH", at, one, APPLY, fieldManager="we", force="true")
    assert forced["metadata"]["labels"] == {"a": "1", "b": "1"}
    less = client.good("PATCH", at, changed(one, "metadata.labels.a", None), APPLY, fieldManager="we")
    assert less["metadata"]["labels"] == {"b": "1"}
    assert {entry["manager"] for entry in less["metadata"]["managedFields"]} >= {"we"}


def test_an_item_that_is_applied_no_more_goes_with_what_was_filled_in(client: Client) -> None:
    at, one = f"{APPS}{NS}/deployments/volumes", deployment("volumes", replicas=0)
    pod = one["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "kept", "emptyDir": {}}, {"name": "gone", "configMap": {"name": "c"}}]
    pod["containers"][0]["volumeMounts"] = [
        {"name": two["name"], "mountPath": f"/{two['name']}"} for two in pod["volumes"]
    ]
    client.good("PATCH", at, one, APPLY, fieldManager="we")
    pod["volumes"], pod["containers"][0]["volumeMounts"] = pod["volumes"][:1], pod["containers"][0]["volumeMounts"][:1]
    told = client.good("PATCH", at, one, APPLY, fieldManager="we")["spec"]["template"]["spec"]
    assert [two["name"] for two in told["volumes"]] == ["kept"]
    assert [two["name"] for two in told["containers"][0]["volumeMounts"]] == ["kept"]


def test_the_same_apply_again_changes_nothing(client: Client) -> None:
    at, one = (
        f"{CORE}{NS}/configmaps/again",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "again"}, "data": {"a": "1"}},
    )
    first = client.good("PATCH", at, one, APPLY, fieldManager="we")
    assert client.good("PATCH", at, one, APPLY, fieldManager="we")["metadata"] == first["metadata"]


def test_generation_counts_changes_of_the_spec_alone(client: Client) -> None:
    at = f"{APPS}{NS}/deployments"
    client.good("POST", at, deployment("counted", replicas=0))
    assert (
        client.good("PATCH", f"{at}/counted", {"metadata": {"labels": {"x": "y"}}}, MERGE)["metadata"]["generation"]
        == 1
    )
    assert client.good("PATCH", f"{at}/counted", {"spec": {"paused": True}}, MERGE)["metadata"]["generation"] == 2
    before = client.good("GET", f"{at}/counted")["spec"]
    status = client.good(
        "PATCH", f"{at}/counted/status", {"spec": {"replicas": 9}, "status": {"observedGeneration": 2}}, MERGE
    )
    assert status["spec"] == before
    assert client.good("PATCH", f"{at}/counted/scale", {"spec": {"replicas": 1}}, MERGE)["spec"]["replicas"] == 1
    client.refused(
        422, "field is immutable", "PATCH", f"{at}/counted", {"spec": {"selector": {"matchLabels": {"q": "r"}}}}, MERGE
    )


def test_lists_select_and_come_in_pages(client: Client) -> None:
    for number in range(5):
        body = {"metadata": {"name": f"page-{number}", "labels": {"page": str(number % 2)}}}
        client.good("POST", f"{CORE}{NS}/secrets", body)
    at = f"{CORE}{NS}/secrets"
    odd = client.good("GET", at, labelSelector="page in (1)")["items"]
    assert [one["metadata"]["name"] for one in odd] == ["page-1", "page-3"]
    assert len(client.good("GET", at, fieldSelector="metadata.name=page-2")["items"]) == 1
    client.refused(400, "field label not supported", "GET", at, fieldSelector="spec.colour=red")
    first = client.good("GET", at, limit=2)
    rest = client.good("GET", at, limit=9, **{"continue": first["metadata"]["continue"]})
    assert first["metadata"]["remainingItemCount"] == len(rest["items"]) == 3


def test_a_watch_tells_what_came_after_a_version(client: Client) -> None:
    version = config(client, "watched", a="1")["metadata"]["resourceVersion"]
    client.good("PATCH", f"{CORE}{NS}/configmaps/watched", {"metadata": {"labels": {"seen": "yes"}}}, MERGE)
    client.good("DELETE", f"{CORE}{NS}/configmaps/watched")
    stream = client.ask(
        "GET", f"{CORE}{NS}/configmaps", watch="1", resourceVersion=version, timeoutSeconds=1, labelSelector="seen"
    )
    events = [json.loads(line) for line in stream.text.splitlines()]
    assert [one["type"] for one in events] == ["ADDED", "DELETED"]
    first = client.ask("GET", f"{CORE}{NS}/configmaps", watch="1", timeoutSeconds=1)
    assert {json.loads(line)["type"] for line in first.text.splitlines()} == {"ADDED"}


def test_finalizers_hold_an_object_until_they_are_gone(client: Client) -> None:
    at = f"{CORE}{NS}/configmaps/held"
    client.good("POST", f"{CORE}{NS}/configmaps", {"metadata": {"name": "held", "finalizers": ["lab.example/hold"]}})
    assert client.good("DELETE", at)["metadata"]["deletionTimestamp"]
    client.refused(
        422,
        "no new finalizers can be added",
        "PATCH",
        at,
        {"metadata": {"finalizers": ["lab.example/hold", "lab.example/two"]}},
        MERGE,
    )
    client.good("PATCH", at, {"metadata": {"finalizers": None}}, MERGE)
    client.refused(404, 'configmaps "held" not found', "GET", at)


@pytest.mark.parametrize(("policy", "left"), [("Background", 0), ("Foreground", 0), ("Orphan", 1)])
def test_dependents_go_with_their_owner_or_stay(client: Client, policy: str, left: int) -> None:
    at, name = f"{CORE}{NS}/configmaps", f"owner-{policy.lower()}"
    owner = config(client, name)
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": name,
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    client.good("POST", at, {"metadata": {"name": f"{name}-child", "ownerReferences": [reference]}})
    client.good("DELETE", f"{at}/{name}", {"propagationPolicy": policy})

    def settled() -> bool:
        names = [one["metadata"]["name"] for one in client.good("GET", at)["items"]]
        return name not in names and names.count(f"{name}-child") == left

    wait_for(settled, policy)


def test_a_namespace_takes_everything_with_it(client: Client) -> None:
    client.namespace("going")
    client.good("POST", f"{CORE}/namespaces/going/configmaps", {"metadata": {"name": "a"}})
    client.good("DELETE", f"{CORE}/namespaces/going")
    wait_for(lambda: client.ask("GET", f"{CORE}/namespaces/going").status_code == 404, "the namespace to go")
    client.refused(
        404, 'namespaces "going" not found', "POST", f"{CORE}/namespaces/going/configmaps", {"metadata": {"name": "a"}}
    )
    client.refused(403, "may not be deleted", "DELETE", f"{CORE}/namespaces/kube-system")
