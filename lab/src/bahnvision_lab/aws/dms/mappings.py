"""Which tables the rules of a mapping take, and which columns they leave out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mapping:
    """The rules of one replication."""

    rules: tuple[dict, ...]

    @classmethod
    def of(cls, text: str) -> Mapping:
        return cls(tuple(json.loads(text)["rules"]))

    def takes(self, schema: str, table: str) -> bool:
        """A table is taken when a rule includes it and none excludes it."""
        actions = {
            rule["rule-action"]
            for rule in self.rules
            if rule["rule-type"] == "selection" and _matches(rule["object-locator"], schema, table)
        }
        return bool(actions & {"include", "explicit"}) and "exclude" not in actions

    def order(self, schema: str, table: str) -> int:
        """Tables with higher numbers are loaded first."""
        orders = [
            int(rule.get("load-order", 0))
            for rule in self.rules
            if rule["rule-type"] == "selection" and _matches(rule["object-locator"], schema, table)
        ]
        return max(orders, default=0)

    def removes(self, schema: str, table: str, column: str) -> bool:
        return any(
            rule["rule-type"] == "transformation"
            and (rule.get("rule-target"), rule["rule-action"]) == ("column", "remove-column")
            and _matches(rule["object-locator"], schema, table)
            and _like(rule["object-locator"]["column-name"], column)
            for rule in self.rules
        )


def _matches(locator: dict, schema: str, table: str) -> bool:
    return _like(locator["schema-name"], schema) and _like(locator["table-name"], table)


def _like(pattern: str, name: str) -> bool:
    """DMS knows %, _ and sets in brackets."""
    parts = re.findall(r"\[[^\]]+\]|.", pattern, re.DOTALL)
    expression = "".join(
        f"[{re.escape(part[1:-1])}]" if len(part) > 1 else {"%": ".*", "_": "."}.get(part, re.escape(part))
        for part in parts
    )
    return re.fullmatch(expression, name, re.DOTALL) is not None
