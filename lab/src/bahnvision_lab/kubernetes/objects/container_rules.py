"""What the API server refuses of a container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects import names, quantity
from bahnvision_lab.kubernetes.status import Problem, absent, duplicate, forbidden, invalid, required, unsupported

Object = dict[str, Any]
RESTARTS = ("Always", "Never", "OnFailure")
SECCOMP = ("Localhost", "RuntimeDefault", "Unconfined")
PULLS = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
# What of its own Pod a container may be told.
FIELDS = ("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
          "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs")  # fmt: skip
STANDARD = ("cpu", "memory", "ephemeral-storage")
_PORT_NAME = re.compile(r"(?!.*--)[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*|[^=\x00-\x1f\x7f]+")


def container(one: Object, at: str, volumes: dict[Any, Object], is_init: bool = False) -> Iterator[Problem]:
    if not one.get("name"):
        yield required(f"{at}.name")
    else:
        yield from names.label(f"{at}.name", one["name"])
    image = one.get("image", "")
    if not image:
        yield required(f"{at}.image")
    if one.get("imagePullPolicy") not in PULLS:
        yield unsupported(f"{at}.imagePullPolicy", one.get("imagePullPolicy"), PULLS)
    if one.get("terminationMessagePolicy") not in ("FallbackToLogsOnError", "File"):
        yield unsupported(f"{at}.terminationMessagePolicy", one.get("terminationMessagePolicy"),
                          ("FallbackToLogsOnError", "File"))  # fmt: skip
    yield from _ports(one, at)
    yield from _environment(one, at)
    yield from _mounts(one, at, volumes)
    yield from resources(one.get("resources") or {}, f"{at}.resources")
    yield from _probes(one, at, is_init)
    yield from _hooks(one.get("lifecycle") or {}, f"{at}.lifecycle")
    policy = one.get("restartPolicy")
    if is_init and policy is not None and policy not in RESTARTS:
        yield unsupported(f"{at}.restartPolicy", policy, RESTARTS)
    context = one.get("securityContext") or {}
    yield from security(context, f"{at}.securityContext")
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        yield invalid(f"{at}.securityContext", context, "cannot set `allowPrivilegeEscalation` to false and "
                                                        "`privileged` to true")  # fmt: skip


def _hooks(one: Object, at: str) -> Iterator[Problem]:
    for name in ("postStart", "preStop"):
        if one.get(name) is not None and not any(one[name].get(key) is not None for key in (*HANDLERS, "sleep")):
            yield required(f"{at}.{name}", "must specify a handler type")


def security(one: Object, at: str) -> Iterator[Problem]:
    """What a Pod's and a container's security context have in common."""
    for key in ("runAsUser", "runAsGroup", "fsGroup"):
        if one.get(key) is not None and not 0 <= one[key] <= 2147483647:
            yield invalid(f"{at}.{key}", one[key], "must be between 0 and 2147483647, inclusive")
    profile = one.get("seccompProfile")
    if profile is None:
        return
    kind = profile.get("type", "")
    if not kind:
        yield required(f"{at}.seccompProfile.type", "type is required when seccompProfile is set")
    elif kind not in SECCOMP:
        yield unsupported(f"{at}.seccompProfile.type", kind, SECCOMP)
    elif kind == "Localhost" and not profile.get("localhostProfile"):
        yield required(f"{at}.seccompProfile.localhostProfile", "must be set when seccomp type is Localhost")


def port_number(at: str, value: Any) -> Iterator[Problem]:
    if not 1 <= value <= 65535:
        yield invalid(at, value, "must be between 1 and 65535, inclusive")


def _ports(one: Object, at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, port in enumerate(one.get("ports") or ()):
        here = f"{at}.ports[{number}]"
        name = port.get("name")
        if name:
            yield from port_name(f"{here}.name", name)
            if name in seen:
                yield duplicate(f"{here}.name", name)
            seen.add(name)
        if not port.get("containerPort"):
            yield required(f"{here}.containerPort")
        else:
            yield from port_number(f"{here}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            yield from port_number(f"{here}.hostPort", port["hostPort"])
        if port.get("protocol") not in PROTOCOLS:
            yield unsupported(f"{here}.protocol", port.get("protocol"), PROTOCOLS)


def port_name(at: str, name: str) -> Iterator[Problem]:
    if len(name) > 15:
        yield invalid(at, name, "must be no more than 15 characters")
    if not _PORT_NAME.fullmatch(name):
        yield invalid(at, name, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    elif not re.search("[a-z]", name):
        yield invalid(at, name, "must contain at least one letter (a-z)")


def _environment(one: Object, at: str) -> Iterator[Problem]:
    for number, variable in enumerate(one.get("env") or ()):
        here, name, source = f"{at}.env[{number}]", variable.get("name", ""), variable.get("valueFrom")
        if not name:
            yield required(f"{here}.name")
        elif not _VARIABLE.fullmatch(name):
            yield invalid(
                f"{here}.name",
                name,
                "a valid environment variable name must consist only of printable ASCII characters other than '='",
            )
        if source is None:
            continue
        if variable.get("value"):
            yield invalid(f"{here}.valueFrom", "", "may not be specified when `value` is not empty")
        if not source:
            yield invalid(f"{here}.valueFrom", "", "must specify one of: `fieldRef`, `resourceFieldRef`, "
                                                   "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")  # fmt: skip
        if len(source) > 1:
            yield invalid(f"{here}.valueFrom", "", "may not have more than one field specified at a time")
        for kind in ("configMapKeyRef", "secretKeyRef"):
            if kind in source and not source[kind].get("key"):
                yield required(f"{here}.valueFrom.{kind}.key")
            if kind in source and not source[kind].get("name"):
                yield required(f"{here}.valueFrom.{kind}.name")
            elif kind in source:
                yield from names.subdomain(f"{here}.valueFrom.{kind}.name", source[kind]["name"])
        path = (source.get("fieldRef") or {}).get("fieldPath", "")
        if "fieldRef" in source:
            yield from _field_path(path, f"{here}.valueFrom.fieldRef.fieldPath")
    for number, variable in enumerate(one.get("envFrom") or ()):
        sources = [key for key in ("configMapRef", "secretRef") if variable.get(key) is not None]
        if not sources:
            yield invalid(f"{at}.envFrom", "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(sources) > 1:
            yield invalid(f"{at}.envFrom", "", "may not have more than one field specified at a time")
        elif variable[sources[0]].get("name"):
            yield from names.subdomain(f"{at}.envFrom[{number}].{sources[0]}.name", variable[sources[0]]["name"])


def _field_path(path: str, at: str) -> Iterator[Problem]:
    if not path:
        yield required(at)
    elif path.partition("[")[0] in ("metadata.labels", "metadata.annotations") and path.endswith("']"):
        return
    elif path not in FIELDS:
        yield invalid(at, path, f"error converting fieldPath: field label not supported: {path}")


def _mounts(one: Object, at: str, volumes: dict[Any, Object]) -> Iterator[Problem]:
    paths: set[str] = set()
    for number, mount in enumerate(one.get("volumeMounts") or ()):
        here, name, path = f"{at}.volumeMounts[{number}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{here}.name")
        elif name not in volumes:
            yield absent(f"{here}.name", name)
        if not path:
            yield required(f"{here}.mountPath")
        if path in paths:
            yield invalid(f"{here}.mountPath", path, "must be unique")
        paths.add(path)
        for key in ("subPath", "subPathExpr"):
            if ".." in mount.get(key, "").split("/"):
                yield invalid(f"{here}.{key}", mount[key], "must not contain '..'")


def resources(one: Object, at: str) -> Iterator[Problem]:
    limits, requests = one.get("limits") or {}, one.get("requests") or {}
    for field, values in (("limits", limits), ("requests", requests)):
        for key, value in values.items():
            here = f"{at}.{field}[{key}]"
            if key not in STANDARD and not key.startswith("hugepages-") and "/" not in key:
                yield invalid(f"{at}.{field}[{key}]", key, "must be a standard resource type or fully qualified")
                yield invalid(f"{at}.{field}[{key}]", key, "must be a standard resource for containers")
            if quantity.amount(value) < 0:
                yield invalid(here, value, "must be greater than or equal to 0")
            elif "/" in key and quantity.amount(value) % 1:
                yield invalid(here, value, "must be an integer")
    for key, value in requests.items():
        if key in limits and quantity.amount(value) > quantity.amount(limits[key]):
            yield invalid(f"{at}.requests", value, f"must be less than or equal to {key} limit of {limits[key]}")


def _probes(one: Object, at: str, is_init: bool) -> Iterator[Problem]:
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = one.get(name)
        if probe is None:
            continue
        here = f"{at}.{name}"
        if is_init and one.get("restartPolicy") != "Always":
            yield forbidden(here, "may not be set for init containers without restartPolicy=Always")
            continue
        yield from _probe(probe, here)
        if name != "readinessProbe" and probe.get("successThreshold") != 1:
            yield invalid(f"{here}.successThreshold", probe.get("successThreshold"), "must be 1")


def _probe(probe: Object, at: str) -> Iterator[Problem]:
    handlers = [key for key in HANDLERS if probe.get(key) is not None]
    if not handlers:
        yield required(at, "must specify a handler type")
    for extra in handlers[1:]:
        yield forbidden(f"{at}.{extra}", "may not specify more than 1 handler type")
    for key in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if (probe.get(key) or 0) < 0:
            yield invalid(f"{at}.{key}", probe[key], "must be greater than or equal to 0")
    action = probe.get("httpGet")
    if action is not None:
        yield from _port(action.get("port"), f"{at}.httpGet.port")
        if action.get("scheme") not in ("HTTP", "HTTPS"):
            yield unsupported(f"{at}.httpGet.scheme", action.get("scheme"), ("HTTP", "HTTPS"))
    if probe.get("tcpSocket") is not None:
        yield from _port(probe["tcpSocket"].get("port"), f"{at}.tcpSocket.port")
    if probe.get("exec") is not None and not probe["exec"].get("command"):
        yield required(f"{at}.exec.command")


def _port(value: Any, at: str) -> Iterator[Problem]:
    """A port by number or by name."""
    if isinstance(value, str):
        yield from port_name(at, value)
    else:
        yield from port_number(at, value or 0)
