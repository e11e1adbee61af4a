#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_upgrade_info
short_description: What stands in the way of an upgrade of Kubernetes, as the cluster itself sees it
version_added: 0.1.0
description:
  - Looks at nodes that are not ready or too old, at workloads that are short of Pods, at disruption budgets that allow
    no disruption, at Pods that nobody would bring back, and at who asks for APIs that the new version lacks.
  - What AWS knows is told by M(bahnvision.aws.eks_upgrade_info).
author:
  - The bahnvision.aws team (@bahnvision)
options:
  version:
    description: Minor version of Kubernetes that it is to run, such as V(1.35).
    type: str
    required: true
  nodes_are_replaced:
    description: Whether Pods will have to move. Otherwise their disruption budgets matter to nobody.
    type: bool
    default: true
  accept:
    description: Marks of findings that are to be warnings, as RV(findings) names them.
    type: list
    elements: str
    default: []
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
notes:
  - The identity needs C(list) on C(nodes), C(pods), C(deployments), C(statefulsets), C(daemonsets) and
    C(poddisruptionbudgets) everywhere, and C(get) on the path C(/metrics) to know of APIs.
"""

EXAMPLES = r"""
- name: Look before an upgrade
  bahnvision.aws.kube_upgrade_info:
    version: "1.36"
  register: inside
"""

RETURN = r"""
findings:
  description: What was looked at, and what was found.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: What was looked at., type: str, returned: always}
    result: {description: 'V(pass), V(fail), V(warn) or V(info).', type: str, returned: always}
    detail: {description: What was seen., type: str, returned: always}
    mark: {description: Word by which it can be accepted; empty when nobody can., type: str, returned: always}
    sentence: {description: All of it in one sentence., type: str, returned: always}
nodes:
  description: The nodes, each with C(name), C(version) of its kubelet, C(ready) and C(node_group).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.module import run
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.upgrade import UPGRADE_SPEC, upgrade_facts


def main() -> None:
    run(UPGRADE_SPEC, upgrade_facts)


if __name__ == "__main__":
    main()
