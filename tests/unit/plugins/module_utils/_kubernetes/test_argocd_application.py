"""Waiting for Argo CD: done at the right commit alone, and in vain with Argo CD's own words."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.argocd import follow, judge
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OPTIONS = {"name": "orders", "commit": "new", "timeout": 100, "patience": 20, "pause": 1, "advice": "Revert it."}
WEB = {"kind": "Deployment", "name": "web", "status": "Synced"}


def app(sync="Synced", health="Healthy", revision="new", phase="Succeeded", message="", **status):
    last = {"phase": phase, "message": message, "syncResult": {"revision": revision}}
    told = {"sync": {"status": sync, "revision": revision}, "health": {"status": health}, "operationState": last}
    return {"status": {**told, **status}}


@pytest.mark.parametrize("health", ["Healthy", "Suspended"])
def test_it_is_done_when_the_commit_is_there_and_healthy(health):
    assert judge(app(health=health), "new").done
    assert judge(app(health=health, revision="any"), "").done


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, "compares with commit none yet"),
        (app(revision="old"), "compares with commit old, not yet with new"),
        (app(sync="OutOfSync", resources=[{**WEB, "status": "OutOfSync"}]), "it is OutOfSync (Deployment web)"),
        (app(sync="OutOfSync", phase="Running", message="waiting for x"), "it is OutOfSync: waiting for x"),
        (app(phase="Running", message="waiting for hook"), "waiting for hook"),
        (app(health="Progressing", resources=[{**WEB, "health": {"status": "Progressing"}}]), "web is Progressing"),
        ({"status": {"conditions": [{"type": "OrphanedResourceWarning", "message": "x"}]}}, "none yet"),
    ],
)
def test_what_goes_on_is_waited_for(seen, words):
    verdict = judge(seen, "new")
    assert words in verdict.words
    assert (verdict.done, verdict.hope) == (False, "")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"status": {"conditions": [{"type": "ComparisonError", "message": "no such path"}]}}, "no such path"),
        (app(sync="OutOfSync", phase="Failed", message="quota exceeded"), "its sync has failed: quota exceeded"),
        (app(health="Degraded", resources=[{**WEB, "health": {"status": "Degraded", "message": "exceeded"}}]),
         "Deployment web is Degraded: exceeded"),
    ],
)  # fmt: skip
def test_what_lasts_fails_with_argo_s_words_and_not_before(seen, words):
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    def look():
        return seen

    with pytest.raises(ResourceError) as failed:
        follow(look, OPTIONS, clock=lambda: clock[0], sleep=sleep)
    assert words in failed.value.message
    assert failed.value.message.endswith("Revert it.")
    assert 20 <= clock[0] < 25


def test_an_error_that_passes_is_forgotten():
    bad = {"status": {"conditions": [{"type": "ComparisonError", "message": "timeout"}]}}
    clock, story = [0.0], iter([bad] * 15 + [app(revision="old")] + [bad] * 15 + [app()])
    seen = follow(
        lambda: next(story), OPTIONS, clock=lambda: clock[0], sleep=lambda s: clock.__setitem__(0, clock[0] + s)
    )
    assert judge(seen, "new").done


def test_a_failed_sync_of_another_commit_is_no_news():
    seen = app(sync="OutOfSync", phase="Failed", message="old trouble")
    seen["status"]["operationState"]["syncResult"]["revision"] = "old"
    assert judge(seen, "new").hope == ""


def test_what_is_not_there_is_told_at_once():
    with pytest.raises(ResourceError, match="no such Application"):
        follow(lambda: None, OPTIONS, clock=lambda: 0.0)
