"""Custom resources: the structural schema of a CRD as a type, and what its values must be."""

from __future__ import annotations

import copy
import re
from typing import Any

from bahnvision_lab.kubernetes.objects.shapes import REF, Release, Shape
from bahnvision_lab.kubernetes.status import Problem, invalid, required, unsupported

_META = {"$ref": REF + "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}


def structural(raw: dict[str, Any] | None, release: Release) -> Shape:
    """The type of a custom object; what the schema does not name is pruned, metadata is Kubernetes' own."""
    whole = copy.deepcopy(raw or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    text = {"type": "string"}
    whole["properties"] = {**(whole.get("properties") or {}), "apiVersion": text, "kind": text, "metadata": _META}
    return Shape(whole, release.definitions)


def defaulted(shape: Shape, value: Any) -> Any:
    """Fill in the defaults of a schema, from the outside in."""
    if isinstance(value, dict):
        for key, inner in shape.fields.items():
            if key not in value and "default" in inner.raw:
                value[key] = copy.deepcopy(inner.raw["default"])
        for key, item in value.items():
            child = shape.child(key)
            if child is not None and not child.name:
                value[key] = defaulted(child, item)
    elif isinstance(value, list) and shape.items is not None:
        return [defaulted(shape.items, item) for item in value]
    return value


def problems(shape: Shape, value: Any, path: str = "") -> list[Problem]:
    """What a custom object's values break of the schema."""
    wrong = _type_problem(shape.raw, value, path) if not shape.name else None
    if wrong is not None:
        return [wrong]
    found = _bounds(shape.raw, value, path)
    if isinstance(value, dict) and not shape.name:
        for key, item in value.items():
            child = shape.child(key)
            if child is not None:
                found += problems(child, item, _join(path, key))
        found += [required(_join(path, key)) for key in shape.required if key not in value]
    elif isinstance(value, list) and shape.items is not None:
        for at, item in enumerate(value):
            found += problems(shape.items, item, f"{path}[{at}]")
    return found


def _type_problem(raw: dict[str, Any], value: Any, path: str) -> Problem | None:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    told, wanted = kinds.get(type(value), "null"), raw.get("type", "")
    fits = told == wanted or (told == "integer" and wanted == "number") or (told == "null" and raw.get("nullable"))
    if not wanted or fits:
        return None
    problem = invalid(path, told, f'{path} in body must be of type {wanted}: "{told}"')
    return Problem(problem.field, "FieldValueTypeInvalid", problem.message)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _bounds(raw: dict[str, Any], value: Any, path: str) -> list[Problem]:
    found: list[Problem] = []
    if "enum" in raw and value not in raw["enum"]:
        found.append(unsupported(path, value, [str(one) for one in raw["enum"]]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in raw and value < raw["minimum"]:
            found.append(invalid(path, value, f"{path} in body should be greater than or equal to {raw['minimum']}"))
        if "maximum" in raw and value > raw["maximum"]:
            found.append(invalid(path, value, f"{path} in body should be less than or equal to {raw['maximum']}"))
    if isinstance(value, str):
        if "pattern" in raw and not re.search(raw["pattern"], value):
            found.append(invalid(path, value, f"{path} in body should match '{raw['pattern']}'"))
        found += _sizes(raw, value, path, "Length", "chars long")
    if isinstance(value, list):
        found += _sizes(raw, value, path, "Items", "items")
    return found


def _sizes(raw: dict[str, Any], value: Any, path: str, what: str, words: str) -> list[Problem]:
    found = []
    if len(value) < raw.get(f"min{what}", 0):
        found.append(invalid(path, value, f"{path} in body should be at least {raw[f'min{what}']} {words}"))
    most = raw.get(f"max{what}")
    if most is not None and len(value) > most:
        if what == "Items":
            found.append(Problem(path, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {most} items"))
        else:
            found.append(Problem(path, "FieldValueTooLong", f"Too long: may not be more than {most} bytes"))
    return found
