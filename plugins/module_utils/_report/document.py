# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a report as one JSON document. Pure: pages are made from this and from nothing else."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report.lanes import KINDS
from ansible_collections.bahnvision.aws.plugins.module_utils._report.secrets import find_secrets
from ansible_collections.bahnvision.aws.plugins.module_utils._report.values import NUMERIC_KINDS, RESULTS, is_number

FORMAT = 1
INDEX = "index"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
# What a section of each kind holds.
CONTENT = {
    "facts": ("facts",),
    "table": ("columns", "rows"),
    "checks": ("checks",),
    "rules": ("rules",),
    "timeline": ("steps",),
    "lanes": ("spans",),
    "text": ("text",),
}


class ReportError(Exception):
    """A report that cannot be written as asked: one sentence."""


def build(params: dict[str, Any], written_at: str) -> dict[str, Any]:
    """Return the document of a report, or raise ReportError before anything is written."""
    document = {
        "format": FORMAT,
        "name": params["name"],
        "title": params["title"],
        "subtitle": params.get("subtitle") or "",
        "verdict": dict(params["verdict"]),
        "facts": dict(params.get("facts") or {}),
        "sections": [_section(section) for section in params.get("sections") or []],
        "written_at": written_at,
    }
    problems = [*_problems(document), *find_secrets(document)]
    if problems:
        raise ReportError(f"report {params['name']!r} is refused: " + "; ".join(problems))
    return document


def _section(section: dict[str, Any]) -> dict[str, Any]:
    kept = ("title", "kind", "note", *CONTENT[section["kind"]])
    return {key: _without_unset(section[key]) for key in kept if section.get(key) is not None}


def _without_unset(content: Any) -> Any:
    """Drop the options of checks, steps and columns that were not given (Ansible fills them with null)."""
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return [{key: value for key, value in item.items() if value is not None} for item in content]
    return content


def _problems(document: dict[str, Any]) -> list[str]:
    problems = []
    if not _NAME.fullmatch(document["name"]) or document["name"] == INDEX:
        problems.append("its name must be lower-case letters, digits, - and _, and not 'index'")
    for section in document["sections"]:
        problems += [f"section {section['title']!r}: {problem}" for problem in _section_problems(section)]
    return problems


def _is_span(span: dict[str, Any]) -> bool:
    """Tell whether all is there that a lane is drawn from, and of the right type."""
    numbers = [span.get("start"), span.get("seconds"), *(span[key] for key in ("rows", "bytes") if span.get(key))]
    return (
        isinstance(span.get("name"), str)
        and span.get("kind") in KINDS
        and isinstance(span.get("lane"), int)
        and all(is_number(number) and number >= 0 for number in numbers)
    )


def _is_rule(rule: dict[str, Any]) -> bool:
    """Tell whether all is there that a rule is shown by."""
    findings = rule.get("findings")
    return (
        all(isinstance(rule.get(key), str) for key in ("rule", "finds", "todo"))
        and rule.get("result") in RESULTS
        and isinstance(findings, list)
        and all(isinstance(one, dict) and {"object", "found", "todo"} <= set(one) for one in findings)
    )


def _section_problems(section: dict[str, Any]) -> list[str]:
    problems = [f"kind {section['kind']} needs {key!r}" for key in CONTENT[section["kind"]] if key not in section]
    if not problems and section["kind"] == "lanes":
        return [f"span {span} is not one" for span in section["spans"] if not _is_span(span)]
    if not problems and section["kind"] == "rules":
        return [f"rule {rule} is not one" for rule in section["rules"] if not _is_rule(rule)]
    if problems or section["kind"] != "table":
        return problems
    problems += [
        f"column {column['key']!r} has a total and must be of kind {', '.join(NUMERIC_KINDS)}"
        for column in section["columns"]
        if column.get("total") and column.get("kind") not in NUMERIC_KINDS
    ]
    for column in (column for column in section["columns"] if column.get("kind") == "result"):
        strange = sorted({str(row.get(column["key"])) for row in section["rows"]} - {*RESULTS, "None"})
        problems += [f"{value!r} is not one of {', '.join(RESULTS)}" for value in strange]
    return problems
