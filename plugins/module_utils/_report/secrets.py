# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a report that holds a secret: a page is made to be shown around."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# Whole names, not parts: "Master secret: arn:aws:secretsmanager:..." is a fact an auditor wants to see.
SECRET_NAMES = {
    "awssecretaccesskey",
    "awssessiontoken",
    "dsn",
    "passphrase",
    "passwd",
    "password",
    "pgpassword",
    "privatekey",
    "secretaccesskey",
    "secretkey",
    "securitytoken",
    "sessiontoken",
}
SECRET_VALUES = {
    "a URI with a password": re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE),
    "a connection string with a password": re.compile(r"\bpassword\s*=\s*\S", re.IGNORECASE),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
}


def find_secrets(value: Any, place: str = "report") -> Iterator[str]:
    """Yield one sentence per place that looks like a secret; the secret itself is never in it."""
    if isinstance(value, dict):
        for name, item in value.items():
            if re.sub(r"[^a-z]", "", str(name).lower()) in SECRET_NAMES and item:
                yield f"{place}: the name {name!r} promises a secret"
            else:
                yield from find_secrets(item, f"{place}, {name}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value, start=1):
            label = item.get("title") or item.get("name") if isinstance(item, dict) else None
            yield from find_secrets(item, f"{place}, {label or number}")
    elif isinstance(value, str):
        yield from (f"{place}: looks like {what}" for what, pattern in SECRET_VALUES.items() if pattern.search(value))
