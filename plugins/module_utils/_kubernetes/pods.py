# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a Pod does not run, in Kubernetes' own words, and whether that can heal by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

# Whether waiting helps: never, hardly (a registry that hiccups, a Secret that comes late), or it may (a node comes).
NEVER, HARDLY, MAYBE = "never", "hardly", "maybe"
HOPES = (NEVER, HARDLY, MAYBE)

IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError")
CONFIGURATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError")
STUCK = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")


@dataclass(frozen=True)
class Trouble:
    """`cause` stays the same while the words change, such as from ErrImagePull to ImagePullBackOff and back."""

    cause: str
    words: str
    hope: str
    pod: str = ""
    container: str = ""

    @property
    def restarts(self) -> bool:
        return self.cause == "crash"


def worst(troubles: Iterable[Trouble]) -> Trouble | None:
    """The one with the least hope; of equals the first."""
    found = sorted(troubles, key=lambda one: HOPES.index(one.hope))
    return found[0] if found else None


def hope_of_refusal(words: str) -> str:
    """Pod Security never changes its mind; a quota may be freed by a Pod that ends."""
    return NEVER if "violates PodSecurity" in words else HARDLY


def events_of(events: Iterable[Object], uid: str, reasons: tuple[str, ...]) -> list[Object]:
    """The events about one object, oldest first."""
    found = [one for one in events if one["involvedObject"].get("uid") == uid and one.get("reason") in reasons]
    return sorted(found, key=lambda one: one.get("lastTimestamp") or one.get("eventTime") or "")


def pod_trouble(pod: Object, events: Iterable[Object]) -> Trouble | None:
    """What keeps a Pod from being ready, None when nothing does or it is too early to say."""
    name, events = pod["metadata"]["name"], list(events)
    status = pod.get("status") or {}
    told = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    found = worst(one for one in (_container(pod, each, events) for each in told) if one is not None)
    if found is not None:
        return found
    if status.get("phase") == "Failed":
        words = f"Pod {name} has failed: {_join(status.get('reason'), status.get('message')) or 'no reason given'}"
        return Trouble("failed", words, MAYBE, name)
    return _unplaced(pod) or _stuck(pod, events) or _unready(pod, events)


def _container(pod: Object, told: Object, events: list[Object]) -> Trouble | None:
    state, name = told.get("state") or {}, pod["metadata"]["name"]
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    where = f"Pod {name}, container {told['name']}"
    if reason == "InvalidImageName":
        return Trouble("image", f"{where}: InvalidImageName: {message}", NEVER, name, told["name"])
    if reason in IMAGE:
        words = _image_words(pod, reason, message, events)
        return Trouble("image", f"{where}: {words} (image {told.get('image', '')})", HARDLY, name, told["name"])
    if reason in CONFIGURATION:
        return Trouble("configuration", f"{where}: {_join(reason, message)}", HARDLY, name, told["name"])
    return _crash(where, name, told, reason)


def _image_words(pod: Object, reason: str, message: str, events: list[Object]) -> str:
    """Older kubelets say only that they back off; the cause is in an event then."""
    if reason != "ImagePullBackOff" or message.count(":") > 2:
        return _join(reason, message)
    causes = events_of(events, pod["metadata"]["uid"], ("Failed",))
    return _join(reason, causes[-1].get("message", "") if causes else message)


def _crash(where: str, pod: str, told: Object, reason: str) -> Trouble | None:
    state, restarts = told.get("state") or {}, told.get("restartCount") or 0
    ended = state.get("terminated") or (told.get("lastState") or {}).get("terminated") or {}
    unsound = bool(ended) and (ended.get("exitCode") or ended.get("signal"))
    if reason != "CrashLoopBackOff" and (told.get("ready") or not unsound):
        return None
    again = reason == "CrashLoopBackOff" or restarts >= 2
    last = _join(f"exit code {ended.get('exitCode', 'unknown')}", ended.get("reason"), ended.get("message"))
    words = f"{where}: {'CrashLoopBackOff: ' if again else ''}it ended with {last}, {restarts} restarts so far"
    return Trouble("crash", words, HARDLY if again else MAYBE, pod, told["name"])


def _condition(one: Object, kind: str) -> Object:
    told = (one.get("status") or {}).get("conditions") or ()
    return next((each for each in told if each["type"] == kind), {})


def _unplaced(pod: Object) -> Trouble | None:
    told = _condition(pod, "PodScheduled")
    if told.get("status") != "False":
        return None
    name = pod["metadata"]["name"]
    return Trouble("schedule", f"Pod {name}: {_join(told.get('reason'), told.get('message'))}", MAYBE, name)


def _stuck(pod: Object, events: list[Object]) -> Trouble | None:
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    told = events_of(events, pod["metadata"]["uid"], STUCK)
    if status.get("phase") != "Pending" or not told:
        return None
    return Trouble("start", f"Pod {name}: {_join(told[-1]['reason'], told[-1].get('message'))}", MAYBE, name)


def _unready(pod: Object, events: list[Object]) -> Trouble | None:
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    if status.get("phase") != "Running" or _condition(pod, "Ready").get("status") == "True":
        return None
    told = events_of(events, pod["metadata"]["uid"], ("Unhealthy", "ProbeError"))
    waiting = [one["name"] for one in status.get("containerStatuses") or () if not one.get("ready")]
    words = told[-1].get("message", "") if told else f"runs and is not ready: {', '.join(waiting) or 'no container'}"
    return Trouble("ready", f"Pod {name}: {words}", MAYBE, name, waiting[0] if waiting else "")


def _join(*words: Any) -> str:
    return ": ".join(str(word).strip() for word in words if word)
