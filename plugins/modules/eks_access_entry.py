#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_access_entry
short_description: What one IAM role or user may do in an EKS cluster
version_added: 0.1.0
description:
  - Creates, changes or removes one access entry with exactly the access policies and groups that it is given.
  - Policies that are no longer wanted are taken away before others are given.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  principal_arn:
    description:
      - ARN of the IAM role or user. A session (C(assumed-role)) is refused; name its role.
      - V(self) is the role or user that calls.
      - V(*), with O(state=absent), are all entries of ours that have O(tags), but those of O(keep).
    type: str
    required: true
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  keep:
    description: Principals whose entries stay with O(principal_arn=*).
    type: list
    elements: str
    default: []
  type:
    description: V(STANDARD) for people and programs; the others are for nodes, and take neither groups nor policies.
      It cannot be changed.
    type: str
    default: STANDARD
  username:
    description: Name in Kubernetes. EKS makes one of the ARN when it is left out.
    type: str
  kubernetes_groups:
    description: All groups in Kubernetes, for RoleBindings of your own.
    type: list
    elements: str
    default: []
  policies:
    description: All access policies.
    type: list
    elements: dict
    default: []
    suboptions:
      policy:
        description: Name of the policy, such as V(AmazonEKSViewPolicy), or its ARN.
        type: str
        required: true
      namespaces:
        description: Namespaces that it is limited to; the whole cluster when none is named.
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(eks:CreateAccessEntry), C(eks:DescribeAccessEntry), C(eks:UpdateAccessEntry),
    C(eks:DeleteAccessEntry), C(eks:ListAssociatedAccessPolicies), C(eks:AssociateAccessPolicy),
    C(eks:DisassociateAccessPolicy), C(eks:TagResource) and C(eks:UntagResource); for V(self) also
    C(sts:GetCallerIdentity) and C(iam:GetRole) on the own role, for V(*) C(eks:ListAccessEntries).
"""

EXAMPLES = r"""
- name: Let the delivery pipeline change one namespace
  bahnvision.aws.eks_access_entry:
    cluster_name: orders-production
    principal_arn: arn:aws:iam::123456789012:role/orders-deploy
    app: orders
    stage: production
    policies:
      - policy: AmazonEKSEditPolicy
        namespaces: [orders]
"""

RETURN = r"""
access_entry:
  description: The access entry as DescribeAccessEntry shows it, in snake_case, with its C(policies).
  returned: success
  type: dict
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create eks_access_entry arn:aws:iam::123456789012:role/orders-deploy]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.access_entry import ensure_access_entry
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import ACCESS_ENTRY_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ACCESS_ENTRY_SPEC, supports_check_mode=True)
    run(module, ("eks", "iam", "sts"), ensure_access_entry)


if __name__ == "__main__":
    main()
