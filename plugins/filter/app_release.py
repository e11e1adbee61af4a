# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: app_release
version_added: 0.1.0
short_description: Plan how an application's manifests come into a namespace
description:
  - Compares manifests with what is there, and says what is applied in which step, which objects are ours and wanted no
    more, and which of the wanted names belong to somebody else.
  - Keeps the last releases that were rolled out in full in the ConfigMap C(<app>-releases), so that a return brings
    the settings back too.
positional: _input, found
author:
  - The bahnvision.aws team (@bahnvision)
options:
  _input:
    description: The manifests, as P(bahnvision.aws.app_manifests#filter) renders them.
    type: list
    elements: dict
    required: true
  found:
    description: What M(bahnvision.aws.kube_objects_info) returned.
    type: dict
    required: true
  app:
    description: Name of the application, the value of the label C(app.kubernetes.io/part-of).
    type: str
    required: true
  namespace:
    description: The namespace.
    type: str
    required: true
  serving:
    description: Whether the application serves. A release that does not is not kept.
    type: bool
    required: true
  roll_back:
    description: Take the last good release that is not the present one in place of O(_input).
    type: bool
    default: false
  remove:
    description: Plan the removal of all that is ours in place of a release.
    type: bool
    default: false
  delete_data:
    description: Whether PersistentVolumeClaims go too.
    type: bool
    default: false
  others:
    description: Objects that are made beside the manifests, as C(Kind/name). They are not removed.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Plan the release
  ansible.builtin.set_fact:
    release: "{{ manifests | bahnvision.aws.app_release(found, app='orders', namespace='orders', serving=true) }}"
"""

RETURN = r"""
_value:
  description:
    - What is applied first (C(ground)), the Jobs that are yet to be done (C(jobs)) and those of them to remove before
      (C(failed_jobs)), what is applied then (C(rest)), what is waited for (C(deployments)), the record to write at the
      end (C(finish)), what is removed (C(prune)), what belongs to somebody else (C(foreign)).
    - With O(remove) only C(prune), and C(namespace), whether the namespace is ours and holds nothing else.
  type: dict
"""

from typing import Any  # noqa: E402

from ansible.errors import AnsibleFilterError  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.plain import plain  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._application.release import (  # noqa: E402
    ReleaseError,
    Wish,
    plan,
    removal,
)


def app_release(
    manifests: list[dict[str, Any]], found: dict[str, Any], remove: bool = False, **wish: Any
) -> dict[str, Any]:
    try:
        asked = Wish(**plain(wish))
    except TypeError as problem:
        raise AnsibleFilterError(f"app_release: {problem}") from problem
    manifests, told = plain(manifests), plain(found)
    objects = told.get("objects") or []
    if remove:
        return removal(told.get("namespace") or {}, objects, asked)
    try:
        return plan(manifests, told.get("namespace") or {}, objects, asked)
    except ReleaseError as problem:
        raise AnsibleFilterError(str(problem)) from problem


class FilterModule:
    """Hands the filter to Ansible."""

    def filters(self) -> dict[str, Any]:
        return {"app_release": app_release}
