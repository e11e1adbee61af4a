# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the list of components to the objects, in the order in which they are applied."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._application import (
    checks,
    config,
    external,
    ingress,
    network,
    scaling,
    storage,
    workloads,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.merge import overlaid
from ansible_collections.bahnvision.aws.plugins.module_utils._application.model import (
    RUNNING,
    Component,
    Context,
    Object,
    labels_of,
    make,
    name_of,
    namespace_of,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._application.reading import Spec, read
from ansible_collections.bahnvision.aws.plugins.module_utils._application.refused import Refused

LEVELS = ("privileged", "baseline", "restricted")
POD_SECURITY = "pod-security.kubernetes.io/"


def manifests(given: Sequence[Any], about: Mapping[str, Any], component_spec: Spec, context_spec: Spec) -> list[Object]:
    """All objects, or Refused with all that is wrong."""
    if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence):
        raise Refused([f"the components must be a list, not {type(given).__name__}"])
    readings = [read("context", about, context_spec)]
    readings += [read(f"component {_called(one) or number}", one, component_spec) for number, one in enumerate(given)]
    unknown = [problem for one in readings for problem in one.unknown]
    if any(one.unfit for one in readings):
        raise Refused([*unknown, *(problem for one in readings for problem in one.unfit)])
    context, *components = (one.value for one in readings)
    wanted: list[Component] = [one for one in components if one["enabled"]]
    problems = [*unknown, *checks.problems(context, wanted)]
    if problems:
        raise Refused(problems)
    objects = render(context, wanted)
    left = checks.rendered_problems(context, objects)
    if left:
        raise Refused(left)
    # Nothing shared between objects, and no string of Ansible's own that would be taken for a template again.
    return json.loads(json.dumps(objects))


def _called(one: Any) -> Any:
    return one.get("name") if isinstance(one, Mapping) else ""


def render(context: Context, components: list[Component]) -> list[Object]:
    """Pods come after all that they need; what sends requests to them comes last."""
    return [
        namespace(context, components),
        *storage.storage_classes(context, components),
        *(_own(service_account, context, components)),
        *network.policies(context, components),
        *config.config_maps(context, components),
        *external.objects(context),
        *(each for one in components for each in _each(storage.claims(one, context), one)),
        *(_jobs(context, components) if context["serving"] else []),
        *(_own(ingress.service, context, components, ("web",))),
        *(overlaid(workloads.deployment(one, context, components), one["overrides"])
          for one in components if one["type"] in RUNNING),
        *(_own(scaling.disruption_budget, context, components, RUNNING)),
        *(each for one in components if one["type"] in RUNNING
          for each in _each(scaling.autoscalers(one, context), one)),
        *(overlaid(workloads.cron_job(one, context, components), one["overrides"])
          for one in components if one["type"] == "schedule"),
        *ingress.ingresses(context, components),
    ]  # fmt: skip


def _own(
    maker: Callable[[Component, Context], Object],
    context: Context,
    components: list[Component],
    types: tuple[str, ...] = (),
) -> list[Object]:
    wanted = [one for one in components if not types or one["type"] in types]
    return [overlaid(maker(one, context), one["overrides"]) for one in wanted]


def _each(objects: list[Object], component: Component) -> list[Object]:
    return [overlaid(one, component["overrides"]) for one in objects]


def _jobs(context: Context, components: list[Component]) -> list[Object]:
    found = [one for one in components if one["type"] == "job"]
    rendered = [overlaid(workloads.job(one, context, components), one["overrides"]) for one in found]
    return [workloads.named_by_content(one) for one in rendered]


def namespace(context: Context, components: list[Component]) -> Object:
    """The admission of Pods by the lowest level that a component needs; the highest is what it warns of."""
    enforced = min((one["pod_security"] for one in components), key=LEVELS.index, default="restricted")
    version = f"v{context['kubernetes_version']}"
    levels = {"enforce": enforced, "audit": "restricted", "warn": "restricted"}
    labels = {f"{POD_SECURITY}{mode}": level for mode, level in levels.items()}
    labels |= {f"{POD_SECURITY}{mode}-version": version for mode in levels}
    if context["ingress"]["enabled"] and any(one["routes"] for one in components):
        # A new Pod counts as ready, and an old one goes, only when the load balancer reaches the new one.
        labels["elbv2.k8s.aws/pod-readiness-gate-inject"] = "enabled"
    metadata = {"name": namespace_of(context), "labels": {**labels_of(context), **labels}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def service_account(component: Component, context: Context) -> Object:
    annotations = {"eks.amazonaws.com/role-arn": component["role_arn"]} if component["role_arn"] else {}
    name = name_of(context, component)
    return make(context, "v1", "ServiceAccount", name, component, annotations=annotations,
                automountServiceAccountToken=component["kubernetes_token"])  # fmt: skip
