# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known of the wanted proxy without asking AWS: its settings, and why they cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC, WAIT_SPEC

AUTH_SPEC: dict[str, dict[str, Any]] = {
    "secret_arn": {"type": "str", "required": True, "no_log": False},
    "iam_auth": {"type": "str", "choices": ["DISABLED", "REQUIRED"], "default": "DISABLED"},
    "description": {"type": "str", "default": ""},
}
PROXY_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    **WAIT_SPEC,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "role_arn": {"type": "str"},
    "auth": {"type": "list", "elements": "dict", "options": AUTH_SPEC},
    "vpc_subnet_ids": {"type": "list", "elements": "str"},
    "vpc_security_group_ids": {"type": "list", "elements": "str"},
    "require_tls": {"type": "bool", "default": True},
    "idle_client_timeout": {"type": "int", "default": 1800},
    "debug_logging": {"type": "bool", "default": False},
    "max_connections_percent": {"type": "int", "default": 100},
    "max_idle_connections_percent": {"type": "int"},
    "connection_borrow_timeout": {"type": "int", "default": 120},
    "session_pinning_filters": {"type": "list", "elements": "str"},
    "init_query": {"type": "str", "default": ""},
    "db_instance_identifier": {"type": "str"},
    **TAGS_SPEC,
    "wait_timeout": {"type": "int", "default": 1800},
}
NEEDED = ("role_arn", "auth", "vpc_subnet_ids", "vpc_security_group_ids", "db_instance_identifier")
SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


def input_problems(want: Mapping[str, Any], complete: bool) -> list[str]:
    """Return what RDS would refuse. Before anything is made (not `complete`) ARNs and ids may be empty strings."""
    return [
        *_name_problems(want["name"]),
        *_range_problems(want),
        *_auth_problems(want, complete),
        *_reference_problems(want, complete),
    ]


def _name_problems(name: str) -> list[str]:
    if len(name) > 63 or not re.fullmatch(r"[a-z](-?[a-z0-9])*", name):
        return [
            f"name {name!r} is no name for a proxy: 1 to 63 lower-case letters, digits and single hyphens, "
            "a letter first and no hyphen last"
        ]
    return []


def _range_problems(want: Mapping[str, Any]) -> list[str]:
    most = want["max_connections_percent"]
    ranges = {
        "idle_client_timeout": (1, 28800),
        "max_connections_percent": (1, 100),
        "max_idle_connections_percent": (0, most),
        "connection_borrow_timeout": (0, 300),
    }
    problems = [
        f"{option} is {want[option]}, it must lie between {low} and {high}"
        for option, (low, high) in ranges.items()
        if want[option] is not None and not low <= want[option] <= high
    ]
    if want.get("session_pinning_filters"):
        problems.append("session_pinning_filters exist only for MySQL; with PostgreSQL leave them out")
    return problems


def _auth_problems(want: Mapping[str, Any], complete: bool) -> list[str]:
    arns = [entry["secret_arn"] for entry in want["auth"]]
    problems = [
        f"auth: {arn!r} is not the whole ARN of a secret (it ends with a hyphen and six characters)"
        for arn in arns
        if (arn or complete) and not SECRET.fullmatch(arn)
    ]
    if not 1 <= len(arns) <= 200:
        problems.append(f"auth needs 1 to 200 secrets, it has {len(arns)}")
    known = [arn for arn in arns if arn]
    if len(set(known)) < len(known):
        problems.append("auth names the same secret twice")
    if any(entry["iam_auth"] == "REQUIRED" for entry in want["auth"]) and not want["require_tls"]:
        problems.append("iam_auth REQUIRED needs require_tls: a token is a password for a quarter of an hour")
    return problems


def _reference_problems(want: Mapping[str, Any], complete: bool) -> list[str]:
    problems = []
    role, subnets, groups = want["role_arn"], want["vpc_subnet_ids"], want["vpc_security_group_ids"]
    if (role or complete) and not ROLE.fullmatch(role):
        problems.append(f"role_arn {role!r} is not the ARN of a role")
    known = bool(subnets) and all(subnets)  # in check mode the network may be yet to come
    if len(set(subnets)) < 2 and (complete or known):
        problems.append(f"vpc_subnet_ids needs subnets in two zones or more, it has {', '.join(subnets) or 'none'}")
    if not groups or (complete and not all(groups)):
        problems.append("vpc_security_group_ids needs one group or more")
    if not want["db_instance_identifier"]:
        problems.append("db_instance_identifier is empty")
    return problems


def wanted_pool(want: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pool's settings; the share of idle connections is half of all, as AWS has it, unless it is given."""
    most, idle = want["max_connections_percent"], want["max_idle_connections_percent"]
    return {
        "max_connections_percent": most,
        "max_idle_connections_percent": most // 2 if idle is None else idle,
        "connection_borrow_timeout": want["connection_borrow_timeout"],
        "init_query": want["init_query"],
    }


def wanted_settings(want: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ModifyDBProxy can change."""
    return {
        "role_arn": want["role_arn"],
        "auth": sorted((auth_entry(entry) for entry in want["auth"]), key=lambda entry: entry["secret_arn"]),
        "vpc_security_group_ids": sorted(set(want["vpc_security_group_ids"])),
        "require_tls": want["require_tls"],
        "idle_client_timeout": want["idle_client_timeout"],
        "debug_logging": want["debug_logging"],
    }


def auth_entry(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return one entry as we compare and show it. How a password is proven has no meaning with IAM."""
    password = entry["iam_auth"] == "DISABLED"
    return {
        "secret_arn": entry["secret_arn"],
        "iam_auth": entry["iam_auth"],
        "description": entry.get("description") or "",
        "client_password_auth_type": "POSTGRES_SCRAM_SHA_256" if password else "",
    }
