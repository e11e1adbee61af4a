"""Scheduler and kubelets: Pods get a node and become what their images, volumes and configuration let them become."""

from __future__ import annotations

import time
from typing import Any

from bahnvision_lab.kubernetes.clock import stamp
from bahnvision_lab.kubernetes.controllers.hands import PODS, Hands, condition, is_going, phase
from bahnvision_lab.kubernetes.controllers.scheduler import Scheduler
from bahnvision_lab.kubernetes.objects.pod_defaults import quality

Object = dict[str, Any]
BACK_OFF = 1.0  # seconds until ErrImagePull becomes ImagePullBackOff, and between two crashes
UNREADY = "ReadinessFailed"
PULLING = ("ErrImagePull", "InvalidImageName")


class Kubelets:
    """All nodes' kubelets. They remember when they saw a Pod first."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        self._seen: dict[str, float] = {}
        self._addresses = 0

    def step(self) -> None:
        scheduler: Scheduler | None = None
        living = set()
        for pod in self.hands.every(PODS):
            living.add(pod["metadata"]["uid"])
            if is_going(pod):
                self._end(pod)
            elif not pod["spec"].get("nodeName"):
                scheduler = scheduler or Scheduler(self.hands)
                self._place(scheduler, pod)
            elif phase(pod) not in ("Succeeded", "Failed"):
                self._run(pod)
        self._seen = {uid: since for uid, since in self._seen.items() if uid in living}

    def _end(self, pod: Object) -> None:
        """Nothing runs, so nothing needs its grace period; finalizers are waited for."""
        if not pod["metadata"].get("finalizers"):
            with self.hands.store.lock:
                self.hands.store.remove(PODS, pod)

    def _place(self, scheduler: Scheduler, pod: Object) -> None:
        node, why = scheduler.choose(pod)
        had = pod.get("status") or {}
        if node:
            self.hands.change(PODS, pod, lambda fresh: fresh["spec"].update(nodeName=node), "binding")
            return
        told = condition(had, "PodScheduled", False, "Unschedulable", why)
        others = [one for one in had.get("conditions") or () if one["type"] != "PodScheduled"]
        self.hands.status(
            PODS, pod, {"phase": "Pending", "qosClass": quality(pod), **had, "conditions": [*others, told]}
        )
        self.hands.event(pod, "Warning", "FailedScheduling", why)
        self.hands.cluster.setting.more_nodes(pod)

    def _run(self, pod: Object) -> None:
        uid, had = pod["metadata"]["uid"], pod.get("status") or {}
        began = self._seen.setdefault(uid, time.monotonic())
        age = time.monotonic() - began
        init = self._statuses(pod, "initContainers", age, True)
        blocked = any("waiting" in one["state"] for one in init)
        main = self._statuses(pod, "containers", age, False, blocked)
        if not had.get("podIP"):
            self._addresses += 1
            had = {**had, "podIP": f"10.0.{self._addresses // 250}.{self._addresses % 250 + 2}", "startTime": stamp()}
        told = {**had, "phase": self._phase(pod, main), "hostIP": "10.0.255.1", "podIPs": [{"ip": had["podIP"]}],
                "containerStatuses": _kept(had, "containerStatuses", main), "qosClass": quality(pod),
                "conditions": self._conditions(had, main, blocked)}  # fmt: skip
        if init:
            told["initContainerStatuses"] = _kept(had, "initContainerStatuses", init)
        self.hands.status(PODS, pod, told)
        for one in (*init, *main):
            self._warn(pod, one)

    def _statuses(self, pod: Object, field: str, age: float, is_init: bool, blocked: bool = False) -> list[Object]:
        return [self._status(pod, one, age, is_init, blocked) for one in pod["spec"].get(field) or ()]

    def _status(self, pod: Object, container: Object, age: float, is_init: bool, blocked: bool) -> Object:
        image = container["image"]
        told: Object = {
            "name": container["name"],
            "image": image,
            "imageID": "",
            "restartCount": 0,
            "ready": False,
            "started": False,
            "lastState": {},
        }
        trouble = self.hands.cluster.setting.image_trouble(image)
        missing = missing_of(self.hands, pod, container)
        if blocked:
            return {**told, "state": _waiting("PodInitializing", "")}
        if age < self.hands.cluster.setting.start_seconds():
            return {**told, "state": _waiting("ContainerCreating", "")}
        if missing:
            return {**told, "state": _waiting(*missing)}
        if trouble in PULLING:
            return {**told, "state": _unpulled(image, trouble, age)}
        told["imageID"] = image
        if trouble == "CrashLoopBackOff":
            return {**told, **_crashed(pod, container, age)}
        if is_init or pod["spec"]["restartPolicy"] != "Always":
            return {**told, "ready": is_init, "state": _ended(0, "Completed")}
        return {**told, "ready": trouble != UNREADY, "started": True, "state": {"running": {"startedAt": stamp()}}}

    def _phase(self, pod: Object, main: list[Object]) -> str:
        states = [one["state"] for one in main]
        if all("terminated" in state for state in states) and pod["spec"]["restartPolicy"] != "Always":
            failed = any(state["terminated"]["exitCode"] for state in states)
            return "Failed" if failed else "Succeeded"
        started = all(one["imageID"] for one in main)
        return "Running" if started else "Pending"

    def _conditions(self, had: Object, main: list[Object], blocked: bool) -> list[Object]:
        unready = [one["name"] for one in main if not one["ready"]]
        done = all("terminated" in one["state"] for one in main)
        words = f"containers with unready status: [{' '.join(unready)}]" if unready and not done else ""
        reason = "PodCompleted" if done else "ContainersNotReady" if unready else ""
        return [
            condition(had, "PodReadyToStartContainers", True, "", ""),
            condition(had, "Initialized", not blocked, "ContainersNotInitialized" if blocked else "", ""),
            condition(had, "Ready", not unready, reason, words),
            condition(had, "ContainersReady", not unready, reason, words),
            condition(had, "PodScheduled", True, "", ""),
        ]

    def _warn(self, pod: Object, one: Object) -> None:
        waiting = one["state"].get("waiting") or {}
        if waiting.get("reason") in ("ErrImagePull", "InvalidImageName", "CreateContainerConfigError"):
            self.hands.event(pod, "Warning", "Failed", waiting["message"])
        elif waiting.get("reason") in ("ImagePullBackOff", "CrashLoopBackOff"):
            words = {"ImagePullBackOff": f'Back-off pulling image "{one["image"]}"'}
            told = words.get(waiting["reason"], f"Back-off restarting failed container {one['name']}")
            self.hands.event(pod, "Warning", "BackOff", told)


def _waiting(reason: str, message: str) -> Object:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def _unpulled(image: str, trouble: str, age: float) -> Object:
    if trouble == "InvalidImageName":
        words = (
            f'Failed to apply default image tag "{image}": couldn\'t parse image name '
            f'"{image}": invalid reference format'
        )
        return _waiting(trouble, words)
    words = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": not found'
    if age % (4 * BACK_OFF) < BACK_OFF:
        return _waiting("ErrImagePull", words)
    return _waiting("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {words}')


def _ended(code: int, reason: str) -> Object:
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": stamp(), "finishedAt": stamp()}}


def _crashed(pod: Object, container: Object, age: float) -> Object:
    """A process that ends with 1: for good where it is not started again."""
    end = _ended(1, "Error")
    if pod["spec"]["restartPolicy"] == "Never":
        return {"state": end}
    count = int(age // BACK_OFF) + 1
    told = pod["metadata"]
    words = (f"back-off {min(300, 10 * 2 ** min(count, 5))}s restarting failed container={container['name']} "
             f"pod={told['name']}_{told['namespace']}({told['uid']})")  # fmt: skip
    return {"state": _waiting("CrashLoopBackOff", words), "lastState": end, "restartCount": count}


def _kept(had: Object, field: str, fresh: list[Object]) -> list[Object]:
    """A container that is in the same state keeps the times of that state."""
    before = {one["name"]: one for one in had.get(field) or ()}
    kept = []
    for one in fresh:
        old = before.get(one["name"])
        same = old is not None and old["image"] == one["image"] and list(old["state"]) == list(one["state"])
        if same and old is not None and "waiting" not in one["state"]:
            one = {**one, "state": old["state"], "lastState": old.get("lastState", {})}
        if same and old is not None and old.get("restartCount") == one["restartCount"]:
            one = {**one, "lastState": old.get("lastState", {})}
        kept.append(one)
    return kept


def missing_of(hands: Hands, pod: Object, container: Object) -> tuple[str, str] | None:
    """What a container needs and is not there: reason and words of the kubelet."""
    space = pod["metadata"]["namespace"]
    for kind, name, key, optional in _references(container):
        plural = {"configmap": "configmaps", "secret": "secrets"}[kind]
        found = hands.store.find(("", plural), space, name)
        if optional:
            continue
        if found is None:
            return "CreateContainerConfigError", f'{kind} "{name}" not found'
        if key and key not in (found.get("data") or {}):
            what = "Secret" if kind == "secret" else "ConfigMap"
            return "CreateContainerConfigError", f"couldn't find key {key} in {what} {space}/{name}"
    for volume in pod["spec"].get("volumes") or ():
        words = _volume(hands, space, volume)
        if words:
            return "ContainerCreating", words
    return None


def _references(container: Object) -> list[tuple[str, str, str, bool]]:
    found = []
    for one in container.get("env") or ():
        for field, kind in (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")):
            told = (one.get("valueFrom") or {}).get(field)
            if told:
                found.append((kind, told.get("name", ""), told["key"], bool(told.get("optional"))))
    for one in container.get("envFrom") or ():
        for field, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
            if one.get(field):
                found.append((kind, one[field].get("name", ""), "", bool(one[field].get("optional"))))
    return found


def _volume(hands: Hands, space: str, volume: Object) -> str:
    name = volume["name"]
    for field, key, plural in (("secret", "secretName", "secrets"), ("configMap", "name", "configmaps")):
        told = volume.get(field)
        if told and not told.get("optional") and hands.store.find(("", plural), space, told[key]) is None:
            return f'MountVolume.SetUp failed for volume "{name}" : {plural[:-1]} "{told[key]}" not found'
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if claim:
        found = hands.store.find(("", "persistentvolumeclaims"), space, claim)
        if found is None or (found.get("status") or {}).get("phase") != "Bound":
            return f'persistentvolumeclaim "{claim}" is not bound'
    return ""
