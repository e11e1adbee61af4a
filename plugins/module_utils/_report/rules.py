# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML of rules and what became of each: what was found lies open, what passed is folded up."""

from __future__ import annotations

from html import escape
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report.values import badge

OPEN = ("fail", "warn", "info")
# Folded up, by what the fold says.
FOLDED = {"pass": "found nothing", "skip": "were not asked: they belong to another method"}


def rules(content: dict[str, Any]) -> str:
    """Return every rule, the worst first."""
    found = [rule for result in OPEN for rule in content["rules"] if rule["result"] == result]
    parts = [_spoken(rule) for rule in found]
    for result, words in FOLDED.items():
        silent = [rule for rule in content["rules"] if rule["result"] == result]
        parts += [_silent(result, f"{len(silent)} rules {words}", silent)] if silent else []
    return "".join(parts) or '<p class="note">Nothing was recorded.</p>'


def _spoken(rule: dict[str, Any]) -> str:
    items = "".join(_finding(finding) for finding in rule["findings"])
    return (
        f'<details class="rule {rule["result"]}" open><summary>{badge(rule["result"])} '
        f'<strong>{escape(rule["rule"])}</strong></summary><p class="note">{escape(rule["finds"])}</p>'
        f"<ul>{items}</ul></details>"
    )


def _finding(finding: dict[str, Any]) -> str:
    todo = f'<br><span class="todo">What to do: {escape(str(finding["todo"]))}</span>' if finding["todo"] else ""
    return f"<li><strong>{escape(str(finding['object']))}</strong>: {escape(str(finding['found']))}{todo}</li>"


def _silent(result: str, summary: str, silent: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(rule["rule"])}</th><td>{escape(rule["finds"])}</td>'
        f"<td>{escape(rule['todo'])}</td></tr>"
        for rule in silent
    )
    heads = "".join(f'<th scope="col">{title}</th>' for title in ("Rule", "What it looks for", "What it would advise"))
    return (
        f'<details class="rule {result}"><summary>{badge(result)} {summary}</summary><div class="scroll"><table>'
        f"<caption>{summary}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
