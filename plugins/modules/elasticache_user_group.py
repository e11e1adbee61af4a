#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_user_group
short_description: One ElastiCache user group with exactly the users given
version_added: 0.1.0
description:
  - Creates, changes or removes one group of users (RBAC) for replication groups of Valkey or Redis OSS.
  - A group that does not carry our tags is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  user_group_id:
    description: Name of the group; ElastiCache keeps it in lower case.
    type: str
    required: true
  state:
    description: V(absent) is refused by ElastiCache while a replication group uses the group.
    type: str
    choices: [present, absent]
    default: present
  engine:
    description: Engine. A group for Redis OSS must hold a user whose name is C(default).
    type: str
    choices: [valkey, redis]
    default: valkey
  user_ids:
    description: Ids of all users of the group; required with O(state=present).
    type: list
    elements: str
  wait:
    description: Wait until what was made is ready (or gone).
    type: bool
    default: true
  wait_timeout:
    description: Seconds after which waiting fails and tells what was last seen.
    type: int
    default: 3600
  wait_pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 5
extends_documentation_fragment:
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the user group
  bahnvision.aws.elasticache_user_group:
    user_group_id: orders-production
    app: orders
    stage: production
    user_ids: [orders-production-default, orders-production-app]
"""

RETURN = r"""
user_group:
  description: Id and users of the group; empty when it is absent.
  returned: success
  type: dict
  sample: {user_group_id: orders-production, user_ids: [orders-production-app, orders-production-default]}
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
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.spec import USER_GROUP_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.user_groups import ensure_user_group
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=USER_GROUP_SPEC,
        required_if=[("state", "present", ["user_ids"])],
        supports_check_mode=True,
    )
    run(module, ("elasticache",), ensure_user_group)


if __name__ == "__main__":
    main()
