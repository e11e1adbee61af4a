# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw who did what when, as SVG inside the page. Pure."""

from __future__ import annotations

from html import escape
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report.values import count, duration, size

KINDS = {"copy": "Rows copied", "index": "Index built", "finish": "Constraints and statistics"}
HEIGHT = 18
# A page of some hundred kilobytes, whatever the number of tables.
MOST_DRAWN = 2000
MOST_TOLD = 25
COLUMNS: list[dict[str, Any]] = [
    {"key": "name", "title": "Table or index"},
    {"key": "what", "title": "Work"},
    {"key": "worker", "title": "Worker", "kind": "count"},
    {"key": "start", "title": "Began after", "kind": "seconds"},
    {"key": "seconds", "title": "Duration", "kind": "seconds"},
    {"key": "rows", "title": "Rows", "kind": "count"},
    {"key": "bytes", "title": "Size", "kind": "bytes"},
]


def shown(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the spans that are drawn, in the order given: all, or the longest."""
    if len(spans) <= MOST_DRAWN:
        return spans
    least = sorted((span["seconds"] for span in spans), reverse=True)[MOST_DRAWN - 1]
    return [span for span in spans if span["seconds"] >= least][:MOST_DRAWN]


def longest(spans: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return columns and rows that tell the longest spans: what is drawn, for those who do not see it."""
    first = sorted(spans, key=lambda span: (-span["seconds"], span["start"], span["name"]))[:MOST_TOLD]
    rows = [{**span, "what": KINDS.get(span["kind"], span["kind"]), "worker": span["lane"] + 1} for span in first]
    return COLUMNS, rows


def drawing(spans: list[dict[str, Any]], lane: int, whole: float) -> str:
    """Return one lane; what a bar stands for is shown when it is pointed at."""
    own = [span for span in spans if span["lane"] == lane]
    bars = "".join(_bar(span, whole) for span in own)
    label = f"{len(own)} pieces of work of worker {lane + 1}"
    return (
        f'<svg role="img" aria-label="{label}" width="100%" height="{HEIGHT}">'
        f'<rect class="track" width="100%" height="{HEIGHT}" rx="3"/>{bars}</svg>'
    )


def legend(spans: list[dict[str, Any]]) -> str:
    kinds = [kind for kind in KINDS if any(span["kind"] == kind for span in spans)]
    items = "".join(f'<span class="badge {kind}">{KINDS[kind]}</span> ' for kind in kinds)
    return f'<p class="legend">{items}</p>'


def _bar(span: dict[str, Any], whole: float) -> str:
    # Work too short to see still gets a hair line, inside the lane.
    left, width = min(100 * span["start"] / whole, 99.7), max(100 * span["seconds"] / whole, 0.3)
    told = [KINDS.get(span["kind"], span["kind"]), duration(span["seconds"])]
    if span.get("rows") is not None:
        told.append(f"{count(span['rows'])} rows")
    if span.get("bytes") is not None:
        told.append(size(span["bytes"]))
    if span.get("bytes") and span["seconds"] > 0:
        told.append(f"{size(span['bytes'] / span['seconds'])}/s")
    return (
        f'<rect class="bar {escape(span["kind"])}" x="{left:.2f}%" width="{min(width, 100 - left):.2f}%"'
        f' height="{HEIGHT}" rx="2"><title>{escape(span["name"])}: {escape(", ".join(told))}</title></rect>'
    )
