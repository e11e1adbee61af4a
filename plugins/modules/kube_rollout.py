#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_rollout
short_description: Wait until Deployments have rolled out and Jobs are complete, or say why they will not
version_added: 0.1.0
description:
  - Reads Deployments with their ReplicaSets, Pods and events, and Jobs with theirs, until all are done. It changes
    nothing.
  - Fails as soon as waiting is in vain, with the Pod's own reason, with what the process said last, and with who serves
    meanwhile. An image name that cannot be parsed or a Pod that Pod Security refuses fails at once. An image that
    cannot be pulled, a container that ends again and again, a Secret that is missing or a quota that is used up fails
    after O(patience). A Pod that finds no node or is not ready is waited for until O(timeout), or until the
    Deployment's own C(progressDeadlineSeconds).
author:
  - The bahnvision.aws team (@bahnvision)
options:
  namespace:
    description: Where they are.
    type: str
    required: true
  deployments:
    description: Names of Deployments.
    type: list
    elements: str
    default: []
  jobs:
    description: Names of Jobs.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait at most.
    type: float
    default: 600
  patience:
    description: Seconds for which a trouble that hardly heals by itself is watched before it counts as failure.
    type: float
    default: 60
  pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 3
  advice:
    description: A sentence that ends the message of a failure, such as how to go back.
    type: str
    default: ''
attributes:
  check_mode:
    support: full
    description: It tells where they are and does not wait.
  diff_mode:
    support: none
    description: It never changes anything.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
requirements:
  - kubernetes >= 24.2.0
notes:
  - The identity needs C(list) on C(deployments), C(replicasets), C(jobs), C(pods) and C(events), and C(get) on
    C(pods/log), in the namespace.
  - Passwords in URLs are removed from what a process said last.
seealso:
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Wait for the new version
  bahnvision.aws.kube_rollout:
    namespace: bahnvision
    deployments: [backend, frontend]
    timeout: 900
"""

RETURN = r"""
rollouts:
  description: Where each of them is, Jobs first; on failure too.
  returned: always
  type: list
  elements: dict
  contains:
    kind: {description: V(Deployment) or V(Job)., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    state: {description: 'V(done), V(progressing) or V(failed).', type: str, returned: always}
    message: {description: What was last seen., type: str, returned: always}
    replicas: {description: Pods wanted., type: int, returned: always}
    available: {description: Available Pods of the new version., type: int, returned: always}
    former_available: {description: Available Pods of former versions., type: int, returned: always}
    revision: {description: The Deployment's revision., type: str, returned: always}
"""

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.module import run
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.spec import ROLLOUT_SPEC, rolled_out


def main() -> None:
    run(ROLLOUT_SPEC, rolled_out)


if __name__ == "__main__":
    main()
