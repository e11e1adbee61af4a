"""Who gets in, who may do what, and what a namespace or a definition lets in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kube_world import Client, changed, running_cluster

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


def test_nobody_does_what_no_role_allows(client: Client) -> None:
    bob = client.as_user("bob")
    words = 'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "app"'
    bob.refused(403, words, "GET", f"{CORE}{NS}/pods")
    client.as_user("nobody").refused(401, "Unauthorized", "GET", "/api")
    role = {
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}],
    }
    client.good("POST", f"{RBAC}{NS}/roles", role)
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "bob"}, {"kind": "Group", "name": "team"}],
    }
    client.good("POST", f"{RBAC}{NS}/rolebindings", binding)
    for user in ("bob", "carol"):
        assert client.as_user(user).good("GET", f"{CORE}{NS}/pods")["items"] == []
        client.as_user(user).refused(403, "cannot create", "POST", f"{CORE}{NS}/pods", {"metadata": {"name": "x"}})
    client.refused(
        422, "cannot change roleRef", "PATCH", f"{RBAC}{NS}/rolebindings/reader", {"roleRef": {"name": "other"}}, MERGE
    )


def test_nobody_grants_what_they_do_not_hold(client: Client) -> None:
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["get", "create"]}
    ]
    client.good("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "granter"}, "rules": rules})
    client.good(
        "POST",
        f"{RBAC}/clusterrolebindings",
        {
            "metadata": {"name": "granter"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "granter"},
            "subjects": [{"kind": "User", "name": "carol"}],
        },
    )
    more = {"metadata": {"name": "more"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    words = "is attempting to grant RBAC permissions not currently held"
    client.as_user("carol").refused(403, words, "POST", f"{RBAC}{NS}/roles", more)


def test_questions_are_answered(client: Client) -> None:
    at = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    def may(user: str, **attributes: str) -> bool:
        told = client.as_user(user).good("POST", at, {"spec": {"resourceAttributes": attributes}})
        return bool(told["status"]["allowed"])

    assert may("admin", verb="delete", resource="nodes")
    assert not may("bob", verb="delete", resource="nodes")
    me = client.as_user("carol").good("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert me["status"]["userInfo"] == {"username": "carol", "groups": ["team", "system:authenticated"]}


def test_a_service_account_s_token_is_good_until_it_is_deleted(client: Client) -> None:
    client.good("POST", f"{CORE}{NS}/serviceaccounts", {"metadata": {"name": "robot"}})
    told = client.good("POST", f"{CORE}{NS}/serviceaccounts/robot/token", {"spec": {"expirationSeconds": 600}})
    token = told["status"]["token"]
    review = client.good("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert review["status"]["user"]["username"] == "system:serviceaccount:app:robot"
    client.as_user(token).refused(403, 'User "system:serviceaccount:app:robot" cannot', "GET", f"{CORE}{NS}/pods")
    client.good("DELETE", f"{CORE}{NS}/serviceaccounts/robot")
    client.as_user(token).refused(401, "Unauthorized", "GET", f"{CORE}{NS}/pods")


def test_a_definition_is_served_validated_and_pruned(client: Client) -> None:
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1},
                    "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                },
            }
        },
    }
    client.good(
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        {
            "metadata": {"name": "things.lab.example"},
            "spec": {
                "group": "lab.example",
                "scope": "Namespaced",
                "names": {"plural": "things", "kind": "Thing"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            },
        },
    )
    at = f"/apis/lab.example/v1{NS}/things"
    thing = {
        "apiVersion": "lab.example/v1",
        "kind": "Thing",
        "metadata": {"name": "t"},
        "spec": {"size": 2, "colour": "red"},
    }
    assert client.good("POST", at, thing)["spec"] == {"size": 2, "mode": "a"}
    client.refused(422, "should be greater than or equal to 1", "POST", at, changed(thing, "spec.size", 0))
    client.refused(422, "spec.size: Required value", "POST", at, changed(thing, "spec", {}))
    client.good("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.lab.example")
    gone = client.ask("GET", at)
    assert (gone.status_code, gone.text) == (404, "404 page not found\n")


def test_a_restricted_namespace_keeps_pods_out(client: Client) -> None:
    space = client.namespace("strict", **{"pod-security.kubernetes.io/enforce": "restricted"})
    at = f"{CORE}/namespaces/{space}/pods"
    pod: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    told = client.refused(
        403, 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', "POST", at, pod
    )
    assert "seccompProfile" in told["message"]
    pod["spec"]["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pod["spec"]["containers"][0]["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    client.good("POST", at, pod)
