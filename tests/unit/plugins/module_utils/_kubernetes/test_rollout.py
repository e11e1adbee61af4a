"""The verdict on a roll-out: done, under way or lost, from objects in the shapes that Kubernetes 1.34 shows."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.jobs import judge_job
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.rollout import (
    REVISION,
    Verdict,
    World,
    judge_deployment,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.watch import follow
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

Object = dict[str, Any]
IMAGE = "registry.example/backend@sha256:1"
NOT_FOUND = f'failed to resolve reference "{IMAGE}": not found'
QUOTA = 'pods "x" is forbidden: exceeded quota: all, requested: pods=1, used: pods=2, limited: pods=2'
SECURITY = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'


def owned(kind: str, name: str, owner: str, **rest: Any) -> Object:
    told = {"name": name, "uid": f"{kind}/{name}", "ownerReferences": [{"uid": owner, "controller": True}]}
    return {"metadata": {**told, **rest.pop("metadata", {})}, **rest}


def deployment(wanted: int = 2, updated: int = 2, available: int = 2, total: int = 0, **rest: Any) -> Object:
    metadata = {"name": "backend", "uid": "d", "generation": 3, "annotations": {REVISION: "2"}}
    status = {"observedGeneration": 3, "replicas": total or max(wanted, updated), "updatedReplicas": updated,
              "availableReplicas": available, **rest.pop("status", {})}  # fmt: skip
    return {"metadata": metadata, "spec": {"replicas": wanted, **rest}, "status": status}


def replica_set(revision: str, wanted: int, available: int, **status: Any) -> Object:
    return owned(
        "rs", f"backend-{revision}", "d", metadata={"annotations": {REVISION: revision}}, spec={"replicas": wanted},
        status={"replicas": wanted, "availableReplicas": available, **status},
    )  # fmt: skip


def pod(state: Object, **status: Any) -> Object:
    told = {"name": "backend", "image": IMAGE, "ready": False, "restartCount": 0, "lastState": {}, "state": state,
            **status.pop("container", {})}  # fmt: skip
    return owned(
        "pod", "backend-2-x", "rs/backend-2", status={"phase": "Pending", "containerStatuses": [told], **status}
    )


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason, "message": message}}


def event(uid: str, reason: str, message: str) -> Object:
    return {
        "involvedObject": {"uid": uid},
        "reason": reason,
        "message": message,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }


ENDED = {"terminated": {"exitCode": 3, "reason": "Error"}}
UNSCHEDULED = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes fit"}]
UNREADY = [{"type": "Ready", "status": "False"}]
LATE = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]
REFUSED = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": SECURITY}]


def judged(one: Object, new: Object, pods: list[Object], events: list[Object]) -> Verdict:
    return judge_deployment(one, World([one], [replica_set("1", 2, 2), new], [], pods, events))


def test_a_roll_out_is_done_when_all_pods_are_new_and_available() -> None:
    old, new = replica_set("1", 0, 0), replica_set("2", 2, 2)
    told = judge_deployment(deployment(), World([], [old, new]))
    assert (told.state, told.new, told.old) == ("done", 2, 0)


@pytest.mark.parametrize("one", [
    deployment(status={"observedGeneration": 2}), deployment(updated=1, total=2), deployment(total=3),
    deployment(available=1),
], ids=["not seen yet", "not all new", "old ones are left", "not available"])  # fmt: skip
def test_a_roll_out_goes_on(one: Object) -> None:
    told = judge_deployment(one, World([one], [replica_set("1", 1, 1), replica_set("2", 2, 1)]))
    assert (told.state, told.trouble) == ("progressing", None)


def test_a_staged_application_is_done_with_no_pods() -> None:
    one = deployment(0, 0, 0)
    assert judge_deployment(one, World([one], [replica_set("2", 0, 0)])).state == "done"


@pytest.mark.parametrize(("pods", "events", "cause", "hope", "words"), [
    ([pod(waiting("ErrImagePull", NOT_FOUND))], [], "image", "hardly", "ErrImagePull: failed to resolve"),
    ([pod(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))],
     [event("pod/backend-2-x", "Failed", NOT_FOUND)], "image", "hardly", "ImagePullBackOff: failed to resolve"),
    ([pod(waiting("InvalidImageName", "couldn't parse"))], [], "image", "never", "InvalidImageName: couldn't parse"),
    ([pod(waiting("CreateContainerConfigError", 'secret "s" not found'))], [], "configuration", "hardly",
     '"s" not found'),
    ([pod(waiting("CrashLoopBackOff"), container={"lastState": ENDED, "restartCount": 4})], [], "crash", "hardly",
     "CrashLoopBackOff: it ended with exit code 3: Error, 4 restarts so far"),
    ([pod({"running": {}}, phase="Running", container={"lastState": ENDED, "restartCount": 2})], [], "crash", "hardly",
     "2 restarts"),
    ([pod(ENDED, container={"restartCount": 0})], [], "crash", "maybe", "exit code 3"),
    ([pod(waiting("ContainerCreating"), conditions=UNSCHEDULED)], [], "schedule", "maybe", "0/3 nodes fit"),
    ([pod({"running": {}}, phase="Running", conditions=UNREADY)],
     [event("pod/backend-2-x", "Unhealthy", "Readiness probe failed: HTTP 503")], "ready", "maybe", "HTTP 503"),
    ([pod(waiting("ContainerCreating"))], [event("pod/backend-2-x", "FailedMount", 'configmap "c" not found')], "start",
     "maybe", 'FailedMount: configmap "c"'),
    ([], [event("rs/backend-2", "FailedCreate", QUOTA)], "refused", "hardly", "exceeded quota"),
    ([], [event("rs/backend-2", "FailedCreate", SECURITY)], "refused", "never", "violates PodSecurity"),
], ids=str)  # fmt: skip
def test_the_pods_own_reason_is_told(
    pods: list[Object], events: list[Object], cause: str, hope: str, words: str
) -> None:
    status = {} if pods else {"replicas": 0}
    told = judged(deployment(updated=1, available=2), replica_set("2", 1, 0, **status), pods, events)
    assert told.trouble is not None
    assert (told.trouble.cause, told.trouble.hope) == (cause, hope)
    assert words in told.words
    assert told.state == ("failed" if hope == "never" else "progressing")
    assert told.serving == "the former version still serves with 2 Pods"


def test_what_controllers_say_in_conditions_counts() -> None:
    refused = judged(deployment(updated=0), replica_set("2", 1, 0, replicas=0, conditions=REFUSED), [], [])
    assert (refused.state, "violates PodSecurity" in refused.words) == ("failed", True)
    late = judged(deployment(updated=1, available=1, status={"conditions": LATE}), replica_set("2", 1, 0), [], [])
    assert (late.state, late.words) == ("failed", "timed out (ProgressDeadlineExceeded)")


def test_troubles_of_old_pods_and_stale_events_do_not_count() -> None:
    old = pod(waiting("CrashLoopBackOff"))
    old["metadata"]["ownerReferences"][0]["uid"] = "rs/backend-1"
    stale = [event("rs/backend-2", "FailedCreate", QUOTA)]
    told = judged(deployment(updated=1, available=1), replica_set("2", 1, 0), [old], stale)
    assert (told.state, told.trouble) == ("progressing", None)


def test_a_paused_one_is_not_waited_for() -> None:
    assert judged(deployment(updated=0, paused=True), replica_set("2", 0, 0), [], []).state == "failed"


def job(*conditions: tuple[str, str], **spec: Any) -> Object:
    told = [
        {"type": kind, "status": "True", "reason": reason, "message": "it is said so"} for kind, reason in conditions
    ]
    return {"metadata": {"name": "migrate", "uid": "rs/backend-2"}, "spec": spec, "status": {"conditions": told}}


def test_jobs_are_done_or_have_failed_with_their_pods_reason() -> None:
    assert judge_job(job(("Complete", "")), World()).state == "done"
    lost = judge_job(job(("Failed", "BackoffLimitExceeded")), World(pods=[pod(ENDED, phase="Failed")]))
    assert (lost.state, "exit code 3" in lost.words, "BackoffLimitExceeded" in lost.words) == ("failed", True, True)
    assert lost.trouble is not None
    assert lost.trouble.container == "backend"
    assert judge_job(job(suspend=True), World()).state == "failed"
    assert judge_job(job(), World(pods=[pod(waiting("ErrImagePull", NOT_FOUND))])).state == "progressing"
    refused = judge_job(job(), World(events=[event("rs/backend-2", "FailedCreate", SECURITY)]))
    assert (refused.state, "violates PodSecurity" in refused.words) == ("failed", True)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(worlds: list[World], said: str = "", **params: Any) -> tuple[list[Verdict], float]:
    """Follow a Deployment through worlds, one for each look, the last for ever."""
    clock = Clock()
    wish = {"namespace": "web", "deployments": ["backend"], "jobs": [], "timeout": 600, "patience": 60, "pause": 3,
            "advice": "Go back.", **params}  # fmt: skip
    left = list(worlds)
    told = follow(lambda: left.pop(0) if len(left) > 1 else left[0], wish, lambda *_: said, clock, clock.sleep)
    return told, clock.now


def world(one: Object, *pods: Object) -> World:
    return World([one], [replica_set("1", 2, 2), replica_set("2", 1, 0)], [], list(pods))


DONE = world(deployment())
BACK_OFF = world(deployment(updated=1), pod(waiting("ImagePullBackOff", f"a: b: c: {NOT_FOUND}")))
PULL = world(deployment(updated=1), pod(waiting("ErrImagePull", NOT_FOUND)))
NO_NODE = world(deployment(updated=1), pod(waiting("ContainerCreating"), conditions=UNSCHEDULED))


def test_what_heals_is_waited_for() -> None:
    verdicts, _seconds = wait([PULL, BACK_OFF, NO_NODE, DONE])
    assert [one.state for one in verdicts] == ["done"]


def test_an_image_that_is_not_there_is_given_up_early() -> None:
    with pytest.raises(ResourceError) as told:
        wait([PULL, BACK_OFF, PULL, BACK_OFF], said="not for images")
    for words in (
        "Deployment backend in namespace web has failed",
        NOT_FOUND,
        "The former version still serves with 2 Pods.",
    ):
        assert words in told.value.message
    assert told.value.message.endswith("Go back.")
    assert "last words" not in told.value.message


def test_patience_starts_anew_with_another_trouble() -> None:
    worlds = [*[PULL] * 8, NO_NODE, *[PULL] * 6, DONE]
    _verdicts, seconds = wait(worlds, patience=20)
    assert seconds > 20


def test_a_node_that_does_not_come_is_waited_for_until_the_timeout() -> None:
    with pytest.raises(ResourceError, match="is not done after 300 s: Pod backend-2-x: Unschedulable: 0/3 nodes fit"):
        wait([NO_NODE], timeout=300)


def test_what_a_process_said_last_is_told() -> None:
    crash = world(deployment(updated=1), pod(waiting("CrashLoopBackOff"), container={"lastState": ENDED}))
    with pytest.raises(ResourceError, match="Its last words:\n  Traceback\n  KeyError: 'X'\nThe former version"):
        wait([crash], said="Traceback\nKeyError: 'X'")


def test_a_deployment_that_is_gone_is_said_so() -> None:
    with pytest.raises(ResourceError, match="there is no Deployment backend any more"):
        wait([World()])
