#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_subnet_group
short_description: One cache subnet group, with a diff and without touching what is not ours
version_added: 0.1.0
description:
  - Creates, changes or removes one ElastiCache subnet group.
  - Unlike C(community.aws.elasticache_subnet_group) it shows a diff and refuses a group that does not carry our tags.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description:
      - Name of the group; ElastiCache keeps it in lower case.
      - With O(state=absent) a trailing V(*) stands for all of ours that begin so.
    type: str
    required: true
  state:
    description: Whether the group should exist.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description; required with O(state=present).
    type: str
  subnet_ids:
    description: The subnets, in two zones or more; required with O(state=present).
    type: list
    elements: str
extends_documentation_fragment:
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the subnet group
  bahnvision.aws.elasticache_subnet_group:
    name: orders-production
    app: orders
    stage: production
    description: Data subnets of orders-production
    subnet_ids: [subnet-0a1b2c3d, subnet-1a2b3c4d]
"""

RETURN = r"""
subnet_group:
  description: Name, subnets and tags of the group; empty when it is absent.
  returned: success
  type: dict
  sample: {name: orders-production, subnet_ids: [subnet-0a1b2c3d, subnet-1a2b3c4d], tags: {stage: production}}
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
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.groups import GROUP_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.subnets import ensure_subnet_group
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={**GROUP_SPEC, "subnet_ids": {"type": "list", "elements": "str"}},
        required_if=[("state", "present", ["description", "subnet_ids"])],
        supports_check_mode=True,
    )
    run(module, ("elasticache",), ensure_subnet_group)


if __name__ == "__main__":
    main()
