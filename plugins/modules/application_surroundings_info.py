#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: application_surroundings_info
short_description: Where an application's database, cache and network are
version_added: 0.1.0
description:
  - Reads by name what the roles P(bahnvision.aws.vpc#role), P(bahnvision.aws.rds#role) and
    P(bahnvision.aws.elasticache#role) have made. Passwords are read to learn the rest of a secret, and never returned.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  app:
    description: Value of the tag C(app).
    type: str
    required: true
  stage:
    description: Value of the tag C(stage).
    type: str
    required: true
  database:
    description: Name of the RDS instance, and of its proxy where it has one; no database when it is empty.
    type: str
    default: ''
  database_secret:
    description: Name of the secret of the application's login.
    type: str
    default: ''
  cache_secret:
    description: Name of the secret of the application's user of the cache; no cache when it is empty.
    type: str
    default: ''
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(rds:DescribeDBInstances), C(rds:DescribeDBProxies), C(secretsmanager:DescribeSecret),
    C(secretsmanager:GetSecretValue) and C(ec2:DescribeSubnets).
"""

EXAMPLES = r"""
- name: Find database and cache
  bahnvision.aws.application_surroundings_info:
    app: orders
    stage: production
    database: orders-production
    database_secret: orders-production-rds-app
    cache_secret: orders-production-elasticache-app
  register: around
"""

RETURN = r"""
database:
  description: The database. The address is the proxy's where there is one.
  returned: success
  type: dict
  contains:
    found: {description: Whether its secret is there., type: bool, returned: always}
    host: {description: Address., type: str, returned: always}
    port: {description: Port., type: int, returned: always}
    proxied: {description: Whether it is the proxy's., type: bool, returned: always}
    instance_host: {description: Address of the instance., type: str, returned: always}
    instance_port: {description: Port of the instance., type: int, returned: always}
    name: {description: Name of the database., type: str, returned: always}
    username: {description: The application's login., type: str, returned: always}
    secret_arn: {description: ARN of the secret., type: str, returned: always}
cache:
  description: The cache.
  returned: success
  type: dict
  contains:
    found: {description: Whether its secret names an endpoint., type: bool, returned: always}
    host: {description: Primary endpoint., type: str, returned: always}
    port: {description: Port., type: int, returned: always}
    username: {description: The application's user., type: str, returned: always}
    cluster_mode: {description: Its cluster mode., type: str, returned: always}
    secret_arn: {description: ARN of the secret., type: str, returned: always}
network:
  description: Address ranges of the subnets by tier, V(public), V(private) and V(data).
  returned: success
  type: dict
checksum:
  description: Changes with the versions of the secrets and tells nothing about what they hold.
  returned: success
  type: str
missing:
  description: What is not there yet, for a person.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._application.surroundings import (
    SURROUNDINGS_SPEC,
    surroundings,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=SURROUNDINGS_SPEC, supports_check_mode=True)
    run(module, ("rds", "secretsmanager", "ec2"), surroundings)


if __name__ == "__main__":
    main()
