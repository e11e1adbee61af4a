# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reports tell of logical replication: the streams of a migration, the steps of a cut-over. Pure."""

from __future__ import annotations

from typing import Any

SLOTS: list[dict[str, Any]] = [
    {"key": "name", "title": "Stream"},
    {"key": "tables", "title": "Tables that are followed", "kind": "count", "total": True},
    {"key": "lag_bytes", "title": "Behind", "kind": "bytes"},
    {"key": "retained_bytes", "title": "WAL held on the source", "kind": "bytes"},
    {"key": "wal_status", "title": "State of the slot"},
    {"key": "working", "title": "Read", "kind": "result"},
]
STREAMS: list[dict[str, Any]] = [
    {"key": "name", "title": "Stream"},
    {"key": "from", "title": "From"},
    {"key": "followed", "title": "Tables that are followed", "kind": "count"},
    {"key": "lag_bytes", "title": "Behind", "kind": "bytes"},
    {"key": "retained_bytes", "title": "WAL held", "kind": "bytes"},
    {"key": "wal_status", "title": "State of the slot"},
    {"key": "works", "title": "Works", "kind": "result"},
]
STEPS = [
    {"key": "name", "title": "Step"},
    {"key": "at", "title": "Done at"},
    {"key": "ms", "title": "Milliseconds", "kind": "count", "total": True},
    {"key": "writers", "title": "Writers"},
]
# The steps of a switch in which no side takes writes.
KEPT_OUT = ("fenced", "drained", "sequences set", "verified", "cut", "released")
STATIC = "Copied once and not followed; the cut-over compares their contents."


def followed(moved: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sections of a migration's report; none without replication."""
    about = moved.get("replication")
    if not about:
        return []
    slots = {slot["name"]: slot for slot in about.get("slots") or []}
    rows = [
        {
            "name": name, "tables": tables, **slots.get(name, {}),
            "working": "pass" if slots.get(name, {}).get("active") else "warn",
        }
        for name, tables in about["streams"].items()
    ]  # fmt: skip
    found: list[dict[str, Any]] = [{"title": "Replication", "kind": "table", "columns": SLOTS, "rows": rows}]
    if about.get("static_tables"):
        found.append({
            "title": "Tables that are not followed", "kind": "table", "note": STATIC,
            "columns": [{"key": "name", "title": "Table"}], "rows": [{"name": name} for name in about["static_tables"]],
        })  # fmt: skip
    return found


def verdict(moved: dict[str, Any], rows: int) -> dict[str, str] | None:
    """Return what can be said before the cut-over has compared both sides; None without replication."""
    about = moved.get("replication")
    if not about or not moved.get("run_id"):
        return None
    what = f"{rows:,} rows were copied" if moved.get("changed") else "The copy was done before"
    told = f"{what}; what is written to the source follows. The cut-over compares both sides, behind its fence."
    lost = [slot["name"] for slot in about.get("slots") or [] if slot["wal_status"] == "lost"]
    if lost:
        return {
            "result": "fail",
            "sentence": f"The slot {', '.join(lost)} has lost changes: the copy must be made anew.",
        }
    return {"result": "pass", "sentence": told}


def cut_over(results: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Return verdict, facts and sections of a cut-over's report; `results` holds that of pg_migrate_cutover as cut."""
    cut = results.get("cut") or {}
    steps = cut.get("steps") or []
    streams = [
        {
            **stream, "followed": sum((stream.get("tables") or {}).values()),
            "works": "pass" if stream.get("working") else "warn",
        }
        for stream in cut.get("streams") or []
    ]  # fmt: skip
    rows = [{**step, "writers": "kept out" if step["name"] in KEPT_OUT else "work"} for step in steps]
    timeline = [
        {"name": step["name"], "seconds": step["ms"] / 1000, "result": "warn" if row["writers"] != "work" else "info"}
        for step, row in zip(steps, rows)  # noqa: B905
    ]
    facts = {
        "The application may write to": cut.get("side"),
        "Milliseconds without writes in the last switch": cut.get("write_downtime_ms"),
        "Sides that take no writes": ", ".join(cut.get("fenced") or []) or None,
        "Run": cut.get("run_id"),
    }
    sections: list[dict[str, Any]] = [
        {"title": "Steps of the last switch", "kind": "table", "columns": STEPS, "rows": rows},
        {"title": "Where the time went", "kind": "timeline", "steps": timeline},
        {"title": "Replication", "kind": "table", "columns": STREAMS, "rows": streams},
    ]
    for title, key in (("Differences", "differences"), ("Problems", "problems"), ("Definitions that differ", "drift"),
                       ("Worth a look", "remarks")):  # fmt: skip
        if cut.get(key):
            sections.append({"title": title, "kind": "text", "text": "\n\n".join(map(str, cut[key]))})
    return {"verdict": _verdict(results, cut, check_mode), "facts": facts, "sections": sections}


def _verdict(results: dict[str, Any], cut: dict[str, Any], check_mode: bool) -> dict[str, str]:
    failed = [result for result in results.values() if result and result.get("failed")]
    if failed:
        return {"result": "fail", "sentence": str(failed[0].get("msg") or "The run failed; its output tells why.")}
    if check_mode:
        return {"result": "info", "sentence": "Nothing was touched: this was a check, and nothing forbids the switch."}
    if not cut:
        return {"result": "warn", "sentence": "Nothing was done."}
    wrong = bool(cut.get("problems") or cut.get("drift"))
    return {"result": "warn" if wrong else "pass", "sentence": f"The replication is {cut.get('state')}."}
