"""What a client asks first: groups, versions and kinds, in the old form and in the aggregated one."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from bahnvision_lab.kubernetes.api.resources import Catalogue, Resource, by_group_version
from bahnvision_lab.kubernetes.objects.shapes import REF

Object = dict[str, Any]
AGGREGATED = "apidiscovery.k8s.io"
PART_KINDS = {
    "scale": ("autoscaling", "v1", "Scale", ["get", "patch", "update"]),
    "eviction": ("policy", "v1", "Eviction", ["create"]),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ["create"]),
    "log": ("", "v1", "Pod", ["get"]),
    "finalize": ("", "v1", "Namespace", ["update"]),
}


def versions(address: str) -> Object:
    return {
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }  # fmt: skip


def _group(name: str, versions: list[str]) -> Object:
    told = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": told, "preferredVersion": told[0]}


def group_list(catalogue: Catalogue) -> Object:
    groups = [_group(name, versions) for name, versions in catalogue.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(catalogue: Catalogue, name: str) -> Object | None:
    versions = catalogue.groups().get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def resource_list(catalogue: Catalogue, name: str, version: str) -> Object | None:
    found = by_group_version(catalogue.every()).get((name, version))
    if not found:
        return None
    told = f"{name}/{version}" if name else version
    rows = [row for one in found for row in _rows(one)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": told, "resources": rows}


def _rows(one: Resource) -> list[Object]:
    more: Object = {"shortNames": one.short} if one.short else {}
    if one.categories:
        more["categories"] = one.categories
    if one.is_custom:
        stored = hashlib.sha256(f"{one.group}/{one.version}/{one.kind}".encode()).digest()
        more["storageVersionHash"] = base64.b64encode(stored[:8]).decode()
    rows = [{
        "name": one.plural, "singularName": one.singular, "namespaced": one.namespaced, "kind": one.kind,
        "verbs": one.verbs, **more,
    }]  # fmt: skip
    for part in one.parts:
        group, version, kind, verbs = _part(one, part)
        told: Object = {
            "name": f"{one.plural}/{part}",
            "singularName": "",
            "namespaced": one.namespaced,
            "kind": kind,
            "verbs": verbs,
        }
        if part in PART_KINDS:
            told |= {"group": group, "version": version}
        rows.append(told)
    return rows


def _part(one: Resource, part: str) -> tuple[str, str, str, list[str]]:
    return PART_KINDS.get(part, (one.group, one.version, one.kind, ["get", "patch", "update"]))


def aggregated(catalogue: Catalogue, core: bool) -> Object:
    """Everything in one answer (APIGroupDiscoveryList)."""
    items = []
    served = by_group_version(catalogue.every())
    for name, group_versions in catalogue.groups().items():
        if (name == "") == core:
            told = [
                {
                    "version": version,
                    "freshness": "Current",
                    "resources": [_discovered(one) for one in served[(name, version)]],
                }
                for version in group_versions
            ]
            items.append({"metadata": {"name": name, "creationTimestamp": None} if name else {}, "versions": told})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": f"{AGGREGATED}/v2", "metadata": {}, "items": items}


def _discovered(one: Resource) -> Object:
    told: Object = {
        "resource": one.plural, "responseKind": {"group": one.group, "version": one.version, "kind": one.kind},
        "scope": "Namespaced" if one.namespaced else "Cluster", "singularResource": one.singular, "verbs": one.verbs,
    }  # fmt: skip
    parts = []
    for part in one.parts:
        group, version, kind, verbs = _part(one, part)
        parts.append({
            "subresource": part, "responseKind": {"group": group, "version": version, "kind": kind}, "verbs": verbs,
        })  # fmt: skip
    if one.short:
        told["shortNames"] = one.short
    if one.categories:
        told["categories"] = one.categories
    return {**told, "subresources": parts} if parts else told


def openapi_index(catalogue: Catalogue) -> Object:
    paths = [f"apis/{name}/{version}" if name else f"api/{version}"
             for name, versions in catalogue.groups().items() for version in versions]  # fmt: skip
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}}


def openapi(catalogue: Catalogue, path: str) -> Object | None:
    """The schemas of one group and version, and enough of its paths that a client knows how to write."""
    parts = path.split("/")
    name, version = (parts[1], parts[2]) if parts[0] == "apis" and len(parts) == 3 else ("", parts[-1])
    found = by_group_version(catalogue.every()).get((name, version))
    if not found:
        return None
    schemas: Object = {}
    paths: Object = {}
    for one in found:
        paths |= _paths(one, f"/{path}", _schema(catalogue, one, schemas))
    return {
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": catalogue.release.version}, "paths": paths,
        "components": {"schemas": schemas},
    }  # fmt: skip


def _schema(catalogue: Catalogue, one: Resource, schemas: Object) -> str:
    """Put the kind's schema and all that it leads to into `schemas`; return its name."""
    if one.shape is None:
        return ""
    name = one.shape.name or f"{'.'.join(reversed(one.group.split('.')))}.{one.version}.{one.kind}"
    told = {"group": one.group, "version": one.version, "kind": one.kind}
    waiting: list[tuple[str, Object]] = [(name, {**one.shape.raw, "x-kubernetes-group-version-kind": [told]})]
    while waiting:
        key, raw = waiting.pop()
        if key not in schemas:
            schemas[key] = raw
            waiting += [(inner, catalogue.release.raw[inner]) for inner in _references(raw)]
    return name


def _references(raw: Any) -> set[str]:
    if isinstance(raw, list):
        return {name for item in raw for name in _references(item)}
    if not isinstance(raw, dict):
        return set()
    own = {raw["$ref"].removeprefix(REF)} if isinstance(raw.get("$ref"), str) else set()
    return own | {name for item in raw.values() for name in _references(item)}


_OPTIONS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "force")
]
_PATCHES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
            "application/strategic-merge-patch+json")  # fmt: skip


def _paths(one: Resource, base: str, schema: str) -> Object:
    told = {"group": one.group, "version": one.version, "kind": one.kind}
    body = {"schema": {"$ref": REF + schema}}

    def operation(action: str, kinds: tuple[str, ...]) -> Object:
        content = {kind: body for kind in kinds if not (one.is_custom and "strategic" in kind)}
        return {
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": told, "parameters": _OPTIONS,
            "requestBody": {"content": content},
            "responses": {"200": {"description": "OK", "content": {"application/json": body}}},
        }  # fmt: skip

    where = base + ("/namespaces/{namespace}/" if one.namespaced else "/") + one.plural
    plain = ("application/json",)
    paths = {where: {"get": operation("list", plain), "post": operation("post", plain)}}
    if "patch" in one.verbs:
        paths[where + "/{name}"] = {
            "get": operation("get", plain), "put": operation("put", plain), "patch": operation("patch", _PATCHES),
            "delete": operation("delete", plain),
        }  # fmt: skip
    return paths
