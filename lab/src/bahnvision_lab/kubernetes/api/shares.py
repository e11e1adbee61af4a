"""What a namespace may use: quotas, and the ranges that single Pods and claims must keep to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object, Place, Store
from bahnvision_lab.kubernetes.objects.quantity import amount, canonical
from bahnvision_lab.kubernetes.status import ApiError, qualified

QUOTAS, RANGES = ("", "resourcequotas"), ("", "limitranges")
SET = "kubernetes.io/limit-ranger"
COMPUTE = ("cpu", "memory", "ephemeral-storage")
Amounts = Counter[str]


def _containers(one: Object) -> list[Object]:
    return [*(one["spec"].get("initContainers") or ()), *(one["spec"].get("containers") or ())]


def total(one: Object, field: str, key: str) -> Decimal | None:
    """What all containers together ask for or are limited to; None when one of them does not say."""
    told: list[Any] = [
        ((container.get("resources") or {}).get(field) or {}).get(key) for container in one["spec"]["containers"]
    ]
    return None if any(value is None for value in told) else sum((amount(value) for value in told), Decimal(0))


def shown(value: Decimal, like: str) -> str:
    """In the form of another quantity: binary stays binary."""
    return canonical(f"{int(value / 1024)}Ki" if like.endswith("i") and value % 1024 == 0 else f"{value:f}")


# -- ranges -------------------------------------------------------------------------------------------------------


def limit(store: Store, one: Object) -> None:
    """Give a Pod what its namespace's ranges have as defaults."""
    for held in store.every(RANGES, one["metadata"]["namespace"]):
        for rule in held["spec"].get("limits") or ():
            if rule["type"] == "Container":
                _give(one, rule)


def _give(one: Object, rule: Object) -> None:
    told = []
    for container in _containers(one):
        resources = container.setdefault("resources", {})
        for field, source, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
            had = resources.get(field) or {}
            fresh = {key: value for key, value in (rule.get(source) or {}).items() if key not in had}
            if fresh:
                resources[field] = {**had, **fresh}
                told.append(f"{', '.join(sorted(fresh))} {word} for container {container['name']}")
    if told:
        one["metadata"].setdefault("annotations", {})[SET] = f"LimitRanger plugin set: {'; '.join(told)}"


def require_range(store: Store, resource: Resource, one: Object) -> None:
    problems: list[str] = []
    for held in store.every(RANGES, one["metadata"]["namespace"]):
        for rule in held["spec"].get("limits") or ():
            problems += _beyond(resource, one, rule)
    if problems:
        words = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise ApiError(403, f'{resource.plural} "{one["metadata"]["name"]}" is forbidden: {words}')


def _beyond(resource: Resource, one: Object, rule: Object) -> Iterator[str]:
    kind = rule["type"]
    if kind == "PersistentVolumeClaim" and resource.plural == "persistentvolumeclaims":
        told = (one["spec"]["resources"].get("requests") or {}).get("storage")
        yield from _bounds(rule, kind, "storage", told, told, "request")
    elif resource.plural != "pods":
        return
    elif kind == "Container":
        for container in _containers(one):
            resources = container.get("resources") or {}
            for key in _keys(rule):
                asked, most = ((resources.get(field) or {}).get(key) for field in ("requests", "limits"))
                yield from _bounds(rule, kind, key, asked, most)
    elif kind == "Pod":
        for key in _keys(rule):
            like = str((rule.get("max") or rule.get("min") or {}).get(key, ""))
            sums = (total(one, field, key) for field in ("requests", "limits"))
            asked, most = (None if value is None else shown(value, like) for value in sums)
            yield from _bounds(rule, kind, key, asked, most)


def _keys(rule: Object) -> list[str]:
    return sorted({key for field in ("min", "max", "maxLimitRequestRatio") for key in rule.get(field) or {}})


def _bounds(rule: Object, kind: str, key: str, asked: Any, most: Any, word: str = "limit") -> Iterator[str]:
    least, top, ratio = ((rule.get(field) or {}).get(key) for field in ("min", "max", "maxLimitRequestRatio"))
    if least is not None and asked is None:
        yield f"minimum {key} usage per {kind} is {least}.  No request is specified"
    elif least is not None and amount(asked) < amount(least):
        yield f"minimum {key} usage per {kind} is {least}, but request is {asked}"
    if top is not None and most is None:
        yield f"maximum {key} usage per {kind} is {top}.  No limit is specified"
    elif top is not None and amount(most) > amount(top):
        yield f"maximum {key} usage per {kind} is {top}, but {word} is {most}"
    if ratio is not None and asked is not None and most is not None and amount(asked):
        found = amount(most) / amount(asked)
        if found > amount(ratio):
            yield f"{key} max limit to request ratio per {kind} is {ratio}, but provided ratio is {found:.6f}"


# -- quotas -------------------------------------------------------------------------------------------------------


def usage(place: Place, one: Object) -> Amounts:
    """What one object uses of everything that can be counted."""
    group, plural = place
    used: Any = Counter()
    used[f"count/{qualified(plural, group)}"] += 1
    if group:
        return used
    if plural == "pods":
        if (one.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return Counter()
        used["pods"] += 1
        for field in ("requests", "limits"):
            for key in COMPUTE:
                value = total(one, field, key) or Decimal(0)
                used[f"{field}.{key}"] += value
                if field == "requests":
                    used[key] += value
    elif plural == "services":
        kind, ports = one["spec"]["type"], len(one["spec"].get("ports") or ())
        used["services"] += 1
        used["services.loadbalancers"] += kind == "LoadBalancer"
        used["services.nodeports"] += ports if kind in ("NodePort", "LoadBalancer") else 0
    elif plural == "persistentvolumeclaims":
        used["requests.storage"] += amount((one["spec"]["resources"].get("requests") or {}).get("storage", "0"))
    if plural in ("configmaps", "secrets", "persistentvolumeclaims", "resourcequotas"):
        used[plural] += 1
    return used


def used(store: Store, quota: Object) -> dict[str, str]:
    """Of what a quota limits, how much the namespace uses now."""
    space = quota["metadata"]["namespace"]
    whole: Any = Counter()
    for place, one in store.everything():
        if one["metadata"].get("namespace") == space:
            for key, value in usage(place, one).items():
                whole[key] += value
    hard = quota["spec"].get("hard") or {}
    return {key: shown(Decimal(whole[key]), limit_) for key, limit_ in hard.items()}


def require_room(store: Store, resource: Resource, one: Object, before: Object | None) -> None:
    space = one["metadata"].get("namespace", "")
    quotas = store.every(QUOTAS, space) if space and not resource.is_custom else []
    if not quotas:
        return
    wanted = usage(resource.place, one)
    for key, value in (usage(resource.place, before) if before is not None else {}).items():
        wanted[key] -= value
    for quota in quotas:
        _require(store, resource, one, quota, wanted, before is None)


def _require(store: Store, resource: Resource, one: Object, quota: Object, wanted: Amounts, is_new: bool) -> None:
    hard, name = quota["spec"].get("hard") or {}, quota["metadata"]["name"]
    start = f'{qualified(resource.plural, resource.group)} "{one["metadata"]["name"]}" is forbidden: '
    missing = _unsaid(one, hard) if resource.plural == "pods" and is_new else []
    if missing:
        raise ApiError(403, f"{start}failed quota: {name}: must specify {'; '.join(missing)}")
    now = used(store, quota)
    over = sorted(key for key in hard if wanted.get(key, 0) > 0 and amount(now[key]) + wanted[key] > amount(hard[key]))
    if over:
        asked = ",".join(f"{key}={shown(Decimal(wanted[key]), hard[key])}" for key in over)
        had, most = (",".join(f"{key}={told[key]}" for key in over) for told in (now, hard))
        raise ApiError(403, f"{start}exceeded quota: {name}, requested: {asked}, used: {had}, limited: {most}")


def _unsaid(one: Object, hard: Object) -> list[str]:
    found = []
    for key in sorted(hard):
        field, _dot, name = key.rpartition(".")
        if name not in COMPUTE or field not in ("", "requests", "limits"):
            continue
        names = [container["name"] for container in _containers(one)
                 if name not in ((container.get("resources") or {}).get(field or "requests") or {})]  # fmt: skip
        if names:
            found.append(f"{key} for: {','.join(sorted(names))}")
    return found
