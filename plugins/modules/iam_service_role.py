#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_service_role
short_description: One IAM role for a service of AWS or for Pods, with exactly the policies it is given
version_added: 0.1.0
description:
  - Creates, changes or removes one IAM role that a service takes, or Pods of a cluster take by EKS Pod Identity
    (O(service=pods.eks.amazonaws.com)) or by the cluster's OIDC provider (O(oidc_issuer)).
  - Unlike C(amazon.aws.iam_role) it knows inline policies, foresees in check mode the policies of a role that does not
    exist yet, and refuses a role that is not ours; a policy that is no longer wanted is taken away.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the role.
    type: str
    required: true
  component:
    description: Part of the application that the role serves; value of the tag C(component).
    type: str
    required: true
  state:
    description: Whether the role should exist.
    type: str
    choices: [present, absent]
    default: present
  service:
    description: The service that takes the role, such as V(rds.amazonaws.com). It or O(oidc_issuer) is required with
      O(state=present).
    type: str
  trusted_source:
    description:
      - Resource for which alone the service may take the role, as service and resource of its ARN, such as V(rds:db:*).
        The trust then has the conditions C(aws:SourceAccount) and C(aws:SourceArn) for this account and region, so that
        nobody can have the service use the role for what is theirs.
      - Only for services whose documentation says that they send both, since others can no longer take the role.
        Enhanced Monitoring of RDS and flow logs do; of RDS Proxy and of the secrets of DMS nothing is said.
    type: str
  trust_actions:
    description:
      - What the service may do to take the role. Empty means V(sts:AssumeRole), and for V(pods.eks.amazonaws.com)
        V(sts:TagSession) as well, since EKS refuses an association otherwise.
      - The role of a cluster with EKS Auto Mode (O(service=eks.amazonaws.com)) needs both.
    type: list
    elements: str
    choices: [sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]
    default: []
  cluster_name:
    description: With O(service=pods.eks.amazonaws.com), the cluster whose Pods alone may take the role.
    type: str
  service_accounts:
    description: The Kubernetes service accounts, as C(namespace/name), whose Pods alone may take the role. Required
      with O(oidc_issuer), recommended with O(service=pods.eks.amazonaws.com). The latter's associations must leave
      session tags on, as they do by default.
    type: list
    elements: str
    default: []
  oidc_issuer:
    description: Address of the issuer of a cluster's tokens, such as
      V(https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE); its OIDC provider in IAM is trusted in place of a
      service (IRSA).
    type: str
  oidc_audience:
    description: For whom those tokens must be made out.
    type: str
    default: sts.amazonaws.com
  description:
    description: Description; it is set when the role is created.
    type: str
    default: ''
  managed_policies:
    description:
      - All managed policies of the role, by ARN. Those of AWS also by the name that follows C(policy/) in their ARN,
        which is the same in each partition (China, GovCloud).
    type: list
    elements: str
    default: []
  policies:
    description: All inline policies of the role, documents by their names.
    type: dict
    default: {}
  permissions_boundary:
    description: ARN of a permissions boundary. A role that has another one gets this one; without the option it stays.
    type: str
attributes:
  check_mode:
    support: full
    description: Only reads, and refuses what a run would refuse.
  diff_mode:
    support: full
    description: Names each policy that changes.
extends_documentation_fragment:
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the role by which RDS writes Enhanced Monitoring
  bahnvision.aws.iam_service_role:
    name: orders-production-rds-monitoring
    app: orders
    stage: production
    component: rds
    service: monitoring.rds.amazonaws.com
    trusted_source: rds:db:*
    managed_policies: [service-role/AmazonRDSEnhancedMonitoringRole]

- name: Ensure the role of the Pods of one service account
  bahnvision.aws.iam_service_role:
    name: orders-production-backend
    app: orders
    stage: production
    component: eks
    service: pods.eks.amazonaws.com
    cluster_name: orders-production
    service_accounts: [orders/backend]
"""

RETURN = r"""
role:
  description: Name and ARN of the role (the ARN is an empty string before the creation); empty when it is absent.
  returned: success
  type: dict
  sample: {name: orders-lab-rds-proxy, arn: "arn:aws:iam::123456789012:role/orders-lab-rds-proxy"}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._iam.role import ROLE_SPEC, ensure_role
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ROLE_SPEC,
        required_if=[("state", "present", ["service", "oidc_issuer"], True)],
        mutually_exclusive=[("oidc_issuer", other) for other in ("service", "trusted_source", "trust_actions")],
        supports_check_mode=True,
    )
    run(
        module,
        ("iam", "sts"),
        lambda clients, params, check: ensure_role(clients, {**params, "region": module.region}, check),
    )


if __name__ == "__main__":
    main()
