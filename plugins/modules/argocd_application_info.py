#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: argocd_application_info
short_description: Wait until an Application of Argo CD is Synced and Healthy, or say in Argo CD's words why it is not
version_added: 0.1.0
description:
  - Reads one Application until Argo CD has applied the commit and calls what it has made healthy. It changes nothing.
  - Fails when an error of Argo CD (a C(ComparisonError), a sync that failed, an object that is C(Degraded)) lasts for
    O(patience), with Argo CD's own message.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the Application.
    type: str
    required: true
  namespace:
    description: Namespace of Argo CD.
    type: str
    default: argocd
  commit:
    description: The commit that it is to be at, in full. Without it, whatever Argo CD compares with.
    type: str
    default: ''
  wait:
    description: Wait, or only tell.
    type: bool
    default: true
  timeout:
    description: Seconds to wait at most. Argo CD looks at the repository every three minutes, unless it is told to.
    type: float
    default: 900
  patience:
    description: Seconds for which an error may last before it counts as failure.
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
    description: It tells where the Application is and does not wait.
  diff_mode:
    support: none
    description: It never changes anything.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
requirements:
  - kubernetes >= 24.2.0
notes:
  - The identity needs C(get) on C(applications.argoproj.io) in the namespace of Argo CD.
"""

EXAMPLES = r"""
- name: Wait for the new version
  bahnvision.aws.argocd_application_info:
    name: orders-production
    commit: "{{ pushed.commit }}"
"""

RETURN = r"""
application:
  description: Where it is.
  returned: success
  type: dict
  contains:
    exists: {description: Whether it is there., type: bool, returned: always}
    sync: {description: Status of the sync., type: str, returned: always, sample: Synced}
    health: {description: Health., type: str, returned: always, sample: Healthy}
    commit: {description: The commit that Argo CD compares with., type: str, returned: always}
    message: {description: The same in one sentence., type: str, returned: always}
    resources: {description: The objects as Argo CD lists them., type: list, elements: dict, returned: always}
"""

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.argocd import ARGOCD_SPEC, synced
from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.module import run


def main() -> None:
    run(ARGOCD_SPEC, synced)


if __name__ == "__main__":
    main()
