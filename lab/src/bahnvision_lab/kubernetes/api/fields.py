"""Field sets: which fields of an object a manager owns (managedFields, FieldsV1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects.shapes import Shape

Path = tuple[str, ...]
# Nobody owns these: the API server writes them.
UNOWNED = frozenset({
    "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
    "deletionTimestamp", "deletionGracePeriodSeconds",
})  # fmt: skip


def list_key(shape: Shape, item: Any) -> str:
    """The name of an item of a list that is a map, with defaults of its keys filled in."""
    inner = shape.items
    values = {key: item.get(key, inner.default_of(key) if inner else None) for key in shape.map_keys}
    known = {key: value for key, value in values.items() if value is not None}
    return "k:" + json.dumps(known, sort_keys=True, separators=(",", ":"))


def owned(shape: Shape | None, one: dict[str, Any], nodes: bool = False) -> set[Path]:
    """All fields of an object that somebody can own; with `nodes`, those too that only hold others."""
    found = set()
    for path in _walk(shape, one, (), nodes):
        if path[:1] in (("f:apiVersion",), ("f:kind",)):
            continue
        if path[:1] == ("f:metadata",) and (len(path) == 1 or path[1] == "." or path[1][2:] in UNOWNED):
            continue
        found.add(path)
    return found


def _walk(shape: Shape | None, value: Any, at: Path, nodes: bool) -> Iterator[Path]:  # noqa: C901 - one branch per kind
    if at and not value and isinstance(value, dict | list):
        yield at
    elif isinstance(value, dict) and not (shape is not None and shape.is_atomic):
        if at and nodes:
            yield (*at, ".")
        for key, item in value.items():
            yield from _walk(shape.child(key) if shape else None, item, (*at, f"f:{key}"), nodes)
    elif isinstance(value, list) and shape is not None and shape.list_type == "map":
        if nodes:
            yield (*at, ".")
        for item in value:
            name = list_key(shape, item)
            if shape.items is not None and shape.items.is_atomic:
                yield (*at, name)
                continue
            yield (*at, name, ".")
            yield from _walk(shape.items, item, (*at, name), nodes)
    elif isinstance(value, list) and shape is not None and shape.list_type == "set":
        if nodes:
            yield (*at, ".")
        for item in value:
            yield (*at, "v:" + json.dumps(item, separators=(",", ":")))
    else:
        yield at


def nested(paths: Iterable[Path]) -> dict[str, Any]:
    """FieldsV1 of a set."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        branch = tree
        for element in path:
            branch = branch.setdefault(element, {})
    return tree


def flat(tree: dict[str, Any], at: Path = ()) -> set[Path]:
    """The set of a FieldsV1."""
    if not tree:
        return {at} if at else set()
    return {path for key, branch in tree.items() for path in flat(branch, (*at, key))}


MISSING = object()


def look_up(shape: Shape | None, one: Any, path: Path) -> Any:
    """What stands at a path, or MISSING."""
    for element in path:
        if element == ".":
            break
        if element.startswith("f:"):
            if not isinstance(one, dict) or element[2:] not in one:
                return MISSING
            one, shape = one[element[2:]], shape.child(element[2:]) if shape else None
        elif element.startswith("k:"):
            found = _item(shape, one, element)
            if found is MISSING:
                return MISSING
            one, shape = found, shape.items if shape else None
        else:
            return element if json.loads(element[2:]) in (one or ()) else MISSING
    return one


def _item(shape: Shape | None, items: Any, element: str) -> Any:
    if shape is None or not isinstance(items, list):
        return MISSING
    return next((item for item in items if list_key(shape, item) == element), MISSING)


def remove(shape: Shape | None, one: Any, path: Path) -> None:
    """Take what stands at a path out of an object that may be changed."""
    path = path[:-1] if path[-1] == "." else path
    parent = look_up(shape, one, path[:-1])
    if parent is MISSING:
        return
    element, inner = path[-1], shape
    for step in path[:-1]:
        inner = (inner.child(step[2:]) if step.startswith("f:") else inner.items) if inner else None
    if element.startswith("f:") and isinstance(parent, dict):
        parent.pop(element[2:], None)
    elif element.startswith("k:") and inner is not None:
        parent[:] = [item for item in parent if list_key(inner, item) != element]
    elif element.startswith("v:"):
        parent[:] = [item for item in parent if item != json.loads(element[2:])]


def words(path: Path) -> str:
    """A path as conflicts tell it: .spec.template.spec.containers[name="web"].image"""
    told = ""
    for element in path:
        if element.startswith("f:"):
            told += f".{element[2:]}"
        elif element.startswith("k:"):
            keys = json.loads(element[2:])
            told += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
        elif element.startswith("v:"):
            told += f"[={element[2:]}]"
    return told
