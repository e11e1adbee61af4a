# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an application's database, cache and network are, by the names that the roles rds, elasticache and vpc give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api as rds_api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy import api as proxy_api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.proxy import PORT
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.secret import Secret, read_secret
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import pages

SURROUNDINGS_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "stage": {"type": "str", "required": True},
    "database": {"type": "str", "default": ""},
    "database_secret": {"type": "str", "default": "", "no_log": False},
    "cache_secret": {"type": "str", "default": "", "no_log": False},
}
Facts = dict[str, Any]


def surroundings(clients: Mapping[str, Any], params: Mapping[str, Any], _check_mode: bool) -> Facts:
    """Read everything; what is not there yet is named in `missing`, which is no error here."""
    manager = clients["secretsmanager"]
    missing: list[str] = []
    login = _secret(manager, params["database_secret"], missing)
    user = _secret(manager, params["cache_secret"], missing)
    place = _database(clients["rds"], params["database"], missing)
    versions = [secret.current.identifier for secret in (login, user) if secret and secret.current]
    return {
        "changed": False,
        "database": {**place, **_login(login)},
        "cache": _cache(user, missing, params["cache_secret"]),
        "network": _network(clients["ec2"], params["app"], params["stage"], missing),
        # Another one as soon as a secret has another version; it tells nothing about what the secret holds.
        "checksum": hashlib.sha256(" ".join(versions).encode()).hexdigest()[:16] if versions else "",
        "missing": missing,
    }


def _secret(manager: Any, name: str, missing: list[str]) -> Secret | None:
    secret = read_secret(manager, name) if name else None
    if name and (secret is None or secret.deleted or secret.current is None):
        missing.append(f"the secret {name} in Secrets Manager")
        return None
    return secret


def _database(rds: Any, identifier: str, missing: list[str]) -> Facts:
    """The proxy's address where there is one, else the instance's."""
    place = {"host": "", "port": 0, "proxied": False, "instance_host": "", "instance_port": 0}
    if not identifier:
        return place
    endpoint = (rds_api.get_instance(rds, identifier) or {}).get("Endpoint") or {}
    if not endpoint:
        missing.append(f"the RDS instance {identifier} (or its endpoint)")
        return place
    place |= {"instance_host": endpoint["Address"], "instance_port": endpoint["Port"]}
    proxy = proxy_api.get_proxy(rds, identifier) or {}
    if proxy.get("Endpoint") and proxy["Status"] != "deleting":
        return {**place, "host": proxy["Endpoint"], "port": PORT, "proxied": True}
    return {**place, "host": endpoint["Address"], "port": endpoint["Port"]}


def _login(secret: Secret | None) -> Facts:
    content = secret.current.content if secret and secret.current else {}
    return {
        "name": content.get("dbname", ""), "username": content.get("username", ""),
        "secret_arn": secret.arn if secret else "", "found": secret is not None,
    }  # fmt: skip


def _cache(secret: Secret | None, missing: list[str], name: str) -> Facts:
    content = secret.current.content if secret and secret.current else {}
    if secret is not None and not content.get("host"):
        missing.append(f"an endpoint in the secret {name} (the cache is not ready)")
    return {
        "host": content.get("host", ""), "port": int(content.get("port") or 0),
        "username": content.get("username", ""), "cluster_mode": content.get("cluster_mode", "disabled"),
        "secret_arn": secret.arn if secret else "", "found": bool(content.get("host")),
    }  # fmt: skip


def _network(ec2: Any, app: str, stage: str, missing: list[str]) -> Facts:
    ours = {"app": app, "stage": stage, "component": "vpc", "managed-by": "bahnvision.aws"}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in ours.items()]
    found = pages(ec2, "describe_subnets", "Subnets", "read the subnets", Filters=filters)
    tiers: dict[str, list[str]] = {"public": [], "private": [], "data": []}
    for subnet in found:
        tags = {tag["Key"]: tag["Value"] for tag in subnet.get("Tags") or ()}
        tiers.setdefault(tags.get("tier", ""), []).append(subnet["CidrBlock"])
    if not found:
        missing.append(f"the network of {app} in {stage}")
    return {tier: sorted(cidrs) for tier, cidrs in tiers.items() if tier}
