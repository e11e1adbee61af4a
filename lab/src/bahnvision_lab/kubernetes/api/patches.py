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


REJECTED = "the server rejected our request due to an error in our request"


def json_patch(one: Object, patch: Any) -> Object:
    if not isinstance(patch, list):
        words = "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        raise ApiError(400, words)
    # The server's library adds what there is none to replace of.
    steps = [{**step, "op": "add"} if step.get("op") == "replace" and _is_key(one, step) else step for step in patch]
    try:
        return jsonpatch.JsonPatch(steps).apply(one)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        raise ApiError(422, REJECTED) from None


def _is_key(one: Object, step: Object) -> bool:
    """Whether a step names a key of a map that is there."""
    try:
        parent = jsonpatch.JsonPointer(str(step.get("path", "")).rpartition("/")[0]).resolve(one)
    except jsonpatch.JsonPointerException:
        return False
    return isinstance(parent, dict)


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
        whole[field] = _ordered(whole[field], value, inner.merge_key if inner else "", whole[field])
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
        whole[key] = _merged_list(inner, list(whole.get(key) or ()), value, order)
    else:
        whole[key] = value


def _merged_list(shape: Shape, current: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    key = shape.merge_key
    if not key:
        return current + [one for one in patch if one not in current]
    if any(isinstance(one, dict) and one.get(DIRECTIVE) == "replace" for one in patch):
        return [one for one in patch if DIRECTIVE not in one]
    whole = list(current)
    for one in patch:
        if not isinstance(one, dict) or key not in one:
            told = " ".join(f"{name}:{value}" for name, value in sorted(one.items())) if isinstance(one, dict) else one
            raise ApiError(500, f"map: map[{told}] does not contain declared merge key: {key}")
        at = next((at for at, other in enumerate(whole) if other.get(key) == one[key]), None)
        if one.get(DIRECTIVE) == "delete":
            whole = [other for other in whole if other.get(key) != one[key]]
        elif at is None:
            whole.append(strategic(shape.items, {}, one))
        else:
            whole[at] = strategic(shape.items, whole[at], one)
    return _ordered(whole, patch if order is None else order, key, current)


def _ordered(whole: list[Any], order: list[Any], key: str, before: list[Any]) -> list[Any]:
    """What is named goes in the order in which it is named; what is not keeps its place relative to that."""

    def mark(one: Any) -> str:
        return json.dumps(one.get(key) if key and isinstance(one, dict) else one)

    rank = {mark(one): at for at, one in enumerate(order)}
    had = {mark(one): at for at, one in enumerate(before)}
    named = sorted((one for one in whole if mark(one) in rank), key=lambda one: rank[mark(one)])
    others = [one for one in whole if mark(one) not in rank]
    found = []
    while named and others:
        left, right = had.get(mark(others[0])), had.get(mark(named[0]))
        first = others if left is not None and right is not None and left < right else named
        found.append(first.pop(0))
    return found + named + others
