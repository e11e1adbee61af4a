# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes Pods: Deployments, CronJobs and Jobs."""

from __future__ import annotations

import hashlib
import json

from ansible_collections.bahnvision.aws.plugins.module_utils._application import pod
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    Component,
    Context,
    Object,
    make,
    name_of,
    selector_of,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.storage import claims_of

READY_SECONDS = 10
HASH = 10


def deployment(component: Component, context: Context, components: list[Component]) -> Object:
    health = component["health"] or {"start_seconds": 0}
    spec: Object = {
        **_replicas(component, context),
        "selector": {"matchLabels": selector_of(context, component)},
        "strategy": _strategy(component),
        "minReadySeconds": READY_SECONDS,
        "progressDeadlineSeconds": max(600, health["start_seconds"] + READY_SECONDS + 120),
        "revisionHistoryLimit": 5,
        "template": pod.template(component, context, components),
    }
    return make(context, "apps/v1", "Deployment", name_of(context, component), component, spec=spec)


def _replicas(component: Component, context: Context) -> Object:
    """None where the autoscaler rules: a number would undo its work on every run."""
    if not context["serving"]:
        return {"replicas": 0}
    return {} if component["autoscaling"] else {"replicas": component["replicas"]}


def _strategy(component: Component) -> Object:
    if claims_of(component):
        # The volume can be attached to one node only: the old Pod has to go first.
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def _job_spec(component: Component, context: Context, components: list[Component]) -> Object:
    return {
        "backoffLimit": component["retries"],
        "activeDeadlineSeconds": component["deadline_seconds"],
        # A Pod that was moved from its node has not failed.
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "template": pod.template(component, context, components),
    }


def cron_job(component: Component, context: Context, components: list[Component]) -> Object:
    spec: Object = {
        "schedule": component["schedule"],
        "timeZone": component["time_zone"],
        "suspend": not context["serving"],
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": _job_spec(component, context, components)},
    }
    return make(context, "batch/v1", "CronJob", name_of(context, component), component, spec=spec)


def job(component: Component, context: Context, components: list[Component]) -> Object:
    spec = _job_spec(component, context, components)
    return make(context, "batch/v1", "Job", name_of(context, component), component, spec=spec)


def named_by_content(one: Object) -> Object:
    """A Job cannot be changed. By the content in its name a new one comes for what is new, and nothing is repeated."""
    digest = hashlib.sha256(json.dumps(one["spec"], sort_keys=True).encode()).hexdigest()[:HASH]
    return {**one, "metadata": {**one["metadata"], "name": f"{one['metadata']['name']}-{digest}"}}
