# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch roll-outs and Jobs until they are done, or until it is clear that they will not be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.jobs import judge_job
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.pods import HARDLY, NEVER, Trouble
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.rollout import (
    DONE,
    FAILED,
    Verdict,
    World,
    judge_deployment,
    missing,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

# Reads the last lines that a container wrote: Pod, container, whether those of its former life.
Logs = Callable[[str, str, bool], str]


def judge(world: World, deployments: Sequence[str], jobs: Sequence[str]) -> list[Verdict]:
    """One verdict for each name, Jobs first."""
    by_name = {one["metadata"]["name"]: one for one in world.deployments}
    jobs_by_name = {one["metadata"]["name"]: one for one in world.jobs}
    told = [judge_job(jobs_by_name[name], world) if name in jobs_by_name else missing("Job", name) for name in jobs]
    return told + [
        judge_deployment(by_name[name], world) if name in by_name else missing("Deployment", name)
        for name in deployments
    ]


class Patience:
    """Remembers since when something has been wrong. What hardly heals is given some seconds, not the whole timeout."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._since: dict[tuple[str, str, str], float] = {}

    def is_over(self, verdict: Verdict) -> bool:
        trouble = verdict.trouble
        mark = (verdict.kind, verdict.name, trouble.cause if trouble else "")
        of_this = [key for key in self._since if key[:2] == mark[:2]]
        for key in of_this:
            if key != mark:
                del self._since[key]
        if trouble is None or verdict.state == DONE:
            return False
        if trouble.hope == NEVER:
            return True
        since = self._since.setdefault(mark, self._clock())
        return trouble.hope == HARDLY and self._clock() - since >= self._seconds


def follow(
    look: Callable[[], World],
    params: dict[str, Any],
    logs: Logs,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Verdict]:
    """Look until all is done and return the last verdicts; raise ResourceError when something will not be."""
    deadline, patience = clock() + params["timeout"], Patience(params["patience"], clock)
    pause = min(0.3, params["pause"])
    while True:
        verdicts = judge(look(), params["deployments"], params["jobs"])
        lost = [one for one in verdicts if patience.is_over(one) or one.state == FAILED]
        if lost:
            raise _failure(params, verdicts, lost, "has failed", logs)
        late = [one for one in verdicts if one.state != DONE]
        if not late:
            return verdicts
        left = deadline - clock()
        if left <= 0:
            raise _failure(params, verdicts, late, f"is not done after {params['timeout']:g} s", logs)
        sleep(min(pause, left))
        pause = min(pause * 1.5, params["pause"])


def _failure(
    params: dict[str, Any], verdicts: list[Verdict], lost: list[Verdict], end: str, logs: Logs
) -> ResourceError:
    told = [*(_story(one, params["namespace"], end, logs) for one in lost), params["advice"]]
    message = "".join(words if words.endswith("\n") else f"{words} " for words in told if words).rstrip()
    return ResourceError(message, rollouts=[one.told() for one in verdicts])


def _story(one: Verdict, space: str, end: str, logs: Logs) -> str:
    """What failed and why, what its process said before it ended, and who serves meanwhile."""
    title = f"The Job {one.name}" if one.kind == "Job" else f"The roll-out of Deployment {one.name}"
    words = f"{title} in namespace {space} {end}: {one.words.rstrip('. ')}."
    said = _last_words(one.trouble, logs)
    if said:
        words += "\nIts last words:\n" + "\n".join(f"  {line}" for line in said.splitlines()) + "\n"
    if one.kind == "Job":
        return words
    return f"{words}{'' if said else ' '}{one.serving[0].upper()}{one.serving[1:]}."


def _last_words(trouble: Trouble | None, logs: Logs) -> str:
    if trouble is None or not trouble.container or trouble.cause in ("image", "configuration"):
        return ""
    return logs(trouble.pod, trouble.container, trouble.restarts)
