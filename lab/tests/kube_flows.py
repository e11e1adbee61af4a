"""Conversations that two servers are held against each other by: how the API reads and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kube_compare import Talk, plain
from kube_objects import CM, D
from kube_world import APPS, changed, deployment

Flow = Callable[[Talk], None]
CORE, NS = "/api/v1", "/namespaces/{ns}"
MAPS, DEPLOYMENTS = f"{CORE}{NS}/configmaps", f"{APPS}{NS}/deployments"
MERGE, JSON, STRATEGIC, APPLY = (
    f"application/{one}"
    for one in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
)


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def optimistic(t: Talk) -> None:
    first = t("create", "POST", MAPS, config("a", x="1"))
    t("again", "POST", MAPS, config("a"))
    second = t("update", "PUT", f"{MAPS}/a", changed(first, "data.x", "2"))
    t("stale update", "PUT", f"{MAPS}/a", changed(first, "data.x", "3"))
    t("stale patch", "PATCH", f"{MAPS}/a", {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]},
                                            "data": {"x": "4"}}, MERGE)  # fmt: skip
    same = t("the same", "PUT", f"{MAPS}/a", second)
    t.fact("nothing was written", same["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"])
    t("without a version", "PUT", f"{MAPS}/a", config("a", x="5"))
    t("another uid", "PUT", f"{MAPS}/a", changed(config("a"), "metadata.uid", "no"))
    t("another name", "PUT", f"{MAPS}/a", config("b"))
    t("update of nothing", "PUT", f"{MAPS}/none", config("none"))
    t("patch of nothing", "PATCH", f"{MAPS}/none", {}, MERGE)
    t("get nothing", "GET", f"{MAPS}/none")
    t("delete nothing", "DELETE", f"{MAPS}/none")
    precondition = {"preconditions": {"uid": "no"}}
    t("delete another one", "DELETE", f"{MAPS}/a", precondition)
    t("delete an old one", "DELETE", f"{MAPS}/a", {"preconditions": {"resourceVersion": "1"}})
    t("delete", "DELETE", f"{MAPS}/a")


def patches(t: Talk) -> None:
    t.quiet("POST", MAPS, config("p", a="1", b="2"))
    at = f"{MAPS}/p"
    t("merge", "PATCH", at, {"data": {"a": None, "c": "3"}}, MERGE)
    t("json", "PATCH", at, [{"op": "test", "path": "/data/b", "value": "2"}, {"op": "remove", "path": "/data/c"}], JSON)
    t("json add", "PATCH", at, [{"op": "add", "path": "/metadata/labels", "value": {"l": "1"}}], JSON)
    t("json test fails", "PATCH", at, [{"op": "test", "path": "/data/b", "value": "9"}], JSON)
    t("json remove nothing", "PATCH", at, [{"op": "remove", "path": "/data/zz"}], JSON)
    t("json replace nothing", "PATCH", at, [{"op": "replace", "path": "/data/zz", "value": "1"}], JSON)
    t("json into nothing", "PATCH", at, [{"op": "add", "path": "/spec/a/b", "value": "1"}], JSON)
    t("json no operation", "PATCH", at, [{"op": "increase", "path": "/data/b"}], JSON)
    t("json object", "PATCH", at, {"data": {}}, JSON)
    t("merge list", "PATCH", at, [], MERGE)
    t("merge text", "PATCH", at, "x", MERGE)
    t("merge int", "PATCH", at, {"data": {"a": 1}}, MERGE)
    t("merge bad key", "PATCH", at, {"data": {"a b": "1"}}, MERGE)
    t("no type", "PATCH", at, {}, "application/json")
    t("force without apply", "PATCH", at, {}, MERGE, force="true")
    t("nothing", "PATCH", at, {}, MERGE)
    t("another name", "PATCH", at, {"metadata": {"name": "q"}}, MERGE)
    t("unknown field", "PATCH", at, {"dat": {"a": "1"}}, MERGE)
    t("unknown field, strict", "PATCH", at, {"dat": {"a": "1"}}, MERGE, fieldValidation="Strict")


def strategic(t: Talk) -> None:
    t.quiet("POST", DEPLOYMENTS, deployment("s", replicas=0))
    at = f"{DEPLOYMENTS}/s"

    def containers(*told: dict[str, Any]) -> dict[str, Any]:
        return {"spec": {"template": {"spec": {"containers": list(told)}}}}

    side = {"name": "side", "image": "s:1"}
    t("merge by name", "PATCH", at, containers(side, {"name": "web", "env": [{"name": "A", "value": "1"}]}), STRATEGIC)
    more = {"name": "web", "env": [{"name": "B", "value": "2"}], "ports": [{"containerPort": 9000}]}
    t("merge inside", "PATCH", at, containers(more), STRATEGIC)
    t("delete by name", "PATCH", at, containers({"name": "side", "$patch": "delete"}), STRATEGIC)
    t("replace a list", "PATCH", at, containers({"$patch": "replace"}, {"name": "web", "image": "n:1"}), STRATEGIC)
    t("without a key", "PATCH", at, containers({"image": "n:1"}), STRATEGIC)
    t("merge patch replaces", "PATCH", at, containers({"name": "web", "image": "m:1"}), MERGE)
    t("retain", "PATCH", at, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, STRATEGIC)
    t("order", "PATCH", at, {"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "side"}, {"name": "web"}], "containers": [side]}}}},
      STRATEGIC)  # fmt: skip
    t("null", "PATCH", at, {"spec": {"template": {"spec": {"containers": None}}}}, STRATEGIC)


def applying(t: Talk) -> None:
    at = f"{DEPLOYMENTS}/a"
    one = deployment("a", replicas=0)
    one["metadata"]["labels"] = {"a": "1", "b": "1"}
    t("no manager", "PATCH", at, one, APPLY)
    t("create", "PATCH", at, one, APPLY, fieldManager="we")
    again = t("again", "PATCH", at, one, APPLY, fieldManager="we")
    t.fact("still the first generation", again["metadata"]["generation"])
    t("they change", "PATCH", at, {"metadata": {"labels": {"b": "2"}}, "spec": {"paused": True}}, MERGE,
      fieldManager="they")  # fmt: skip
    t("conflict", "PATCH", at, one, APPLY, fieldManager="we")
    t("force", "PATCH", at, one, APPLY, fieldManager="we", force="true")
    t("less", "PATCH", at, changed(one, "metadata.labels.a", None), APPLY, fieldManager="we")
    side = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": {
        "containers": [{"name": "side", "image": "s:1", "ports": [{"containerPort": 1}]}]}}}}  # fmt: skip
    t("a second one adds", "PATCH", at, side, APPLY, fieldManager="side")
    other = changed(side, "spec.template.spec.containers.0", {"name": "web", "image": "other:1"})
    t("a second one clashes", "PATCH", at, changed(other, "spec.replicas", 5), APPLY, fieldManager="side")
    less = changed(side, "spec", {"paused": True})
    t("a second one lets go", "PATCH", at, less, APPLY, fieldManager="side")
    t("not whole", "PATCH", f"{DEPLOYMENTS}/b", changed(one, "spec.selector", None), APPLY, fieldManager="we")
    t("another name", "PATCH", f"{DEPLOYMENTS}/b", one, APPLY, fieldManager="we")
    t("unknown", "PATCH", at, changed(one, "spec.replcas", 1), APPLY, fieldManager="we")
    t("managers", "PATCH", at, changed(one, "metadata.managedFields", [{"manager": "x"}]), APPLY, fieldManager="we")
    t("status", "PATCH", f"{at}/status", {**changed(side, "spec", None), "status": {"replicas": 3}}, APPLY,
      fieldManager="actor")  # fmt: skip
    t("strict", "PATCH", at, changed(one, "spec.replcas", 1), APPLY, fieldManager="we", fieldValidation="Strict")


def managers(t: Talk) -> None:
    one = t("create", "POST", MAPS, config("m", a="1", b="1"), fieldManager="first")
    t("update", "PUT", f"{MAPS}/m", changed(one, "data.b", "2"), fieldManager="second")
    t("take over by apply", "PATCH", f"{MAPS}/m", config("m", a="1"), APPLY, fieldManager="first")
    t("labels", "PATCH", f"{MAPS}/m", {"metadata": {"labels": {"l": "1"}, "annotations": {"n": "1"}}}, MERGE,
      fieldManager="third")  # fmt: skip
    t("a field away", "PATCH", f"{MAPS}/m", {"data": {"b": None}}, MERGE, fieldManager="third")
    t("apply nothing", "PATCH", f"{MAPS}/m", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}},
      APPLY, fieldManager="first")  # fmt: skip
    t("cleared", "PATCH", f"{MAPS}/m", {"metadata": {"managedFields": [{}]}}, MERGE)
    t("long manager", "PATCH", f"{MAPS}/m", {"data": {"b": "3"}}, MERGE, fieldManager="m" * 129)
    service = {"metadata": {"name": "m"}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
    t("a service", "POST", f"{CORE}{NS}/services", service, fieldManager="first")


def lists(t: Talk) -> None:
    at = f"{CORE}{NS}/secrets"
    for number in range(5):
        t.quiet("POST", at, {"metadata": {"name": f"page-{number}", "labels": {"page": str(number % 2)}}})
    first = t("first page", "GET", at, limit=2)
    t("rest", "GET", at, limit=9, **{"continue": first["metadata"]["continue"]})
    t("bad mark", "GET", at, **{"continue": "x"})
    for selector in ("page in (1)", "page!=1", "!page", "page", "page notin (0,1)", "page=0,page!=1"):
        found = t.quiet("GET", at, labelSelector=selector)["items"]
        t.fact(selector, [one["metadata"]["name"] for one in found])
    for selector in ("page=(", "a b=c", "page in 1", "page==a b"):
        t(f"bad selector {selector}", "GET", at, labelSelector=selector)
    t("by name", "GET", at, fieldSelector="metadata.name=page-2")
    t("not by name", "GET", at, fieldSelector="metadata.name!=page-2,type=Opaque", limit=2)
    t("unknown field", "GET", at, fieldSelector="spec.colour=red")
    t("bad field", "GET", at, fieldSelector="metadata.name")
    t("bad limit", "GET", at, limit="x")
    t("bad version", "GET", at, resourceVersion="x")
    t("another namespace", "GET", f"{CORE}/namespaces/none/secrets")
    t("delete some", "DELETE", at, labelSelector="page=1")
    t.fact("left", [one["metadata"]["name"] for one in t.quiet("GET", at)["items"]])


def watches(t: Talk) -> None:
    version = t.quiet("POST", MAPS, config("w", a="1"))["metadata"]["resourceVersion"]
    t.quiet("PATCH", f"{MAPS}/w", {"metadata": {"labels": {"seen": "yes"}}}, MERGE)
    t.quiet("PATCH", f"{MAPS}/w", {"data": {"a": "2"}}, MERGE)
    t.quiet("PATCH", f"{MAPS}/w", {"metadata": {"labels": None}}, MERGE)
    t.quiet("DELETE", f"{MAPS}/w")

    def stream(step: str, **query: Any) -> None:
        path = MAPS.replace("{ns}", t.space)
        answer = t.client.ask("GET", path, watch="1", timeoutSeconds=1, fieldSelector="metadata.name=w", **query)
        told = [json.loads(line) for line in answer.text.splitlines() if answer.ok]
        seen = [(one["type"], one["object"]["metadata"].get("labels"), one["object"].get("data")) for one in told]
        t.fact(step, [answer.status_code, plain(seen)])

    stream("all since", resourceVersion=version)
    stream("what is selected", resourceVersion=version, labelSelector="seen")
    stream("from now")
    stream("initial events", sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="1")
    t("initial events, no match", "GET", MAPS, watch="1", sendInitialEvents="true", timeoutSeconds=1)
    t("bad version", "GET", MAPS, watch="1", resourceVersion="x", timeoutSeconds=1)


def dry_runs(t: Talk) -> None:
    t("create", "POST", MAPS, config("d", a="1"), dryRun="All")
    t("nothing is there", "GET", f"{MAPS}/d")
    one = t.quiet("POST", MAPS, config("d", a="1"))
    t("update", "PUT", f"{MAPS}/d", changed(one, "data.a", "2"), dryRun="All")
    t("patch", "PATCH", f"{MAPS}/d", {"data": {"a": "2"}}, MERGE, dryRun="All")
    t("apply", "PATCH", f"{MAPS}/d", config("d", a="1", b="1"), APPLY, fieldManager="we", dryRun="All")
    t("delete", "DELETE", f"{MAPS}/d", dryRun="All")
    t("as it was", "GET", f"{MAPS}/d")
    t("bad word", "POST", MAPS, config("e"), dryRun="Some")
    t("bad word of a patch", "PATCH", f"{MAPS}/d", {}, MERGE, dryRun="Some")
    t("bad word of a delete", "DELETE", f"{MAPS}/d", dryRun="Some")


def validation(t: Talk) -> None:
    odd = changed(changed(D, "spec.replcas", 2), "spec.template.spec.containers.0.imag", "x")
    for mode in ("Strict", "Warn", "Ignore", "Loose"):
        t(mode, "POST", DEPLOYMENTS, odd, dryRun="All", fieldValidation=mode)
    t("not said", "POST", DEPLOYMENTS, odd, dryRun="All")
    body = changed(D, "metadata.labels", {"a": 1})
    t("types come first", "POST", DEPLOYMENTS, changed(body, "spec.replcas", 2), dryRun="All", fieldValidation="Strict")
    t("strict and wrong", "POST", DEPLOYMENTS, changed(odd, "spec.replicas", -1), dryRun="All",
      fieldValidation="Strict")  # fmt: skip
    t("metadata", "POST", MAPS, changed(CM, "metadata.lables", {}), dryRun="All", fieldValidation="Strict")
    t("text", "POST", MAPS, "text", dryRun="All")
    t("list", "POST", MAPS, [], dryRun="All")
    t("no kind", "POST", MAPS, {"metadata": {"name": "k"}, "data": {"a": "1"}}, dryRun="All")
    t("empty", "POST", MAPS, {}, dryRun="All")
    t("no such format", "POST", MAPS, CM, "application/xml", dryRun="All")


def paths(t: Talk) -> None:
    t("no resource", "GET", f"{CORE}{NS}/nothings")
    t("no group", "GET", f"/apis/none.example/v1{NS}/things")
    t("no version", "GET", f"/apis/apps/v9{NS}/deployments")
    t("gone version", "GET", f"/apis/batch/v1beta1{NS}/cronjobs")
    t("post on one", "POST", f"{MAPS}/x", config("x"))
    t("put on all", "PUT", MAPS, config("x"))
    t("create without namespace", "POST", f"{CORE}/configmaps", config("x"))
    t("namespaced as cluster's", "GET", f"{CORE}/configmaps/x")
    t("cluster's as namespaced", "GET", f"{CORE}{NS}/nodes")
    t("no part", "GET", f"{MAPS}/x/status")
    t("create in no namespace", "POST", f"{CORE}/namespaces/none/configmaps", config("x"))
    t("apply in no namespace", "PATCH", f"{CORE}/namespaces/none/configmaps/x", config("x"), APPLY, fieldManager="we")
    t("no path", "GET", "/nothing")
    t("no group listed", "GET", "/apis/none.example")
    for user in ("bob", "nobody"):
        t(f"root as {user}", "GET", "/healthz", user=user)


FLOWS: dict[str, Flow] = {
    "optimistic locking": optimistic, "patches": patches, "strategic patches": strategic, "apply": applying,
    "managers": managers, "lists": lists, "watches": watches, "dry runs": dry_runs, "validation": validation,
    "paths": paths,
}  # fmt: skip
