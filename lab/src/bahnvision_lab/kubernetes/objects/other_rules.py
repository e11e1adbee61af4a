"""What the API server refuses of Services, budgets, storage classes and configuration."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects import names
from bahnvision_lab.kubernetes.objects.container_rules import port_name, port_number
from bahnvision_lab.kubernetes.objects.network_rules import cidr
from bahnvision_lab.kubernetes.objects.pod_rules import selector
from bahnvision_lab.kubernetes.objects.workload_rules import FIXED, share
from bahnvision_lab.kubernetes.status import Problem, duplicate, forbidden, invalid, required, unsupported

Object = dict[str, Any]
SERVICES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
LIMIT = 1048576
FROZEN = "field is immutable when `immutable` is set"


def config_map(one: Object, before: Object | None) -> Iterator[Problem]:
    data, binary = one.get("data") or {}, one.get("binaryData") or {}
    for field, values in (("data", data), ("binaryData", binary)):
        for key in values:
            yield from names.config_key(f"{field}[{key}]", key)
    for key in data.keys() & binary.keys():
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    if sum(len(value.encode()) for value in (*data.values(), *binary.values())) > LIMIT:
        yield Problem("[]", "FieldValueTooLong", "Too long: may not be more than 1048576 bytes")
    yield from _frozen(one, before, "data", "binaryData")


def _frozen(one: Object, before: Object | None, *fields: str) -> Iterator[Problem]:
    if before is None or not before.get("immutable"):
        return
    if not one.get("immutable"):
        yield forbidden("immutable", FROZEN)
    for field in fields:
        if (before.get(field) or {}) != (one.get(field) or {}):
            yield forbidden(field, FROZEN)


NEEDED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"), "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",), "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}  # fmt: skip


def secret(one: Object, before: Object | None) -> Iterator[Problem]:
    data = one.get("data") or {}
    for key in data:
        yield from names.config_key(f"data[{key}]", key)
    if sum(len(base64.b64decode(value)) for value in data.values()) > LIMIT:
        yield Problem("data", "FieldValueTooLong", "Too long: may not be more than 1048576 bytes")
    for key in NEEDED.get(one["type"], ()):
        if key not in data:
            yield required(f"data[{key}]")
    if one["type"] == "kubernetes.io/dockerconfigjson" and ".dockerconfigjson" in data:
        text = base64.b64decode(data[".dockerconfigjson"])
        try:
            json.loads(text)
        except ValueError:
            words = f"invalid character '{text[:1].decode(errors='replace')}' looking for beginning of value"
            yield invalid("data[.dockerconfigjson]", "<secret contents redacted>", words)
    account = "kubernetes.io/service-account.name"
    if one["type"] == "kubernetes.io/service-account-token" and account not in (
        one["metadata"].get("annotations") or {}
    ):
        yield required(f"metadata.annotations[{account}]")
    if one["type"] == "kubernetes.io/basic-auth" and not data.keys() & {"username", "password"}:
        yield required("data[username]")
        yield required("data[password]")
    if before is not None and before.get("type") != one["type"]:
        yield invalid("type", one["type"], FIXED)
    yield from _frozen(one, before, "data")


def service(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    kind, ports = spec["type"], spec.get("ports") or ()
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if kind == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
        else:
            yield from names.subdomain("spec.externalName", spec["externalName"].rstrip("."))
    if kind == "LoadBalancer" and spec.get("clusterIP") == "None":
        yield invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services")
    yield from _service_ports(ports)
    yield from names.labels("spec.selector", spec.get("selector"))
    if spec["sessionAffinity"] not in ("ClientIP", "None"):
        yield unsupported("spec.sessionAffinity", spec["sessionAffinity"], ("ClientIP", "None"))
    if kind not in SERVICES:
        yield unsupported("spec.type", kind, SERVICES)
    policy = spec.get("externalTrafficPolicy")
    if kind in ("NodePort", "LoadBalancer") and policy not in ("Cluster", "Local"):
        yield unsupported("spec.externalTrafficPolicy", policy, ("Cluster", "Local"))
    if kind in ("ClusterIP", "ExternalName") and policy and not spec.get("externalIPs"):
        yield invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services")
    if kind not in ("NodePort", "LoadBalancer"):
        for number, port in enumerate(ports):
            if port.get("nodePort") and kind in SERVICES:
                yield forbidden(f"spec.ports[{number}].nodePort", f"may not be used when `type` is '{kind}'")
    inner = spec.get("internalTrafficPolicy")
    if inner is not None and inner not in ("Cluster", "Local"):
        yield unsupported("spec.internalTrafficPolicy", inner, ("Cluster", "Local"))
    if spec.get("loadBalancerClass") and kind != "LoadBalancer":
        yield forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
    if spec.get("clusterIP") not in (None, "", "None"):
        yield from names.address("spec.clusterIPs[0]", spec["clusterIP"])
    for number, text in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        yield from cidr(f"spec.LoadBalancerSourceRanges[{number}]", text)
    old = (before or {}).get("spec", {})
    moved = old.get("clusterIP") and old["clusterIP"] != spec.get("clusterIP")
    if moved and "ExternalName" not in (kind, old["type"]):
        yield invalid("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set")


def _service_ports(ports: Any) -> Iterator[Problem]:
    seen_names: set[str] = set()
    seen: set[tuple[Any, Any]] = set()
    for number, port in enumerate(ports):
        here, name = f"spec.ports[{number}]", port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{here}.name")
        if name:
            yield from names.label(f"{here}.name", name)
            if name in seen_names:
                yield duplicate(f"{here}.name", name)
            seen_names.add(name)
        yield from port_number(f"{here}.port", port.get("port") or 0)
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            yield unsupported(f"{here}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
        target = port.get("targetPort")
        if isinstance(target, str):
            yield from port_name(f"{here}.targetPort", target)
        elif target is not None:
            yield from port_number(f"{here}.targetPort", target)
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            yield duplicate(here, port)
        seen.add(key)


def disruption_budget(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield invalid("spec", "", "minAvailable and maxUnavailable cannot be both set")
    for key in ("minAvailable", "maxUnavailable"):
        yield from share(spec.get(key), f"spec.{key}")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in ("AlwaysAllow", "IfHealthyBudget"):
        yield unsupported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))
    yield from selector(spec.get("selector"), "spec.selector")


def storage_class(one: Object, before: Object | None) -> Iterator[Problem]:
    if not one.get("provisioner"):
        yield required("provisioner")
    else:
        yield from names.qualified_name("provisioner", one["provisioner"].lower())
    if one["reclaimPolicy"] not in ("Delete", "Retain"):
        yield unsupported("reclaimPolicy", one["reclaimPolicy"], ("Delete", "Retain"))
    if one["volumeBindingMode"] not in ("Immediate", "WaitForFirstConsumer"):
        yield unsupported("volumeBindingMode", one["volumeBindingMode"], ("Immediate", "WaitForFirstConsumer"))
    for key in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode") if before else ():
        assert before is not None
        if before.get(key) != one.get(key):
            yield forbidden(key, f"updates to {key} are forbidden.")
