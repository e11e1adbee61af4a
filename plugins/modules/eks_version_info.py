#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_version_info
short_description: Which version of Kubernetes EKS offers, and which add-ons fit it
version_added: 0.1.0
description:
  - Looks up today's versions; those in standard support end a year and two months after they came.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  version:
    description: What is wanted, such as V(1.35); the newest in standard support when it is left out.
    type: str
    default: ''
  running_version:
    description: What a cluster runs. RV(version) is then what it should run, and a skip of a minor version is refused.
    type: str
    default: ''
  allow_version_upgrade:
    description: Whether RV(version) may be above O(running_version).
    type: bool
    default: false
  extended_support:
    description: Whether versions in extended support are accepted.
    type: bool
    default: false
  minimum_support_days:
    description: Refuse a version that is new to the cluster and leaves standard support within so many days.
    type: int
    default: 0
  addons:
    description: Names of add-ons whose default version for RV(version) is looked up.
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
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(eks:DescribeClusterVersions) and C(eks:DescribeAddonVersions).
"""

EXAMPLES = r"""
- name: Look up the newest version and its add-ons
  bahnvision.aws.eks_version_info:
    addons: [vpc-cni, coredns, kube-proxy]
  register: kubernetes
"""

RETURN = r"""
version:
  description: The version that was chosen.
  returned: success
  type: str
  sample: "1.35"
cluster_versions:
  description: All versions that EKS knows, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    version: {description: Minor version., type: str, returned: always}
    support: {description: V(standard) or V(extended) or V(none)., type: str, returned: always}
    default: {description: Whether EKS takes it when none is named., type: bool, returned: always}
    standard_support_until: {description: Last day of standard support., type: str, returned: always}
    extended_support_until: {description: Last day of extended support., type: str, returned: always}
addon_versions:
  description: The default version of each of O(addons) for RV(version).
  returned: success
  type: dict
  sample: {vpc-cni: v1.19.0-eksbuild.1}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.info import cluster_versions
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import VERSION_INFO_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=VERSION_INFO_SPEC, supports_check_mode=True)
    run(module, ("eks",), cluster_versions)


if __name__ == "__main__":
    main()
