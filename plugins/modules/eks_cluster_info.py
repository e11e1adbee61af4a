#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_cluster_info
short_description: What an EKS cluster is and how to reach it
version_added: 0.1.0
description:
  - Reads one cluster, and makes of it a kubeconfig without anything secret in it.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the cluster.
    type: str
    required: true
  leftovers:
    description: Also look for volumes and load balancers that were made from within the cluster.
    type: bool
    default: false
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
  - Actions needed are C(eks:DescribeCluster), and for O(leftovers) C(ec2:DescribeVolumes),
    C(elasticloadbalancing:DescribeLoadBalancers) and C(elasticloadbalancing:DescribeTags).
"""

EXAMPLES = r"""
- name: Read the cluster
  bahnvision.aws.eks_cluster_info:
    name: orders-production
  register: eks
"""

RETURN = r"""
cluster:
  description: The cluster as DescribeCluster shows it, in snake_case; empty when there is none.
  returned: success
  type: dict
  contains:
    name: {description: Name., type: str, returned: always}
    arn: {description: ARN., type: str, returned: always}
    status: {description: Status., type: str, returned: always}
    version: {description: Minor version of Kubernetes., type: str, returned: always}
    endpoint: {description: Address of the API server., type: str, returned: always}
    certificate_authority_data: {description: Its authority in base64., type: str, returned: always}
    cluster_security_group_id: {description: Security group that EKS made., type: str, returned: always}
    oidc_issuer: {description: Issuer of the tokens of its service accounts., type: str, returned: always}
    tags: {description: Tags., type: dict, returned: always}
kubeconfig:
  description:
    - Server and authority with a user that has no credentials; empty as long as there is no endpoint.
    - A token is given beside it.
  returned: success
  type: dict
leftovers:
  description: Volumes and load balancers that were made from within the cluster; none without O(leftovers).
  returned: success
  type: list
  elements: str
  sample: [volume vol-0123456789abcdef0]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_info import cluster_info
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import CLUSTER_INFO_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=CLUSTER_INFO_SPEC, supports_check_mode=True)
    run(module, ("eks", "ec2", "elbv2"), cluster_info)


if __name__ == "__main__":
    main()
