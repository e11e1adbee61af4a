# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pod of a component: who it is, where it may run, how it ends."""

from __future__ import annotations

import hashlib
import json

from ansible_collections.bahnvision.aws.plugins.module_utils._application import config
from ansible_collections.bahnvision.aws.plugins.module_utils._application.container import (
    container,
    drain_seconds,
    needs_authorities,
    volume_name,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    RUNNING,
    Component,
    Context,
    Object,
    authorities_name,
    labels_of,
    name_of,
    selector_of,
    slug,
)


def template(component: Component, context: Context, components: list[Component]) -> Object:
    metadata: Object = {"labels": labels_of(context, component)}
    annotations = _annotations(component, context)
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": spec(component, context, components)}


def _annotations(component: Component, context: Context) -> dict[str, str]:
    found: dict[str, str] = {}
    if component["type"] in RUNNING:
        found["bahnvision.aws/configuration"] = checksum(component, context)
    if component["metrics"] and component["type"] in RUNNING:
        port = component["metrics"]["port"] or component["port"]
        found |= {
            "prometheus.io/scrape": "true", "prometheus.io/port": str(port),
            "prometheus.io/path": component["metrics"]["path"],
        }  # fmt: skip
    return found


def checksum(component: Component, context: Context) -> str:
    """Pods read their environment once, so they are replaced when what it comes from has changed."""
    read = {
        "config": config.data(context) if component["config"] else {},
        "authorities": config.authorities(context) if needs_authorities(component, context) else {},
        "secrets": context["secrets"]["checksum"] if component["secrets"] else "",
    }
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:32]


def spec(component: Component, context: Context, components: list[Component]) -> Object:
    made: Object = {
        "serviceAccountName": name_of(context, component),
        "automountServiceAccountToken": component["kubernetes_token"],
        "enableServiceLinks": False,
        "securityContext": _security(component),
        "terminationGracePeriodSeconds": component["stop_seconds"] + drain_seconds(component),
        "priorityClassName": component["priority_class"],
        "nodeSelector": {key: str(value) for key, value in component["node_selector"].items()},
        "tolerations": component["tolerations"],
        "topologySpreadConstraints": _spread(component, context),
        "containers": [container(component, context, components)],
        "volumes": volumes(component, context),
    }
    if component["type"] not in RUNNING:
        made["restartPolicy"] = "Never"
    return {key: value for key, value in made.items() if value not in ([], {}, "")}


def _security(component: Component) -> Object:
    group = component["user"] if component["group"] is None else component["group"]
    made: Object = {
        "runAsNonRoot": component["user"] != 0,
        "runAsUser": component["user"],
        "runAsGroup": group,
        "fsGroup": group,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if component["type"] == "web" and component["port"] < 1024 and component["user"] != 0:
        # Within the Pod's own network only, and on the list of safe ones of both Pod Security levels:
        # https://kubernetes.io/docs/concepts/security/pod-security-standards/
        made["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    return made


def _spread(component: Component, context: Context) -> list[Object]:
    if component["type"] not in RUNNING:
        return []
    zones = "DoNotSchedule" if component["spread"] == "required" else "ScheduleAnyway"
    return [
        {
            "maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": mode,
            "labelSelector": {"matchLabels": selector_of(context, component)},
            # Each roll-out is spread for itself, not against the Pods that it replaces.
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key, mode in (("topology.kubernetes.io/zone", zones), ("kubernetes.io/hostname", "ScheduleAnyway"))
    ]  # fmt: skip


def volumes(component: Component, context: Context) -> list[Object]:
    found = [{"name": volume_name(one["path"]), **_source(one, component, context)} for one in component["volumes"]]
    if component["read_only_root"] and not any(one["name"] == "tmp" for one in found):
        found.append({"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}})
    if needs_authorities(component, context):
        found.append({"name": "authorities", "configMap": {"name": authorities_name(context)}})
    return found


def _source(volume: Component, component: Component, context: Context) -> Object:
    if volume["type"] == "claim":
        return {"persistentVolumeClaim": {"claimName": f"{name_of(context, component)}-{slug(volume['path'])}"}}
    medium = {"medium": "Memory"} if volume["type"] == "memory" else {}
    return {"emptyDir": {**medium, "sizeLimit": volume["size"]}}
