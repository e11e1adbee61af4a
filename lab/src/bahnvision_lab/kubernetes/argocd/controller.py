"""The stand-in for Argo CD's application controller: it looks at every Application and does what real syncs do.

It runs while an application controller's Pod is ready in the cluster, or while the cluster's capability is active.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.api.identity import AUTHENTICATED, User
from bahnvision_lab.kubernetes.argocd import rules
from bahnvision_lab.kubernetes.argocd.compare import View, tracking
from bahnvision_lab.kubernetes.argocd.health import worst
from bahnvision_lab.kubernetes.argocd.model import (
    APPLICATIONS,
    CASCADE,
    REFRESH,
    TRACKING,
    ApplicationError,
    Argo,
    Object,
)
from bahnvision_lab.kubernetes.argocd.source import Repositories
from bahnvision_lab.kubernetes.argocd.sync import Operation
from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.controllers.hands import PODS, Hands, digest, is_going, is_ready

LABEL, NAME = "app.kubernetes.io/name", "argocd-application-controller"
PAUSE = 0.3  # between two looks at one Application; Argo CD looks at its repository every 2 to 3 minutes
RETRY = 0.5  # between two attempts; Argo CD begins with 5 s


class Controller:
    def __init__(self, hands: Hands) -> None:
        self.hands, self.cluster, self.store = hands, hands.cluster, hands.store
        self._repositories = Repositories(self.cluster.folder / "argocd")
        self._due: dict[str, float] = {}
        self._operations: dict[str, Operation] = {}
        self._seen: dict[str, tuple[int, str]] = {}  # at which version of the cluster all was as it should be

    def step(self) -> None:
        if not self.store.every(APPLICATIONS):
            return
        for argo in self._running():
            for app in self.store.every(APPLICATIONS, argo.namespace):
                uid = app["metadata"]["uid"]
                if time.monotonic() >= self._due.get(uid, 0):
                    self._due[uid] = time.monotonic() + PAUSE
                    self._look(argo, app)

    def _running(self) -> Iterator[Argo]:
        managed = self.cluster.setting.managed_argocd()
        if managed is not None:
            yield managed
        seen = set()
        for pod in self.store.every(PODS):
            space, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
            if labels.get(LABEL) == NAME and is_ready(pod) and space not in seen:
                seen.add(space)
                name = f"system:serviceaccount:{space}:{pod['spec'].get('serviceAccountName', 'default')}"
                yield Argo(space, User(name, ("system:serviceaccounts", AUTHENTICATED)))

    def _look(self, argo: Argo, app: Object) -> None:
        if is_going(app):
            self._end(app)
            return
        before = app.get("status") or {}
        try:
            status = self._status(argo, app, before)
        except ApplicationError as problem:
            condition = {"type": problem.kind, "message": problem.message}
            status = {**before, "conditions": [_since(before, condition)], "sync": {"status": "Unknown"}}
            status["health"] = before.get("health") or {"status": "Unknown"}
        self.hands.status(APPLICATIONS, app, status)
        if app.get("operation") or REFRESH in (app["metadata"].get("annotations") or {}):
            self.hands.change(APPLICATIONS, app, _served)

    def _status(self, argo: Argo, app: Object, before: Object) -> Object:
        project = rules.project_of(self.cluster, argo, app)
        rules.require_allowed(self.cluster, argo, app, project)
        rules.require_cache(self.cluster, argo)
        commit, manifests = self._repositories.read(app["spec"].get("source") or {})
        uid, last = app["metadata"]["uid"], self._operations.get(app["metadata"]["uid"])
        now = (self.store.version, commit)
        if before and not before.get("conditions") and self._seen.get(uid) == now and not (last and last.goes_on):
            return before
        self._seen[uid] = now
        view = View(self.cluster, argo, app, project)
        view.take_in(manifests)
        operation = self._operation(app, view, commit)
        if operation is not None and operation.goes_on:
            operation.step(view, self.hands)
            view.take_in(manifests)
        return self._told(app, view, commit, operation, before)

    def _operation(self, app: Object, view: View, commit: str) -> Operation | None:
        """The sync that goes on, a new one when there is reason for it, or the last one."""
        uid, policy = app["metadata"]["uid"], app["spec"].get("syncPolicy") or {}
        last, automated = self._operations.get(uid), policy.get("automated")
        if last is not None and last.goes_on:
            return last
        mark = digest([commit, app["spec"]])
        by_hand = (app.get("operation") or {}).get("sync")
        if by_hand is not None:
            return self._begin(uid, Operation(commit, mark, prune=bool(by_hand.get("prune"))))
        if automated is None or automated.get("enabled") is False:
            return last
        prune = bool(automated.get("prune"))
        if all(item.synced or (item.surplus and (item.kept or not prune)) for item in view.items):
            return last
        if prune and all(item.surplus for item in view.items) and not automated.get("allowEmpty"):
            raise ApplicationError("SyncError", f"Skipping sync attempt to {commit}: auto-sync will wipe out all "
                                                "resources")  # fmt: skip
        if last is not None and last.mark == mark:
            again = bool(automated.get("selfHeal")) if last.phase == "Succeeded" else last.attempt < _limit(policy)
            if not again or time.monotonic() < last.ended + RETRY:
                return last
        attempt = last.attempt + 1 if last is not None and last.mark == mark and last.phase == "Failed" else 0
        return self._begin(uid, Operation(commit, mark, prune=prune, attempt=attempt))

    def _begin(self, uid: str, operation: Operation) -> Operation:
        self._operations[uid] = operation
        return operation

    def _told(self, app: Object, view: View, commit: str, operation: Operation | None, before: Object) -> Object:
        told = [item.told() for item in view.items if not item.resource or not _is_hook(item.wanted)]
        source = app["spec"].get("source") or {}
        synced = all(one["status"] == "Synced" for one in told)
        health = worst(one["health"]["status"] for one in told if not one.get("requiresPruning"))
        if not told:
            health = "Healthy"
        compared = {"source": source, "destination": app["spec"]["destination"]}
        status: Object = {
            "sync": {"status": "Synced" if synced else "OutOfSync", "revision": commit, "comparedTo": compared},
            "health": {"status": health}, "resources": told, "sourceType": "Directory",
            "history": list(before.get("history") or ()),
        }  # fmt: skip
        if operation is not None:
            limit = _limit(app["spec"].get("syncPolicy") or {})
            status["operationState"] = operation.told(source, limit)
            _remember(status["history"], operation, source)
        elif before.get("operationState"):
            status["operationState"] = before["operationState"]
        return status

    def _end(self, app: Object) -> None:
        """With the finalizer all that it has made goes before it; without, nothing."""
        if CASCADE not in (app["metadata"].get("finalizers") or ()):
            return
        left = [
            (place, one) for place, one in self.store.everything()
            if (one["metadata"].get("annotations") or {}).get(TRACKING) == tracking(app, one)
        ]  # fmt: skip
        for place, one in left:
            self.hands.delete(place, one)
        if not left:
            self.hands.change(APPLICATIONS, app, _without_finalizer)


def _is_hook(one: Object) -> bool:
    return "argocd.argoproj.io/hook" in (one["metadata"].get("annotations") or {})


def _limit(policy: dict[str, Any]) -> int:
    return int((policy.get("retry") or {}).get("limit", 0))


def _since(before: Object, condition: Object) -> Object:
    """A condition keeps its time while it stays what it is."""
    for one in before.get("conditions") or ():
        if (one["type"], one["message"]) == (condition["type"], condition["message"]):
            return dict(one)
    return {**condition, "lastTransitionTime": stamp()}


def _served(app: Object) -> None:
    app.pop("operation", None)
    left = {key: text for key, text in (app["metadata"].pop("annotations", None) or {}).items() if key != REFRESH}
    if left:
        app["metadata"]["annotations"] = left


def _without_finalizer(app: Object) -> None:
    app["metadata"]["finalizers"] = [one for one in app["metadata"]["finalizers"] if one != CASCADE]


def _remember(history: list[Object], operation: Operation, source: Object) -> None:
    """Each commit that was synced, in the order of their syncs."""
    if operation.phase == "Succeeded" and (not history or history[-1]["revision"] != operation.commit):
        entry = {"id": len(history), "revision": operation.commit, "deployedAt": stamp(), "source": source}
        history.append(entry)
