"""Deployments and ReplicaSets: rollouts step by step, so that the old version serves until the new one is ready."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from bahnvision_lab.kubernetes.api.selectors import selects
from bahnvision_lab.kubernetes.clock import now, parsed
from bahnvision_lab.kubernetes.controllers.hands import (
    PODS,
    Hands,
    child,
    condition,
    controller_of,
    digest,
    is_going,
    is_ready,
    phase,
    share,
)  # fmt: skip

Object = dict[str, Any]
DEPLOYMENTS, SETS = ("apps", "deployments"), ("apps", "replicasets")
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


def step(hands: Hands) -> None:
    for one in hands.every(DEPLOYMENTS):
        if not is_going(one):
            _Rollout(hands, one).step()
    for one in hands.every(SETS):
        if not is_going(one):
            replicate(hands, one)


def replicate(hands: Hands, one: Object) -> None:
    """As many Pods as a ReplicaSet wants; those that are not ready go first."""
    pods = [pod for pod in hands.owned(PODS, one) if not is_going(pod) and phase(pod) not in ("Succeeded", "Failed")]
    wanted, told = one["spec"]["replicas"], one["spec"]["template"]
    for _number in range(wanted - len(pods)):
        metadata = child(one, f"{one['metadata']['name']}-", told["metadata"].get("labels") or {},
                         told["metadata"].get("annotations"))  # fmt: skip
        if hands.make({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": told["spec"]}) is None:
            break
    for pod in sorted(pods, key=is_ready)[: max(0, len(pods) - wanted)]:
        hands.delete(PODS, pod)
    living = [pod for pod in hands.owned(PODS, one) if not is_going(pod)]
    ready = sum(is_ready(pod) for pod in living)
    status = {"replicas": len(living), "observedGeneration": one["metadata"]["generation"]}
    if living:
        status["fullyLabeledReplicas"] = len(living)
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    hands.status(SETS, one, status)


class _Rollout:
    """One look at one Deployment."""

    def __init__(self, hands: Hands, one: Object) -> None:
        self.hands = hands
        self.one = one
        self.wanted: int = one["spec"]["replicas"]
        self.sets = [told for told in hands.owned(SETS, one) if not is_going(told)]
        self._adopt()
        template = _bare(one["spec"]["template"])
        self.new = next((told for told in self.sets if _bare(told["spec"]["template"]) == template), None)

    def step(self) -> None:
        if self.one["spec"].get("paused"):
            self._tell()
            return
        if self.new is None:
            self.new = self._make()
            if self.new is None:
                return
            self.sets.append(self.new)
        else:
            self._number()
        if self.one["spec"]["strategy"]["type"] == "Recreate":
            self._recreate()
        else:
            self._roll()
        self._forget()
        self._tell()

    @property
    def old(self) -> list[Object]:
        assert self.new is not None
        return [told for told in self.sets if told["metadata"]["uid"] != self.new["metadata"]["uid"]]

    def _adopt(self) -> None:
        """A ReplicaSet that fits and belongs to nobody is taken, as after `kubectl delete --cascade=orphan`."""
        owner = child(self.one, "x", {})["ownerReferences"]
        for told in self.hands.every(SETS, self.one["metadata"]["namespace"]):
            labels = told["metadata"].get("labels") or {}
            if not controller_of(told) and selects(self.one["spec"]["selector"], labels) and not is_going(told):
                self.sets.append(
                    self.hands.change(SETS, told, lambda fresh: fresh["metadata"].update(ownerReferences=owner))
                )

    def _make(self) -> Object | None:
        spec = self.one["spec"]
        template = copy.deepcopy(spec["template"])
        mark = digest(template)
        labels = {**(template["metadata"].get("labels") or {}), HASH: mark}
        template["metadata"]["labels"] = labels
        selector = copy.deepcopy(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: mark}
        revision = str(1 + max((_revision(told) for told in self.sets), default=0))
        metadata = child(self.one, f"{self.one['metadata']['name']}-{mark}", labels, {REVISION: revision})
        self._revise(revision)
        return self.hands.make({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
            "spec": {"replicas": 0, "selector": selector, "template": template,
                     "minReadySeconds": spec.get("minReadySeconds", 0)},
        })  # fmt: skip

    def _revise(self, revision: str) -> None:
        def edit(fresh: Object) -> None:
            fresh["metadata"].setdefault("annotations", {})[REVISION] = revision

        if (self.one["metadata"].get("annotations") or {}).get(REVISION) != revision:
            self.one = self.hands.change(DEPLOYMENTS, self.one, edit)

    def _number(self) -> None:
        """A template that was there before becomes the newest revision again (a rollback)."""
        assert self.new is not None
        newest = max((_revision(told) for told in self.old), default=0)
        if _revision(self.new) <= newest:
            revision = str(newest + 1)
            self.new = self.hands.change(
                SETS, self.new, lambda fresh: fresh["metadata"]["annotations"].update({REVISION: revision})
            )
        self._revise(str(_revision(self.new)))

    def _scale(self, told: Object, replicas: int) -> None:
        if told["spec"]["replicas"] != replicas:
            fresh = self.hands.change(SETS, told, lambda one: one["spec"].update(replicas=replicas))
            self.sets = [fresh if one["metadata"]["uid"] == fresh["metadata"]["uid"] else one for one in self.sets]
            if self.new is not None and self.new["metadata"]["uid"] == fresh["metadata"]["uid"]:
                self.new = fresh

    def _recreate(self) -> None:
        for told in self.old:
            self._scale(told, 0)
        if not any(self.hands.owned(PODS, told) for told in self.old):
            assert self.new is not None
            self._scale(self.new, self.wanted)

    def _roll(self) -> None:
        assert self.new is not None
        rolling = self.one["spec"]["strategy"].get("rollingUpdate") or {}
        surge = share(rolling.get("maxSurge"), self.wanted, up=True)
        missing = share(rolling.get("maxUnavailable"), self.wanted, up=False)
        if surge == missing == 0:
            missing = 1
        have = self.new["spec"]["replicas"]
        total = sum(told["spec"]["replicas"] for told in self.sets)
        room = self.wanted + surge - total
        self._scale(self.new, self.wanted if have > self.wanted else min(self.wanted, have + max(0, room)))
        self._shrink(self.wanted - missing)

    def _shrink(self, least: int) -> None:
        """Old Pods go: first those that do not serve, then as many as the rest can do without."""
        assert self.new is not None
        for told in self.old:
            self._scale(
                told,
                min(told["spec"]["replicas"], self._ready(told)) if self._settled(told) else told["spec"]["replicas"],
            )
        waiting = self.new["spec"]["replicas"] - self._ready(self.new)
        spare = sum(told["spec"]["replicas"] for told in self.sets) - least - waiting
        for told in sorted(self.old, key=_revision):
            if spare <= 0:
                return
            gone = min(spare, told["spec"]["replicas"])
            self._scale(told, told["spec"]["replicas"] - gone)
            spare -= gone

    def _settled(self, told: Object) -> bool:
        return bool((told.get("status") or {}).get("observedGeneration") == told["metadata"]["generation"])

    def _ready(self, told: Object) -> int:
        return sum(is_ready(pod) for pod in self.hands.owned(PODS, told))

    def _forget(self) -> None:
        idle = [told for told in self.old if not told["spec"]["replicas"] and not self.hands.owned(PODS, told)]
        limit = self.one["spec"]["revisionHistoryLimit"]
        for told in sorted(idle, key=_revision)[: max(0, len(idle) - limit)]:
            self.hands.delete(SETS, told)

    def _tell(self) -> None:
        had = self.one.get("status") or {}
        pods = {
            told["metadata"]["uid"]: [pod for pod in self.hands.owned(PODS, told) if not is_going(pod)]
            for told in self.sets
        }
        every = [pod for found in pods.values() for pod in found]
        ready = sum(is_ready(pod) for pod in every)
        fresh = pods.get(self.new["metadata"]["uid"], []) if self.new else []
        told: Object = {"observedGeneration": self.one["metadata"]["generation"]}
        for key, value in (
            ("replicas", len(every)),
            ("updatedReplicas", len(fresh)),
            ("readyReplicas", ready),
            ("availableReplicas", ready),
            ("unavailableReplicas", max(0, self.wanted - ready, len(every) - ready)),
        ):
            if value:
                told[key] = value
        if [int(part) for part in self.hands.cluster.release.minor.split(".")] >= [1, 35]:
            going = [pod for one in self.sets for pod in self.hands.owned(PODS, one) if is_going(pod)]
            told["terminatingReplicas"] = len(going)
        told["conditions"] = [self._available(had, ready), self._progressing(had, told, fresh, len(every))]
        self.hands.status(DEPLOYMENTS, self.one, told)

    def _available(self, had: Object, ready: int) -> Object:
        rolling = self.one["spec"]["strategy"].get("rollingUpdate") or {}
        if ready >= self.wanted - share(rolling.get("maxUnavailable", 0), self.wanted, up=False):
            return condition(
                had, "Available", True, "MinimumReplicasAvailable", "Deployment has minimum availability.", True
            )
        return condition(
            had,
            "Available",
            False,
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
            True,
        )

    def _progressing(self, had: Object, told: Object, fresh: list[Object], total: int) -> Object:
        name = self.new["metadata"]["name"] if self.new else ""
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        before = next((one for one in had.get("conditions") or () if one["type"] == "Progressing"), None)
        if self.one["spec"].get("paused"):
            paused = condition(had, "Progressing", True, "DeploymentPaused", "Deployment is paused", True)
            return {**paused, "status": "Unknown"}
        if len(fresh) == total == self.wanted == sum(is_ready(pod) for pod in fresh):
            words = f'ReplicaSet "{name}" has successfully progressed.'
            return condition(had, "Progressing", True, "NewReplicaSetAvailable", words, True)
        moved = (
            before is None
            or any(had.get(key) != told.get(key) for key in counts)
            or had.get("observedGeneration") != told["observedGeneration"]
        )
        limit = self.one["spec"].get("progressDeadlineSeconds", 600)
        late = before is not None and now() - parsed(before["lastUpdateTime"]) > timedelta(seconds=limit)
        if not moved and before is not None and (late or before["reason"] == "ProgressDeadlineExceeded"):
            words = f'ReplicaSet "{name}" has timed out progressing.'
            return condition(had, "Progressing", False, "ProgressDeadlineExceeded", words, True)
        if not moved and before is not None:
            return before
        words = f'ReplicaSet "{name}" is progressing.'
        return condition({}, "Progressing", True, "ReplicaSetUpdated", words, True)


def _bare(template: Object) -> Object:
    """Without the mark that the controller itself adds."""
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def _revision(told: Object) -> int:
    return int((told["metadata"].get("annotations") or {}).get(REVISION, 0))
