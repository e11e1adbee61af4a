"""The thread that lets all controllers of a cluster look at what has changed, again and again."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from bahnvision_lab.kubernetes.argocd.controller import Controller
from bahnvision_lab.kubernetes.controllers import deployments, housekeeping, jobs, pods, scaling, services, sets
from bahnvision_lab.kubernetes.controllers.hands import Hands
from bahnvision_lab.kubernetes.status import ApiError

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

IDLE = 1.0  # schedules and deadlines are looked at this often
BUSY = 0.05  # between two looks while something changes: many writes are seen as one
MISHAPS = (ApiError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Loop:
    """One round after another; a round sees the cluster as it is, not as it was told of."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._ended = threading.Event()
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=f"controllers-{cluster.setting.name}", daemon=True)
        hands = Hands(cluster)
        kubelets = pods.Kubelets(hands)
        argocd = Controller(hands)
        self._steps: list[Callable[[], object]] = [
            lambda: housekeeping.step(hands), lambda: deployments.step(hands), lambda: sets.step(hands),
            lambda: jobs.step(hands), kubelets.step, lambda: services.step(hands), lambda: scaling.step(hands),
            argocd.step,
        ]  # fmt: skip

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        store, seen = self.cluster.store, 0
        while not self._ended.is_set():
            store.wait(seen, IDLE)
            seen = store.version
            for step in self._steps:
                self._safely(step)
            self._ended.wait(BUSY)

    def _safely(self, step: Callable[[], object]) -> None:
        """One controller's mishap must not end the others; it is in the lab's log."""
        if self._ended.is_set():
            return
        try:
            step()
        except MISHAPS:
            told = traceback.format_exc()
            if told not in self._told:
                self._told.add(told)
                logging.getLogger(__name__).error("a controller failed:\n%s", told)
