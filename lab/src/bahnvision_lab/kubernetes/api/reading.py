"""Get, list and watch."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from werkzeug.wrappers import Request

from bahnvision_lab.kubernetes.api.requests import compact, flag, number
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.selectors import fields_match, labels_match
from bahnvision_lab.kubernetes.api.store import Event, Object, Store
from bahnvision_lab.kubernetes.status import ApiError, forbidden, refused

Test = Callable[[Object], bool]
BOOKMARKS = 10.0  # seconds between bookmarks: a client that resumes needs a version that is still known
PATIENCE = 1800


def told(resource: Resource, one: Object) -> Object:
    """An object in the version that was asked for."""
    return {**one, "apiVersion": resource.api_version, "kind": resource.kind}


def chosen(request: Request, resource: Resource) -> Test:
    labels = labels_match(request.args.get("labelSelector", ""))
    fields = fields_match(request.args.get("fieldSelector", ""), resource.plural)
    return lambda one: labels(one) and fields(one)


def listed(store: Store, request: Request, resource: Resource, namespace: str) -> Object:
    """A list, or a page of one."""
    asked = request.args.get("resourceVersion", "")
    if asked and not asked.isdigit():
        words = f'resourceVersion: Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
        raise ApiError(400, f"invalid resource version: {words}")
    limit, test = number(request, "limit", 0), chosen(request, resource)
    with store.lock:
        version = str(store.version)
        found = [one for one in store.every(resource.place, namespace) if test(one)]
    mark = request.args.get("continue", "")
    after = _read_mark(mark) if mark else None
    if after is not None:
        version, place = after
        found = [one for one in found if _key(one) > place]
    metadata: Object = {"resourceVersion": version}
    if limit and len(found) > limit:
        metadata["continue"] = _mark(version, _key(found[limit - 1]))
        if not (request.args.get("labelSelector") or request.args.get("fieldSelector")):
            metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    if resource.is_custom:
        metadata.setdefault("continue", "")
    # Built-in kinds are told once in the list; custom ones tell it themselves, as the real server has it.
    items = [told(resource, one) if resource.is_custom else bare(one) for one in found]
    kind = resource.list_kind or f"{resource.kind}List"
    return {"kind": kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items}


def bare(one: Object) -> Object:
    return {key: value for key, value in one.items() if key not in ("kind", "apiVersion")}


def _key(one: Object) -> list[str]:
    return [one["metadata"].get("namespace", ""), one["metadata"]["name"]]


def _mark(version: str, key: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, key]).encode()).decode()


def _read_mark(text: str) -> tuple[str, list[str]]:
    try:
        version, key = json.loads(base64.urlsafe_b64decode(text))
        return str(version), list(key)
    except (ValueError, binascii.Error):
        words = "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"
        raise ApiError(400, words) from None


def watched(store: Store, request: Request, resource: Resource, namespace: str) -> Iterator[bytes]:
    """Check the request now; the stream comes as it is read."""
    initial = flag(request, "sendInitialEvents")
    if initial and request.args.get("resourceVersionMatch") != "NotOlderThan":
        words = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        problem = forbidden("resourceVersionMatch", words)
        raise refused("ListOptions", "meta.k8s.io", "", [problem])
    asked = request.args.get("resourceVersion", "")
    if asked and not asked.isdigit():
        words = f'resourceVersion: Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
        raise ApiError(500, words)
    until = time.monotonic() + (number(request, "timeoutSeconds", 0) or PATIENCE)
    with store.lock:
        began = store.version
        now = store.every(resource.place, namespace)
    test = chosen(request, resource)
    marks = flag(request, "allowWatchBookmarks")
    synthetic = asked in ("", "0") or initial
    first = [one for one in now if test(one)] if synthetic else []
    seen = began if synthetic else int(asked)
    store.since(seen, resource.place)  # 410 before the stream begins
    return _stream(store, resource, namespace, test, first, seen, until, marks, initial)


def _stream(
    store: Store, resource: Resource, namespace: str, test: Test, first: list[Object], seen: int, until: float,
    marks: bool, initial: bool,
) -> Iterator[bytes]:  # fmt: skip
    yield b""  # the headers go out now: client-go waits for them even when it wants to stop watching
    for one in first:
        yield _line("ADDED", told(resource, one))
    if initial:
        yield _bookmark(resource, seen, {"k8s.io/initial-events-end": "true"})
    marked = time.monotonic()
    while not store.closed and time.monotonic() < until:
        try:
            events = store.since(seen, resource.place)
        except ApiError as gone:
            yield _line("ERROR", gone.status())
            return
        with store.lock:
            now = store.version
        for event in events:
            kind = _kind(event, namespace, test)
            if kind:
                yield _line(kind, told(resource, _seen_last(event, kind)))
        seen = max([now if not events else events[-1].version, seen])
        if marks and time.monotonic() - marked > BOOKMARKS:
            marked = time.monotonic()
            yield _bookmark(resource, seen)
        store.wait(seen, min(BOOKMARKS, max(0.0, until - time.monotonic())))


def _kind(event: Event, namespace: str, test: Test) -> str:
    """What a change is to a watcher that selects: an object that leaves the selection is deleted to it."""
    if namespace and event.now["metadata"].get("namespace", "") != namespace:
        return ""
    was = event.before is not None and test(event.before)
    if event.kind == "DELETED":
        return "DELETED" if was else ""
    is_now = test(event.now)
    if is_now:
        return "MODIFIED" if was else "ADDED"
    return "DELETED" if was else ""


def _seen_last(event: Event, kind: str) -> Object:
    """What leaves a selection is told as it was in it."""
    if kind != "DELETED" or event.kind == "DELETED" or event.before is None:
        return event.now
    version = event.now["metadata"]["resourceVersion"]
    return {**event.before, "metadata": {**event.before["metadata"], "resourceVersion": version}}


def _line(kind: str, one: Any) -> bytes:
    return compact({"type": kind, "object": one}) + b"\n"


def _bookmark(resource: Resource, version: int, annotations: dict[str, str] | None = None) -> bytes:
    metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    return _line("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata})
