# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments that both modules share; documented in the fragment postgres_connection."""

from __future__ import annotations

SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


def connection_spec() -> dict[str, dict]:
    """Return the argument spec of source, target, jobs, timeout and client_bindir."""
    return {
        "source": {"type": "dict", "required": True, "options": _side("prefer")},
        "target": {"type": "dict", "required": True, "options": _side("verify-full")},
        "jobs": {"type": "str", "default": "auto"},
        "timeout": {"type": "int", "default": 86400},
        "client_bindir": {"type": "path"},
    }


def _side(sslmode: str) -> dict[str, dict]:
    return {
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 5432},
        "database": {"type": "str", "required": True},
        "user": {"type": "str", "required": True},
        "password": {"type": "str", "no_log": True},
        "sslmode": {"type": "str", "choices": SSL_MODES, "default": sslmode},
        "sslrootcert": {"type": "path"},
        "connect_timeout": {"type": "int", "default": 10},
    }


def logical_spec() -> dict[str, dict]:
    """Return what pg_migrate takes for O(method=logical)."""
    return {
        "static_tables": {"type": "list", "elements": "str"},
        "source_from_target": reach_spec(),
        "slot_timeout": {"type": "int", "default": 300},
    }


def reach_spec() -> dict:
    """Return the spec of how one server reaches the other; what is left out is as it is for us."""
    return {
        "type": "dict",
        "options": {
            "host": {"type": "str"},
            "port": {"type": "int"},
            "user": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "sslmode": {"type": "str", "choices": SSL_MODES},
            "sslrootcert": {"type": "path"},
        },
    }
