"""What the API server refuses of Deployments, StatefulSets, Jobs and their like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.api.selectors import selects
from bahnvision_lab.kubernetes.objects import cron, names
from bahnvision_lab.kubernetes.objects.pod_rules import changed_pod, pod_spec, selector
from bahnvision_lab.kubernetes.status import Problem, forbidden, invalid, required, unsupported

Object = dict[str, Any]
NEGATIVE = "must be greater than or equal to 0"
FIXED = "field is immutable"
LABELS, UNMATCHED = "spec.template.metadata.labels", "`selector` does not match template `labels`"


def not_negative(spec: Object, at: str, *keys: str) -> Iterator[Problem]:
    for key in keys:
        if (spec.get(key) or 0) < 0:
            yield invalid(f"{at}.{key}", spec[key], NEGATIVE)


def pod(one: Object, before: Object | None) -> Iterator[Problem]:
    yield from pod_spec(one["spec"], "spec")
    if before is not None:
        yield from changed_pod(before, one)


def _template(spec: Object, at: str) -> Iterator[Problem]:
    yield from names.labels(f"{at}.template.labels", spec["template"]["metadata"].get("labels"))
    for key in spec["template"]["metadata"].get("annotations") or {}:
        yield from names.qualified_name(f"{at}.template.annotations", key.lower())
    yield from pod_spec(spec["template"]["spec"], f"{at}.template.spec")


def _always(spec: Object, at: str) -> Iterator[Problem]:
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy != "Always":
        yield unsupported(f"{at}.template.spec.restartPolicy", policy, ("Always",))
    if spec["template"]["spec"].get("activeDeadlineSeconds") is not None:
        yield forbidden(f"{at}.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in pod is not supported")


def _selector(spec: Object, before: Object | None, kind: str) -> Iterator[Problem]:
    chosen = spec.get("selector")
    labels = spec["template"]["metadata"].get("labels")
    if chosen is None:
        yield required("spec.selector")
        yield invalid(LABELS, labels, UNMATCHED)
    elif not chosen.get("matchLabels") and not chosen.get("matchExpressions"):
        yield invalid("spec.selector", chosen, f"empty selector is invalid for {kind}")
    else:
        wrong = list(selector(chosen, "spec.selector"))
        yield from wrong
        if wrong:
            yield invalid("spec.selector", chosen, "invalid label selector")
        elif not selects(chosen, labels or {}):
            yield invalid(LABELS, labels, UNMATCHED)
    if before is not None and before["spec"].get("selector") != chosen:
        yield invalid("spec.selector", chosen, FIXED)


def share(value: Any, at: str) -> Iterator[Problem]:
    """A count or a percentage."""
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]+%", value):
            yield invalid(at, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. "
                                     "'1%',  or '93%', regex used for validation is '[0-9]+%')")  # fmt: skip
        elif int(value[:-1]) > 100:
            yield invalid(at, value, "must not be greater than 100%")
    elif value is not None and value < 0:
        yield invalid(at, value, NEGATIVE)


def deployment(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    yield from _selector(spec, before, "deployment")
    yield from _template(spec, "spec")
    yield from _always(spec, "spec")
    strategy = spec["strategy"]
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy", strategy, ("Recreate", "RollingUpdate"))
    elif strategy["type"] == "Recreate" and rolling is not None:
        yield forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    elif rolling is not None:
        yield from share(rolling.get("maxUnavailable"), "spec.strategy.rollingUpdate.maxUnavailable")
        if not isinstance(rolling.get("maxSurge"), str):
            yield from share(rolling.get("maxSurge"), "spec.strategy.rollingUpdate.maxSurge")
        if rolling.get("maxUnavailable") in (0, "0%") and rolling.get("maxSurge") in (0, "0%"):
            yield invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling["maxUnavailable"],
                          "may not be 0 when `maxSurge` is 0")  # fmt: skip
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if deadline is not None and deadline <= ready:
        yield invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def replica_set(one: Object, before: Object | None) -> Iterator[Problem]:
    yield from not_negative(one["spec"], "spec", "replicas", "minReadySeconds")
    yield from _selector(one["spec"], before, "deployment")
    yield from _template(one["spec"], "spec")
    yield from _always(one["spec"], "spec")


def daemon_set(one: Object, before: Object | None) -> Iterator[Problem]:
    yield from not_negative(one["spec"], "spec", "minReadySeconds", "revisionHistoryLimit")
    if before is not None and before["spec"].get("selector") != one["spec"].get("selector"):
        yield invalid("spec.selector", one["spec"].get("selector"), FIXED)
    yield from _selector(one["spec"], None, "daemonset")
    yield from _template(one["spec"], "spec")
    yield from _always(one["spec"], "spec")
    strategy = one["spec"]["updateStrategy"]
    if strategy["type"] not in ("OnDelete", "RollingUpdate"):
        yield unsupported("spec.updateStrategy", strategy, ("OnDelete", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate") or {}
    if strategy["type"] == "RollingUpdate" and all(
        rolling.get(key) in (0, "0%") for key in ("maxUnavailable", "maxSurge")
    ):
        yield required("spec.updateStrategy.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0")


ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
CHANGEABLE = ("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds",
              "persistentVolumeClaimRetentionPolicy")  # fmt: skip


def stateful_set(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds")
    yield from _selector(spec, None, "statefulset")
    if spec.get("podManagementPolicy") not in ("OrderedReady", "Parallel"):
        yield invalid("spec.podManagementPolicy", spec.get("podManagementPolicy"),
                      "must be 'OrderedReady' or 'Parallel'")  # fmt: skip
    strategy = spec["updateStrategy"]
    if strategy["type"] not in ("OnDelete", "RollingUpdate"):
        yield invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'")
    yield from not_negative(strategy.get("rollingUpdate") or {}, "spec.updateStrategy.rollingUpdate", "partition")
    for key, value in spec["persistentVolumeClaimRetentionPolicy"].items():
        if value not in ("Delete", "Retain"):
            yield unsupported(f"spec.persistentVolumeClaimRetentionPolicy.{key}", value, ("Delete", "Retain"))
    claims = [claim.get("metadata", {}).get("name", "") for claim in spec.get("volumeClaimTemplates") or ()]
    template = spec["template"]
    volumes = [{"name": name, "emptyDir": {}} for name in claims]
    whole = {**template["spec"], "volumes": [*(template["spec"].get("volumes") or ()), *volumes]}
    yield from pod_spec(whole, "spec.template.spec")
    yield from _always(spec, "spec")
    if before is not None:
        old, new = (
            {key: value for key, value in told["spec"].items() if key not in CHANGEABLE} for told in (before, one)
        )
        if old != new:
            yield forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                "'template', 'updateStrategy', 'revisionHistoryLimit', "
                "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
            )


def _job_spec(spec: Object, at: str) -> Iterator[Problem]:
    yield from not_negative(spec, at, "parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished")
    if spec.get("activeDeadlineSeconds") is not None and spec["activeDeadlineSeconds"] < 0:
        yield invalid(f"{at}.activeDeadlineSeconds", spec["activeDeadlineSeconds"], NEGATIVE)
    mode = spec.get("completionMode", "NonIndexed")
    if mode not in ("Indexed", "NonIndexed"):
        yield unsupported(f"{at}.completionMode", mode, ("Indexed", "NonIndexed"))
    if mode == "Indexed" and spec.get("completions") is None:
        yield required(f"{at}.completions", "when completion mode is Indexed")
    for number, rule in enumerate((spec.get("podFailurePolicy") or {}).get("rules") or ()):
        if rule.get("action") not in ACTIONS:
            yield unsupported(f"{at}.podFailurePolicy.rules[{number}].action", rule.get("action", ""), ACTIONS)
    replacement = spec.get("podReplacementPolicy")
    if replacement not in (None, "Failed", "TerminatingOrFailed"):
        yield unsupported(f"{at}.podReplacementPolicy", replacement, ("Failed", "TerminatingOrFailed"))
    yield from _template(spec, at)
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy not in ("OnFailure", "Never"):
        yield Problem(
            f"{at}.template.spec.restartPolicy",
            "FieldValueRequired" if policy == "Always" else "FieldValueNotSupported",
            f'{"Required value: valid values" if policy == "Always" else "Unsupported value"}: "OnFailure", "Never"',
        )


def job(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    if before is None and spec.get("selector") and not spec.get("manualSelector"):
        uid = one["metadata"].get("uid")
        if spec["selector"] != {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}:
            yield invalid("spec.selector", spec["selector"], "`selector` not auto-generated")
            yield invalid(LABELS, spec["template"]["metadata"].get("labels"), UNMATCHED)
    yield from _job_spec(spec, "spec")
    for key in ("completions", "selector", "template", "completionMode") if before else ():
        assert before is not None
        if before["spec"].get(key) != spec.get(key):
            yield invalid(f"spec.{key}", spec.get(key), FIXED)


def cron_job(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    schedule, zone = spec.get("schedule", ""), spec.get("timeZone")
    if not schedule:
        yield required("spec.schedule")
    else:
        problem = cron.problem(schedule)
        if "TZ" in schedule:
            yield invalid("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        elif problem:
            yield invalid("spec.schedule", schedule, problem)
    if zone == "":
        yield invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif zone is not None and not cron.zone_exists(zone):
        yield invalid("spec.timeZone", zone, f"unknown time zone {zone}")
    if spec["concurrencyPolicy"] not in ("Allow", "Forbid", "Replace"):
        yield unsupported("spec.concurrencyPolicy", spec["concurrencyPolicy"], ("Allow", "Forbid", "Replace"))
    yield from not_negative(
        spec, "spec", "successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds"
    )
    if len(one["metadata"]["name"]) > 52:
        yield invalid("metadata.name", one["metadata"]["name"], "must be no more than 52 characters")
    yield from _job_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
