# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with one component."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._application import images, ingress, schedule
from ansible_collections.bahnvision.aws.plugins.module_utils._application.check_context import VARIABLE
from ansible_collections.bahnvision.aws.plugins.module_utils._application.merge import fixed
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    AUTHORITIES,
    RUNNING,
    Component,
    Context,
    name_of,
    slug,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.network import PLACES
from ansible_collections.bahnvision.aws.plugins.module_utils._application.quantity import amount
from ansible_collections.bahnvision.aws.plugins.module_utils._application.workloads import HASH

NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
PATH = re.compile(r"/[^\s*?#%]*")
AMOUNTS = ("cpu", "memory", "ephemeral-storage")
LONGEST = {"web": 63, "worker": 63, "schedule": 52, "job": 63 - HASH - 1}
OF_TYPE = {
    "web": ("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "PersistentVolumeClaim"),
    "worker": ("Deployment", "PodDisruptionBudget", "HorizontalPodAutoscaler", "PersistentVolumeClaim"),
    "schedule": ("CronJob", "PersistentVolumeClaim"),
    "job": ("Job", "PersistentVolumeClaim"),
}


def problems(component: Component, context: Context, components: list[Component]) -> Iterator[str]:
    where = f"component {component['name']}"
    yield from images.problems(component, context)
    found = [
        *_name(component, context), *_answers(component), *_runs(component, components), *_resources(component),
        *_scaling(component), *_calls(component, context, components), *_routes(component), *_volumes(component),
        *_variables(component, context), *_security(component), *_overrides(component),
    ]  # fmt: skip
    yield from (f"{where}: {problem}" for problem in found)


def _name(component: Component, context: Context) -> Iterator[str]:
    name, longest = name_of(context, component), LONGEST[component["type"]]
    if not NAME.fullmatch(component["name"]):
        yield "its name must be of lower-case letters, digits and hyphens and begin with a letter"
    if component["name"] in PLACES:
        yield f"its name stands for something else in calls ({', '.join(PLACES)})"
    if len(name) > longest:
        yield f"{name} has {len(name)} characters; Kubernetes takes {longest} for the type {component['type']}"


def _answers(component: Component) -> Iterator[str]:
    if component["type"] != "web":
        for key in ("port", "service_port", "routes", "metrics"):
            if component[key]:
                yield f"{key} is for the type web, and it is of the type {component['type']}"
    elif component["port"] is None:
        yield "a component of the type web needs a port"
    ports = [component["port"], component["service_port"], (component["metrics"] or {}).get("port")]
    for port in [*ports, *component["internet_ports"]]:
        if port is not None and not 1 <= port <= 65535:
            yield f"{port} is no port"
    yield from _health(component)


def _health(component: Component) -> Iterator[str]:
    health = component["health"]
    if component["type"] == "web" and not (health and health["path"]):
        yield "a component of the type web needs health.path: without it requests go to Pods that cannot answer"
    if not health:
        return
    if component["type"] not in RUNNING:
        yield f"health has no meaning for the type {component['type']}"
    if bool(health["path"]) == bool(health["command"]):
        yield "health takes either a path or a command"
    if health["path"] and component["type"] == "worker":
        yield "health.path needs a port, which a worker has not; take health.command"
    for key in ("start_seconds", "period_seconds", "timeout_seconds", "failures"):
        if health[key] < 1:
            yield f"health.{key} must be 1 or more"
    for key in ("path", "ready_path"):
        if health[key] and not health[key].startswith("/"):
            yield f"health.{key} {health[key]!r} must begin with /"


def _runs(component: Component, components: list[Component]) -> Iterator[str]:
    request = component["request"]
    if component["type"] != "schedule":
        if request or component["schedule"]:
            yield "schedule and request are for the type schedule"
        return
    yield from schedule.problems(component["schedule"])
    if not re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*", component["time_zone"]):
        yield f"{component['time_zone']!r} is no time zone such as Europe/Berlin"
    if not request:
        return
    if component["command"] or component["args"]:
        yield "request and command exclude each other"
    if not request["path"].startswith("/"):
        yield f"request.path {request['path']!r} must begin with /"
    if request["component"] not in [one["name"] for one in components if one["type"] == "web"]:
        yield f"request.component {request['component']} is no component of the type web"


def _resources(component: Component) -> Iterator[str]:
    asked, most = component["resources"]["requests"], component["resources"]["limits"]
    for kind, given in (("requests", asked), ("limits", most)):
        for name, value in given.items():
            if name not in AMOUNTS:
                yield f"resources.{kind} knows {', '.join(AMOUNTS)}, not {name}"
            elif not amount(value):
                yield f"resources.{kind}.{name} {value!r} is no amount such as 250m or 256Mi"
    for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
        if name not in component["resources"][kind]:
            yield f"resources.{kind}.{name} is missing"
    for name in sorted({*asked} & {*most}):
        low, high = amount(asked[name]), amount(most[name])
        if low and high and low > high:
            yield f"it asks for more {name} ({asked[name]}) than it may use ({most[name]})"


def _scaling(component: Component) -> Iterator[str]:
    wanted = component["autoscaling"]
    if component["replicas"] < 1:
        yield "replicas must be 1 or more; application_serving stops an application"
    if not re.fullmatch(r"[1-9][0-9]*|([1-9]|[1-9][0-9]|100)%", component["disruption"]):
        yield f"disruption {component['disruption']!r} must be 1 or more, or a percentage: 0 lets no node be drained"
    for key in ("drain_seconds", "stop_seconds", "retries"):
        if component[key] < 0:
            yield f"{key} must not be negative"
    if component["deadline_seconds"] < 1:
        yield "deadline_seconds must be 1 or more"
    if not wanted:
        return
    if component["type"] not in RUNNING:
        yield f"autoscaling has no meaning for the type {component['type']}"
    if not 1 <= wanted["min"] <= wanted["max"]:
        yield f"autoscaling goes from min {wanted['min']} to max {wanted['max']}: 1 <= min <= max"
    if not wanted["cpu"] and not wanted["memory"]:
        yield "autoscaling needs cpu or memory to go by"


def _calls(component: Component, context: Context, components: list[Component]) -> Iterator[str]:
    known = [*(one["name"] for one in components if one["type"] == "web" and one is not component), *PLACES]
    for name in component["calls"]:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            yield f"calls names {name}, which is neither a component of the type web nor one of {', '.join(PLACES)}" + (
                f"; is {near[0]} meant?" if near else ""
            )
    if component["telemetry"] and context["telemetry"]["endpoint"] and "telemetry" not in component["calls"]:
        yield "it sends traces, but may not connect to the collector: add telemetry to its calls"


def _routes(component: Component) -> Iterator[str]:
    for route in component["routes"]:
        path = route["path"]
        if route["host"] and not HOST.fullmatch(route["host"]):
            yield f"route to {route['host']!r}: that is no host name"
        if not PATH.fullmatch(path) or any(part in ("", ".", "..") for part in path.strip("/").split("/")[1:]):
            yield f"route {path!r} must begin with / and hold neither *, % nor //, /./, /../"
        for private in ingress.private_paths(component):
            if ingress.covers(private, path):
                yield f"its route {path} would lay {private} open, which is not for everybody"
        laid_open = [] if component["private_by_rule"] else ingress.hidden(component, route)
        if laid_open:
            yield (
                f"its route {path} covers {', '.join(laid_open)}, and a rule that answers 404 can be walked round "
                "(/%6detrics is /metrics): route what is public, such as /api, or be content with private_by_rule"
            )
    for private in ingress.private_paths(component):
        if not private.startswith("/"):
            yield f"private path {private!r} must begin with /"


def _volumes(component: Component) -> Iterator[str]:
    names = [slug(one["path"]) for one in component["volumes"]]
    for volume in component["volumes"]:
        path = volume["path"]
        if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", path) or len(slug(path)) > 40 or not slug(path):
            yield f"volume {path!r} is no directory (from the root, 40 characters at most)"
        elif names.count(slug(path)) > 1 or _taken(path):
            yield f"volume {path} would have the name or the place of another one"
        if not amount(volume["size"]):
            yield f"volume {path}: {volume['size']!r} is no size such as 10Gi"
        many = component["type"] in RUNNING and (component["autoscaling"] or component["replicas"] > 1)
        if volume["type"] == "claim" and many:
            yield (
                f"volume {path} of the type claim belongs to one node, so it allows one Pod: set replicas to 1 without "
                "autoscaling, or take the type temporary, with which each Pod has its own"
            )


def _taken(path: str) -> bool:
    return path == AUTHORITIES or slug(path) == "authorities" or (slug(path) == "tmp" and path != "/tmp")  # noqa: S108


def _variables(component: Component, context: Context) -> Iterator[str]:
    known = context["secrets"]["keys"]
    for name in component["environment"]:
        if not VARIABLE.fullmatch(str(name)):
            yield f"{name!r} is no name of an environment variable"
        elif name in known:
            yield f"environment holds {name}, which is a secret; name it in secrets instead"
    for name in component["secrets"]:
        if name not in known:
            yield f"there is no secret {name} (there are {', '.join(known) or 'none'}: context.secrets.keys)"
        if component["secrets"].count(name) > 1:
            yield f"the secret {name} is named twice"


def _security(component: Component) -> Iterator[str]:
    if component["user"] < 0:
        yield f"user {component['user']} is none"
    if component["user"] == 0 and component["pod_security"] == "restricted":
        yield "user 0 (root) does not fit Pod Security restricted: name the image's own user, or pod_security baseline"


def _overrides(component: Component) -> Iterator[str]:
    known = ("ServiceAccount", *OF_TYPE[component["type"]])
    for kind, over in component["overrides"].items():
        if kind not in known:
            yield f"overrides knows {', '.join(known)} for the type {component['type']}, not {kind}"
        elif not isinstance(over, dict):
            yield f"overrides.{kind} must be a dictionary"
        else:
            for path in fixed(over):
                yield f"overrides.{kind}.{path} would make it another object"
