# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Pods are told in clear: the ConfigMaps."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    AUTHORITIES,
    Component,
    Context,
    Object,
    authorities_name,
    config_name,
    make,
    text,
)


def data(context: Context) -> dict[str, str]:
    """The environment that all components share. What the application's list says wins."""
    found: dict[str, object] = {"ENVIRONMENT": environment_name(context)}
    file = ca_file(context)
    if context["database"]["host"] and file:
        # asyncpg takes no file of authorities in its URL, but this name of libpq's.
        found["PGSSLROOTCERT"] = file
    if context["cache"]["host"]:
        found["VALKEY_CLUSTER_MODE"] = context["cache"]["cluster_mode"]
    return {key: text(value) for key, value in sorted({**found, **context["environment"]}.items())}


def environment_name(context: Context) -> str:
    return context["environment_name"] or ("staging" if context["stage"] == "staging" else "production")


def ca_file(context: Context) -> str:
    return f"{AUTHORITIES}/database.pem" if context["database"]["authorities"] else context["database"]["ca_file"]


def authorities(context: Context) -> dict[str, str]:
    return {
        f"{part}.pem": context[part]["authorities"] for part in ("cache", "database") if context[part]["authorities"]
    }


def config_maps(context: Context, components: list[Component]) -> list[Object]:
    found = []
    if any(one["config"] for one in components):
        found.append(make(context, "v1", "ConfigMap", config_name(context), data=data(context)))
    if authorities(context):
        found.append(make(context, "v1", "ConfigMap", authorities_name(context), data=authorities(context)))
    return found
