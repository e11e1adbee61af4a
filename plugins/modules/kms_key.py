#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_key
short_description: One symmetric key of KMS with its alias
version_added: 0.1.0
description:
  - Creates a key that is rotated each year, brings back one that waits for its deletion, or schedules the deletion.
  - Unlike M(amazon.aws.kms_key) it refuses a key that is not ours, and finds again a key whose alias a killed run did
    not come to make.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  alias:
    description: Alias, without C(alias/).
    type: str
    required: true
  component:
    description: Part of the application that it serves; value of the tag C(component).
    type: str
    required: true
  state:
    description: Whether it should exist. What it encrypted can be read until it is deleted, and never after.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description; it is set when the key is created.
    type: str
    default: ''
  deletion_days:
    description: Days, 7 to 30, in which O(state=present) brings it back.
    type: int
    default: 30
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(kms:DescribeKey), C(kms:ListAliases), C(kms:ListKeys), C(kms:ListResourceTags),
    C(kms:GetKeyRotationStatus), C(kms:CreateKey), C(kms:CreateAlias), C(kms:EnableKeyRotation), C(kms:TagResource),
    C(kms:UntagResource), C(kms:ScheduleKeyDeletion), C(kms:CancelKeyDeletion) and C(kms:EnableKey).
"""

EXAMPLES = r"""
- name: Ensure the key of the cluster's secrets
  bahnvision.aws.kms_key:
    alias: orders-production-eks
    app: orders
    stage: production
    component: eks
"""

RETURN = r"""
key:
  description: Alias and ARN (an empty string before the creation); empty when it is absent.
  returned: success
  type: dict
  contains:
    alias: {description: Alias., type: str, returned: always}
    arn: {description: ARN., type: str, returned: always}
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
from ansible_collections.bahnvision.aws.plugins.module_utils._kms.key import SPEC, ensure_key
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, ("kms",), ensure_key)


if __name__ == "__main__":
    main()
