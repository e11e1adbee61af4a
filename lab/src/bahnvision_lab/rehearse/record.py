"""What a rehearsal leaves for programs: build/rehearse.json, and the facts of its page."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bahnvision_lab.postgres import installed_majors
from bahnvision_lab.rehearse.drill import Drill
from bahnvision_lab.rehearse.stages import INTERRUPTED, OK, Runner

RESULTS = {OK: "pass", INTERRUPTED: "warn"}
COLUMNS = [
    {"key": "name", "title": "Stage"},
    {"key": "outcome", "title": "Result", "kind": "result"},
    {"key": "rows", "title": "Rows", "kind": "count"},
    {"key": "bytes", "title": "Size", "kind": "bytes"},
    {"key": "seconds", "title": "Duration", "kind": "seconds", "total": True},
]
COUNT_COLUMNS = [
    {"key": "table", "title": "Table"},
    {"key": "source", "title": "Source", "kind": "count", "total": True},
    {"key": "target", "title": "RDS", "kind": "count", "total": True},
    {"key": "outcome", "title": "Equal", "kind": "result"},
]
COUNT_NOTE = "Counted by the rehearsal itself, straight from both databases."


def machine() -> dict[str, Any]:
    """Facts without which seconds mean nothing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": ", ".join(str(major) for major in sorted(installed_majors())),
    }


def figures(runner: Runner, scale: int, report: str | None, drill: Drill | None = None) -> dict[str, Any]:
    """Return stage -> seconds, result, rows, bytes; the total; the machine; what the writers of a drill saw."""
    stages: dict[str, Any] = {
        outcome.name: {"seconds": round(outcome.seconds, 3), "result": outcome.result, **asdict(outcome.measure)}
        for outcome in runner.outcomes
    }
    moved = stages.get("migrate", {})
    total = {
        "seconds": round(runner.seconds, 3),
        "result": runner.result,
        "rows": moved.get("rows"),
        "bytes": moved.get("bytes"),
    }
    seen = {"writers": drill.figures} if drill else {}
    method = "logical" if drill else "copy"
    return {**stages, **seen, "total": total, "report": report, "scale": scale, "method": method, "machine": machine()}


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(path)


def page(
    runner: Runner, scale: int, source: dict[str, int], target: dict[str, int], folder: Path, drill: Drill | None = None
) -> dict[str, Any]:
    """Return the input of the module `report` for what has happened so far."""
    facts = machine()
    rows = [
        {"name": outcome.name, "outcome": RESULTS.get(outcome.result, "fail"), "seconds": outcome.seconds}
        | asdict(outcome.measure)
        for outcome in runner.outcomes
    ]
    steps = [{"name": row["name"], "seconds": row["seconds"], "result": row["outcome"]} for row in rows]
    sections: list[dict[str, Any]] = [
        {"title": "Stages", "kind": "table", "columns": COLUMNS, "rows": rows},
        {"title": "Where the time went", "kind": "timeline", "steps": steps},
    ]
    sections += drill.sections if drill else []
    if source:
        sections.append(_count_section(source, target))
    return {
        "path": str(folder),
        "name": "rehearsal",
        "title": "Rehearsal",
        "subtitle": "The whole move on one machine, with real databases behind a stand-in for AWS",
        "verdict": _verdict(runner, source, target, drill),
        "facts": {
            "Rows moved": sum(target.values()) if target else None,
            "Method": "logical" if drill else "copy",
            "Scale": scale,
            "Duration so far": f"{runner.seconds:.1f} s",
            "Processors": facts["cpus"],
            "Memory": f"{facts['memory_bytes'] / 1e9:.1f} GB",
            "System": facts["system"],
            "PostgreSQL": facts["postgresql"],
            "Python": facts["python"],
        },
        "sections": sections,
    }


def _count_section(source: dict[str, int], target: dict[str, int]) -> dict[str, Any]:
    rows = [
        {
            "table": table,
            "source": source.get(table),
            "target": target.get(table),
            "outcome": "pass" if source.get(table) == target.get(table) else "fail",
        }
        for table in sorted({*source, *target})
    ]
    return {"title": "Rows on both sides", "kind": "table", "note": COUNT_NOTE, "columns": COUNT_COLUMNS, "rows": rows}


def _verdict(
    runner: Runner, source: dict[str, int], target: dict[str, int], drill: Drill | None = None
) -> dict[str, str]:
    if runner.failed is not None:
        return {"result": "fail", "sentence": f"The stage {runner.failed.name} failed; its log tells why."}
    sentence = f"{len(source)} tables with {sum(target.values()):,} rows moved; both sides are equal."
    if drill and drill.proved:
        sentence = f"{sentence} {drill.sentence}"
    return {"result": "pass", "sentence": sentence}
