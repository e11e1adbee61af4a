#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_upgrade_info
short_description: What an upgrade of an EKS cluster would do, and what is in its way
version_added: 0.1.0
description:
  - Looks at one cluster with its add-ons and node groups, at the insights of EKS and at free addresses, and tells what
    is left to do until all of it runs one minor version.
  - What only Kubernetes can tell is told by M(bahnvision.aws.kube_upgrade_info).
author:
  - The bahnvision.aws team (@bahnvision)
options:
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
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(eks:DescribeCluster), C(eks:DescribeClusterVersions), C(eks:ListAddons), C(eks:DescribeAddon),
    C(eks:DescribeAddonVersions), C(eks:ListNodegroups), C(eks:DescribeNodegroup), C(eks:ListInsights),
    C(eks:DescribeInsight), C(ec2:DescribeSubnets) and C(ec2:DescribeInstanceTypes).
"""

EXAMPLES = r"""
- name: Look before an upgrade
  bahnvision.aws.eks_upgrade_info:
    name: orders-production
    app: orders
    stage: production
    version: "1.36"
  register: upgrade
"""

RETURN = r"""
running_version:
  description: Minor version of the control plane.
  returned: success
  type: str
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
plan:
  description: What is left to do, by part (C(control_plane), C(addons), C(node_groups)), each with C(kind), C(name),
    C(from), C(to) and C(force).
  returned: success
  type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.upgrade import INFO_SPEC, upgrade_info
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=INFO_SPEC, supports_check_mode=True)
    run(module, ("eks", "ec2"), upgrade_info)


if __name__ == "__main__":
    main()
