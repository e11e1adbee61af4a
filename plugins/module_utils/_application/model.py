# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and labels, which everything agrees on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Component = Mapping[str, Any]
Context = Mapping[str, Any]
Object = dict[str, Any]

MANAGER = "bahnvision.aws"
RUNNING = ("web", "worker")
AUTHORITIES = "/etc/authorities"  # where the Pods find the certificates of the database and the cache


def namespace_of(context: Context) -> str:
    return context["namespace"] or context["app"]


def name_of(context: Context, component: Component) -> str:
    return f"{context['app']}-{component['name']}"


def config_name(context: Context) -> str:
    return f"{context['app']}-config"


def secret_name(context: Context) -> str:
    return f"{context['app']}-secrets"


def authorities_name(context: Context) -> str:
    return f"{context['app']}-authorities"


def slug(path: str) -> str:
    """A directory as a part of a name."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")


def selector_of(context: Context, component: Component) -> dict[str, str]:
    """What tells the Pods of a component from all others, for ever: a Deployment's selector cannot be changed."""
    return {
        "app.kubernetes.io/name": component["name"],
        "app.kubernetes.io/instance": f"{context['app']}-{context['stage']}",
    }


def labels_of(context: Context, component: Component | None = None) -> dict[str, str]:
    own = selector_of(context, component) if component else {
        "app.kubernetes.io/instance": f"{context['app']}-{context['stage']}"
    }  # fmt: skip
    kind = {"app.kubernetes.io/component": component["type"]} if component else {}
    given = {key: str(value) for key, value in context["labels"].items()}
    part = {"app.kubernetes.io/part-of": context["app"], "app.kubernetes.io/managed-by": MANAGER}
    return {**given, **own, **kind, **part}


def make(
    context: Context, version: str, kind: str, name: str, component: Component | None = None, **parts: Any
) -> Object:
    """An object of the application's namespace, without the parts that are empty."""
    annotations = parts.pop("annotations", None)
    metadata: Object = {"name": name, "namespace": namespace_of(context), "labels": labels_of(context, component)}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def text(value: Any) -> str:
    """A value as an environment variable carries it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def number_or_percent(value: str) -> int | str:
    return int(value) if value.isdigit() else value
