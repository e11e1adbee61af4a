#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_cluster
short_description: One EKS cluster
version_added: 0.1.0
description:
  - Creates, changes in place, upgrades by one minor version, or removes the control plane of one EKS cluster.
  - EKS takes one kind of change at a time; each is waited for before the next one begins.
  - Everything that EKS would refuse, and that can be known before, is refused before the first write, in one error.
  - Who made the cluster gets no rights in it by that; see M(bahnvision.aws.eks_access_entry).
  - EKS installs no add-ons by itself; see M(bahnvision.aws.eks_addon). With O(auto_mode=true) none are needed for
    networking, DNS, load balancing and storage.
  - A cluster that does not carry the tags C(app), C(stage) and C(managed-by) of this call is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the cluster, 1 to 100 letters, digits, C(-) and C(_).
    type: str
    required: true
  state:
    description:
      - V(present) makes the cluster as wanted; O(role_arn) and O(subnet_ids) are required then.
      - V(absent) removes it. It is refused while the cluster has deletion protection, node groups or Fargate profiles.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - Minor version of Kubernetes, such as V(1.35). Without it a new cluster gets the newest in standard support, and
        one that exists keeps its own.
      - It may be one minor version above the running one, with O(allow_version_upgrade=true).
    type: str
    default: ''
  allow_version_upgrade:
    description: Whether a running cluster may be upgraded. There is no way back.
    type: bool
    default: false
  role_arn:
    description: Role of the cluster, which trusts C(eks.amazonaws.com). It cannot be changed.
    type: str
  subnet_ids:
    description: Subnets of EKS's network interfaces, in two zones or more, each with 6 free addresses.
    type: list
    elements: str
  security_group_ids:
    description: Further security groups of those interfaces, at most 5. EKS makes one of its own.
    type: list
    elements: str
    default: []
  endpoint_private_access:
    description: Whether the API server is reached from inside the VPC.
    type: bool
    default: true
  endpoint_public_access_cidrs:
    description:
      - Ranges of public addresses from which the API server is reached; none means that it has no public endpoint.
      - All addresses (V(0.0.0.0/0)) have to be named, and are told in RV(notes).
    type: list
    elements: str
    default: []
  authentication_mode:
    description: Where EKS looks up who may log in. It goes forward only, from V(CONFIG_MAP) to V(API).
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
    default: API
  logging:
    description: Which logs of the control plane go to CloudWatch Logs.
    type: list
    elements: str
    choices: [api, audit, authenticator, controllerManager, scheduler]
    default: [api, audit, authenticator, controllerManager, scheduler]
  encryption_key_arn:
    description: KMS key of your own for Kubernetes' secrets. It can be added to a running cluster, and never exchanged.
    type: str
  support_type:
    description: With V(STANDARD) EKS upgrades the cluster when standard support ends; V(EXTENDED) is billed instead.
    type: str
    choices: [STANDARD, EXTENDED]
    default: STANDARD
  zonal_shift:
    description: Whether Application Recovery Controller may lead traffic away from a zone.
    type: bool
    default: true
  deletion_protection:
    description: Whether the cluster is protected from deletion.
    type: bool
    default: true
  auto_mode:
    description: Whether EKS runs nodes, load balancers and volumes by itself (EKS Auto Mode).
    type: bool
    default: false
  node_pools:
    description: Built-in node pools with O(auto_mode=true).
    type: list
    elements: str
    choices: [general-purpose, system]
    default: [general-purpose, system]
  node_role_arn:
    description: Role of the nodes of O(node_pools).
    type: str
  service_ipv4_cidr:
    description: Range of the addresses of services, a /12 to a /24 of the private ranges. It cannot be changed.
    type: str
  ip_family:
    description: Addresses of pods and services. It cannot be changed.
    type: str
    choices: [ipv4, ipv6]
    default: ipv4
  gone_before:
    description: With O(state=absent), names of node groups that an earlier task removes. In check mode they are still
      there, and are no reason to refuse.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until the cluster is active (or gone).
    type: bool
    default: true
  wait_timeout:
    description: Seconds that each wait may take.
    type: int
    default: 2400
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
  - Actions needed are C(eks:CreateCluster), C(eks:DescribeCluster), C(eks:DescribeClusterVersions),
    C(eks:UpdateClusterConfig), C(eks:UpdateClusterVersion), C(eks:AssociateEncryptionConfig), C(eks:DescribeUpdate),
    C(eks:DeleteCluster), C(eks:ListNodegroups), C(eks:ListFargateProfiles), C(eks:TagResource),
    C(eks:UntagResource), C(ec2:DescribeSubnets), C(iam:PassRole) on the roles, and C(kms:DescribeKey) and
    C(kms:CreateGrant) on the key.
"""

EXAMPLES = r"""
- name: Ensure the cluster
  bahnvision.aws.eks_cluster:
    name: orders-production
    app: orders
    stage: production
    role_arn: "{{ cluster_role_arn }}"
    subnet_ids: "{{ private_subnet_ids }}"
    endpoint_public_access_cidrs: [203.0.113.0/24]
    encryption_key_arn: "{{ key_arn }}"
  register: cluster

- name: Upgrade it by one minor version
  bahnvision.aws.eks_cluster:
    name: orders-production
    app: orders
    stage: production
    version: "1.36"
    allow_version_upgrade: true
    role_arn: "{{ cluster_role_arn }}"
    subnet_ids: "{{ private_subnet_ids }}"
"""

RETURN = r"""
cluster:
  description:
    - The cluster as DescribeCluster shows it, in snake_case; empty when it is absent.
    - In check mode what is known beforehand; what EKS gives a new cluster is empty.
  returned: success
  type: dict
  contains:
    name: {description: Name., type: str, returned: always}
    arn: {description: ARN., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    version: {description: Minor version of Kubernetes., type: str, returned: always}
    endpoint: {description: Address of the API server., type: str, returned: always}
    certificate_authority_data:
      description: Certificate of the API server's authority, base64.
      type: str
      returned: always
    cluster_security_group_id: {description: The security group that EKS made., type: str, returned: always}
    oidc_issuer: {description: Issuer of the service accounts' tokens., type: str, returned: always}
    tags: {description: Tags., type: dict, returned: always}
  sample:
    name: orders-production
    arn: arn:aws:eks:eu-central-1:123456789012:cluster/orders-production
    status: ACTIVE
    version: "1.35"
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create eks_cluster orders-production]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster import ensure_cluster
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import CLUSTER_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=CLUSTER_SPEC,
        required_if=[("state", "present", ["role_arn", "subnet_ids"])],
        supports_check_mode=True,
    )
    run(module, ("eks", "ec2"), ensure_cluster)


if __name__ == "__main__":
    main()
