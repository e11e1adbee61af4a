"""From JSON to an object of a type, as strictly as Go's decoder: wrong types are refused, unknown fields reported."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from bahnvision_lab.kubernetes.objects import quantity
from bahnvision_lab.kubernetes.objects.shapes import Shape

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_INDEX = re.compile(r"\[\d+\]")
_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
_GO = {"boolean": "bool", "string": "string", "number": "float64", "array": "[]", "map": "map[string]"}


class DecodingError(Exception):
    """Go's words about a value that does not fit."""


@dataclass
class Strictness:
    """What a strict client wants to be refused and others want to be warned of."""

    unknown: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    def told(self) -> list[str]:
        return [f'unknown field "{one}"' for one in self.unknown] + [
            f'duplicate field "{one}"' for one in self.duplicates
        ]


def read_json(text: bytes, strictness: Strictness) -> Any:
    """Parse; of a key that comes twice the last value counts, as in Go."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(found)
        if len(whole) < len(found):
            keys = [key for key, _value in found]
            strictness.duplicates += sorted({key for key in keys if keys.count(key) > 1})
        return whole

    return json.loads(text, object_pairs_hook=pairs)


def decode(shape: Shape, value: Any, strictness: Strictness, path: str = "", holder: str = "") -> Any:
    """Return the value with only what the type knows. null is the same as absent."""
    if not shape.name and not holder and not _fits(shape.kind, value):
        return value  # of a custom kind: its schema's problem, in its own words
    reader = _READERS.get(shape.kind)
    return reader(shape, value, strictness, path, holder) if reader else value


def _fits(kind: str, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    told = {"object": dict, "map": dict, "any-object": dict, "array": list, "string": str, "boolean": bool}
    return kind not in told or isinstance(value, told[kind])


def _misfit(value: Any, path: str, holder: str, wanted: str) -> DecodingError:
    where = f"Go struct field {holder}.{_INDEX.sub('', path)}" if holder else "Go value"
    told = _NAMES.get(type(value), "null") + (f" {value}" if isinstance(value, float) else "")
    return DecodingError(f"json: cannot unmarshal {told} into {where} of type {wanted}")


def _object(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if not isinstance(value, dict):
        raise _misfit(value, path, holder, shape.go_type or "object")
    whole = {}
    for key, item in value.items():
        at = f"{path}.{key}" if path else key
        known = shape.fields.get(key)
        if known is None:
            if shape.keeps_unknown:
                whole[key] = item
            else:
                strictness.unknown.append(at)
        elif item is not None or shape.fields[key].raw.get("nullable"):
            found = decode(known, item, strictness, at, shape.struct)
            if found or not _is_omitted(shape, key, known, found):
                whole[key] = found
    return whole


def _is_omitted(shape: Shape, key: str, known: Shape, found: Any) -> bool:
    """Go does not tell empty lists and maps, nor empty texts that nobody demands; custom kinds are no Go."""
    return bool(shape.name) and found is not None and key not in shape.required and known.kind in ("array", "map")


def _map(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if not isinstance(value, dict):
        raise _misfit(value, path, holder, "map[string]string")
    assert shape.values is not None
    blank = {"string": ""}.get(shape.values.kind)
    found = {key: blank if item is None else item for key, item in value.items()}
    return {
        key: decode(shape.values, item, strictness, f"{path}.{key}" if shape.values.fields else path, holder)
        for key, item in found.items()
        if item is not None
    }


def _array(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if not isinstance(value, list):
        inner = shape.items.go_type if shape.items and shape.items.go_type else "string"
        raise _misfit(value, path, holder, f"[]{inner}")
    if shape.items is None:
        return value
    return [decode(shape.items, item, strictness, f"{path}[{at}]", holder) for at, item in enumerate(value)]


def _string(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if not isinstance(value, str):
        raise _misfit(value, path, holder, "string")
    form = shape.raw.get("format")
    if form == "byte":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            bad = next((at for at, one in enumerate(value) if not (one.isalnum() or one in "+/=\n")), len(value))
            raise DecodingError(f"illegal base64 data at input byte {bad}") from None
    if form == "date-time" and not _TIME.fullmatch(value):
        raise DecodingError(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"')
    return value


def _integer(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    form = str(shape.raw.get("format", "int64"))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _misfit(value, path, holder, form)
    bits = 31 if form == "int32" else 63
    if not -(2**bits) <= value < 2**bits:
        raise DecodingError(
            f"json: cannot unmarshal number {value} into Go struct field {holder}.{path} of type {form}"
        )
    return value


def _number(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _misfit(value, path, holder, "float64")
    return value


def _boolean(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if not isinstance(value, bool):
        raise _misfit(value, path, holder, "bool")
    return value


def _int_or_string(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _misfit(value, path, holder, "intstr.IntOrString")
    return value


def _quantity(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _misfit(value, path, holder, "resource.Quantity")
    try:
        return quantity.canonical(str(value))
    except ValueError as problem:
        raise DecodingError(str(problem)) from None


def _any_object(shape: Shape, value: Any, strictness: Strictness, path: str, holder: str) -> Any:
    if not isinstance(value, dict):
        raise _misfit(value, path, holder, "map[string]interface {}")
    return value


_READERS = {
    "object": _object, "map": _map, "array": _array, "string": _string, "integer": _integer, "number": _number,
    "boolean": _boolean, "int-or-string": _int_or_string, "quantity": _quantity, "any-object": _any_object,
}  # fmt: skip
