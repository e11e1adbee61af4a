# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: app_cache_url
version_added: 0.1.0
short_description: Make the VALKEY_URL of an application from the login to its cache
description:
  - Returns the URL that the clients of Valkey and Redis take, with TLS, and the name and password percent-encoded.
  - The result is a secret. Use it in tasks with C(no_log) only.
positional: _input
author:
  - The bahnvision.aws team (@bahnvision)
options:
  _input:
    description:
      - The keys V(username), V(password), V(host) and V(port), as the secret of the role
        P(bahnvision.aws.elasticache#role) has them.
    type: dict
    required: true
  scheme:
    description: How the URL begins.
    type: str
    choices: [rediss, valkeys]
    default: rediss
  ca_file:
    description:
      - The file of authorities. Without it those that the image trusts, which for ElastiCache is enough.
      - With C(context.cache.authorities) of P(bahnvision.aws.app_manifests#filter) it is C(/etc/authorities/cache.pem).
    type: str
    default: ""
  database:
    description: The number of the database.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Make the application's secret
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: Secret
      metadata: {name: bahnvision-secrets, namespace: bahnvision}
      stringData:
        VALKEY_URL: "{{ login | bahnvision.aws.app_cache_url }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The URL.
  type: str
"""

from collections.abc import Callable, Mapping  # noqa: E402
from typing import Any  # noqa: E402

from ansible.errors import AnsibleFilterError  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.refused import Refused  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.urls import cache_url  # noqa: E402


def app_cache_url(login: Mapping[str, Any], scheme: str = "rediss", ca_file: str = "", database: int = 0) -> str:
    if scheme not in ("rediss", "valkeys"):
        raise AnsibleFilterError(f"app_cache_url knows the schemes rediss and valkeys, both with TLS, not {scheme!r}")
    try:
        return cache_url(login, scheme, ca_file, database)
    except Refused as problem:
        raise AnsibleFilterError(str(problem)) from None


class FilterModule:
    """Hands the filter to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"app_cache_url": app_cache_url}
