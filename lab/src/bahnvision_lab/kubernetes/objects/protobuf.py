"""Objects that kubectl and helm send as protobuf, read by the fields' numbers that Kubernetes publishes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bahnvision_lab.kubernetes.objects.shapes import Release
from bahnvision_lab.kubernetes.status import ApiError

MAGIC = b"k8s\x00"
_META = "k8s.io.apimachinery.pkg.apis.meta.v1"
# Messages that are no JSON objects of their own fields.
_INLINE = {"volumeSource", "handler", "probeHandler", "persistentVolumeSource", "localObjectReference",
           "ephemeralContainerCommon", "ingressRuleValue", "lifecycleHandler"}  # fmt: skip
# Groups whose package is not named after them.
_PACKAGES = {"": "core", "rbac.authorization.k8s.io": "rbac", "networking.k8s.io": "networking",
             "storage.k8s.io": "storage", "scheduling.k8s.io": "scheduling", "coordination.k8s.io": "coordination",
             "discovery.k8s.io": "discovery", "authentication.k8s.io": "authentication",
             "authorization.k8s.io": "authorization"}  # fmt: skip
Fields = list[tuple[int, int, Any]]


class Protobuf:
    """The messages of one release."""

    def __init__(self, release: Release) -> None:
        self._messages = release.protobuf

    def object(self, raw: bytes) -> dict[str, Any]:
        """Read a whole body: magic number, envelope (runtime.Unknown), object."""
        if not raw.startswith(MAGIC):
            raise ApiError(
                400, "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
            )
        envelope = {number: value for number, _wire, value in _fields(raw[4:])}
        kind = {number: value.decode() for number, _wire, value in _fields(envelope[1])}
        version, name = kind.get(1, ""), kind.get(2, "")
        group = version.rpartition("/")[0]
        package = f"k8s.io.api.{_PACKAGES.get(group, group)}.{version.rpartition('/')[2]}"
        message = next((one for one in (f"{package}.{name}", f"{_META}.{name}") if one in self._messages), "")
        if not message:
            raise ApiError(415, f"the lab's Kubernetes cannot read {version} {name} as protobuf: send it as JSON")
        return {"apiVersion": version, "kind": name, **self._message(message, envelope.get(2, b""))}

    def _message(self, name: str, raw: bytes) -> Any:
        special = _SPECIAL.get(name.rpartition(".")[2])
        if special:
            return special(raw)
        whole: dict[str, Any] = {}
        for number, wire, value in _fields(raw):
            told = self._messages[name].get(str(number))
            if told is not None:
                self._put(whole, name, told, wire, value)
        return whole

    def _put(self, whole: dict[str, Any], holder: str, told: list[str], wire: int, value: Any) -> None:
        field, kind, label = told
        if kind.startswith("map<"):
            pair = {number: item for number, _wire, item in _fields(value)}
            inner = kind[4:-1].split(",")[1].strip()
            whole.setdefault(field, {})[pair.get(1, b"").decode()] = self._value(inner, holder, 2, pair.get(2, b""))
            return
        packed = label == "repeated" and wire == 2 and kind in ("int32", "int64", "bool", "uint32")
        values = [self._value(kind, holder, 0, one) for one in _varints(value)] if packed else [
            self._value(kind, holder, wire, value)
        ]  # fmt: skip
        if label == "repeated":
            whole.setdefault(field, []).extend(values)
        elif field in _INLINE:
            whole |= values[0]
        elif values[0] != "" or (kind == "string" and field in ("value", "subPath")):
            whole[field] = values[0]

    def _value(self, kind: str, holder: str, wire: int, value: Any) -> Any:
        if kind == "string":
            return value.decode()
        if kind == "bytes":
            return base64.b64encode(value).decode()
        if kind == "bool":
            return bool(value)
        if kind in ("int32", "int64", "uint32", "uint64"):
            return value - (1 << 64) if value >= 1 << 63 else value
        if kind == "double":
            raise ApiError(415, "the lab's Kubernetes cannot read floating-point numbers as protobuf")
        name = kind.removeprefix(".") if "." in kind else f"{holder.rpartition('.')[0]}.{kind}"
        return self._message(name, value)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        one = raw[at]
        at += 1
        value |= (one & 127) << shift
        shift += 7
        if one < 128:
            return value, at


def _varints(raw: bytes) -> Iterator[int]:
    at = 0
    while at < len(raw):
        value, at = _varint(raw, at)
        yield value


def _fields(raw: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field; 400 for what is cut off."""
    at = 0
    try:
        while at < len(raw):
            tag, at = _varint(raw, at)
            wire = tag & 7
            if wire == 0:
                value, at = _varint(raw, at)
                yield tag >> 3, wire, value
                continue
            size, at = _varint(raw, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
            yield tag >> 3, wire, raw[at : at + size]
            at += size
    except (IndexError, KeyError):
        raise ApiError(400, "unable to decode the protobuf message") from None


def _plain(raw: bytes) -> dict[int, Any]:
    return {number: value for number, _wire, value in _fields(raw)}


def _time(raw: bytes) -> str | None:
    told = _plain(raw)
    if 1 not in told:
        return None
    return datetime.fromtimestamp(told[1], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _int_or_string(raw: bytes) -> int | str:
    told = _plain(raw)
    return told.get(3, b"").decode() if told.get(1) else int(told.get(2, 0))


def _quantity(raw: bytes) -> str:
    return str(_plain(raw).get(1, b"0").decode())


def _raw(raw: bytes) -> Any:
    inner = _plain(raw).get(1, b"")
    return json.loads(inner) if inner else {}


_SPECIAL = {
    "Time": _time, "MicroTime": _time, "IntOrString": _int_or_string, "Quantity": _quantity, "FieldsV1": _raw,
    "RawExtension": _raw, "JSON": _raw,
}  # fmt: skip
