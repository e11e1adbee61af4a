# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing secret may stand where everybody who reads the namespace sees it. No message of this file tells it either."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import Context, Object

NAMES = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE
)
# What only tells of a secret: where it is, how long it holds, whether there is one.
ABOUT = re.compile(
    r"(_FILE|_PATH|_ARN|_NAME|_URI|_TTL|_SECONDS|_MINUTES|_HOURS|_DAYS|_ENABLED|_ALGORITHM)$", re.IGNORECASE
)
CAMEL = re.compile(r"[a-z]+[A-Z]")  # a field of Kubernetes' own, such as secretName
VALUES = (
    (re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s:@]*:[^/?#\s@]+@", re.IGNORECASE), "a URL with a password"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}"), "a token of GitHub"),
)
PIECES = re.compile(r"[\s=,;:@/?&'\"]+")
PLAIN = re.compile(r"true|false|[0-9.]*", re.IGNORECASE)


def problems(context: Context, objects: list[Object]) -> Iterator[str]:
    hashes = {str(one).lower() for one in context["secrets"]["hashes"]}
    for one in objects:
        what = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "ExternalSecret":
            continue  # its templates name the places of secrets, and are what this is all for
        for key, value in strings(one):
            reason = _reason(key, value, hashes)
            if reason:
                yield f"{what}: {key} holds {reason}; name it in the component's secrets instead"


def strings(one: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All texts of an object with the name that they go by."""
    if isinstance(one, Mapping):
        named = str(one["name"]) if isinstance(one.get("value"), str) and "name" in one else ""
        for inner, value in one.items():
            yield from strings(value, named if inner == "value" and named else str(inner))
    elif isinstance(one, list):
        for value in one:
            yield from strings(value, key)
    elif isinstance(one, str):
        yield key, one


def _reason(key: str, value: str, hashes: set[str]) -> str:
    if hashes and any(_hash(piece) in hashes for piece in {value, *PIECES.split(value)}):
        return "the value of a secret"
    for form, what in VALUES:
        if form.search(value):
            return what
    if NAMES.search(key) and not CAMEL.match(key) and not ABOUT.search(key) and not PLAIN.fullmatch(value):
        return "what looks like a secret by its name"
    return ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
