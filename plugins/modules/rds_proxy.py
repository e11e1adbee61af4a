#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_proxy
short_description: One RDS Proxy for PostgreSQL, with its target registered and available
version_added: 0.1.0
description:
  - Creates, changes in place or removes one RDS Proxy, its connection pool and its one target.
  - Registers the DB instance and waits until the proxy has logged in to it; when it cannot, the error tells AWS's
    reason and what to check.
  - Everything that RDS would refuse, and that can be known before, is refused before the first write, in one error.
  - A proxy that does not carry the tags C(app), C(stage) and C(managed-by) of this call is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the proxy, 1 to 63 lower-case letters, digits and single hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) makes the proxy as wanted; all of O(role_arn), O(auth), O(vpc_subnet_ids), O(vpc_security_group_ids)
        and O(db_instance_identifier) are required then.
      - V(absent) deregisters the targets and removes the proxy.
    type: str
    choices: [present, absent]
    default: present
  role_arn:
    description:
      - Role that RDS assumes to read the secrets. It must trust C(rds.amazonaws.com) and be allowed
        C(secretsmanager:GetSecretValue) on each secret, and C(kms:Decrypt) on a key of your own.
    type: str
  auth:
    description: The database users that clients may log in as, one secret each. Users that are not named are refused.
    type: list
    elements: dict
    suboptions:
      secret_arn:
        description: Whole ARN of a secret with JSON that holds C(username) and C(password).
        type: str
        required: true
      iam_auth:
        description:
          - V(DISABLED) lets clients log in with the password of the secret, V(REQUIRED) only with an IAM token.
          - V(REQUIRED) needs O(require_tls=true).
        type: str
        choices: [DISABLED, REQUIRED]
        default: DISABLED
      description:
        description: What this user is for.
        type: str
        default: ''
  vpc_subnet_ids:
    description:
      - Subnets of the proxy, in two zones or more. They cannot be changed in place.
      - AWS leaves out subnets of zones that have no RDS Proxy; that is told in RV(notes) and is no error.
    type: list
    elements: str
  vpc_security_group_ids:
    description: All security groups of the proxy.
    type: list
    elements: str
  require_tls:
    description: Refuse clients without TLS.
    type: bool
    default: true
  idle_client_timeout:
    description: Seconds after which an idle client is disconnected, 1 to 28800.
    type: int
    default: 1800
  debug_logging:
    description: Log every query's text. Switch it on only to look for a fault; the log may hold personal data.
    type: bool
    default: false
  max_connections_percent:
    description: Share of the instance's C(max_connections) that the pool may use, 1 to 100.
    type: int
    default: 100
  max_idle_connections_percent:
    description: Share that may stay open without use, 0 to O(max_connections_percent); without it, half of that.
    type: int
  connection_borrow_timeout:
    description: Seconds that a client waits for a connection while all are in use, 0 to 300.
    type: int
    default: 120
  session_pinning_filters:
    description: Exists for MySQL only; with PostgreSQL anything but an empty list is refused.
    type: list
    elements: str
  init_query:
    description:
      - SQL that runs on each new connection to the database, such as V(SET statement_timeout = 30000).
      - Whoever may read the proxy can read it; put no secret into it.
    type: str
    default: ''
  db_instance_identifier:
    description:
      - The DB instance behind the proxy, in the same VPC.
      - A target group takes one target. When another is registered, it is deregistered first, as soon as this one is
        ready.
    type: str
  wait:
    description:
      - Wait until the target is available (or the proxy gone).
      - What must be over before the next step (the creation before the registration) is waited for in any case.
    type: bool
    default: true
  wait_timeout:
    description: Seconds that each wait may take. A new proxy takes 3 to 5 minutes, its target 1 to 2 more.
    type: int
    default: 1800
  wait_pause:
    description: Longest pause between two looks, in seconds.
    type: float
    default: 3
attributes:
  check_mode:
    support: full
    description:
      - Only reads, and refuses what a run would refuse. Roles, secrets and instances may be yet to be made; their ARNs
        may be empty strings then.
  diff_mode:
    support: full
    description: Names each setting that changes.
extends_documentation_fragment:
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: bahnvision.aws.rds_instance
notes:
  - Actions needed are C(rds:CreateDBProxy), C(rds:ModifyDBProxy), C(rds:DeleteDBProxy), C(rds:DescribeDBProxies),
    C(rds:DescribeDBProxyTargetGroups), C(rds:ModifyDBProxyTargetGroup), C(rds:RegisterDBProxyTargets),
    C(rds:DeregisterDBProxyTargets), C(rds:DescribeDBProxyTargets), C(rds:DescribeDBInstances),
    C(rds:ListTagsForResource), C(rds:AddTagsToResource), C(rds:RemoveTagsFromResource), and C(iam:PassRole) on the
    role.
"""

EXAMPLES = r"""
- name: Ensure the proxy in front of the database
  bahnvision.aws.rds_proxy:
    name: orders-production
    app: orders
    stage: production
    role_arn: "{{ proxy_role_arn }}"
    auth:
      - secret_arn: "{{ app_secret_arn }}"
        description: The application
    vpc_subnet_ids: "{{ data_subnet_ids }}"
    vpc_security_group_ids: ["{{ proxy_security_group_id }}"]
    db_instance_identifier: orders-production
    max_connections_percent: 90
    connection_borrow_timeout: 30
  register: proxy

- name: Lead it to a restored instance
  bahnvision.aws.rds_proxy:
    name: orders-production
    app: orders
    stage: production
    role_arn: "{{ proxy_role_arn }}"
    auth:
      - secret_arn: "{{ app_secret_arn }}"
        description: The application
    vpc_subnet_ids: "{{ data_subnet_ids }}"
    vpc_security_group_ids: ["{{ proxy_security_group_id }}"]
    db_instance_identifier: orders-production-restored

- name: Remove it
  bahnvision.aws.rds_proxy:
    name: orders-production
    app: orders
    stage: production
    state: absent
"""

RETURN = r"""
proxy:
  description:
    - The proxy as DescribeDBProxies shows it, in snake_case; empty when it is absent.
    - In check mode what is known beforehand; ARN and address of a new proxy are empty strings.
  returned: success
  type: dict
  contains:
    name: {description: Name of the proxy., type: str, returned: always}
    arn: {description: ARN of the proxy., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    endpoint: {description: Address that clients connect to., type: str, returned: always}
    port: {description: Port that clients connect to., type: int, returned: always}
    db_instance_identifier: {description: The registered instance., type: str, returned: always}
    target_health:
      description: C(state), and C(reason) and C(description) when it is not V(AVAILABLE).
      type: dict
      returned: always
    connection_pool_config: {description: Settings of the pool., type: dict, returned: always}
    tags: {description: Tags of the proxy., type: dict, returned: always}
  sample:
    name: orders-production
    arn: arn:aws:rds:eu-central-1:123456789012:db-proxy:prx-0123456789abcdef0
    status: available
    endpoint: orders-production.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com
    port: 5432
    db_instance_identifier: orders-production
    target_health: {state: AVAILABLE}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create db_proxy orders-production, register db_proxy_target orders-production]
notes:
  description: What a person should know besides, such as clients that wait while the target changes.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.desired import NEEDED, PROXY_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.proxy import ensure_proxy
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=PROXY_SPEC, required_if=[("state", "present", list(NEEDED))], supports_check_mode=True
    )
    run(module, ("rds",), ensure_proxy)


if __name__ == "__main__":
    main()
