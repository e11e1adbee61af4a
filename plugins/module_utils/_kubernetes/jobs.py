# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Job is done, goes on or has failed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.pods import (
    NEVER,
    Trouble,
    events_of,
    hope_of_refusal,
    pod_trouble,
    worst,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.rollout import (
    DONE,
    FAILED,
    PROGRESSING,
    Verdict,
    World,
    condition,
)

Object = Mapping[str, Any]


def judge_job(one: Object, world: World) -> Verdict:
    name = one["metadata"]["name"]

    def verdict(state: str, words: str, trouble: Trouble | None = None) -> Verdict:
        return Verdict("Job", name, state, words, trouble)

    if condition(one, "Complete").get("status") == "True":
        return verdict(DONE, "it is complete")
    trouble = _trouble(one, world)
    failure = condition(one, "Failed")
    if failure.get("status") == "True":
        words = f"{failure.get('reason', 'Failed')}: {failure.get('message', '')}"
        words = f"{trouble.words} ({words})" if trouble else words
        return verdict(FAILED, words, Trouble("failed", words, NEVER, *_where(trouble)))
    if one["spec"].get("suspend"):
        words = "it is suspended"
        return verdict(FAILED, words, Trouble("suspended", words, NEVER))
    if trouble is not None:
        return verdict(FAILED if trouble.hope == NEVER else PROGRESSING, trouble.words, trouble)
    return verdict(PROGRESSING, "it runs" if (one.get("status") or {}).get("active") else "it has not started yet")


def _where(trouble: Trouble | None) -> tuple[str, str]:
    return (trouble.pod, trouble.container) if trouble else ("", "")


def _trouble(one: Object, world: World) -> Trouble | None:
    pods = sorted(world.owned("pods", one), key=lambda pod: pod["metadata"].get("creationTimestamp") or "")
    found = worst(told for told in (pod_trouble(pod, world.events) for pod in reversed(pods)) if told is not None)
    if found is not None or pods:
        return found
    events = events_of(world.events, one["metadata"]["uid"], ("FailedCreate",))
    if not events:
        return None
    words = events[-1].get("message", "")
    return Trouble("refused", f"it may not make its Pod: {words}", hope_of_refusal(words))
