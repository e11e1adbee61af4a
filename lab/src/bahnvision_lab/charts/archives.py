"""Charts as Helm wants them, built from `sources`: the same bytes every time.

A source is a folder with Chart.yaml, values.yaml (defaults of what our templates use), templates, `names.yaml` (the
values that the real chart knows) and `crds.yaml` (the custom resources that come with it, in short). A value that it
does not know the real chart would ignore without a word; here the schema refuses it, so that a rehearsal finds it.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
MADE = "2026-11-23T00:00:00Z"  # in the index; a clock would make every archive another one
# Charts that have their custom resources among the templates, and under which condition; the others have them in crds/.
TEMPLATED = {
    "argo-cd": ".Values.crds.install", "external-secrets": ".Values.installCRDs", "karpenter-crd": "true",
}  # fmt: skip
KEPT = ("argo-cd",)  # whose custom resources stay when the release goes
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True)
class Archive:
    """One chart: what the index says of it, and its bytes."""

    chart: dict[str, Any]
    content: bytes

    @property
    def name(self) -> str:
        return f"{self.chart['name']}-{self.chart['version']}.tgz"

    @property
    def entry(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.content).hexdigest()
        return {**self.chart, "created": MADE, "digest": digest, "urls": [self.name]}


@functools.cache
def archives() -> dict[str, Archive]:
    """Return every chart, by the name of its file."""
    built = [build(source) for source in sorted(SOURCES.iterdir()) if (source / "Chart.yaml").exists()]
    return {one.name: one for one in built}


def index() -> bytes:
    entries: dict[str, list[Any]] = {}
    for one in archives().values():
        entries.setdefault(one.chart["name"], []).append(one.entry)
    return yaml.safe_dump({"apiVersion": "v1", "entries": entries, "generated": MADE}).encode()


def build(source: Path) -> Archive:
    chart = _read(source / "Chart.yaml")
    files = {
        "Chart.yaml": (source / "Chart.yaml").read_bytes(),
        # Through the loader: Helm's reader of YAML does not merge anchors.
        "values.yaml": yaml.safe_dump(_read(source / "values.yaml")).encode(),
        "values.schema.json": json.dumps(schema(_read(source / "names.yaml")), sort_keys=True).encode(),
        "templates/_lab.tpl": (HERE / "_lab.tpl").read_bytes(),
    }
    # *.yaml.tpl here, since linters of YAML read no templates.
    for one in sorted((source / "templates").glob("*.yaml.tpl")):
        files[f"templates/{one.stem}"] = one.read_bytes()
    files |= custom_resources(source)
    return Archive(chart, _packed(chart["name"], files))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def schema(names: Mapping[str, Mapping[str, list[str]]]) -> dict[str, Any]:
    """Turn names.yaml, {path: {type: [names]}}, into a JSON schema that is closed at every path that is listed."""
    closed: dict[str, dict[str, Any]] = {}
    for path, kinds in names.items():
        properties = {name: {} if kind == "any" else {"type": [kind, "null"]} for kind in kinds for name in kinds[kind]}
        closed[path] = {"type": "object", "additionalProperties": False, "properties": properties}
        if path:
            parent, _dot, name = path.rpartition(".")
            closed[parent]["properties"][name] = closed[path]
    return {"$schema": "http://json-schema.org/draft-07/schema#", **closed[""]}


def custom_resources(source: Path) -> dict[str, bytes]:
    path = source / "crds.yaml"
    made = [definition(one, source.name in KEPT) for one in _read(path)] if path.exists() else []
    files = {}
    for one in made:
        text, name = yaml.safe_dump(one), one["metadata"]["name"]
        if source.name in TEMPLATED:
            files[f"templates/{name}.yaml"] = f"{{{{- if {TEMPLATED[source.name]} }}}}\n{text}{{{{- end }}}}\n".encode()
        else:
            files[f"crds/{name}.yaml"] = text.encode()
    return files


def definition(told: Mapping[str, Any], kept: bool) -> dict[str, Any]:
    """Write the CustomResourceDefinition out."""
    names = {"plural": told["plural"], "singular": told["kind"].lower(), "kind": told["kind"],
             "listKind": f"{told['kind']}List", "shortNames": told.get("short", [])}  # fmt: skip
    columns = [{"name": name, "jsonPath": path, "type": "string"} for name, path in told.get("columns", {}).items()]
    properties = {
        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
        "spec": {"type": "object", **told["spec"]}, "status": OPEN, **told.get("more", {}),
    }  # fmt: skip
    version = {
        "name": told["version"], "served": True, "storage": True, "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
        "subresources": {} if told.get("plain") else {"status": {}},
    }  # fmt: skip
    metadata: dict[str, Any] = {"name": f"{told['plural']}.{told['group']}"}
    if kept:
        metadata["annotations"] = {"helm.sh/resource-policy": "keep"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata,
        "spec": {"group": told["group"], "names": names, "scope": told["scope"], "versions": [version]},
    }  # fmt: skip


def _packed(folder: str, files: Mapping[str, bytes]) -> bytes:
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as out:
        out.write(plain.getvalue())
    return packed.getvalue()
