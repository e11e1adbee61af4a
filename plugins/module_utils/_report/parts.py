# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML of each kind of section."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report.lanes import drawing, legend, longest, shown
from ansible_collections.bahnvision.aws.plugins.module_utils._report.rules import rules
from ansible_collections.bahnvision.aws.plugins.module_utils._report.values import (
    NUMERIC_KINDS,
    badge,
    cell,
    duration,
    is_number,
)


def section(content: dict[str, Any], number: int) -> str:
    """Return one section with its heading, note and content."""
    note = f'<p class="note">{escape(content["note"])}</p>' if content.get("note") else ""
    heading = f"<h2>{escape(content['title'])}</h2>"
    return f'<section id="section-{number}">{heading}{note}{PARTS[content["kind"]](content)}</section>\n'


def facts(content: dict[str, Any]) -> str:
    """Return key/value pairs as a description list."""
    pairs = "".join(f"<div><dt>{escape(str(k))}</dt><dd>{cell(v)}</dd></div>" for k, v in content["facts"].items())
    return f'<dl class="facts">{pairs}</dl>' if pairs else _empty()


def table(content: dict[str, Any]) -> str:
    """Return rows under typed columns; the first column names the row."""
    columns, rows = content["columns"], content["rows"]
    if not rows:
        return _empty()
    heads = "".join(_head(column) for column in columns)
    body = "".join(f"<tr>{_row(columns, row)}</tr>" for row in rows)
    return _table(content["title"], heads, body, _totals(columns, rows))


def checks(content: dict[str, Any]) -> str:
    """Return named checks with their results, and what was seen."""
    if not content["checks"]:
        return _empty()
    heads = '<th scope="col">Result</th><th scope="col">Check</th><th scope="col">What was seen</th>'
    body = "".join(
        f'<tr class="{check["result"]}"><td>{badge(check["result"])}</td><th scope="row">{escape(check["name"])}</th>'
        f"<td>{cell(check.get('detail'))}</td></tr>"
        for check in content["checks"]
    )
    return _table(content["title"], heads, body)


def timeline(content: dict[str, Any]) -> str:
    """Return steps as bars on one scale; a step without a start begins where the one before it ended."""
    steps = _placed(content["steps"])
    if not steps:
        return _empty()
    whole = max(start + seconds for _step, start, seconds in steps) or 1
    body = "".join(_step_row(step, start, seconds, whole) for step, start, seconds in steps)
    heads = (
        '<th scope="col">Step</th><th scope="col" class="number">Duration</th>'
        f'<th scope="col" class="chart">0 to {escape(duration(whole))}</th>'
    )
    return _table(content["title"], heads, body)


def lanes(content: dict[str, Any]) -> str:
    """Return who did what when: one lane for each worker, and the longest pieces of work as a table."""
    spans = content["spans"]
    if not spans:
        return _empty()
    whole = max(span["start"] + span["seconds"] for span in spans) or 1
    drawn = shown(spans)
    body = "".join(
        f'<tr><th scope="row">Worker {lane + 1}</th><td class="lane">{drawing(drawn, lane, whole)}</td></tr>'
        for lane in sorted({span["lane"] for span in spans})
    )
    heads = f'<th scope="col">Worker</th><th scope="col" class="lane">0 to {escape(duration(whole))}</th>'
    columns, rows = longest(spans)
    heading = f"Longest of {len(spans)}" if len(rows) < len(spans) else "All of them"
    left_out = f'<p class="note">{len(spans) - len(drawn)} shorter ones are not drawn.</p>' if drawn != spans else ""
    details = table({"title": heading, "columns": columns, "rows": rows})
    return f"{legend(spans)}{_table(content['title'], heads, body)}{left_out}<h3>{heading}</h3>{details}"


def text(content: dict[str, Any]) -> str:
    """Return paragraphs, split at empty lines."""
    paragraphs = (part.strip() for part in content["text"].split("\n\n"))
    return "".join(f"<p>{escape(part)}</p>" for part in paragraphs if part)


PARTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "facts": facts,
    "table": table,
    "checks": checks,
    "rules": rules,
    "timeline": timeline,
    "lanes": lanes,
    "text": text,
}


def _empty() -> str:
    return '<p class="note">Nothing was recorded.</p>'


def _table(caption: str, heads: str, body: str, foot: str = "") -> str:
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>{foot}</table></div>"
    )


def _align(column: dict[str, Any]) -> str:
    return ' class="number"' if column.get("kind") in NUMERIC_KINDS else ""


def _head(column: dict[str, Any]) -> str:
    return f'<th scope="col"{_align(column)}>{escape(column.get("title") or column["key"])}</th>'


def _row(columns: list[dict[str, Any]], row: dict[str, Any]) -> str:
    cells = [cell(row.get(column["key"]), column.get("kind") or "text") for column in columns]
    rest = "".join(f"<td{_align(column)}>{html}</td>" for column, html in zip(columns[1:], cells[1:]))  # noqa: B905
    return f'<th scope="row"{_align(columns[0])}>{cells[0]}</th>{rest}'


def _totals(columns: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    if not any(column.get("total") for column in columns):
        return ""
    sums: dict[str, float] = {}
    for column in columns:
        if column.get("total"):
            values: list[Any] = [row.get(column["key"]) for row in rows]
            sums[column["key"]] = sum(value for value in values if is_number(value))
    cells = "".join(
        f"<td{_align(column)}>{cell(sums[column['key']], column['kind']) if column['key'] in sums else ''}</td>"
        for column in columns[1:]
    )
    return f'<tfoot><tr><th scope="row">Total</th>{cells}</tr></tfoot>'


def _placed(steps: list[dict[str, Any]]) -> list[tuple[dict[str, Any], float, float]]:
    placed = []
    end = 0.0
    for step in steps:
        start = float(step["start"]) if is_number(step.get("start")) else end
        end = start + float(step["seconds"])
        placed.append((step, start, float(step["seconds"])))
    return placed


def _step_row(step: dict[str, Any], start: float, seconds: float, whole: float) -> str:
    # A step too short to see still gets a hair line, inside the chart.
    left, width = min(100 * start / whole, 99.6), max(100 * seconds / whole, 0.4)
    tone = step.get("result") or "info"
    drawing = (
        '<svg aria-hidden="true" width="100%" height="14"><rect class="track" width="100%" height="14" rx="3"/>'
        f'<rect class="bar {tone}" x="{left:.2f}%" width="{width:.2f}%" height="14" rx="3"/></svg>'
    )
    outcome = f" {badge(step['result'])}" if step.get("result") in ("fail", "warn", "skip") else ""
    note = f'<span class="note">{escape(step["note"])}</span>' if step.get("note") else ""
    return (
        f'<tr><th scope="row">{escape(step["name"])}{outcome}{note}</th>'
        f'<td class="number">{cell(seconds, "seconds")}</td><td class="chart">{drawing}</td></tr>'
    )
