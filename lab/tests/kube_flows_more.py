"""Conversations that two servers are held against each other by: life and death of objects, access, custom kinds."""

from __future__ import annotations

from typing import Any

from kube_compare import Talk
from kube_flows import APPLY, CORE, MAPS, MERGE, NS, Flow, config
from kube_objects import PODS
from kube_world import changed

RBAC, CRDS = "/apis/rbac.authorization.k8s.io/v1", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ASK = "/apis/authorization.k8s.io/v1"
READER = [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}]


def finalizers(t: Talk) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["lab.example/hold"]}}
    t("create", "POST", MAPS, held)
    t("delete", "DELETE", f"{MAPS}/held")
    t("still there", "GET", f"{MAPS}/held")
    t("delete again", "DELETE", f"{MAPS}/held")
    t(
        "no new ones",
        "PATCH",
        f"{MAPS}/held",
        {"metadata": {"finalizers": ["lab.example/hold", "lab.example/b"]}},
        MERGE,
    )
    t("labels yes", "PATCH", f"{MAPS}/held", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    t("let go", "PATCH", f"{MAPS}/held", {"metadata": {"finalizers": None}}, MERGE)
    t("gone", "GET", f"{MAPS}/held")


def propagation(t: Talk) -> None:
    for policy in ("Background", "Foreground", "Orphan"):
        name = policy.lower()
        owner = t.quiet("POST", MAPS, config(name))["metadata"]["uid"]
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner, "blockOwnerDeletion": True}
        t(f"{name} child", "POST", MAPS, {"metadata": {"name": f"{name}-child", "ownerReferences": [reference]}})
        t(f"{name} delete", "DELETE", f"{MAPS}/{name}", {"propagationPolicy": policy})

        def settled(found: Any, name: str = name, policy: str = policy) -> bool:
            names = [one["metadata"]["name"] for one in found["items"]]
            return name not in names and (policy == "Orphan" or f"{name}-child" not in names)

        t.until(MAPS, settled, f"{policy} deletion")
    t("the orphan", "GET", f"{MAPS}/orphan-child")
    t("no such policy", "DELETE", f"{MAPS}/orphan-child", {"propagationPolicy": "Never"})


def namespaces(t: Talk) -> None:
    space = f"{t.space}-going"
    t("create", "POST", f"{CORE}/namespaces", {"metadata": {"name": space}})
    at = f"{CORE}/namespaces/{space}"
    t.until(f"{at}/serviceaccounts/default", bool, "the account")
    t("the account", "GET", f"{at}/serviceaccounts/default")
    t.until(f"{at}/configmaps/kube-root-ca.crt", bool, "the root")
    t("as it is", "GET", at)
    t.quiet("POST", f"{at}/configmaps", {"metadata": {"name": "held", "finalizers": ["lab.example/hold"]}})
    t("delete", "DELETE", at)
    t("nothing new", "POST", f"{at}/configmaps", config("b"))
    t.until(at, lambda one: len(one["status"].get("conditions") or ()) > 1, "the namespace's conditions")
    t("waiting", "GET", at)
    t.quiet("PATCH", f"{at}/configmaps/held", {"metadata": {"finalizers": None}}, MERGE)
    t.until(at, lambda one: one is None, "the namespace to go")
    t("gone", "POST", f"{at}/configmaps", config("b"))
    t("permanent", "DELETE", f"{CORE}/namespaces/kube-system")
    t("the default one", "DELETE", f"{CORE}/namespaces/default")
    t("all at once", "DELETE", f"{CORE}/namespaces")


def access(t: Talk) -> None:
    pods = f"{CORE}{NS}/pods"
    t("list", "GET", pods, user="bob")
    t("get", "GET", f"{pods}/x", user="bob")
    t("create", "POST", pods, PODS, user="bob")
    t("everywhere", "GET", f"{CORE}/pods", user="bob")
    t("a part", "GET", f"{pods}/x/log", user="bob")
    t("cluster's", "DELETE", f"{CORE}/nodes/x", user="bob")
    t("a path", "GET", "/metrics", user="bob")
    t("nobody", "GET", pods, user="no-token")
    t.quiet("POST", f"{RBAC}{NS}/roles", {"metadata": {"name": "reader"}, "rules": READER})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    who = [{"kind": "User", "name": "bob"}, {"kind": "Group", "name": "team"}]
    t.quiet("POST", f"{RBAC}{NS}/rolebindings", {"metadata": {"name": "r"}, "roleRef": reference, "subjects": who})
    t.until(f"{RBAC}{NS}/rolebindings/r", lambda _one: t.client.as_user("bob").ask(
        "GET", pods.replace("{ns}", t.space)).ok, "the binding to count")  # fmt: skip
    for user in ("bob", "carol"):
        t(f"{user} lists", "GET", pods, user=user)
        t(f"{user} creates", "POST", pods, PODS, user=user)
        t(f"{user} deletes all", "DELETE", pods, user=user)
    t("another reference", "PATCH", f"{RBAC}{NS}/rolebindings/r", {"roleRef": {"name": "other"}}, MERGE)


def escalation(t: Talk) -> None:
    rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"],
              "verbs": ["get", "list", "create", "update"]}]  # fmt: skip
    t.quiet("POST", f"{RBAC}{NS}/roles", {"metadata": {"name": "granter"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "granter"}
    t.quiet("POST", f"{RBAC}{NS}/rolebindings", {"metadata": {"name": "g"}, "roleRef": reference, "subjects": [
        {"kind": "User", "name": "carol"}]})  # fmt: skip
    t.until(f"{RBAC}{NS}/rolebindings/g", lambda _one: t.client.as_user("carol").ask(
        "GET", f"{RBAC}{NS}/roles".replace("{ns}", t.space)).ok, "the binding to count")  # fmt: skip
    more = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
    t("more than held", "POST", f"{RBAC}{NS}/roles", {"metadata": {"name": "more"}, "rules": more}, user="carol")
    t("as much", "POST", f"{RBAC}{NS}/roles", {"metadata": {"name": "same"}, "rules": rules}, user="carol")
    admin = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    body = {"metadata": {"name": "v"}, "roleRef": admin, "subjects": [{"kind": "User", "name": "carol"}]}
    t("bind more", "POST", f"{RBAC}{NS}/rolebindings", body, user="carol")
    t("bind nothing", "POST", f"{RBAC}{NS}/rolebindings", changed(body, "roleRef.name", "none"), user="carol")


def questions(t: Talk) -> None:
    def ask(step: str, user: str, **told: Any) -> None:
        t(step, "POST", f"{ASK}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": told}}, user=user)

    ask("admin", "admin", verb="delete", resource="nodes")
    ask("bob", "bob", verb="delete", resource="nodes")
    at = f"{ASK}/subjectaccessreviews"
    spec = {"user": "bob", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": t.space}}
    t("of another", "POST", at, {"spec": spec})
    t("of a group", "POST", at, {"spec": {**spec, "groups": ["system:masters"]}})
    t("of a path", "POST", at, {"spec": {"user": "bob", "nonResourceAttributes": {"verb": "get", "path": "/version"}}})
    t("of nobody", "POST", at, {"spec": {"resourceAttributes": spec["resourceAttributes"]}})
    t("of nothing", "POST", at, {"spec": {"user": "bob"}})
    t("of both", "POST", at, {"spec": {**spec, "nonResourceAttributes": {"verb": "get", "path": "/"}}})
    t("as bob", "POST", at, {"spec": spec}, user="bob")
    t("in here", "POST", f"{ASK}{NS}/localsubjectaccessreviews", {"metadata": {"namespace": t.space}, "spec": spec})
    t("who", "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, user="carol")
    t("rules", "POST", f"{ASK}/selfsubjectrulesreviews", {"spec": {"namespace": t.space}}, user="carol")


def tokens(t: Talk) -> None:
    accounts = f"{CORE}{NS}/serviceaccounts"
    t.quiet("POST", accounts, {"metadata": {"name": "robot"}})
    told = t("issue", "POST", f"{accounts}/robot/token", {"spec": {"expirationSeconds": 600}})["status"]["token"]
    t("too short", "POST", f"{accounts}/robot/token", {"spec": {"expirationSeconds": 60}})
    t("nobody's", "POST", f"{accounts}/none/token", {"spec": {}})
    review = "/apis/authentication.k8s.io/v1/tokenreviews"

    def reviewed(step: str, spec: dict[str, Any]) -> None:
        found = t.quiet("POST", review, {"spec": spec})["status"]
        found.get("user", {}).pop("extra", None)
        t.fact(step, {**found, "error": bool(found.get("error"))})

    reviewed("review", {"token": told})
    reviewed("a bad one", {"token": "no"})
    t("review nothing", "POST", review, {"spec": {}})
    t("use", "GET", f"{CORE}{NS}/pods", user=told)
    t.quiet("DELETE", f"{accounts}/robot")
    t.until(MAPS, lambda _all: t.client.as_user(told).ask("GET", "/api").status_code == 401, "the token's end")
    t("after its account", "GET", f"{CORE}{NS}/pods", user=told)


def security(t: Talk) -> None:
    label = "pod-security.kubernetes.io/"
    here = f"{CORE}/namespaces/{t.space}"
    labels = {f"{label}enforce": "baseline", f"{label}warn": "restricted"}
    t("labels", "PATCH", here, {"metadata": {"labels": labels}}, MERGE)
    pods = f"{CORE}{NS}/pods"
    t("baseline", "POST", pods, PODS, dryRun="All")
    t("host", "POST", pods, changed(PODS, "spec.hostNetwork", True), dryRun="All")
    loud = changed(PODS, "spec.containers.0.securityContext", {"privileged": True, "capabilities": {"add": ["ALL"]}})
    t(
        "privileged",
        "POST",
        pods,
        changed(loud, "spec.volumes", [{"name": "h", "hostPath": {"path": "/"}}]),
        dryRun="All",
    )
    t("host port", "POST", pods, changed(PODS, "spec.containers.0.ports", [{"containerPort": 1, "hostPort": 1}]),
      dryRun="All")  # fmt: skip
    t("stricter", "PATCH", here, {"metadata": {"labels": {f"{label}enforce": "restricted"}}}, MERGE)
    t("plain", "POST", pods, PODS, dryRun="All")
    root = changed(PODS, "spec.securityContext", {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})
    t("nearly", "POST", pods, root, dryRun="All")
    safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    t("restricted", "POST", pods, changed(root, "spec.containers.0.securityContext", safe), dryRun="All")
    t("user 0", "POST", pods, changed(changed(root, "spec.containers.0.securityContext", safe),
                                      "spec.securityContext.runAsUser", 0), dryRun="All")  # fmt: skip
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},
                                                                  "spec": PODS["spec"]}}  # fmt: skip
    body = {"metadata": {"name": "d"}, "spec": {**spec, "replicas": 0}}
    t("a workload is warned of", "POST", f"/apis/apps/v1{NS}/deployments", body, dryRun="All")


def definitions(t: Talk) -> None:
    properties = {
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "items": {"type": "array", "maxItems": 2, "items": {"type": "object", "required": ["k"], "properties": {
            "k": {"type": "string"}, "v": {"type": "integer"}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "either": {"x-kubernetes-int-or-string": True},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
    }  # fmt: skip
    schema = {"type": "object", "required": ["spec"], "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": properties},
        "status": {"type": "object", "properties": {"done": {"type": "boolean"}}}}}  # fmt: skip
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
               "subresources": {"status": {}}}  # fmt: skip
    crd = {"metadata": {"name": "things.lab.example"}, "spec": {
        "group": "lab.example", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing",
                                                                 "shortNames": ["th"]}, "versions": [version],
    }}  # fmt: skip
    t("define", "POST", CRDS, crd)

    def established(one: Any) -> bool:
        return any(told["type"] == "Established" and told["status"] == "True"
                   for told in (one.get("status") or {}).get("conditions") or ())  # fmt: skip

    t.until(f"{CRDS}/things.lab.example", established, "the definition")
    at = f"/apis/lab.example/v1{NS}/things"
    t.until(at, bool, "the new kind")
    t("defined", "GET", f"{CRDS}/things.lab.example")
    t("discovered", "GET", "/apis/lab.example/v1")

    def thing(called: str = "a-thing", **spec: Any) -> dict[str, Any]:
        return {"apiVersion": "lab.example/v1", "kind": "Thing", "metadata": {"name": called}, "spec": spec}

    t("good", "POST", at, thing(size=1, free={"x": [1]}, either="5%", unknown=1), fieldManager="we")
    wrong: dict[str, dict[str, Any]] = {
        "too small": {"size": 0}, "missing": {}, "type": {"size": "1"}, "enum": {"size": 1, "mode": "c"},
        "pattern": {"size": 1, "name": "A"}, "long": {"size": 1, "name": "abcdef"}, "bool": {"size": True},
        "items": {"size": 1, "items": [{"v": 1}]}, "many": {"size": 1, "items": [{"k": "a"}] * 3},
        "null": {"size": None}, "map": {"size": 1, "map": {"a": 1}},
    }  # fmt: skip
    for step, spec in wrong.items():
        t(step, "POST", at, thing("b", **spec), dryRun="All")
    t("strict", "POST", at, thing("b", size=1, unknown=1), dryRun="All", fieldValidation="Strict")
    t("status is not for all", "PATCH", f"{at}/a-thing", {"status": {"done": True}}, MERGE, fieldManager="we")
    t(
        "status",
        "PATCH",
        f"{at}/a-thing/status",
        {"status": {"done": True}, "spec": {"size": 3}},
        MERGE,
        fieldManager="we",
    )
    t("spec", "PATCH", f"{at}/a-thing", {"spec": {"size": 4}}, MERGE, fieldManager="we")
    t("apply", "PATCH", f"{at}/a-thing", thing(size=4, map={"a": "b"}), APPLY, fieldManager="we")
    t("strategic", "PATCH", f"{at}/a-thing", {}, "application/strategic-merge-patch+json")
    t("no spec", "POST", at, {"metadata": {"name": "c"}}, dryRun="All")
    t("list", "GET", at)
    t("delete", "DELETE", f"{at}/a-thing")
    t("define again", "POST", CRDS, crd)
    t("undefine", "DELETE", f"{CRDS}/things.lab.example")
    t.until(at, lambda one: one is None, "the end of the kind")
    t("no longer", "GET", at)


FLOWS: dict[str, Flow] = {
    "finalizers": finalizers, "propagation": propagation, "namespaces": namespaces, "access": access,
    "escalation": escalation, "questions": questions, "tokens": tokens, "security": security,
    "definitions": definitions,
}  # fmt: skip
