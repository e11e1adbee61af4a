#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
short_description: One OIDC provider of IAM
version_added: 0.1.0
description:
  - Creates, changes or removes the OIDC provider by which the service accounts of a cluster take IAM roles (IRSA).
  - EKS Pod Identity needs none; Fargate, and roles of other accounts, do.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  url:
    description: Address of the issuer, as the cluster tells it.
    type: str
    required: true
  component:
    description: Part of the application that it serves; value of the tag C(component).
    type: str
    required: true
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  client_ids:
    description: All audiences whose tokens are accepted.
    type: list
    elements: str
    default: [sts.amazonaws.com]
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(iam:GetOpenIDConnectProvider), C(iam:CreateOpenIDConnectProvider),
    C(iam:AddClientIDToOpenIDConnectProvider), C(iam:RemoveClientIDFromOpenIDConnectProvider),
    C(iam:DeleteOpenIDConnectProvider), C(iam:TagOpenIDConnectProvider), C(iam:UntagOpenIDConnectProvider) and
    C(sts:GetCallerIdentity).
"""

EXAMPLES = r"""
- name: Ensure that service accounts can take roles
  bahnvision.aws.iam_oidc_provider:
    url: "{{ eks.cluster.oidc_issuer }}"
    app: orders
    stage: production
    component: eks
"""

RETURN = r"""
provider:
  description: ARN and address; empty when it is absent.
  returned: success
  type: dict
  contains:
    arn: {description: ARN., type: str, returned: always}
    url: {description: Address of the issuer., type: str, returned: always}
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
from ansible_collections.bahnvision.aws.plugins.module_utils._iam.oidc_provider import SPEC, ensure_provider
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, ("iam", "sts"), ensure_provider)


if __name__ == "__main__":
    main()
