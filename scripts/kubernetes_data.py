"""Make the lab's dated copy of what Kubernetes releases serve: schemas, resources, protobuf fields, first roles.

    .venv/bin/python scripts/kubernetes_data.py 1.35.4 ...

Everything comes from the Go module proxy, the registry in which Kubernetes publishes its modules; each module's
hash must be the one that RELEASES names (the h1 sum that go.sum files carry, checked here as `go` checks it).
Without an argument it makes all of RELEASES anew.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import lzma
import re
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import yaml

PROXY = "https://proxy.golang.org"
FOLDER = Path(__file__).resolve().parents[1] / "lab/src/bahnvision_lab/kubernetes/data"
MODULES = ("k8s.io/kubernetes", "k8s.io/api", "k8s.io/apimachinery")
RELEASES: dict[str, dict[str, str]] = json.loads((FOLDER / "releases.json").read_text())
ROLES = "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata"
FIRST = ("cluster-roles.yaml", "cluster-role-bindings.yaml")
ACTIONS = {
    "get": "get", "list": "list", "post": "create", "put": "update", "patch": "patch", "delete": "delete",
    "deletecollection": "deletecollection",
}  # fmt: skip
_PATH = re.compile(r"/(?:api/v1|apis/[^/]+/[^/]+)(/namespaces/\{namespace\})?/([a-z]+)(/\{name\}(?:/([a-z]+))?)?")
_FIELD = re.compile(r"^\s*(optional|repeated)?\s*(map<[^>]+>|[\w.]+)\s+(\w+)\s*=\s*(\d+);", re.M)
_MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.M | re.S)


def module(name: str, version: str, wanted: str) -> zipfile.ZipFile:
    with urllib.request.urlopen(f"{PROXY}/{name}/@v/{version}.zip", timeout=120) as answer:  # noqa: S310 - https
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    found = h1(archive)
    if found != wanted:
        sys.exit(f"{name}@{version} has the hash {found}, not {wanted or 'any that releases.json names'}")
    return archive


def h1(archive: zipfile.ZipFile) -> str:
    """Go's hash of a module: of the sorted list of its files' hashes."""
    lines = [f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n" for name in sorted(archive.namelist())]
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


def bare(value: Any) -> Any:
    """Without descriptions, which are four fifths of it."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: bare(item) for key, item in value.items() if not (key == "description" and isinstance(item, str))}


def resources(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for path, methods in document["paths"].items():
        matched = _PATH.fullmatch(path)
        for method in methods.values() if matched else ():
            if not isinstance(method, dict) or "x-kubernetes-action" not in method:
                continue
            told = method["x-kubernetes-group-version-kind"]
            group, version = path.split("/")[2:4] if path.startswith("/apis/") else ("", "v1")
            one = found.setdefault(
                (group, version, matched[2]),
                {"group": group, "version": version, "plural": matched[2], "namespaced": False, "parts": {}},
            )
            one["namespaced"] |= bool(matched[1])
            part = one["parts"].setdefault(matched[4] or "", {"kind": told, "verbs": []})
            verb = ACTIONS.get(method["x-kubernetes-action"])
            if verb and verb not in part["verbs"]:
                part["verbs"].append(verb)
                if not matched[4] and verb == "post":
                    part["kind"] = told
    return list(found.values())


def messages(archive: zipfile.ZipFile) -> dict[str, dict[str, list[str]]]:
    """Protobuf messages by their full name: number to name, type and label."""
    found = {}
    for name in archive.namelist():
        if not name.endswith("generated.proto"):
            continue
        text = re.sub(r"//[^\n]*", "", archive.read(name).decode())
        package = re.search(r"^package ([\w.]+);", text, re.M)
        for message in _MESSAGE.finditer(text):
            fields = {one[4]: [one[3], one[2], one[1] or ""] for one in _FIELD.finditer(message[2])}
            found[f"{package[1]}.{message[1]}"] = fields
    return found


def copy_of(version: str) -> dict[str, Any]:
    hashes = RELEASES[version]
    core = module(MODULES[0], f"v{version}", hashes[MODULES[0]])
    root = f"{MODULES[0]}@v{version}/"
    schemas: dict[str, Any] = {}
    served: list[dict[str, Any]] = []
    for name in sorted(core.namelist()):
        if name.startswith(f"{root}api/openapi-spec/v3/") and name.endswith("_openapi.json"):
            document = json.loads(core.read(name))
            schemas |= document.get("components", {}).get("schemas", {})
            served += resources(document)
    first = [item for file in FIRST for item in yaml.safe_load(core.read(f"{root}{ROLES}/{file}"))["items"]]
    wire: dict[str, Any] = {}
    for name in MODULES[1:]:
        wire |= messages(module(name, f"v0.{version.partition('.')[2]}", hashes[name]))
    return {
        "version": f"v{version}", "resources": served, "schemas": bare(schemas), "bootstrap": first, "protobuf": wire,
    }  # fmt: skip


def main() -> None:
    for version in sys.argv[1:] or RELEASES:
        text = json.dumps(copy_of(version), sort_keys=True, separators=(",", ":")).encode()
        target = FOLDER / f"kubernetes-{version.rpartition('.')[0]}.json.xz"
        target.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
        print(f"{target.name}: {len(text)} bytes, {target.stat().st_size} compressed")


if __name__ == "__main__":
    main()
