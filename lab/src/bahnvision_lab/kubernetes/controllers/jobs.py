"""Jobs and CronJobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bahnvision_lab.kubernetes.clock import now, parsed, stamp
from bahnvision_lab.kubernetes.controllers.hands import PODS, Hands, child, condition, is_going, is_ready, phase
from bahnvision_lab.kubernetes.objects import cron

Object = dict[str, Any]
JOBS, CRONS = ("batch", "jobs"), ("batch", "cronjobs")


def step(hands: Hands) -> None:
    for one in hands.every(JOBS):
        if not is_going(one):
            _expired(hands, one) if finished(one) else _job(hands, one)
    for one in hands.every(CRONS):
        if not is_going(one):
            _cron(hands, one)


def finished(one: Object) -> str:
    """Complete, Failed or nothing yet."""
    told = (one.get("status") or {}).get("conditions") or ()
    return next(
        (str(item["type"]) for item in told if item["type"] in ("Complete", "Failed") and item["status"] == "True"), ""
    )


def _expired(hands: Hands, one: Object) -> None:
    limit, ended = one["spec"].get("ttlSecondsAfterFinished"), _ended_at(one)
    if limit is not None and ended is not None and now() - ended >= timedelta(seconds=limit):
        hands.delete(JOBS, one)


def _ended_at(one: Object) -> datetime | None:
    for told in (one.get("status") or {}).get("conditions") or ():
        if told["type"] in ("Complete", "Failed"):
            return parsed(told["lastTransitionTime"])
    return None


def _job(hands: Hands, one: Object) -> None:
    spec, had = one["spec"], one.get("status") or {}
    if spec.get("suspend"):
        for pod in hands.owned(PODS, one):
            hands.delete(PODS, pod)
        conditions = [_probed(condition(had, "Suspended", True, "JobSuspended", "Job suspended"))]
        counts = {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}
        hands.status(JOBS, one, {**had, **counts, "conditions": conditions})
        return None
    pods = hands.owned(PODS, one)
    done = sum(phase(pod) == "Succeeded" for pod in pods)
    failed = sum(phase(pod) == "Failed" for pod in pods)
    active = [pod for pod in pods if phase(pod) in ("Pending", "Running") and not is_going(pod)]
    began = had.get("startTime") or stamp()
    restarts = sum(
        told.get("restartCount", 0)
        for pod in active
        for told in (pod.get("status") or {}).get("containerStatuses") or ()
    )
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and now() - parsed(began) > timedelta(seconds=deadline):
        return _end(hands, one, active, done, failed + len(active), "Failed", "DeadlineExceeded",
                    "Job was active longer than specified deadline")  # fmt: skip
    if failed + restarts > spec["backoffLimit"]:
        return _end(hands, one, active, done, failed + len(active), "Failed", "BackoffLimitExceeded",
                    "Job has reached the specified backoff limit")  # fmt: skip
    wanted = spec.get("completions")
    if done >= (wanted or 1):
        return _end(
            hands,
            one,
            active,
            done,
            failed,
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        )
    _start(hands, one, active, done)
    active = [pod for pod in hands.owned(PODS, one) if phase(pod) in ("Pending", "Running") and not is_going(pod)]
    told: Object = {"startTime": began, "active": len(active), "ready": sum(is_ready(pod) for pod in active),
                    "terminating": 0, "uncountedTerminatedPods": {}}  # fmt: skip
    for key, value in (("succeeded", done), ("failed", failed)):
        if value:
            told[key] = value
    hands.status(JOBS, one, told)
    return None


def _start(hands: Hands, one: Object, active: list[Object], done: int) -> None:
    spec, told = one["spec"], one["spec"]["template"]
    room = spec["parallelism"] - len(active)
    if spec.get("completions") is not None:
        room = min(room, spec["completions"] - done - len(active))
    for _number in range(room):
        metadata = child(one, f"{one['metadata']['name'][:57]}-", told["metadata"].get("labels") or {},
                         told["metadata"].get("annotations"))  # fmt: skip
        if hands.make({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": told["spec"]}) is None:
            return


def _probed(told: Object) -> Object:
    return {**told, "lastProbeTime": told["lastTransitionTime"]}


def _end(
    hands: Hands, one: Object, active: list[Object], done: int, failed: int, kind: str, reason: str, message: str
) -> None:
    for pod in active:
        hands.delete(PODS, pod)
    had = one.get("status") or {}
    first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    conditions = [_probed(condition(had, name, True, reason, message)) for name in (first, kind)]
    told: Object = {
        "startTime": had.get("startTime") or stamp(),
        "conditions": conditions,
        "ready": 0,
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    if done:
        told["succeeded"] = done
    if failed:
        told["failed"] = failed
    if kind == "Complete":
        told["completionTime"] = stamp()
    hands.status(JOBS, one, told)
    hands.event(
        one, "Normal" if kind == "Complete" else "Warning", "Completed" if kind == "Complete" else reason, message
    )


def _cron(hands: Hands, one: Object) -> None:
    spec, had = one["spec"], one.get("status") or {}
    jobs = hands.owned(JOBS, one)
    minute = now().replace(second=0, microsecond=0)
    last = had.get("lastScheduleTime")
    made_before = parsed(one["metadata"]["creationTimestamp"]) <= minute
    due = made_before and not spec.get("suspend") and cron.is_due(spec["schedule"], minute, spec.get("timeZone"))
    active = [job for job in jobs if not finished(job)]
    told = dict(had)
    if due and (last is None or parsed(last) < minute) and not (active and spec["concurrencyPolicy"] == "Forbid"):
        if spec["concurrencyPolicy"] == "Replace":
            for job in active:
                hands.delete(JOBS, job)
        template = spec["jobTemplate"]
        name = f"{one['metadata']['name']}-{int(minute.timestamp()) // 60}"
        metadata = child(one, name, (template.get("metadata") or {}).get("labels") or {},
                         (template.get("metadata") or {}).get("annotations"))  # fmt: skip
        hands.make({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]})
        told["lastScheduleTime"] = stamp(minute)
    _tidy(hands, one, jobs)
    active = [job for job in hands.owned(JOBS, one) if not finished(job)]
    told["active"] = [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "namespace": job["metadata"]["namespace"],
            "uid": job["metadata"]["uid"],
        }
        for job in active
    ]
    good = [str(job["status"]["completionTime"]) for job in jobs if finished(job) == "Complete"]
    if good:
        told["lastSuccessfulTime"] = max(good)
    hands.status(CRONS, one, {key: value for key, value in told.items() if value})


def _tidy(hands: Hands, one: Object, jobs: list[Object]) -> None:
    for kind, key in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        ended = sorted(
            (job for job in jobs if finished(job) == kind), key=lambda job: job["metadata"]["creationTimestamp"]
        )
        for job in ended[: max(0, len(ended) - one["spec"][key])]:
            hands.delete(JOBS, job)
