"""Tables: what `kubectl get` shows is made by the server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from bahnvision_lab.kubernetes.api.cells import age, ago
from bahnvision_lab.kubernetes.api.columns import COLUMNS, Column
from bahnvision_lab.kubernetes.api.requests import compact
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")
STEP = re.compile(r"""\.((?:\\.|[^.\[\]\\])+)|\[\?\(@\.(\w+)\s*==\s*['"]([^'"]*)['"]\)\]|\[(\d+|\*)\]|\['([^']+)'\]""")
NAME = Column("Name", lambda one: one["metadata"]["name"])


def wanted(request: Request) -> bool:
    """Whether a table is what the client would like best."""
    words = {word.strip() for word in request.headers.get("Accept", "").split(",")[0].split(";")}
    return {"as=Table", "g=meta.k8s.io", "v=v1"} <= words


def shown(cluster: Cluster, request: Request, resource: Resource, answer: Object) -> Object:
    """Return the answer, as a table when that is wanted."""
    if not wanted(request):
        return answer
    items = answer.get("items", [answer])
    metadata = answer["metadata"] if "items" in answer else {"resourceVersion": answer["metadata"]["resourceVersion"]}
    return _Table(cluster, request, resource).of(items, metadata)


def streamed(cluster: Cluster, request: Request, resource: Resource, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Return the events of a watch, each with a table of one row when that is wanted."""
    if not wanted(request):
        return lines
    return _as_tables(_Table(cluster, request, resource), lines)


def _as_tables(table: _Table, lines: Iterator[bytes]) -> Iterator[bytes]:
    first = True
    for line in lines:
        event = json.loads(line) if line else None
        if event is not None and event["type"] in ("ADDED", "MODIFIED", "DELETED"):
            one = event["object"]
            shown_one = table.of([one], {"resourceVersion": one["metadata"]["resourceVersion"]})
            if not first:
                shown_one["columnDefinitions"] = None  # they are told once
            first = False
            line = compact({"type": event["type"], "object": shown_one}) + b"\n"
        yield line


class _Table:
    """How one client wants one kind."""

    def __init__(self, cluster: Cluster, request: Request, resource: Resource) -> None:
        self.resource = resource
        self.columns = _columns(cluster, resource)
        self.include = request.args.get("includeObject", "Metadata")

    def of(self, items: list[Object], metadata: Object) -> Object:
        definitions = [
            {"name": one.name, "type": one.kind, "format": "name" if one is NAME else "", "description": "",
             "priority": one.priority}
            for one in self.columns
        ]  # fmt: skip
        rows = [{"cells": [column.cell(one) for column in self.columns], "object": self._object(one)} for one in items]
        return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "columnDefinitions": definitions, "rows": rows}  # fmt: skip

    def _object(self, one: Object) -> Object | None:
        if self.include == "Metadata":
            return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": one["metadata"]}
        whole = {**one, "kind": self.resource.kind, "apiVersion": self.resource.api_version}
        return whole if self.include == "Object" else None


def _columns(cluster: Cluster, resource: Resource) -> list[Column]:
    if not resource.is_custom:
        return [NAME, *COLUMNS.get(resource.place, [Column("Age", age)])]
    found = cluster.store.find(CRDS, "", f"{resource.plural}.{resource.group}") or {"spec": {"versions": []}}
    told = [one for version in found["spec"]["versions"] if version["name"] == resource.version
            for one in version.get("additionalPrinterColumns") or ()]  # fmt: skip
    return [NAME, *(_custom(one) for one in told)] if told else [NAME, Column("Age", age)]


def _custom(told: Object) -> Column:
    path, kind = told["jsonPath"], told["type"]

    def cell(one: Object) -> Any:
        found = read_path(one, path)
        if found is None:
            return ""
        if kind == "date":
            return ago(str(found))
        return found if kind in ("integer", "number", "boolean") or isinstance(found, str) else json.dumps(found)

    return Column(told["name"], cell, kind, told.get("priority", 0))


def read_path(one: Any, path: str) -> Any:
    """Return what a JSON path of kubectl's kind leads to: members, positions, and one comparison. None for nothing."""
    for key, member, value, at, quoted in STEP.findall(path):
        name = re.sub(r"\\(.)", r"\1", key) or quoted
        if name:
            one = one.get(name) if isinstance(one, dict) else None
        elif not isinstance(one, list):
            return None
        elif member:
            one = next((item for item in one if isinstance(item, dict) and str(item.get(member)) == value), None)
        elif at == "*":
            one = one[0] if one else None
        else:
            one = one[int(at)] if int(at) < len(one) else None
    return one
