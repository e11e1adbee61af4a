"""What a Go server tells of a type although nobody set it: structs that are no pointers, counts of statuses."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.kubernetes.objects.shapes import Shape

Object = dict[str, Any]
_ZERO: dict[str, Any] = {"integer": 0, "number": 0, "string": "", "boolean": False}
# Told although the schema does not demand them.
_TOLD: dict[str, Object] = {
    "StatefulSetStatus": {"availableReplicas": 0},
    "HorizontalPodAutoscalerStatus": {"currentMetrics": None},
    "CustomResourceDefinitionStatus": {"conditions": None, "storedVersions": None},
    "ClusterRole": {"rules": None},
    "PriorityClass": {"value": 0},
    "StatefulSetSpec": {"serviceName": ""},
    "Role": {"rules": None},
}
# Not told when they are false; an empty list is stored as none.
_SILENT = {"PriorityClass": "globalDefault", "EndpointSlice": "endpoints"}


def structs(shape: Shape | None, value: Any) -> Any:
    """Fill in the structs that a type holds in place (their schema says `default: {}`), and lists it always tells."""
    if shape is None:
        return value
    if isinstance(value, dict):
        for key, raw in shape.raw.get("properties", {}).items():
            if key not in value and raw.get("default") == {}:
                value[key] = {}
        for key, zero in _TOLD.get(shape.struct, {}).items():
            value.setdefault(key, zero)
        silent = _SILENT.get(shape.struct, "")
        if value.get(silent) == []:
            value[silent] = None
        elif value.get(silent) is False:
            value.pop(silent)
        for key, item in value.items():
            if key != "managedFields" and isinstance(item, dict | list):
                structs(shape.child(key), item)
    elif isinstance(value, list) and shape.items is not None:
        for item in value:
            structs(shape.items, item)
    return value


def skeleton(shape: Shape | None) -> Object:
    """What a client changes that creates an object: one that says nothing, its demanded lists without items."""
    return _lists(shape, structs(shape, {}))


def _lists(shape: Shape | None, value: Object) -> Object:
    for key, child in shape.fields.items() if shape else ():
        if child.kind == "array" and key in (shape.required if shape else ()):
            value.setdefault(key, None)
        if isinstance(value.get(key), dict):
            _lists(child, value[key])
    return value


def status(shape: Shape | None, one: Object) -> None:
    """Counts that nobody has counted yet are told as 0."""
    inner = shape.fields.get("status") if shape else None
    if inner is None or not isinstance(one.get("status"), dict):
        return
    _demanded(inner, one["status"])


def _demanded(shape: Shape, value: Object) -> None:
    for key in shape.required:
        child = shape.fields.get(key)
        if key not in value and child is not None and child.kind in _ZERO:
            value[key] = _ZERO[child.kind]
    for key, item in value.items():
        child = shape.fields.get(key)
        if child is not None and isinstance(item, dict):
            _demanded(child, item)
