#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_engine_version_info
short_description: Look up the Valkey and Redis OSS versions that ElastiCache offers
version_added: 0.1.0
description:
  - Resolves a wish such as V(8) to the exact version and parameter group family that ElastiCache offers now.
  - Fails when the version is not offered or out of standard support, and names the nearest that is offered.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  engine:
    description: Engine.
    type: str
    choices: [valkey, redis]
    default: valkey
  engine_version:
    description: Empty for the newest of all, a major (V(8)) for the newest of it, or an exact version (V(8.1)).
    type: str
    default: ''
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
- name: Look up the newest Valkey 8
  bahnvision.aws.elasticache_engine_version_info:
    engine_version: "8"
  register: offered
"""

RETURN = r"""
engine:
  description: The engine.
  returned: success
  type: str
  sample: valkey
engine_version:
  description: The exact version that the wish stands for.
  returned: success
  type: str
  sample: "8.2"
parameter_group_family:
  description: The family of parameter groups for it.
  returned: success
  type: str
  sample: valkey8
engine_versions:
  description: All versions of both engines that ElastiCache offers, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    engine: {description: Engine., type: str, returned: always}
    engine_version: {description: Exact version., type: str, returned: always}
    parameter_group_family: {description: Family of parameter groups., type: str, returned: always}
    standard_support: {description: Whether it is in standard support today., type: bool, returned: always}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.info import engine_versions
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.spec import VERSION_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=VERSION_SPEC, supports_check_mode=True)
    run(module, ("elasticache",), engine_versions)


if __name__ == "__main__":
    main()
