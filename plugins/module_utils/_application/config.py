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
from ansible_collections.bahnvision.aws.plugins.module_utils._application.roots import AMAZON_ROOTS


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
    return f"{AUTHORITIES}/database.pem" if _of_database(context) else context["database"]["ca_file"]


def authorities(context: Context) -> dict[str, str]:
    """The files that are mounted, by name."""
    found = {"cache.pem": context["cache"]["authorities"], "database.pem": _of_database(context)}
    return {name: text for name, text in found.items() if text}


def _of_database(context: Context) -> str:
    """Behind a proxy with Amazon's roots, and with what is given too: the address may be the instance's tomorrow."""
    database = context["database"]
    if not database["proxied"] or database["ca_file"]:
        return database["authorities"]
    given = database["authorities"].rstrip()
    return f"{given}\n{AMAZON_ROOTS}" if given else AMAZON_ROOTS


def config_maps(context: Context, components: list[Component]) -> list[Object]:
    found = []
    if any(one["config"] for one in components):
        found.append(make(context, "v1", "ConfigMap", config_name(context), data=data(context)))
    if authorities(context):
        found.append(make(context, "v1", "ConfigMap", authorities_name(context), data=authorities(context)))
    return found
