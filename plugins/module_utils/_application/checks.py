# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is wrong, told at once and before anything is applied."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._application import (
    check_component,
    check_context,
    check_secrets,
    images,
    ingress,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import Component, Context, Object


def problems(context: Context, components: list[Component]) -> list[str]:
    return [
        *check_context.problems(context, components),
        *_twice("components are named", [one["name"] for one in components]),
        *_twice("routes lead to", [_route(route) for one in components for route in one["routes"]]),
        *_hidden_from(components),
        *(problem for one in components for problem in check_component.problems(one, context, components)),
    ]


def _hidden_from(components: list[Component]) -> Iterator[str]:
    """A path cannot be answered with 404 for one component and lead to another."""
    hidden = {
        (route["host"], path): one["name"] for one in components for route in one["routes"]
        for path in ingress.hidden(one, route)
    }  # fmt: skip
    for one in components:
        for route in one["routes"]:
            owner = hidden.get((route["host"], route["path"]), one["name"])
            if owner != one["name"] and route["match"] == "Prefix":
                yield f"component {one['name']}: its route {_route(route)} is a private path of {owner}"


def _twice(what: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{names.count(name)} {what} {name}"


def _route(route: Component) -> str:
    return f"{route['host'] or '*'}{route['path'].rstrip('/') or '/'} ({route['match']})"


def rendered_problems(context: Context, objects: list[Object]) -> list[str]:
    """What overrides may have brought in, too."""
    return [
        *check_secrets.problems(context, objects),
        *_twice("objects are named", [f"{one['kind']} {one['metadata']['name']}" for one in objects]),
        *(f"{one['kind']} {one['metadata']['name']}: {image} names its image by a tag"
          for one in objects for image in _images(one)
          if not context["mutable_images"] and not images.is_fixed(image)),
    ]  # fmt: skip


def _images(one: Object) -> Iterator[str]:
    spec = one.get("spec") or {}
    if one["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    pod = (spec.get("template") or {}).get("spec") or {}
    for kind in ("initContainers", "containers"):
        for container in pod.get(kind) or ():
            yield str(container.get("image") or "")
