# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RDS takes as the value of a DB parameter, and how it is set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.groups import PARAMETERS
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import parameter_groups

RANGE = re.compile(r"(-?[0-9.]+)-(-?[0-9.]+)")
TRUE, FALSE = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


def ensure_parameter_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    result = parameter_groups.ensure_parameter_group(clients["rds"], DIALECT, params, check_mode)
    waiting = [note.partition(": ")[0] for note in result["notes"] if note.endswith(DIALECT.waiting)]
    return {**result, "waiting": waiting}


def as_text(value: Any, known: Mapping[str, Any]) -> str:
    """Return a value as RDS stores it: booleans as 1 and 0, all else as text."""
    text = str(value).strip()
    if known.get("DataType") == "boolean" or isinstance(value, bool):
        return "1" if text.lower() in TRUE else "0" if text.lower() in FALSE else text
    return text


def allowed(text: str, known: Mapping[str, Any]) -> bool:
    """Return whether RDS allows the value. Formulas ({DBInstanceClassMemory/4}) are left to RDS."""
    values = known.get("AllowedValues") or ""
    if not values or text.startswith("{") or "(" in text:
        return True
    span = RANGE.fullmatch(values.replace(" ", ""))
    if span and known.get("DataType") in ("integer", "float", "real"):
        try:
            return float(span[1]) <= float(text) <= float(span[2])
        except ValueError:
            return False
    if known.get("DataType") == "boolean":
        return text in ("0", "1")
    if span:
        return True
    choices = {choice.strip() for choice in values.split(",")}
    return text in choices or all(part.strip() in choices for part in text.split(",") if part.strip())


def _method(known: Mapping[str, Any]) -> dict[str, str]:
    return {"ApplyMethod": "pending-reboot" if _is_static(known) else "immediate"}


def _is_static(known: Mapping[str, Any]) -> bool:
    return known.get("ApplyType") == "static"


DIALECT = parameter_groups.Dialect(
    PARAMETERS, "RDS", "Parameters", as_text, allowed, more=_method, default=_method, waits=_is_static,
    waiting="a static parameter, takes effect at the next reboot of the instances",
)  # fmt: skip
