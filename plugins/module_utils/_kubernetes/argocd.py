# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for an Application of Argo CD, with Argo CD's own words when waiting is in vain."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.api import Reader
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.pods import HARDLY, NEVER
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

ARGOCD_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "argocd"},
    "commit": {"type": "str", "default": ""},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 900},
    "patience": {"type": "float", "default": 60},
    "pause": {"type": "float", "default": 3},
    "advice": {"type": "str", "default": ""},
}
PATH = "/apis/argoproj.io/v1alpha1/namespaces/{}/applications/{}"
GOOD = ("Healthy", "Suspended")  # what is suspended is so by its own manifest


@dataclass(frozen=True)
class Verdict:
    """`hope` is set while something is wrong: NEVER ends the wait, HARDLY does when it lasts."""

    done: bool
    words: str
    hope: str = ""


def judge(app: Mapping[str, Any] | None, commit: str) -> Verdict:
    """Say how far an Application is on its way to a commit; "" is whatever Argo CD compares with."""
    if app is None:
        return Verdict(False, "there is no such Application", NEVER)
    status = app.get("status") or {}
    wrong = [f"{one['type']}: {one['message']}" for one in status.get("conditions") or () if _is_error(one)]
    if wrong:
        return Verdict(False, "; ".join(wrong), HARDLY)
    sync, last = status.get("sync") or {}, status.get("operationState") or {}
    revision, seen = sync.get("revision", ""), sync.get("status", "Unknown")
    if not revision or (commit and revision != commit):
        return Verdict(False, f"Argo CD compares with commit {revision or 'none yet'}, not yet with {commit}")
    tried = (last.get("syncResult") or {}).get("revision") or ((last.get("operation") or {}).get("sync") or {}).get(
        "revision"
    )
    if last.get("phase") in ("Failed", "Error") and tried == revision:
        return Verdict(False, f"its sync has failed: {last.get('message', '')}", HARDLY)
    if seen != "Synced" or last.get("phase") == "Running":
        said = last.get("message") if last.get("phase") == "Running" else ""
        return Verdict(False, f"it is {seen}" + (f": {said}" if said else f" ({_resources(status, seen)})"))
    return _health(status)


def _is_error(condition: Mapping[str, Any]) -> bool:
    return str(condition.get("type", "")).endswith("Error")


def _health(status: Mapping[str, Any]) -> Verdict:
    health = (status.get("health") or {}).get("status", "Unknown")
    if health in GOOD:
        return Verdict(True, f"Synced and {health}")
    bad = [
        f"{one['kind']} {one['name']} is {one['health']['status']}: {one['health'].get('message', '')}".rstrip(": ")
        for one in status.get("resources") or () if (one.get("health") or {}).get("status") not in (*GOOD, None)
    ]  # fmt: skip
    return Verdict(False, f"it is Synced and {health}: {'; '.join(bad)}", HARDLY if health == "Degraded" else "")


def _resources(status: Mapping[str, Any], seen: str) -> str:
    names = [f"{one['kind']} {one['name']}" for one in status.get("resources") or () if one.get("status") == seen]
    return ", ".join(names[:5]) or "Argo CD names no object"


def synced(reader: Reader, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Wait until the Application is Synced and Healthy at the commit; in check mode only tell where it is."""
    path = PATH.format(params["namespace"], params["name"])
    if check_mode or not params["wait"]:
        return _told(reader.get(path), params)
    return _told(follow(lambda: reader.get(path), params), params)


def follow(
    look: Callable[[], Any], params: Mapping[str, Any], clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:  # fmt: skip
    since: dict[str, float] = {}

    def failed(app: Any) -> str | None:
        verdict = judge(app, params["commit"])
        if verdict.hope != HARDLY:
            since.clear()
            return f"{verdict.words}. {params['advice']}".strip() if verdict.hope == NEVER else None
        late = clock() - since.setdefault("trouble", clock()) >= params["patience"]
        return f"{verdict.words}. {params['advice']}".strip() if late else None

    return wait_until(
        look, lambda app: judge(app, params["commit"]).done, f"the Application {params['name']}",
        timeout=params["timeout"], pause=params["pause"], failed=failed,
        show=lambda app: judge(app, params["commit"]).words, clock=clock, sleep=sleep,
    )  # fmt: skip


def _told(app: Mapping[str, Any] | None, params: Mapping[str, Any]) -> dict[str, Any]:
    status = (app or {}).get("status") or {}
    return {
        "changed": False,
        "application": {
            "exists": app is not None,
            "sync": (status.get("sync") or {}).get("status", ""),
            "health": (status.get("health") or {}).get("status", ""),
            "commit": (status.get("sync") or {}).get("revision", ""),
            "message": judge(app, params["commit"]).words,
            "resources": list(status.get("resources") or ()),
        },
    }
