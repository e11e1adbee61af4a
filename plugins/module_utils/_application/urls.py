# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two URLs that the application reads: where the database and the cache are, and how to log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.bahnvision.aws.plugins.module_utils._application.refused import Refused

TLS = ("verify-full", "verify-ca", "require")


def database_url(login: Mapping[str, Any], driver: str, tls: str, statement_cache: bool, percent: bool) -> str:
    place = _place("the database", login, ("username", "password", "host", "dbname"))
    query = database_query(tls, statement_cache)
    url = f"{driver}://{place}:{login.get('port') or 5432}/{quote(str(login['dbname']), safe='')}?{query}"
    if "%" in url and not percent:
        raise Refused([
            "the login to the database holds characters that a URL encodes with %, which Alembic's configuration takes "
            "for its own: its job fails and prints the URL with the password. Rotate to letters and digits, as "
            "rds_app_rotate makes them, or set percent_encoding for an application without Alembic"
        ])  # fmt: skip
    return url


def database_query(tls: str, statement_cache: bool = False) -> str:
    """What SQLAlchemy hands to asyncpg.

    Of the two caches of prepared statements only SQLAlchemy's can be switched off by a URL. asyncpg's own
    (statement_cache_size) takes a number and no text, and SQLAlchemy does not use it: it prepares by itself.
    """
    if tls not in TLS:
        raise Refused([f"tls must be one of {', '.join(TLS)}, not {tls!r}"])
    return f"ssl={tls}" + ("" if statement_cache else "&prepared_statement_cache_size=0")


def cache_url(login: Mapping[str, Any], scheme: str, ca_file: str, database: int) -> str:
    place = _place("the cache", login, ("username", "password", "host"))
    return f"{scheme}://{place}:{login.get('port') or 6379}/{database}{cache_query(ca_file)}"


def cache_query(ca_file: str) -> str:
    """Valkey's client compares the certificate's name with the host only when it is told to."""
    file = f"&ssl_ca_certs={quote(ca_file, safe='/')}" if ca_file else ""
    return f"?ssl_cert_reqs=required&ssl_check_hostname=true{file}"


def _place(what: str, login: Mapping[str, Any], wanted: tuple[str, ...]) -> str:
    missing = [key for key in wanted if not login.get(key)]
    if missing:
        raise Refused([f"the login to {what} lacks {', '.join(missing)}"])
    user, password = (quote(str(login[key]), safe="") for key in ("username", "password"))
    return f"{user}:{password}@{login['host']}"
