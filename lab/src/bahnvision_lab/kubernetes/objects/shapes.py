"""The OpenAPI schemas of a Kubernetes version, as types that know their fields, list keys and patch strategies."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "data"
REF = "#/components/schemas/"
Raw = dict[str, Any]


class Shape:
    """One type. `name` is that of its definition ("" for a type that is written in place)."""

    def __init__(self, raw: Raw, definitions: dict[str, Shape], name: str = "") -> None:
        self.raw = raw
        self.name = name
        self._definitions = definitions

    def _of(self, raw: Raw | bool | None) -> Shape | None:
        """Follow a reference; what stands beside it wins over what it leads to."""
        if not isinstance(raw, dict):
            return None
        parts = raw.get("allOf")
        reference = raw.get("$ref") or (parts[0].get("$ref") if parts and len(parts) == 1 else None)
        if reference is None:
            return Shape(raw, self._definitions)
        target = self._definitions[reference.removeprefix(REF)]
        more = {key: value for key, value in raw.items() if key.startswith("x-")}
        return Shape({**target.raw, **more}, self._definitions, target.name) if more else target

    @cached_property
    def struct(self) -> str:
        """The name of the Go type, as decoding errors tell it."""
        return self.name.rpartition(".")[2]

    @property
    def go_type(self) -> str:
        """v1.Container"""
        return ".".join(self.name.split(".")[-2:])

    @cached_property
    def fields(self) -> dict[str, Shape]:
        found = ((key, self._of(value)) for key, value in self.raw.get("properties", {}).items())
        return {key: shape for key, shape in found if shape is not None}

    @cached_property
    def values(self) -> Shape | None:
        """The type of a map's values."""
        return self._of(self.raw.get("additionalProperties"))

    @cached_property
    def items(self) -> Shape | None:
        return self._of(self.raw.get("items"))

    @property
    def required(self) -> list[str]:
        return list(self.raw.get("required", ()))

    @cached_property
    def kind(self) -> str:
        """object, map, array, string, integer, number, boolean, or any."""
        if self.raw.get("format") == "int-or-string" or self.raw.get("x-kubernetes-int-or-string"):
            return "int-or-string"
        if self.struct == "Quantity":
            return "quantity"
        told = str(self.raw.get("type", ""))
        if told == "object" or (not told and self.raw.get("properties")):
            if self.values is not None:
                return "map"
            return "object" if self.fields else "any-object"
        return told or "any"

    @property
    def keeps_unknown(self) -> bool:
        return bool(self.raw.get("x-kubernetes-preserve-unknown-fields"))

    @property
    def is_atomic(self) -> bool:
        return self.raw.get("x-kubernetes-map-type") == "atomic"

    @property
    def list_type(self) -> str:
        return str(self.raw.get("x-kubernetes-list-type", "atomic"))

    @property
    def map_keys(self) -> list[str]:
        return list(self.raw.get("x-kubernetes-list-map-keys", ()))

    @property
    def merge_key(self) -> str:
        return str(self.raw.get("x-kubernetes-patch-merge-key", ""))

    @property
    def strategies(self) -> set[str]:
        return {one for one in str(self.raw.get("x-kubernetes-patch-strategy", "")).split(",") if one}

    def child(self, key: str) -> Shape | None:
        """The type of a field or of a map's value."""
        return self.fields.get(key) or self.values

    def default_of(self, key: str) -> Any:
        """The default of a field of an item: list keys are told with it."""
        own = self.raw.get("properties", {}).get(key, {})
        return own.get("default")


class Release:
    """What one minor version of Kubernetes serves."""

    def __init__(self, minor: str) -> None:
        document = json.loads(lzma.decompress((DATA / f"kubernetes-{minor}.json.xz").read_bytes()))
        self.minor = minor
        self.version: str = document["version"]
        self.resources: list[dict[str, Any]] = document["resources"]
        self.raw: dict[str, Raw] = document["schemas"]
        self.bootstrap: list[dict[str, Any]] = document["bootstrap"]
        self.protobuf: dict[str, dict[str, list[str]]] = document["protobuf"]
        self.definitions: dict[str, Shape] = {}
        for name, raw in self.raw.items():
            self.definitions[name] = Shape(raw, self.definitions, name)
        self._kinds = dict(self._named())

    def _named(self) -> Iterator[tuple[tuple[str, str, str], Shape]]:
        for name, raw in self.raw.items():
            for told in raw.get("x-kubernetes-group-version-kind", ()):
                yield (told["group"], told["version"], told["kind"]), self.definitions[name]

    def shape(self, group: str, version: str, kind: str) -> Shape | None:
        return self._kinds.get((group, version, kind))

    @property
    def metadata(self) -> Shape:
        return self.definitions["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]


@cache
def release(minor: str) -> Release:
    """Read once per process and version: decompressing takes a quarter of a second."""
    return Release(minor)


def versions() -> list[str]:
    """The minor versions that the lab has schemas of, oldest first."""
    found = (path.name.removeprefix("kubernetes-").removesuffix(".json.xz") for path in DATA.glob("*.json.xz"))
    return sorted(found, key=lambda minor: [int(part) for part in minor.split(".")])
