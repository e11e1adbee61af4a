#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_pod_identity_association
short_description: The IAM role of one Kubernetes service account
version_added: 0.1.0
description:
  - Creates, changes or removes one EKS Pod Identity association. The cluster needs the add-on
    C(eks-pod-identity-agent), or Auto Mode.
  - An association that belongs to an add-on is refused; see M(bahnvision.aws.eks_addon).
author:
  - The bahnvision.aws team (@bahnvision)
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  namespace:
    description: Namespace of the service account.
    type: str
    required: true
  service_account:
    description: Name of the service account. It may be yet to come.
    type: str
    required: true
  role_arn:
    description: The role, which trusts C(pods.eks.amazonaws.com) with C(sts:AssumeRole) and C(sts:TagSession);
      required with O(state=present).
    type: str
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(eks:CreatePodIdentityAssociation), C(eks:DescribePodIdentityAssociation),
    C(eks:ListPodIdentityAssociations), C(eks:UpdatePodIdentityAssociation), C(eks:DeletePodIdentityAssociation),
    C(eks:TagResource), C(eks:UntagResource), and C(iam:PassRole) on the role.
"""

EXAMPLES = r"""
- name: Let the backend read its secret
  bahnvision.aws.eks_pod_identity_association:
    cluster_name: orders-production
    namespace: orders
    service_account: backend
    role_arn: "{{ backend_role_arn }}"
    app: orders
    stage: production
"""

RETURN = r"""
association:
  description: The association as DescribePodIdentityAssociation shows it, in snake_case; empty when it is absent.
  returned: success
  type: dict
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create eks_pod_identity_association orders/backend]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.pod_identity import ensure_association
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import POD_IDENTITY_ASSOCIATION_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=POD_IDENTITY_ASSOCIATION_SPEC,
        required_if=[("state", "present", ["role_arn"])],
        supports_check_mode=True,
    )
    run(module, ("eks",), ensure_association)


if __name__ == "__main__":
    main()
