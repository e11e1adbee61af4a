"""What the API server refuses of quotas and limit ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects.quantity import amount
from bahnvision_lab.kubernetes.status import Problem, duplicate, forbidden, invalid, required

Object = dict[str, Any]
COUNTED = frozenset({
    "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services",
    "services.loadbalancers", "services.nodeports",
})  # fmt: skip
AMOUNTS = frozenset({
    "cpu", "memory", "ephemeral-storage", "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu",
    "requests.ephemeral-storage", "requests.memory", "requests.storage",
})  # fmt: skip
SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
          "VolumeAttributesClass")  # fmt: skip
KINDS = ("Container", "PersistentVolumeClaim", "Pod")


def quota(one: Object, before: Object | None) -> Iterator[Problem]:
    for key, value in (one["spec"].get("hard") or {}).items():
        at = f"spec.hard[{key}]"
        if (
            "/" not in key
            and key not in COUNTED | AMOUNTS
            and not key.startswith(("hugepages-", "requests.hugepages-"))
        ):
            yield invalid(at, key, "must be a standard resource type or fully qualified")
            yield invalid(at, key, "must be a standard resource for quota")
        if amount(value) < 0:
            yield invalid(at, value, "must be greater than or equal to 0")
        elif (key in COUNTED or key.startswith("count/")) and amount(value) % 1:
            yield invalid(at, value, "must be an integer")
    scopes = one["spec"].get("scopes") or ()
    if any(scope not in SCOPES for scope in scopes):
        yield invalid("spec.scopes", scopes, "unsupported scope")
    if before is not None and (before["spec"].get("scopes") or ()) != scopes:
        yield invalid("spec.scopes", scopes, "field is immutable")


def limit_range(one: Object, before: Object | None) -> Iterator[Problem]:
    seen = set()
    for number, limit in enumerate(one["spec"].get("limits") or ()):
        at, kind = f"spec.limits[{number}]", limit.get("type", "")
        if kind not in KINDS and "/" not in kind:
            yield invalid(f"{at}.type", kind, "must be a standard limit type or fully qualified")
        if kind in seen:
            yield duplicate(f"{at}.type", kind)
        seen.add(kind)
        for field in ("default", "defaultRequest") if kind == "Pod" else ():
            if limit.get(field):
                yield forbidden(f"{at}.{field}", "may not be specified when `type` is 'Pod'")
        if kind == "PersistentVolumeClaim" and not any("storage" in (limit.get(key) or {}) for key in ("min", "max")):
            yield required(
                f"{at}.limits", "either minimum or maximum storage value is required, but neither was provided"
            )
        keys = sorted({key for field in FIELDS for key in limit.get(field) or {}})
        for key in keys:
            yield from _ordered(limit, key, at)


FIELDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def _ordered(limit: Object, key: str, at: str) -> Iterator[Problem]:
    """The least, what is asked for by default, the default limit and the most, in this order."""
    told: dict[str, Any] = {field: (limit.get(field) or {}).get(key) for field in FIELDS}
    words = {"min": "min", "max": "max", "default": "default", "defaultRequest": "default request"}

    def over(low: str, high: str, field: str, shown: str) -> Iterator[Problem]:
        if told[low] is not None and told[high] is not None and amount(told[low]) > amount(told[high]):
            text = f"{words[low]} value {told[low]} is greater than {words[high]} value {told[high]}"
            yield invalid(f"{at}.{field}[{key}]", told[shown], text)

    yield from over("min", "max", "min", "min")
    yield from over("min", "defaultRequest", "defaultRequest", "defaultRequest")
    yield from over("defaultRequest", "max", "defaultRequest", "defaultRequest")
    yield from over("defaultRequest", "default", "defaultRequest", "defaultRequest")
    yield from over("min", "default", "default", "min")
    yield from over("default", "max", "default", "max")
    ratio = told["maxLimitRequestRatio"]
    if ratio is not None and amount(ratio) < 1:
        yield invalid(f"{at}.maxLimitRequestRatio[{key}]", ratio, f"ratio {ratio} is less than 1")
