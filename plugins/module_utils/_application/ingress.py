# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, and the Ingress from which the AWS Load Balancer Controller makes an Application Load Balancer.

Annotations: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._application.container import service_port
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    MANAGER,
    Component,
    Context,
    Object,
    make,
    name_of,
    selector_of,
    text,
)

PREFIX = "alb.ingress.kubernetes.io/"
HIDDEN = "not-found"  # the name of the action, which stands where a Service would
ANSWER = {
    "type": "fixed-response",
    "fixedResponseConfig": {"contentType": "text/plain", "statusCode": "404", "messageBody": "Not found"},
}
LONGEST_NAME = 32


def service(component: Component, context: Context) -> Object:
    spec: Object = {
        "type": "ClusterIP",
        "selector": selector_of(context, component),
        "ports": [{"name": "http", "port": service_port(component), "targetPort": "http", "protocol": "TCP"}],
    }
    annotations = _target_group(component, context) if component["routes"] and context["ingress"]["enabled"] else {}
    name = name_of(context, component)
    return make(context, "v1", "Service", name, component, annotations=annotations, spec=spec)


def _target_group(component: Component, context: Context) -> dict[str, str]:
    """On the Service, because every component answers another path."""
    health = component["health"] or {}
    attributes = {"deregistration_delay.timeout_seconds": context["ingress"]["deregistration_delay"]}
    return {
        f"{PREFIX}healthcheck-path": health.get("ready_path") or health.get("path") or "/",
        f"{PREFIX}healthcheck-interval-seconds": "10",
        f"{PREFIX}success-codes": "200-399",
        f"{PREFIX}target-group-attributes": _pairs(attributes),
    }


def ingresses(context: Context, components: list[Component]) -> list[Object]:
    if not context["ingress"]["enabled"] or not any(one["routes"] for one in components):
        return []
    spec = {"ingressClassName": context["ingress"]["class_name"], "rules": rules(context, components)}
    hides = any(_is_hidden(path) for rule in spec["rules"] for path in rule["http"]["paths"])
    annotations = {**_annotations(context, hides), **context["ingress"]["annotations"]}
    told = {key: text(value) for key, value in sorted(annotations.items())}
    return [make(context, "networking.k8s.io/v1", "Ingress", context["app"], None, annotations=told, spec=spec)]


def _is_hidden(path: Mapping[str, Any]) -> bool:
    return path["backend"]["service"]["name"] == HIDDEN


def rules(context: Context, components: list[Component]) -> list[Object]:
    """Hosts count in their order. Within one the controller takes exact paths first, then the longest."""
    hosts: dict[str, list[Object]] = {}
    for component in components:
        for route in component["routes"]:
            paths = hosts.setdefault(route["host"], [])
            paths += [_path(path, "Prefix", HIDDEN, {"name": "use-annotation"}) for path in hidden(component, route)
                      if all(path != one["path"] for one in paths)]  # fmt: skip
            port = {"number": service_port(component)}
            paths.append(_path(route["path"], route["match"], name_of(context, component), port))
    named = sorted(hosts, key=lambda host: (not host, host.startswith("*"), host))
    return [{**({"host": host} if host else {}), "http": {"paths": hosts[host]}} for host in named]


def private_paths(component: Component) -> list[str]:
    wanted = component["metrics"]
    metrics = [wanted["path"]] if wanted and wanted["port"] in (None, component["port"]) else []
    return [*metrics, *(path for path in component["private_paths"] if path not in metrics)]


def hidden(component: Component, route: Component) -> list[str]:
    """What of a component's private paths a route would lay open."""
    return [path for path in private_paths(component) if route["match"] == "Prefix" and covers(route["path"], path)]


def covers(prefix: str, path: str) -> bool:
    whole = prefix.rstrip("/")
    return path.rstrip("/") == whole or path.startswith(f"{whole}/")


def _path(path: str, match: str, service_name: str, port: Object) -> Object:
    return {"path": path, "pathType": match, "backend": {"service": {"name": service_name, "port": port}}}


def _annotations(context: Context, hides: bool) -> dict[str, str]:
    wanted = context["ingress"]
    found = {
        "scheme": wanted["scheme"],
        "target-type": "ip",
        "listen-ports": json.dumps([{"HTTP": 80}] if wanted["http_only"] else [{"HTTP": 80}, {"HTTPS": 443}]),
        "ssl-redirect": "" if wanted["http_only"] else "443",
        "ssl-policy": "" if wanted["http_only"] else wanted["ssl_policy"],
        "certificate-arn": ",".join(wanted["certificate_arns"]),
        "group.name": wanted["group"],
        "load-balancer-name": load_balancer_name(context),
        "load-balancer-attributes": _pairs(_attributes(context)),
        "wafv2-acl-arn": wanted["waf_arn"],
        "inbound-cidrs": ",".join(wanted["inbound_cidrs"]),
        "security-group-prefix-lists": ",".join(wanted["prefix_lists"]),
        "subnets": ",".join(wanted["subnets"]),
        "tags": _pairs(_tags(context)),
        f"actions.{HIDDEN}": json.dumps(ANSWER, separators=(",", ":")) if hides else "",
    }
    return {f"{PREFIX}{key}": value for key, value in found.items() if value}


def load_balancer_name(context: Context) -> str:
    given, own = context["ingress"]["load_balancer_name"], f"{context['app']}-{context['stage']}"
    if given:
        return given
    return own if not context["ingress"]["group"] and len(own) <= LONGEST_NAME else ""


def _attributes(context: Context) -> dict[str, Any]:
    wanted = context["ingress"]
    found: dict[str, Any] = {
        "idle_timeout.timeout_seconds": wanted["idle_timeout"],
        "routing.http.drop_invalid_header_fields.enabled": True,
        "deletion_protection.enabled": wanted["deletion_protection"],
    }
    if wanted["access_logs_bucket"]:
        found |= {
            "access_logs.s3.enabled": True,
            "access_logs.s3.bucket": wanted["access_logs_bucket"],
            "access_logs.s3.prefix": wanted["access_logs_prefix"] or f"{context['app']}-{context['stage']}",
        }
    return found


def _tags(context: Context) -> dict[str, str]:
    own = {"app": context["app"], "stage": context["stage"], "component": "application", "managed-by": MANAGER}
    return {**context["ingress"]["tags"], **own}


def _pairs(values: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={text(value)}" for key, value in sorted(values.items()))
