"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bahnvision_lab.kubernetes.status import ApiError

Test = Callable[[Mapping[str, str]], bool]
_PART = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)")
_WORDS = re.compile(r"!=|==|=|!|[()]|[^\s=!()]+")
_WORD = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?")
# Which fields a kind can be selected by, besides metadata.name and metadata.namespace.
SELECTABLE = {
    "pods": {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.podIPs", "status.nominatedNodeName", "spec.hostNetwork"},
    "events": {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"},
    "secrets": {"type"}, "namespaces": {"status.phase"}, "nodes": {"spec.unschedulable"},
    "replicasets": {"status.replicas"}, "jobs": {"status.successful"}, "services": {"spec.clusterIP", "spec.type"},
}  # fmt: skip


def labels_match(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """Read a selector such as `app=web,tier in (a, b),!old`; return a test of objects."""
    tests = [_label_test(part.strip()) for part in _PART.split(text) if part.strip()]
    return lambda one: all(test(one["metadata"].get("labels") or {}) for test in tests)


def _label_test(part: str) -> Test:
    found = _SET.fullmatch(part)
    if found:
        key, chosen, wanted = found[1], {value.strip() for value in found[3].split(",")}, found[2] == "in"
        return lambda labels: ((labels[key] in chosen) if key in labels else False) == wanted
    words = _WORDS.findall(part)
    is_absent = words[0] == "!"
    key, rest = words[is_absent] if len(words) > is_absent else "", words[is_absent + 1 :]
    _check(key, part)
    if not rest:
        return lambda labels: (key in labels) != is_absent
    operator, values = rest[0], rest[1:]
    if operator in ("in", "notin"):
        raise ApiError(400, f"unable to parse requirement: found '{values[0] if values else ''}' expected: '('")
    if operator not in ("=", "==", "!="):
        raise ApiError(400, f"unable to parse requirement: found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
    value = values[0] if values else ""
    if value in ("(", ")"):
        raise ApiError(400, f"unable to parse requirement: found '{value}', expected: identifier")
    if len(values) > 1:
        raise ApiError(400, f"found '{values[1]}', expected: ',' or 'end of string'")
    return lambda labels: (labels.get(key) == value) == (operator != "!=")


def _check(key: str, part: str) -> None:
    if not _WORD.fullmatch(key):
        raise ApiError(400, f'unable to parse requirement: <nil>: Invalid value: "{part}": name part must consist of '
                            "alphanumeric characters, '-', '_' or '.'")  # fmt: skip


def fields_match(text: str, plural: str) -> Callable[[Mapping[str, Any]], bool]:
    known = {"metadata.name", "metadata.namespace"} | SELECTABLE.get(plural, set())
    tests = []
    for part in (one for one in text.split(",") if one):
        found = re.fullmatch(r"([^!=]+)(!=|==|=)(.*)", part)
        if not found:
            raise ApiError(400, f"invalid selector: '{part}'; can't understand '{part}'")
        if found[1] not in known:
            raise ApiError(400, f"field label not supported: {found[1]}")
        tests.append((found[1].split("."), found[2] != "!=", found[3]))
    return lambda one: all((_text(one, path) == value) == wanted for path, wanted, value in tests)


def _text(one: Any, path: list[str]) -> str:
    for key in path:
        one = one.get(key) if isinstance(one, Mapping) else None
    return "" if one is None else str(one).lower() if isinstance(one, bool) else str(one)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector object (matchLabels and matchExpressions). None selects nothing, {} everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or ())


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = one["key"], one.get("values") or ()
    return {
        "In": key in labels and labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[one["operator"]]
