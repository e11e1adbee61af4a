# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: app_manifests
version_added: 0.1.0
short_description: Make the Kubernetes objects of an application from the list of its components
description:
  - Returns the objects in the order in which they are applied. The namespace comes first, the jobs come before what
    they prepare the ground for, the Ingress comes last.
  - Neither reads a cluster nor AWS, and never sees the value of a secret.
  - Refuses what is wrong before anything is applied, with one error that names all of it. That is unknown keys, images
    that may change behind their name, what looks like a secret, metrics that would be routed, requests above their
    limits, names or routes that come twice, schedules that are none, and the like.
positional: _input, context
author:
  - The bahnvision.aws team (@bahnvision)
extends_documentation_fragment:
  - bahnvision.aws.app_component
  - bahnvision.aws.app_context
"""

EXAMPLES = r"""
- name: Render the application
  ansible.builtin.set_fact:
    manifests: "{{ app_components | bahnvision.aws.app_manifests(context) }}"
  vars:
    app_components:
      - name: backend
        image: bahnvision-backend
        port: 8000
        resources: {requests: {cpu: 250m, memory: 256Mi}, limits: {cpu: 500m, memory: 512Mi}}
        health: {path: /api/v1/health}
        secrets: [DATABASE_URL, VALKEY_URL]
        calls: [database, cache]
        routes: [{host: api.example.com, path: /api}]
    context:
      app: bahnvision
      stage: production
      kubernetes_version: "1.35"
      registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com
      images: {bahnvision-backend: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
      serving: true
      database: {host: bahnvision-production.proxy-x.eu-central-1.rds.amazonaws.com, cidrs: [10.0.64.0/22]}
      cache: {host: master.bahnvision-production.x.euc1.cache.amazonaws.com, cidrs: [10.0.64.0/22]}
      ingress: {certificate_arns: ["arn:aws:acm:eu-central-1:123456789012:certificate/x"], cidrs: [10.0.0.0/20]}
"""

RETURN = r"""
_value:
  description: The objects.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping  # noqa: E402
from functools import lru_cache  # noqa: E402
from typing import Any  # noqa: E402

import yaml  # noqa: E402
from ansible.errors import AnsibleFilterError  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.doc_fragments import app_component, app_context  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.manifests import manifests  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.plain import plain  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.reading import Spec, spec_of  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.refused import Refused  # noqa: E402


@lru_cache(maxsize=1)
def specs() -> tuple[Spec, Spec]:
    """What the documentation says of a component and of the context."""
    component = yaml.safe_load(app_component.ModuleDocFragment.DOCUMENTATION)["options"]["_input"]["suboptions"]
    context = yaml.safe_load(app_context.ModuleDocFragment.DOCUMENTATION)["options"]["context"]["suboptions"]
    return spec_of(component), spec_of(context)


def app_manifests(components: list[dict[str, Any]], context: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return manifests(plain(components), plain(context), *specs())
    except Refused as problem:
        raise AnsibleFilterError(str(problem)) from None


class FilterModule:
    """Hands the filter to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"app_manifests": app_manifests}
