#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_node_group
short_description: One managed node group of an EKS cluster
version_added: 0.1.0
description:
  - Creates, changes in place, upgrades node by node, or removes one managed node group.
  - Instance types that a zone does not offer or whose processors do not fit the image, and subnets with fewer
    addresses than the pods of all nodes need, are refused before the first write.
  - How many nodes there are between O(min_size) and O(max_size) is left to the autoscaler.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description:
      - Name of the node group, 1 to 63 letters, digits, C(-) and C(_).
      - With O(state=absent), the beginning of the names of several and V(*); those that are not ours stay.
    type: str
    required: true
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  state:
    description:
      - V(present) makes the node group as wanted; O(node_role_arn) and O(subnet_ids) are required then.
      - V(absent) removes it; its pods move away first.
    type: str
    choices: [present, absent]
    default: present
  node_role_arn:
    description: Role of the nodes, which trusts C(ec2.amazonaws.com). It cannot be changed.
    type: str
  subnet_ids:
    description: Subnets of the nodes and their pods. They cannot be changed.
    type: list
    elements: str
  instance_types:
    description: Types of the nodes. They cannot be changed. With V([]) the launch template names one.
    type: list
    elements: str
    default: [t3.medium]
  ami_type:
    description: Image of the nodes, such as V(AL2023_x86_64_STANDARD), V(AL2023_ARM_64_STANDARD) or
      V(BOTTLEROCKET_ARM_64). It cannot be changed.
    type: str
    default: AL2023_x86_64_STANDARD
  capacity_type:
    description: How the nodes are bought. It cannot be changed.
    type: str
    choices: [ON_DEMAND, SPOT]
    default: ON_DEMAND
  disk_size:
    description: GiB of a node's disk, without a launch template. EKS takes 20 when it is left out.
    type: int
  launch_template:
    description: Launch template of the nodes. Another version of it replaces them one by one.
    type: dict
    suboptions:
      id:
        description: Its id.
        type: str
        required: true
      version:
        description: Its version.
        type: str
        required: true
  min_size:
    description: Least number of nodes.
    type: int
    default: 2
  max_size:
    description: Greatest number of nodes.
    type: int
    default: 6
  desired_size:
    description: Number of nodes at the beginning; O(min_size) when it is left out.
    type: int
  pods_per_node:
    description: How many addresses to reckon with for each node. It is taken from the instance type when left out.
    type: int
  labels:
    description: All labels of the nodes.
    type: dict
    default: {}
  taints:
    description: All taints of the nodes.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: Key.
        type: str
        required: true
      value:
        description: Value.
        type: str
        default: ''
      effect:
        description: Effect, as EKS writes it.
        type: str
        choices: [NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE]
        required: true
  max_unavailable:
    description: How many nodes are replaced at a time. It is one when neither this nor
      O(max_unavailable_percentage) is given.
    type: int
  max_unavailable_percentage:
    description: Share of the nodes that are replaced at a time.
    type: int
  node_repair:
    description: Whether EKS replaces nodes that its monitoring calls unhealthy.
    type: bool
    default: true
  version:
    description: Minor version of Kubernetes. Without it a new group gets that of the cluster, and one that exists keeps
      its own. It is never newer than the cluster's.
    type: str
    default: ''
  release_version:
    description: Version of the image, such as V(1.35.1-20261110). EKS takes the newest when it is left out.
    type: str
    default: ''
  force_update:
    description: Whether an upgrade goes on when a disruption budget keeps pods from being moved. They are killed then.
    type: bool
    default: false
  keep:
    description: Names that stay when O(name) is the beginning of several.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until the node group is active (or gone).
    type: bool
    default: true
  wait_timeout:
    description: Seconds that each wait may take.
    type: int
    default: 3600
  wait_pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 5
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(eks:CreateNodegroup), C(eks:DescribeNodegroup), C(eks:UpdateNodegroupConfig),
    C(eks:UpdateNodegroupVersion), C(eks:DeleteNodegroup), C(eks:DescribeUpdate), C(eks:DescribeCluster),
    C(eks:TagResource), C(eks:UntagResource), C(ec2:DescribeSubnets), C(ec2:DescribeInstanceTypes),
    C(ec2:DescribeInstanceTypeOfferings), C(eks:ListNodegroups) for several, and C(iam:PassRole) on the role.
"""

EXAMPLES = r"""
- name: Ensure two to six nodes
  bahnvision.aws.eks_node_group:
    name: orders-production-main
    cluster_name: orders-production
    app: orders
    stage: production
    node_role_arn: "{{ node_role_arn }}"
    subnet_ids: "{{ private_subnet_ids }}"
    instance_types: [m7g.large]
    ami_type: AL2023_ARM_64_STANDARD
    max_unavailable_percentage: 33
"""

RETURN = r"""
node_group:
  description: The node group as DescribeNodegroup shows it, in snake_case; empty when it is absent.
  returned: success
  type: dict
  contains:
    name: {description: Name., type: str, returned: always}
    arn: {description: ARN., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    auto_scaling_groups: {description: Names of its Auto Scaling groups., type: list, elements: str, returned: always}
    tags: {description: Tags., type: dict, returned: always}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create eks_node_group orders-production-main]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group import ensure_node_group
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import NODE_GROUP_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=NODE_GROUP_SPEC,
        required_if=[("state", "present", ["node_role_arn", "subnet_ids"])],
        supports_check_mode=True,
    )
    run(module, ("eks", "ec2"), ensure_node_group)


if __name__ == "__main__":
    main()
