"""What the API server refuses of Ingresses and network policies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects import names
from bahnvision_lab.kubernetes.objects.container_rules import port_name, port_number
from bahnvision_lab.kubernetes.objects.pod_rules import selector
from bahnvision_lab.kubernetes.status import Problem, forbidden, invalid, required, unsupported

Object = dict[str, Any]
PATHS = ("Exact", "ImplementationSpecific", "Prefix")
CLASS = "kubernetes.io/ingress.class"
WILDCARD = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
    "regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def cidr(at: str, text: str) -> Iterator[Problem]:
    try:
        ipaddress.ip_network(text, strict=False)
        good = "/" in text
    except ValueError:
        good = False
    if not good:
        yield invalid(at, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")


def ingress(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
    if spec.get("ingressClassName") is not None:
        yield from names.subdomain("spec.ingressClassName", spec["ingressClassName"])
        if before is None and one["metadata"].get("annotations", {}).get(CLASS) not in (None, spec["ingressClassName"]):
            yield invalid(f"annotations.{CLASS}", one["metadata"]["annotations"][CLASS],
                          "must match `ingressClassName` when both are specified")  # fmt: skip
    if spec.get("defaultBackend") is not None:
        yield from _backend(spec["defaultBackend"], "spec.defaultBackend")
    for number, rule in enumerate(spec.get("rules") or ()):
        host = rule.get("host")
        if host:
            yield from _host(f"spec.rules[{number}].host", host)
        if "http" in rule:
            yield from _paths(rule["http"], f"spec.rules[{number}].http")
    for number, entry in enumerate(spec.get("tls") or ()):
        for at, host in enumerate(entry.get("hosts") or ()):
            yield from _host(f"spec.tls[{number}].hosts[{at}]", host)


def _host(at: str, host: str) -> Iterator[Problem]:
    if not names.address(at, host):
        yield invalid(at, host, "must be a DNS name, not an IP address")
    elif "*" in host and (not host.startswith("*.") or "*" in host[2:]):
        yield invalid(at, host, WILDCARD)
    elif host.startswith("*."):
        if names.subdomain(at, host[2:]):
            yield invalid(at, host, WILDCARD)
    else:
        yield from names.subdomain(at, host)


def _paths(http: Object, at: str) -> Iterator[Problem]:
    if not http.get("paths"):
        yield required(f"{at}.paths")
    for number, one in enumerate(http.get("paths") or ()):
        here, kind, path = f"{at}.paths[{number}]", one.get("pathType"), one.get("path", "")
        if kind is None:
            yield required(f"{here}.pathType", "pathType must be specified")
        elif kind not in PATHS:
            yield unsupported(f"{here}.pathType", kind, PATHS)
        if kind in ("Exact", "Prefix"):
            if not path.startswith("/"):
                yield invalid(f"{here}.path", path, "must be an absolute path")
            for bad in ("//", "/./", "/../", "%2f", "%2F"):
                if bad in path:
                    yield invalid(f"{here}.path", path, f"must not contain '{bad}'")
        elif kind == "ImplementationSpecific" and path and not path.startswith("/"):
            yield invalid(f"{here}.path", path, "must be an absolute path")
        yield from _backend(one.get("backend") or {}, f"{here}.backend")


def _backend(one: Object, at: str) -> Iterator[Problem]:
    told = one.get("service")
    if told is None and one.get("resource") is None:
        yield invalid(at, "", "resource or service backend is required")
    if told is not None and one.get("resource") is not None:
        yield invalid(at, "", "cannot set both resource and service backends")
    if told is None:
        return
    if not told.get("name"):
        yield required(f"{at}.service.name")
    port = told.get("port") or {}
    if not port.get("name") and not port.get("number"):
        yield required(at, "port name or number is required")
    elif port.get("name") and port.get("number"):
        yield invalid(at, "", "cannot set both port name & port number")
    elif port.get("number"):
        yield from port_number(f"{at}.service.port.number", port["number"])


def network_policy(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    yield from selector(spec.get("podSelector"), "spec.podSelector")
    for number, kind in enumerate(spec.get("policyTypes") or ()):
        if kind not in ("Egress", "Ingress"):
            yield unsupported(f"spec.policyTypes[{number}]", kind, ("Egress", "Ingress"))
    for field, side in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(field) or ()):
            at = f"spec.{field}[{number}]"
            for place, port in enumerate(rule.get("ports") or ()):
                yield from _policy_port(port, f"{at}.ports[{place}]")
            for place, peer in enumerate(rule.get(side) or ()):
                yield from _peer(peer, f"{at}.{side}[{place}]")


def _policy_port(port: Object, at: str) -> Iterator[Problem]:
    if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
        yield unsupported(f"{at}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
    value, end = port.get("port"), port.get("endPort")
    if isinstance(value, int):
        yield from port_number(f"{at}.port", value)
        if end is not None and end < value:
            yield invalid(f"{at}.endPort", value, "must be greater than or equal to `port`")
    elif isinstance(value, str):
        yield from port_name(f"{at}.port", value)
    if end is not None and isinstance(value, str):
        yield invalid(f"{at}.endPort", end, "may not be specified when `port` is non-numeric")
    elif end is not None and value is None:
        yield required(f"{at}.port", "must be specified when `endPort` is specified")


def _peer(peer: Object, at: str) -> Iterator[Problem]:
    block = peer.get("ipBlock")
    if not peer:
        yield required(at, "must specify a peer")
    if block is not None and (peer.get("podSelector") is not None or peer.get("namespaceSelector") is not None):
        yield forbidden(at, "may not specify both ipBlock and another peer")
    if block is not None:
        yield from cidr(f"{at}.ipBlock.cidr", block.get("cidr", ""))
        for number, text in enumerate(block.get("except") or ()):
            wrong = [*cidr(at, block.get("cidr", "")), *cidr(f"{at}.ipBlock.except[{number}]", text)]
            yield from wrong
            if not wrong and not _inside(text, block["cidr"]):
                yield invalid(f"{at}.ipBlock.except[{number}]", text, "must be a strict subset of `cidr`")
    for key in ("podSelector", "namespaceSelector"):
        yield from selector(peer.get(key), f"{at}.{key}")


def _inside(text: str, whole: str) -> bool:
    inner, outer = ipaddress.ip_network(text, strict=False), ipaddress.ip_network(whole, strict=False)
    if inner.version != outer.version:
        return False
    first, last = (int(at) for at in (outer.network_address, outer.broadcast_address))
    return inner != outer and first <= int(inner.network_address) and int(inner.broadcast_address) <= last
