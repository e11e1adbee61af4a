"""One sync: wave after wave, each healthy before the next; hooks once; what Git no longer has goes last."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from bahnvision_lab.kubernetes.api.permission import Attempt
from bahnvision_lab.kubernetes.argocd.compare import Item, View
from bahnvision_lab.kubernetes.argocd.health import health
from bahnvision_lab.kubernetes.argocd.model import group_of, hook, wave
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.controllers.hands import Hands
from bahnvision_lab.kubernetes.status import ApiError

# PreSync before all waves, PostSync after them; other hooks (SyncFail, Skip) are not run by a sync that goes well.
PHASES = {"PreSync": -1, "": 0, "Sync": 0, "PostSync": 1}


@dataclass
class Operation:
    commit: str
    mark: str  # of the commit and the Application's spec
    prune: bool
    attempt: int = 0
    phase: str = "Running"
    message: str = ""
    started: str = field(default_factory=stamp)
    finished: str = ""
    ended: float = 0.0
    _hooks: dict[str, str] = field(default_factory=dict)  # name and uid of those that were made

    @property
    def goes_on(self) -> bool:
        return self.phase == "Running"

    def told(self, source: dict[str, Any], limit: int) -> dict[str, Any]:
        """While attempts are left, Argo CD calls the operation running and says what the last one met."""
        phase, message = self.phase, self.message
        if phase == "Failed" and self.attempt < limit:
            phase, message = "Running", f"{message}. Retrying attempt #{self.attempt + 1}."
        elif phase == "Failed" and self.attempt:
            message = f"{message} (retried {self.attempt} times)."
        ended = {"finishedAt": self.finished} if phase != "Running" and self.finished else {}
        return {
            "phase": phase, "message": message, "startedAt": self.started, **ended, "retryCount": self.attempt,
            "operation": {"sync": {"revision": self.commit, "prune": self.prune}},
            "syncResult": {"revision": self.commit, "source": source},
        }  # fmt: skip

    def step(self, view: View, hands: Hands) -> None:
        """As far as it gets now."""
        places = {_place(item) for item in view.items if not item.surplus}
        steps = sorted(place for place in places if place is not None)
        for place in steps:
            items = [item for item in view.items if not item.surplus and _place(item) == place]
            try:
                for item in items:
                    self._make(item, view, hands)
            except ApiError as problem:
                told = f"one or more objects failed to apply, reason: {problem.message}"
                self._end("Failed", told)
                return
            if not self._healthy(items, view, place == steps[-1]):
                return
        if self.prune:
            self._prune(view, hands)
        if self.goes_on:
            self._end("Succeeded", "successfully synced (all tasks run)")

    def _make(self, item: Item, view: View, hands: Hands) -> None:
        if not hook(item.wanted):
            if not item.synced:
                view.written(item, dry=False)
            return
        told = item.wanted["metadata"]
        if told["name"] in self._hooks:
            return
        if item.live is not None and item.resource is not None:
            hands.delete(item.resource.place, item.live)  # BeforeHookCreation, Argo CD's own default
            if hands.store.find(item.resource.place, told.get("namespace", ""), told["name"]) is not None:
                return
            item.live = None
        self._hooks[told["name"]] = view.written(item, dry=False)["metadata"]["uid"]

    def _healthy(self, items: list[Item], view: View, last: bool) -> bool:
        """Whether the next wave may begin. The last wave's objects are not waited for, its hooks are."""
        for item in items:
            name = f"{group_of(item.wanted)}/{item.wanted['kind']}/{item.wanted['metadata']['name']}"
            if last and not hook(item.wanted):
                continue
            space = item.wanted["metadata"].get("namespace", "")
            place = item.resource.place if item.resource else ("", "")
            live = view.cluster.store.find(place, space, item.wanted["metadata"]["name"])
            status, message = health(live) if live else ("Progressing", "")
            if status == "Degraded":
                told = f"one or more synchronization tasks completed unsuccessfully, reason: {name}: {message}"
                self._end("Failed", told)
                return False
            if status == "Progressing" or (hook(item.wanted) and item.wanted["metadata"]["name"] not in self._hooks):
                what = "completion of hook" if hook(item.wanted) else "healthy state of"
                self.message = f"waiting for {what} {name}"
                return False
        return True

    def _prune(self, view: View, hands: Hands) -> None:
        try:
            for item in (one for one in view.items if one.surplus and one.resource and one.live and not one.kept):
                told, resource = item.wanted["metadata"], item.resource
                assert resource is not None
                assert item.live is not None
                attempt = Attempt(
                    "delete", resource.group, resource.plural, "", told.get("namespace", ""), told["name"]
                )
                view.cluster.permission.require(view.argo.user, attempt)
                hands.delete(resource.place, item.live)
        except ApiError as problem:
            self._end("Failed", f"one or more objects failed to prune, reason: {problem.message}")

    def _end(self, phase: str, message: str) -> None:
        self.phase, self.message, self.finished, self.ended = phase, message, stamp(), time.monotonic()


def _place(item: Item) -> tuple[int, int] | None:
    phase = PHASES.get(hook(item.wanted).partition(",")[0])
    return None if phase is None else (phase, wave(item.wanted))
