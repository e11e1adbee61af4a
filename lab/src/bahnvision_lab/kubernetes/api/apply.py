"""Server-side apply, and the managers of fields that other writes leave behind."""

from __future__ import annotations

import copy
from typing import Any

from bahnvision_lab.kubernetes.api import fields
from bahnvision_lab.kubernetes.api.fields import MISSING, Path, flat, list_key, look_up, nested, owned
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.objects import zeros
from bahnvision_lab.kubernetes.objects.shapes import Shape
from bahnvision_lab.kubernetes.status import ApiError

Object = dict[str, Any]
Entry = dict[str, Any]
FORMER = "before-first-apply"  # owns what was there of an object without managers


def entries_of(one: Object | None) -> list[Entry]:
    return list((one or {}).get("metadata", {}).get("managedFields") or ())


def _entry(manager: str, operation: str, version: str, paths: set[Path], subresource: str = "") -> Entry:
    return {
        "manager": manager, "operation": operation, "apiVersion": version, "time": stamp(),
        "fieldsType": "FieldsV1", "fieldsV1": nested(paths), **({"subresource": subresource} if subresource else {}),
    }  # fmt: skip


def _is_mine(entry: Entry, manager: str, operation: str, subresource: str) -> bool:
    mine = (manager, operation, subresource)
    return (entry["manager"], entry["operation"], entry.get("subresource", "")) == mine


def applied(
    shape: Shape | None, live: Object, wanted: Object, manager: str, force: bool, subresource: str = ""
) -> tuple[Object, list[Entry]]:
    """Merge what is applied into what is there; return the object and its managers. 409 when another one owns it."""
    want, entries = owned(shape, wanted), entries_of(live)
    if not entries and live["metadata"].get("uid"):
        entries = tracked(shape, None, {key: live[key] for key in live if key != "status"}, FORMER, "")
    mine = next((entry for entry in entries if _is_mine(entry, manager, "Apply", subresource)), None)
    others = [entry for entry in entries if entry is not mine]
    clashes = [(entry, path) for entry in others for path in _clashes(shape, entry, live, wanted, want)]
    if clashes and not force:
        raise _conflict(clashes)
    others = [_without(entry, {path for other, path in clashes if other is entry}) for entry in others]
    base = copy.deepcopy(live)
    held = {path for entry in others for path in flat(entry["fieldsV1"])}
    # An item before what is in it: without its key it could not be found any more.
    for path in sorted(flat(mine["fieldsV1"]) - want if mine else (), key=lambda at: (len(at), at[-1] != ".")):
        inside = path[:-1] if path[-1] == "." else path
        if path not in held and not any(other[: len(inside)] == inside for other in held | want):
            fields.remove(shape, base, path)
    whole = merged(shape, base, wanted)
    if mine and flat(mine["fieldsV1"]) == want and mine["apiVersion"] == wanted["apiVersion"]:
        return whole, [entry for entry in others if entry["fieldsV1"]] + [mine]
    entry = _entry(manager, "Apply", wanted["apiVersion"], want, subresource)
    return whole, [one for one in (*others, entry) if one["fieldsV1"]]


def _clashes(shape: Shape | None, entry: Entry, live: Object, wanted: Object, want: set[Path]) -> list[Path]:
    """Fields of another manager that this one would give another value."""
    shared = {path for path in flat(entry["fieldsV1"]) & want if path[-1] != "."}
    return sorted(path for path in shared if look_up(shape, live, path) != look_up(shape, wanted, path))


def _without(entry: Entry, lost: set[Path]) -> Entry:
    return {**entry, "fieldsV1": nested(flat(entry["fieldsV1"]) - lost)} if lost else entry


def _conflict(clashes: list[tuple[Entry, Path]]) -> ApiError:
    by_manager: dict[str, list[str]] = {}
    for entry, path in clashes:
        words = f'conflict with "{entry["manager"]}"'
        if entry.get("subresource"):
            words += f' with subresource "{entry["subresource"]}"'
        if entry["operation"] == "Update":
            words += f" using {entry['apiVersion']}"
        by_manager.setdefault(words, []).append(fields.words(path))
    count = len(clashes)
    told = _listed(by_manager)
    causes = [
        {"reason": "FieldManagerConflict", "message": words, "field": path}
        for words, paths in by_manager.items()
        for path in paths
    ]
    message = f"Apply failed with {count} conflict{'s' if count > 1 else ''}: {told}"
    return ApiError(409, message, details={"causes": causes})


def _listed(by_manager: dict[str, list[str]]) -> str:
    """One conflict in one line; more of them as a list."""
    parts = []
    for words, paths in by_manager.items():
        if len(paths) == 1:
            parts.append(f"{words}: {paths[0]}")
        else:
            parts.append("\n".join([f"{words.replace('conflict', 'conflicts', 1)}:", *(f"- {path}" for path in paths)]))
    return "\n".join(parts)


def merged(shape: Shape | None, one: Any, wanted: Any) -> Any:
    """Maps and lists that are maps or sets are merged, everything else is replaced."""
    if isinstance(one, dict) and isinstance(wanted, dict) and not (shape is not None and shape.is_atomic):
        inner = {key: merged(shape.child(key) if shape else None, one.get(key), item) for key, item in wanted.items()}
        return {**one, **inner}
    if isinstance(one, list) and isinstance(wanted, list) and shape is not None:
        if shape.list_type == "map":
            return _merged_map(shape, one, wanted)
        if shape.list_type == "set":
            return one + [item for item in wanted if item not in one]
    return copy.deepcopy(wanted)


def _merged_map(shape: Shape, one: list[Any], wanted: list[Any]) -> list[Any]:
    names = [list_key(shape, item) for item in wanted]
    if len(set(names)) < len(names):
        raise ApiError(500, f"failed to create typed patch object: duplicate entries for key {names}")
    fresh = dict(zip(names, wanted, strict=True))
    kept = [merged(shape.items, item, fresh.pop(list_key(shape, item), {})) for item in one]
    return kept + list(fresh.values())


def tracked(shape: Shape | None, before: Object | None, now: Object, manager: str, subresource: str) -> list[Entry]:
    """The managers after a write that is no apply: who changes a field owns it."""
    had = before if before is not None else zeros.skeleton(shape)
    if before is not None and not entries_of(before):
        return []  # who is not known for what was there is not noted for what comes
    old, new = owned(shape, had, True), owned(shape, now, True)
    changed = {path for path in new if _is_news(shape, had, now, path)}
    entries = entries_of(before)
    if not changed and old <= new:
        return entries
    kept = [_kept(shape, entry, changed, now) for entry in entries]
    mine = next((one for one in kept if _is_mine(one, manager, "Update", subresource)), None)
    paths = changed | (flat(mine["fieldsV1"]) if mine else set())
    result = [entry for entry in kept if entry is not mine and entry["fieldsV1"]]
    return [*result, _entry(manager, "Update", now["apiVersion"], paths, subresource)] if paths else result


def _is_news(shape: Shape | None, before: Object, now: Object, path: Path) -> bool:
    """Another value, or a place that was not there."""
    had = look_up(shape, before, path)
    return had is MISSING if path[-1] == "." else had != look_up(shape, now, path)


def _kept(shape: Shape | None, entry: Entry, changed: set[Path], now: Object) -> Entry:
    paths = flat(entry["fieldsV1"])
    stays = {
        path for path in paths - {one for one in changed if one[-1] != "."} if look_up(shape, now, path) is not MISSING
    }
    return entry if stays == paths else {**entry, "fieldsV1": nested(stays)}
