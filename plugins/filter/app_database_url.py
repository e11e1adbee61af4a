# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: app_database_url
version_added: 0.1.0
short_description: Make the DATABASE_URL of an application from the login to its database
description:
  - Returns the URL that SQLAlchemy takes, with the name and password percent-encoded.
  - The result is a secret. Use it in tasks with C(no_log) only.
  - The file of authorities is not part of it, because asyncpg takes it from the environment variable C(PGSSLROOTCERT)
    only.
positional: _input
author:
  - The bahnvision.aws team (@bahnvision)
options:
  _input:
    description:
      - The keys V(username), V(password), V(host), V(port) and V(dbname), as the secret of the role
        P(bahnvision.aws.rds#role) has them. Put the address of the proxy into V(host).
    type: dict
    required: true
  driver:
    description: SQLAlchemy's name of the driver.
    type: str
    default: postgresql+asyncpg
  tls:
    description: How TLS is verified.
    type: str
    choices: [verify-full, verify-ca, require]
    default: verify-full
  statement_cache:
    description:
      - Whether SQLAlchemy keeps prepared statements. Behind RDS Proxy each of them would pin its session, and PgBouncer
        may hand the next transaction to a server that does not know it.
    type: bool
    default: false
  percent_encoding:
    description:
      - Whether a login may be taken that a URL encodes with C(%). Alembic hands the URL to a parser that takes C(%) for
        its own, and whose error prints the password.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make the application's secret
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: Secret
      metadata: {name: bahnvision-secrets, namespace: bahnvision}
      stringData:
        DATABASE_URL: "{{ login | combine({'host': proxy}) | bahnvision.aws.app_database_url }}"
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
from ansible_collections.bahnvision.aws.plugins.module_utils._application.urls import database_url  # noqa: E402


def app_database_url(
    login: Mapping[str, Any],
    driver: str = "postgresql+asyncpg",
    tls: str = "verify-full",
    statement_cache: bool = False,
    percent_encoding: bool = False,
) -> str:
    try:
        return database_url(login, driver, tls, statement_cache, percent_encoding)
    except Refused as problem:
        raise AnsibleFilterError(str(problem)) from None


class FilterModule:
    """Hands the filter to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"app_database_url": app_database_url}
