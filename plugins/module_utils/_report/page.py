# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole page: one file, no script, nothing loaded (the page's own policy forbids it)."""

from __future__ import annotations

from html import escape
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._report import parts
from ansible_collections.bahnvision.aws.plugins.module_utils._report.document import INDEX
from ansible_collections.bahnvision.aws.plugins.module_utils._report.style import CSS
from ansible_collections.bahnvision.aws.plugins.module_utils._report.values import RESULTS, badge

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SIGNATURE = "bahnvision.aws"


def render(document: dict[str, Any], stem: str = "") -> str:
    """Return the page of one report. `stem` is the name of its files without their suffix."""
    stem = stem or document["name"]
    sections = document["sections"]
    links = "".join(f'<li><a href="#section-{n}">{escape(s["title"])}</a></li>' for n, s in enumerate(sections, 1))
    summary = parts.facts({"facts": document["facts"]}) if document["facts"] else ""
    body = "".join(
        [
            _header(document["title"], document["subtitle"], document["verdict"]),
            f'<div class="facts-card">{summary}</div>\n' if summary else "",
            f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n' if len(sections) > 2 else "",
            *(parts.section(content, number) for number, content in enumerate(sections, 1)),
        ]
    )
    footer = (
        f'Written {_time(document["written_at"])}. The same facts for programs: <a href="{stem}.json">{stem}.json</a>. '
        f'<a href="{INDEX}.html">All reports</a>'
    )
    return _html(document["title"], body, footer)


def render_index(documents: list[tuple[str, dict[str, Any]]]) -> str:
    """Return the page that leads to all others: the latest of each name first, earlier ones below."""
    latest = [(stem, document) for stem, document in documents if stem == document["name"]]
    earlier = [(stem, document) for stem, document in documents if stem != document["name"]]
    failed = [document["title"] for _stem, document in latest if document["verdict"]["result"] == "fail"]
    if failed:
        verdict = {"result": "fail", "sentence": f"Not in order: {', '.join(failed)}."}
    else:
        verdict = {"result": "pass", "sentence": f"{len(latest)} reports, none of which failed."}
    body = _header("Reports", "", verdict) + _listing("Latest", latest)
    body += _listing("Earlier", earlier[::-1]) if earlier else ""
    newest = max(document["written_at"] for _stem, document in documents)
    return _html("Reports", body, f"Written {_time(newest)}.")


def _listing(title: str, documents: list[tuple[str, dict[str, Any]]]) -> str:
    rows = "".join(
        f"<tr><td>{badge(document['verdict']['result'])}</td>"
        f'<th scope="row"><a href="{stem}.html">{escape(document["title"])}</a>'
        f'<span class="note">{escape(document["verdict"]["sentence"])}</span></th>'
        f"<td>{_time(document['written_at'])}</td></tr>"
        for stem, document in documents
    )
    heads = '<th scope="col">Result</th><th scope="col">Report</th><th scope="col">Written</th>'
    return (
        f'<section><h2>{title}</h2><div class="scroll"><table><caption>{title}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>\n"
    )


def _header(title: str, subtitle: str, verdict: dict[str, str]) -> str:
    result = verdict["result"]
    below = f'<p class="subtitle">{escape(subtitle)}</p>' if subtitle else ""
    return (
        f'<header><p class="kicker">{SIGNATURE}</p><h1>{escape(title)}</h1>{below}'
        f'<p class="verdict {result}"><strong>{RESULTS[result]}</strong><span>{escape(verdict["sentence"])}</span></p>'
        "</header>\n"
    )


def _time(moment: str) -> str:
    readable = moment.replace("T", " ").replace("Z", " UTC")
    return f'<time datetime="{escape(moment)}">{escape(readable)}</time>'


def _html(title: str, body: str, footer: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)} – {SIGNATURE}</title>\n<style>\n{CSS}\n</style>\n</head>\n"  # noqa: RUF001
        f'<body>\n<div class="sheet">\n{body}<footer>{footer}</footer>\n</div>\n</body>\n</html>\n'
    )
