"""The three patches that are no apply: JSON patch, merge patch and Kubernetes' strategic merge patch."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch

from bahnvision_lab.kubernetes.objects.shapes import Shape
from bahnvision_lab.kubernetes.status import ApiError

Object = dict[str, Any]
DIRECTIVE = "$patch"


def json_patch(one: Object, patch: Any) -> Object:
    if not isinstance(patch, list):
        raise ApiError(400, "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    try:
        return jsonpatch.JsonPatch(patch).apply(one)
    except jsonpatch.JsonPatchTestFailed as problem:
        raise ApiError(422, f"testing value failed: {problem}", details={}) from None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as problem:
        raise ApiError(422, f"the server rejected our request due to an error in our request: {problem}") from None


def merge_patch(one: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    whole = dict(one) if isinstance(one, dict) else {}
    for key, value in patch.items():
        if value is None:
            whole.pop(key, None)
        else:
            whole[key] = merge_patch(whole.get(key), value)
    return whole


def strategic(shape: Shape | None, one: Any, patch: Object) -> Object:
    """Merge maps by key and lists by their merge key; directives replace, delete, retain and order."""
    directive = patch.get(DIRECTIVE)
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    whole = dict(one) if isinstance(one, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            _directive(shape, whole, key, value)
    for key, value in patch.items():
        if not key.startswith("$"):
            _one(shape, whole, key, value, patch.get(f"$setElementOrder/{key}"))
    kept = patch.get("$retainKeys")
    return {key: value for key, value in whole.items() if kept is None or key in kept}


def _directive(shape: Shape | None, whole: Object, key: str, value: Any) -> None:
    name, _slash, field = key.partition("/")
    if name == "$deleteFromPrimitiveList":
        whole[field] = [one for one in whole.get(field) or () if one not in value]
    elif name == "$setElementOrder" and whole.get(field):
        inner = shape.child(field) if shape else None
        whole[field] = _ordered(whole[field], value, inner.merge_key if inner else "")
    elif name not in ("$patch", "$retainKeys", "$setElementOrder"):
        raise ApiError(400, f"unknown directive of a strategic merge patch: {key}")


def _one(shape: Shape | None, whole: Object, key: str, value: Any, order: list[Any] | None) -> None:
    inner = shape.child(key) if shape else None
    if value is None:
        whole.pop(key, None)
    elif isinstance(value, dict):
        if value.get(DIRECTIVE) == "delete":
            whole.pop(key, None)
        else:
            whole[key] = strategic(inner, whole.get(key), value)
    elif isinstance(value, list) and inner is not None and "merge" in inner.strategies:
        whole[key] = _merged_list(inner, list(whole.get(key) or ()), value)
        if order is not None:
            whole[key] = _ordered(whole[key], order, inner.merge_key)
    else:
        whole[key] = value


def _merged_list(shape: Shape, current: list[Any], patch: list[Any]) -> list[Any]:
    key = shape.merge_key
    if not key:
        return current + [one for one in patch if one not in current]
    if any(isinstance(one, dict) and one.get(DIRECTIVE) == "replace" for one in patch):
        return [one for one in patch if DIRECTIVE not in one]
    for one in patch:
        if not isinstance(one, dict) or key not in one:
            raise ApiError(400, f"map: {json.dumps(one)} does not contain declared merge key: {key}")
        at = next((at for at, other in enumerate(current) if other.get(key) == one[key]), None)
        if one.get(DIRECTIVE) == "delete":
            current = [other for other in current if other.get(key) != one[key]]
        elif at is None:
            current.append(strategic(shape.items, {}, one))
        else:
            current[at] = strategic(shape.items, current[at], one)
    return current


def _ordered(current: list[Any], order: list[Any], key: str) -> list[Any]:
    """What the order names, in that order; what it does not name keeps its place relative to its neighbours."""

    def mark(one: Any) -> str:
        return json.dumps(one.get(key) if key and isinstance(one, dict) else one)

    rank = {mark(one): at for at, one in enumerate(order)}
    last, places = -1, []
    for one in current:
        last = rank.get(mark(one), last)
        places.append((last, one))
    return [one for _place, one in sorted(places, key=lambda pair: pair[0])]
