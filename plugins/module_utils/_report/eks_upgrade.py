# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the results of an upgrade of EKS into the content of a report. Pure."""

from __future__ import annotations

from typing import Any

PARTS = {"control_plane": "Control plane", "addons": "Add-ons", "node_groups": "Node groups"}
STEP_COLUMNS = [
    {"key": "name", "title": "What"},
    {"key": "part", "title": "Part"},
    {"key": "from", "title": "From"},
    {"key": "to", "title": "To"},
    {"key": "state", "title": "State", "kind": "result"},
]
NODE_COLUMNS = [
    {"key": "name", "title": "Node"},
    {"key": "version", "title": "Kubelet"},
    {"key": "node_group", "title": "Node group"},
    {"key": "state", "title": "Ready", "kind": "result"},
]


def content(results: dict[str, Any], version: str, check_mode: bool = False) -> dict[str, Any]:
    """Return verdict, facts and sections, as far as the run came."""
    aws, inside = (results.get(name) or {} for name in ("aws", "inside"))
    steps = _steps(results, check_mode)
    nodes = (results.get("inside_after") or inside).get("nodes") or []
    facts = {
        "Control plane before": aws.get("running_version"),
        "Asked for": version,
        "Steps": len(steps),
        "Nodes": len(nodes),
    }
    before = _checks("Before", [*(aws.get("findings") or []), *(inside.get("findings") or [])])
    after = [one for name in ("aws_after", "inside_after") for one in (results.get(name) or {}).get("findings") or []]
    shown = [{**node, "state": "pass" if node["ready"] else "fail"} for node in nodes]
    return {
        "verdict": _verdict(results, steps, version, check_mode),
        "facts": facts,
        "sections": [
            {"title": "Steps", "kind": "table", "columns": STEP_COLUMNS, "rows": steps},
            before,
            *([_checks("After", after)] if after else []),
            {"title": "Nodes", "kind": "table", "columns": NODE_COLUMNS, "rows": shown},
        ],
    }


def _steps(results: dict[str, Any], check_mode: bool) -> list[dict[str, Any]]:
    plan, left = ((results.get(name) or {}).get("plan") or {} for name in ("aws", "aws_after"))
    steps = []
    for part, title in PARTS.items():
        result = results.get(part) or {}
        undone = {step["name"] for step in left.get(part) or ()}
        for step in plan.get(part) or ():
            state = "pass" if result and not result.get("failed") and step["name"] not in undone else "skip"
            state = "info" if check_mode else "fail" if result.get("failed") and step["name"] else state
            steps.append({**step, "part": title, "state": state})
    return steps


def _checks(title: str, findings: list[dict[str, Any]]) -> dict[str, Any]:
    checks = [{"name": one["name"], "result": one["result"], "detail": _detail(one)} for one in findings]
    return {"title": title, "kind": "checks", "checks": checks}


def _detail(finding: dict[str, Any]) -> str:
    how = f" (accept it as {finding['mark']})" if finding["result"] == "fail" and finding["mark"] else ""
    return f"{finding['detail']}{how}"


def _verdict(results: dict[str, Any], steps: list[Any], version: str, check_mode: bool) -> dict[str, str]:
    failed = [result for result in results.values() if result and result.get("failed")]
    if failed:
        return {"result": "fail", "sentence": str(failed[0].get("msg") or "The run failed; its output tells why.")}
    if check_mode:
        todo = f"{len(steps)} steps are left" if steps else "nothing is left to do"
        return {"result": "info", "sentence": f"Nothing was touched: {todo} until all runs Kubernetes {version}."}
    if not results.get("aws_after"):
        return {"result": "warn", "sentence": "The run ended before it had looked at its result."}
    return {"result": "pass", "sentence": f"Control plane, add-ons and node groups run Kubernetes {version}."}
