# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret by the External Secrets Operator, which reads AWS Secrets Manager.

https://external-secrets.io/latest/provider/aws-secrets-manager/ and /latest/guides/templating/
"""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    AUTHORITIES,
    Context,
    Object,
    make,
    secret_name,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.urls import cache_query, database_query

VERSION = "external-secrets.io/v1"
# Go's urlquery writes a blank as +, which in the login of a URL is a plus.
ENCODED = '{{{{ .{name} | urlquery | replace "+" "%20" }}}}'


def objects(context: Context) -> list[Object]:
    wanted = context["secrets"]
    if wanted["source"] != "external":
        return []
    return [_store(context), _secret(context)]


def _store(context: Context) -> Object:
    wanted = context["secrets"]
    provider: Object = {"service": "SecretsManager", "region": wanted["region"]}
    if wanted["service_account"]:
        provider["auth"] = {"jwt": {"serviceAccountRef": {"name": wanted["service_account"]}}}
    return make(context, VERSION, "SecretStore", context["app"], spec={"provider": {"aws": provider}})


def _secret(context: Context) -> Object:
    wanted = context["secrets"]
    spec: Object = {
        "refreshInterval": f"{wanted['refresh_minutes']}m",
        "secretStoreRef": {"kind": "SecretStore", "name": context["app"]},
        "target": {
            "name": secret_name(context), "creationPolicy": "Owner", "deletionPolicy": "Retain",
            "template": {"engineVersion": "v2", "data": _template(context)},
        },
        "data": [
            {"secretKey": f"{part}_{key}", "remoteRef": {"key": wanted[f"{part}_secret"], "property": key}}
            for part in ("database", "cache") if wanted[f"{part}_secret"]
            for key in ("username", "password")
        ],
    }  # fmt: skip
    return make(context, VERSION, "ExternalSecret", secret_name(context), spec=spec)


def _template(context: Context) -> dict[str, str]:
    secrets, database, cache = context["secrets"], context["database"], context["cache"]
    found = {}
    if secrets["database_secret"]:
        place = f"{database['host']}:{database['port']}/{database['name']}"
        found["DATABASE_URL"] = f"postgresql+asyncpg://{_login('database')}@{place}?{database_query(database['tls'])}"
    if secrets["cache_secret"]:
        query = cache_query(f"{AUTHORITIES}/cache.pem" if cache["authorities"] else "")
        found["VALKEY_URL"] = f"rediss://{_login('cache')}@{cache['host']}:{cache['port']}/0{query}"
    return found


def _login(part: str) -> str:
    return f"{ENCODED.format(name=f'{part}_username')}:{ENCODED.format(name=f'{part}_password')}"
