# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ElastiCache takes as the value of a cache parameter, and how it is set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.groups import PARAMETERS
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import parameter_groups

RANGE = re.compile(r"(-?[0-9]+)-(-?[0-9]*)")  # 1-100, -1-10, 0- (no end)
# ElastiCache sets this when a group of nodes takes the parameter group, and never again.
FIRST_ONLY = "cluster-enabled"
# Any letters of a set in any order: ElastiCache judges them.
IN_WORDS = ("notify-keyspace-events",)


def ensure_parameter_group(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    return parameter_groups.ensure_parameter_group(clients["elasticache"], DIALECT, params, check_mode)


def as_text(value: Any, known: Mapping[str, Any]) -> str:
    """Return a value as ElastiCache stores it: what YAML reads as true is "yes" or "1", as the parameter has it."""
    if isinstance(value, bool):
        words = {part.strip() for part in str(known.get("AllowedValues", "")).split(",")}
        says_yes = "yes" in words or known.get("ParameterName") == FIRST_ONLY
        return ("yes" if value else "no") if says_yes else str(int(value))
    return str(value).strip()


def allowed(text: str, known: Mapping[str, Any]) -> bool:
    """Return whether ElastiCache allows the value. Free text, which it describes in words, is left to it."""
    values = str(known.get("AllowedValues") or "")
    choices = [choice.strip() for choice in values.split(",") if choice.strip()]
    if not choices or any(" " in choice for choice in choices) or known.get("ParameterName") in IN_WORDS:
        return True
    return any(_fits(choice, text) for choice in choices)


def _fits(choice: str, text: str) -> bool:
    span = RANGE.fullmatch(choice)
    if span is None or not re.fullmatch(r"-?[0-9]+", text):
        return choice == text
    return int(span[1]) <= int(text) and (not span[2] or int(text) <= int(span[2]))


def _default(known: Mapping[str, Any]) -> dict[str, str]:
    return {"ParameterValue": known.get("ParameterValue", "")}


DIALECT = parameter_groups.Dialect(
    PARAMETERS, "ElastiCache", "ParameterNameValues", as_text, allowed, more=lambda _known: {}, default=_default,
    waits=lambda known: known.get("ChangeType") == "requires-reboot",
    waiting="takes effect at the next reboot of the nodes, which this module does not do", kept=(FIRST_ONLY,),
)  # fmt: skip
