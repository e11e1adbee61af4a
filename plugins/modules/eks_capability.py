#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_capability
short_description: One EKS capability (Argo CD, ACK or kro), and what it may do in the cluster
version_added: 0.1.0
description:
  - Creates, changes or removes one capability that EKS runs for a cluster, and waits until it is active.
  - EKS makes an access entry for the capability's role, with policies that let it work but not deploy anything.
    O(access_policies) are what it gets besides; those that are no longer wanted are taken away.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the capability.
    type: str
    required: true
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  state:
    description: Whether it should exist. What it has made in the cluster stays there when it goes.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: What it is. A cluster has one of each type at most; the type cannot be changed.
    type: str
    choices: [ARGOCD, ACK, KRO]
    default: ARGOCD
  role_arn:
    description: Role of the capability, which trusts C(capabilities.eks.amazonaws.com) with C(sts:AssumeRole) and
      C(sts:TagSession). Required with O(state=present).
    type: str
  argocd:
    description: Settings of Argo CD. Required with O(type=ARGOCD).
    type: dict
    suboptions:
      namespace:
        description: Namespace in which it looks for Applications. It cannot be changed.
        type: str
        default: argocd
      idc_instance_arn:
        description: ARN of the instance of IAM Identity Center (C(aws sso-admin list-instances)); the capability knows
          no other users. It cannot be changed.
        type: str
        required: true
      idc_region:
        description: Region of that instance, when it is another one.
        type: str
      role_mappings:
        description: All users and groups of IAM Identity Center that may use Argo CD, by its roles.
        type: list
        elements: dict
        default: []
        suboptions:
          role:
            description: Role in Argo CD.
            type: str
            choices: [ADMIN, EDITOR, VIEWER]
            required: true
          identities:
            description: Who has it.
            type: list
            elements: dict
            required: true
            suboptions:
              id:
                description: ID of the user or group in IAM Identity Center.
                type: str
                required: true
              type:
                description: What it is.
                type: str
                choices: [SSO_USER, SSO_GROUP]
                default: SSO_GROUP
      vpc_endpoint_ids:
        description: All VPC endpoints through which its server is reached. With any, it is no longer public.
        type: list
        elements: str
        default: []
  access_policies:
    description: All access policies of the capability's role in this cluster, besides those that EKS associates.
    type: list
    elements: dict
    default: []
    suboptions:
      policy:
        description: Name of the policy, such as V(AmazonEKSAdminPolicy), or its ARN.
        type: str
        required: true
      namespaces:
        description: Namespaces that it is limited to; the whole cluster when none is named.
        type: list
        elements: str
        default: []
  wait:
    description: Wait until the capability is active (or gone).
    type: bool
    default: true
  wait_timeout:
    description: Seconds that each wait may take.
    type: int
    default: 1800
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
  - Actions needed are C(eks:CreateCapability), C(eks:DescribeCapability), C(eks:ListCapabilities),
    C(eks:UpdateCapability), C(eks:DeleteCapability), C(eks:DescribeUpdate), C(eks:DescribeCluster),
    C(eks:DescribeAccessEntry), C(eks:ListAssociatedAccessPolicies), C(eks:AssociateAccessPolicy),
    C(eks:DisassociateAccessPolicy), C(eks:TagResource), C(eks:UntagResource), and C(iam:PassRole) on the role. For Argo
    CD, EKS needs the caller's permissions in IAM Identity Center too (C(sso:CreateApplication) and its kin).
  - Argo CD lists every type that the cluster serves before it deploys anything. Without a policy that lets it read all
    of them (V(AmazonEKSAdminViewPolicy)), every Application ends with a C(ComparisonError).
"""

EXAMPLES = r"""
- name: Ensure Argo CD
  bahnvision.aws.eks_capability:
    name: orders-production-argocd
    cluster_name: orders-production
    app: orders
    stage: production
    role_arn: "{{ argocd_role_arn }}"
    argocd:
      idc_instance_arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
      role_mappings:
        - role: ADMIN
          identities:
            - id: 7305c21a-8f3e-4b2b-9c0e-2f6b1f1d7a10
    access_policies:
      - policy: AmazonEKSAdminViewPolicy
      - policy: AmazonEKSAdminPolicy
        namespaces: [orders]
"""

RETURN = r"""
capability:
  description: The capability as DescribeCapability shows it, in snake_case; empty when it is absent.
  returned: success
  type: dict
  contains:
    name: {description: Name., type: str, returned: always}
    arn: {description: ARN., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    namespace: {description: Namespace of Argo CD., type: str, returned: always}
    server_url: {description: Address of Argo CD's server., type: str, returned: always}
    tags: {description: Tags., type: dict, returned: always}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create eks_capability orders-production-argocd]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.capability import ensure_capability
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import CAPABILITY_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=CAPABILITY_SPEC,
        supports_check_mode=True,
        required_if=[("state", "present", ["role_arn"])],
    )
    run(module, ("eks",), ensure_capability)


if __name__ == "__main__":
    main()
