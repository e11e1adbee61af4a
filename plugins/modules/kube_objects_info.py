#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_objects_info
short_description: All that an application has in a namespace, in one task
version_added: 0.1.0
description:
  - Reads the namespace and the objects in it of every kind that the role P(bahnvision.aws.application#role) makes.
    M(kubernetes.core.k8s_info) takes a task for each kind.
  - What Secrets hold is never returned.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  namespace:
    description: Which namespace.
    type: str
    required: true
  label_selectors:
    description: Labels that an object must have, with their values; all objects when it is empty.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
requirements:
  - kubernetes >= 24.2.0
"""

EXAMPLES = r"""
- name: Find what is ours
  bahnvision.aws.kube_objects_info:
    namespace: bahnvision
    label_selectors:
      app.kubernetes.io/managed-by: bahnvision.aws
  register: found
"""

RETURN = r"""
namespace:
  description: The namespace, empty when there is none.
  returned: success
  type: dict
objects:
  description: The objects, in the order in which they may be removed, without C(managedFields).
  returned: success
  type: list
  elements: dict
kubernetes_version:
  description: The minor version of the API server.
  returned: success
  type: str
  sample: "1.35"
"""

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.module import run
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.spec import OBJECTS_SPEC, objects


def main() -> None:
    run(OBJECTS_SPEC, objects)


if __name__ == "__main__":
    main()
