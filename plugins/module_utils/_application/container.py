# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of a component: what it runs, knows, may use, and how its health is seen."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._application import config
from ansible_collections.bahnvision.aws.plugins.module_utils._application.images import image_of, is_fixed, version_of
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    AUTHORITIES,
    Component,
    Context,
    Object,
    config_name,
    name_of,
    secret_name,
    slug,
    text,
)

# urllib raises on 4xx and 5xx, which fails the Job; no image needs curl for this.
REQUEST = (
    "import sys, urllib.request as web\n"
    "method, url, seconds = sys.argv[1:]\n"
    "body = b'' if method in ('POST', 'PUT') else None\n"
    "asked = web.Request(url, data=body, method=method)\n"
    "with web.build_opener().open(asked, timeout=float(seconds)) as answer:\n"
    "    print(method, url, answer.status)\n"
)


def container(component: Component, context: Context, components: list[Component]) -> Object:
    image = image_of(component, context)
    made: Object = {
        "name": component["name"],
        "image": image,
        "imagePullPolicy": "IfNotPresent" if is_fixed(image) else "Always",
        **_what_runs(component, context, components),
        "env": environment(component, context),
        "envFrom": [{"configMapRef": {"name": config_name(context)}}] if component["config"] else [],
        "ports": ports(component),
        "resources": resources(component),
        **probes(component),
        **_lifecycle(component),
        "volumeMounts": mounts(component, context),
        "securityContext": _security(component),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return {key: value for key, value in made.items() if value not in ([], {})}


def _what_runs(component: Component, context: Context, components: list[Component]) -> Object:
    request = component["request"]
    if not request:
        return {"command": component["command"], "args": component["args"]}
    asked = next((one for one in components if one["name"] == request["component"]), None)
    port = service_port(asked) if asked else 0
    url = f"http://{context['app']}-{request['component']}:{port}{request['path']}"
    return {"command": ["python", "-c", REQUEST], "args": [request["method"], url, str(request["timeout_seconds"])]}


def service_port(component: Component) -> int:
    return component["service_port"] or component["port"] or 0


def environment(component: Component, context: Context) -> list[Object]:
    """What is the component's own. A variable of the same name in the ConfigMap loses."""
    plain = {**_telemetry(component, context), **component["environment"]}
    own = [{"name": name, "value": text(value)} for name, value in sorted(plain.items())]
    return own + [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": secret_name(context), "key": key}}}
        for key in sorted(component["secrets"])
    ]


def _telemetry(component: Component, context: Context) -> dict[str, Any]:
    wanted, collector = component["telemetry"], context["telemetry"]
    if not wanted:
        return {}
    if not collector["endpoint"]:
        return {"OTEL_ENABLED": False}
    attributes = {
        "service.namespace": context["app"],
        "deployment.environment.name": context["stage"],
        **collector["resource_attributes"],
    }
    return {
        "OTEL_ENABLED": True,
        "OTEL_SERVICE_NAME": wanted["service_name"] or name_of(context, component),
        "OTEL_SERVICE_VERSION": collector["service_version"] or version_of(image_of(component, context)),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector["endpoint"],
        "OTEL_PROPAGATORS": ",".join(wanted["propagators"]),
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{key}={value}" for key, value in sorted(attributes.items())),
    }


def ports(component: Component) -> list[Object]:
    if component["type"] != "web":
        return []
    found = [{"name": "http", "containerPort": component["port"], "protocol": "TCP"}]
    metrics = (component["metrics"] or {}).get("port")
    if metrics and metrics != component["port"]:
        found.append({"name": "metrics", "containerPort": metrics, "protocol": "TCP"})
    return found


def resources(component: Component) -> Object:
    return {
        kind: {name: str(amount) for name, amount in sorted(component["resources"][kind].items())}
        for kind in ("requests", "limits")
    }


def probes(component: Component) -> Object:
    health = component["health"]
    if not health or component["type"] not in ("web", "worker"):
        return {}
    base = {"timeoutSeconds": health["timeout_seconds"]}
    alive, ready = _question(health, health["path"]), _question(health, health["ready_path"] or health["path"])
    pause = {"periodSeconds": health["period_seconds"], "failureThreshold": health["failures"]}
    # Asked often, so that a quick start counts; how often it may fail is what start_seconds comes to.
    start = {"periodSeconds": 5, "failureThreshold": max(1, -(-health["start_seconds"] // 5))}
    return {
        "startupProbe": {**alive, **base, **start},
        "readinessProbe": {**ready, **base, **pause},
        "livenessProbe": {**alive, **base, **pause},
    }


def _question(health: Component, path: str | None) -> Object:
    return {"httpGet": {"path": path, "port": "http"}} if path else {"exec": {"command": list(health["command"])}}


def drain_seconds(component: Component) -> int:
    """The load balancer goes on sending for some seconds to a Pod that is to end."""
    return component["drain_seconds"] if component["type"] == "web" else 0


def _lifecycle(component: Component) -> Object:
    seconds = drain_seconds(component)
    return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}} if seconds else {}


def mounts(component: Component, context: Context) -> list[Object]:
    found = [{"name": volume_name(one["path"]), "mountPath": one["path"]} for one in component["volumes"]]
    if component["read_only_root"] and not any(one["path"] == "/tmp" for one in component["volumes"]):  # noqa: S108
        found.append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108
    if needs_authorities(component, context):
        found.append({"name": "authorities", "mountPath": AUTHORITIES, "readOnly": True})
    return found


def volume_name(path: str) -> str:
    return slug(path)


def needs_authorities(component: Component, context: Context) -> bool:
    return any(name.partition(".")[0] in component["calls"] for name in config.authorities(context))


def _security(component: Component) -> Object:
    security: Object = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": component["read_only_root"],
    }
    if component["pod_security"] == "restricted":
        security["capabilities"] = {"drop": ["ALL"]}
    return security
