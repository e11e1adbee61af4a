# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a roll-out of a Deployment is done, goes on or has failed. Pure: what the API tells in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.pods import (
    NEVER,
    Trouble,
    events_of,
    hope_of_refusal,
    pod_trouble,
    worst,
)

Object = Mapping[str, Any]
REVISION = "deployment.kubernetes.io/revision"
DONE, PROGRESSING, FAILED = "done", "progressing", "failed"


@dataclass(frozen=True)
class World:
    """What one look at a namespace has shown."""

    deployments: Sequence[Object] = ()
    replica_sets: Sequence[Object] = ()
    jobs: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()

    def owned(self, kind: str, owner: Object) -> list[Object]:
        objects: Sequence[Object] = getattr(self, kind)
        return [one for one in objects if controller_of(one) == owner["metadata"]["uid"]]


@dataclass(frozen=True)
class Verdict:
    """`wanted`, `new` and `old` count Pods: those wanted, and those of each version that are available."""

    kind: str
    name: str
    state: str
    words: str
    trouble: Trouble | None = None
    wanted: int = 0
    new: int = 0
    old: int = 0
    revision: str = ""

    @property
    def serving(self) -> str:
        """Who serves now, for a person whose roll-out has failed."""
        if self.old:
            return f"the former version still serves with {pods(self.old)}"
        if self.new:
            return f"the new version serves with {self.new} of {pods(self.wanted)}"
        return "no Pod of it serves"

    def told(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "name": self.name, "state": self.state, "message": self.words,
            "replicas": self.wanted, "available": self.new, "former_available": self.old, "revision": self.revision,
        }  # fmt: skip


def pods(count: int) -> str:
    return f"{count} Pod{'' if count == 1 else 's'}"


def controller_of(one: Object) -> str:
    for told in one["metadata"].get("ownerReferences") or ():
        if told.get("controller"):
            return str(told["uid"])
    return ""


def condition(one: Object, kind: str) -> Object:
    told = (one.get("status") or {}).get("conditions") or ()
    return next((each for each in told if each["type"] == kind), {})


def missing(kind: str, name: str) -> Verdict:
    words = f"there is no {kind} {name} any more"
    return Verdict(kind, name, FAILED, words, Trouble("gone", words, NEVER))


def judge_deployment(one: Object, world: World) -> Verdict:
    """Judge as `kubectl rollout status` does, and look at the Pods while it is not done."""
    spec, status, name = one["spec"], one.get("status") or {}, one["metadata"]["name"]
    wanted = spec.get("replicas", 1)
    revision = (one["metadata"].get("annotations") or {}).get(REVISION, "")
    sets = world.owned("replica_sets", one)
    fresh = [told for told in sets if (told["metadata"].get("annotations") or {}).get(REVISION) == revision]
    stale = [told for told in sets if told not in fresh]
    counts = {"wanted": wanted, "new": _available(fresh), "old": _available(stale), "revision": revision}

    def verdict(state: str, words: str, trouble: Trouble | None = None) -> Verdict:
        return Verdict("Deployment", name, state, words, trouble, **counts)

    if status.get("observedGeneration", 0) < one["metadata"]["generation"]:
        return verdict(PROGRESSING, "its controller has not seen the change yet")
    trouble = _trouble(one, fresh, world)
    if _is_done(wanted, status):
        return verdict(DONE, f"{pods(wanted)} of revision {revision} available")
    if trouble is not None:
        return verdict(FAILED if trouble.hope == NEVER else PROGRESSING, trouble.words, trouble)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return verdict(PROGRESSING, f"{updated} of {pods(wanted)} updated, {available} available")


def _is_done(wanted: int, status: Object) -> bool:
    updated = status.get("updatedReplicas", 0)
    return bool(updated >= wanted and status.get("replicas", 0) <= updated <= status.get("availableReplicas", 0))


def _available(sets: Sequence[Object]) -> int:
    return sum((one.get("status") or {}).get("availableReplicas", 0) for one in sets)


def _trouble(one: Object, fresh: Sequence[Object], world: World) -> Trouble | None:
    if one["spec"].get("paused"):
        return Trouble("paused", "it is paused: kubectl rollout resume lets it go on", NEVER)
    found = [_refused(told, world) for told in fresh]
    found += [pod_trouble(pod, world.events) for told in fresh for pod in world.owned("pods", told)]
    reason = worst(told for told in found if told is not None)
    progress = condition(one, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded" and progress.get("status") == "False":
        words = reason.words if reason else progress.get("message", "")
        pod, container = (reason.pod, reason.container) if reason else ("", "")
        return Trouble("deadline", f"{words} (ProgressDeadlineExceeded)", NEVER, pod, container)
    return reason


def _refused(told: Object, world: World) -> Trouble | None:
    """A ReplicaSet whose Pods are not let in: by Pod Security, a quota, a webhook."""
    status = told.get("status") or {}
    if status.get("replicas", 0) >= told["spec"].get("replicas", 0):
        return None
    failure = condition(told, "ReplicaFailure")
    words = failure.get("message", "") if failure.get("status") == "True" else ""
    if not words:
        events = events_of(world.events, told["metadata"]["uid"], ("FailedCreate",))
        words = events[-1].get("message", "") if events else ""
    if not words:
        return None
    told_of = f"ReplicaSet {told['metadata']['name']} may not make its Pods: {words}"
    return Trouble("refused", told_of, hope_of_refusal(words))
