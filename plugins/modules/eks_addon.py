#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_addon
short_description: One add-on of an EKS cluster, at a version that fits it
version_added: 0.1.0
description:
  - Installs, changes or removes one add-on, and waits until it is active.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the add-on, such as V(vpc-cni), V(coredns), V(kube-proxy), V(aws-ebs-csi-driver),
      V(eks-pod-identity-agent) or V(metrics-server).
    type: str
    required: true
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - Version, whole (V(v1.19.0-eksbuild.1)) or its beginning (V(v1.19)); V(latest) is the newest that fits.
      - Without it a new add-on gets EKS's default for the cluster's version of Kubernetes, and one that exists keeps
        its own as long as it fits.
    type: str
    default: ''
  configuration:
    description: All settings of the add-on, as its schema allows (C(aws eks describe-addon-configuration)).
    type: dict
    default: {}
  service_account_role_arn:
    description: Role by the cluster's OIDC provider (IRSA). O(pod_identity_associations) are simpler.
    type: str
  pod_identity_associations:
    description: Roles of the add-on's service accounts, by EKS Pod Identity.
    type: list
    elements: dict
    default: []
    suboptions:
      service_account:
        description: Name of the service account.
        type: str
        required: true
      role_arn:
        description: Its role, which trusts C(pods.eks.amazonaws.com).
        type: str
        required: true
  resolve_conflicts:
    description: What becomes of settings that somebody has changed in the cluster by hand.
    type: str
    choices: [NONE, OVERWRITE, PRESERVE]
    default: OVERWRITE
  preserve:
    description: With O(state=absent), whether its software stays in the cluster.
    type: bool
    default: false
  wait:
    description: Wait until the add-on is active (or gone). V(coredns) is not before there is a node.
    type: bool
    default: true
  wait_timeout:
    description: Seconds that each wait may take.
    type: int
    default: 1200
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
  - Actions needed are C(eks:CreateAddon), C(eks:DescribeAddon), C(eks:UpdateAddon), C(eks:DeleteAddon),
    C(eks:DescribeAddonVersions), C(eks:DescribeUpdate), C(eks:DescribeCluster), C(eks:DescribeClusterVersions),
    C(eks:DescribePodIdentityAssociation), C(eks:CreatePodIdentityAssociation), C(eks:UpdatePodIdentityAssociation),
    C(eks:DeletePodIdentityAssociation), C(eks:TagResource), C(eks:UntagResource), and C(iam:PassRole) on the roles.
"""

EXAMPLES = r"""
- name: Ensure the network of the pods
  bahnvision.aws.eks_addon:
    name: vpc-cni
    cluster_name: orders-production
    app: orders
    stage: production
    configuration:
      enableNetworkPolicy: "true"
    pod_identity_associations:
      - service_account: aws-node
        role_arn: "{{ cni_role_arn }}"
"""

RETURN = r"""
addon:
  description: The add-on; empty when it is absent.
  returned: success
  type: dict
  contains:
    name: {description: Name., type: str, returned: always}
    arn: {description: ARN., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    version: {description: Version., type: str, returned: always}
    configuration: {description: Settings., type: dict, returned: always}
    tags: {description: Tags., type: dict, returned: always}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create eks_addon vpc-cni]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon import ensure_addon
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import ADDON_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ADDON_SPEC, supports_check_mode=True)
    run(module, ("eks",), ensure_addon)


if __name__ == "__main__":
    main()
