#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_parameter_group
short_description: One DB parameter group whose parameters are exactly those given
version_added: 0.1.0
description:
  - Creates, changes or removes one DB parameter group.
  - Unlike C(amazon.aws.rds_instance_param_group) it refuses an unknown parameter, a value out of range and a change
    of the family before it writes, applies dynamic parameters at once and static ones at the next reboot, sets back
    what is no longer wanted, and shows a diff.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description:
      - Name of the group; RDS keeps it in lower case.
      - With O(state=absent) a trailing V(*) stands for all of ours that begin so.
    type: str
    required: true
  state:
    description: Whether the group should exist.
    type: str
    choices: [present, absent]
    default: present
  family:
    description: Family, such as V(postgres17); required with O(state=present). It cannot be changed.
    type: str
  description:
    description: Description; required with O(state=present). It is set when the group is created.
    type: str
  parameters:
    description: All parameters that differ from RDS's defaults; others that were set are set back.
    type: dict
    default: {}
extends_documentation_fragment:
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the parameter group
  bahnvision.aws.rds_parameter_group:
    name: orders-production-postgres17
    app: orders
    stage: production
    family: postgres17
    description: PostgreSQL 17 of orders-production
    parameters:
      rds.force_ssl: 1
      log_min_duration_statement: 1000
"""

RETURN = r"""
parameter_group:
  description: Name and family of the group; empty when it is absent.
  returned: success
  type: dict
  sample: {name: orders-production-postgres17, family: postgres17}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
waiting:
  description: The static parameters that this run has changed, or would change; they take effect at a reboot.
  returned: success
  type: list
  elements: str
  sample: [rds.logical_replication]
notes:
  description: Which parameters wait for a reboot, and which groups were left because they are not ours.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.parameters import ensure_parameter_group
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.groups import GROUP_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={**GROUP_SPEC, "family": {"type": "str"}, "parameters": {"type": "dict", "default": {}}},
        required_if=[("state", "present", ["description", "family"])],
        supports_check_mode=True,
    )
    run(module, ("rds",), ensure_parameter_group)


if __name__ == "__main__":
    main()
