#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_engine_version_info
short_description: Look up the PostgreSQL versions that RDS offers
version_added: 0.1.0
description:
  - Resolves a wish such as V(17) to the exact version and parameter group family that RDS offers now.
  - Fails when the version is not offered, and names the nearest that is.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  engine_version:
    description: Empty for the newest of all, a major (V(17)) for the newest of it, or an exact version (V(17.9)).
    type: str
    default: ''
  minimum_major:
    description: Refuse versions below this major.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Changes nothing.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look up the newest PostgreSQL 17
  bahnvision.aws.rds_engine_version_info:
    engine_version: "17"
  register: offered
"""

RETURN = r"""
engine_version:
  description: The exact version that the wish stands for.
  returned: success
  type: str
  sample: "17.10"
parameter_group_family:
  description: The family of parameter groups for it.
  returned: success
  type: str
  sample: postgres17
engine_versions:
  description: All versions that RDS offers, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    engine_version: {description: Exact version., type: str, returned: always}
    parameter_group_family: {description: Family of parameter groups., type: str, returned: always}
    upgrade_targets: {description: Versions to which RDS can upgrade it., type: list, returned: always}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.info import engine_versions
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.spec import VERSION_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=VERSION_SPEC, supports_check_mode=True)
    run(module, ("rds",), engine_versions)


if __name__ == "__main__":
    main()
