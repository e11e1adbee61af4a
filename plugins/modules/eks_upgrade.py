#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_upgrade
short_description: One part of the upgrade of an EKS cluster by one minor version
version_added: 0.1.0
description:
  - Upgrades the control plane, or the add-ons, or the node groups of one cluster, and waits until that is done. Nothing
    else of them is changed.
  - What runs O(version) already is left alone, so that a run which was killed is completed by the next one.
  - A skip of a minor version and a way back are refused.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  part:
    description:
      - V(control_plane) comes first, V(node_groups) last. There is no way back from V(control_plane).
      - Node groups are replaced one after the other, each as its update configuration says; disruption budgets are kept
        unless it stands in O(force_node_groups). One with an image of your own is left to you.
    type: str
    choices: [control_plane, addons, node_groups]
    required: true
  name:
    description: Name of the cluster.
    type: str
    required: true
  version:
    description: Minor version of Kubernetes that it is to run throughout, such as V(1.35); that of its control plane,
      or the one after it.
    type: str
    required: true
  addon_versions:
    description: Versions by name of the add-on, whole, their beginning or V(latest). Others get EKS's default for
      O(version), unless they have a newer one that fits.
    type: dict
    default: {}
  resolve_conflicts:
    description: What becomes of settings of add-ons that somebody has changed in the cluster by hand.
    type: str
    choices: [NONE, OVERWRITE, PRESERVE]
    default: OVERWRITE
  force_node_groups:
    description: Names of node groups whose Pods are ended when a disruption budget keeps them from being moved.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds that each wait may take.
    type: int
    default: 3600
  wait_pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 10
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are those of M(bahnvision.aws.eks_upgrade_info), and C(eks:UpdateClusterVersion), C(eks:UpdateAddon),
    C(eks:UpdateNodegroupVersion) and C(eks:DescribeUpdate).
"""

EXAMPLES = r"""
- name: Upgrade the control plane
  bahnvision.aws.eks_upgrade:
    name: orders-production
    app: orders
    stage: production
    version: "1.36"
    part: control_plane
"""

RETURN = r"""
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [upgrade eks_cluster orders-production]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade import UPGRADE_SPEC, upgrade
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=UPGRADE_SPEC, supports_check_mode=True)
    run(module, ("eks", "ec2"), upgrade)


if __name__ == "__main__":
    main()
