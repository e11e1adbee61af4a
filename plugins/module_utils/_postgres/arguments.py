# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments that the modules share; documented in the fragments postgres_connection and postgres_move."""

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


def move_spec() -> dict[str, dict]:
    """Return what decides what a move does and needs, which the preflight foretells."""
    return {
        "engine": {"type": "str", "choices": ["copy", "dump"], "default": "copy"},
        "format": {"type": "str", "choices": ["auto", "text"], "default": "auto"},
        "freeze": {"type": "bool", "default": True},
        "split_over": {"type": "str", "default": "10GB"},
        "workdir": {"type": "path"},
        "on_nonempty": {"type": "str", "choices": ["fail", "resume"], "default": "resume"},
        "static_tables": {"type": "list", "elements": "str"},
    }


def tuning_spec() -> dict[str, dict]:
    """Return what costs the servers less or more while a move runs."""
    return {
        "maintenance_work_mem": {"type": "str"},
        "stall_timeout": {"type": "int", "default": 600},
        "lock_timeout": {"type": "int", "default": 60},
        "analyze": {"type": "str", "choices": ["analyze", "statistics", "none"], "default": "analyze"},
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
