#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dms_endpoint
short_description: One PostgreSQL endpoint of AWS DMS, with the secret by which DMS logs in
version_added: 0.1.0
description:
  - Creates, changes in place or removes one endpoint for PostgreSQL, and a secret of the same name in Secrets Manager.
  - The password reaches DMS through that secret only. It is a copy for the time of the move, and goes with the
    endpoint, at once and without a recovery window.
  - The settings leave values as they are. Booleans stay booleans, blanks stay, numbers without precision travel as
    text, a value that would be cut off fails.
  - What exists under that name without the tags C(app), C(stage) and C(managed-by) of this call is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the endpoint and of its secret, letters, digits and single hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) needs O(endpoint_type), O(connection) and O(role_arn).
      - V(absent) removes the endpoint and the secret.
    type: str
    choices: [present, absent]
    default: present
  endpoint_type:
    description: Whether DMS reads from it or writes to it.
    type: str
    choices: [source, target]
  connection:
    description: How DMS reaches the server, in the form in which M(bahnvision.aws.pg_migrate) takes its sides.
    type: dict
    suboptions:
      host:
        description: Address as DMS sees it, from its subnets.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      database:
        description: Name of the database.
        type: str
        required: true
      user:
        description: User that may read, or own, all tables.
        type: str
        required: true
      password:
        description: Password of that user.
        type: str
        required: true
      sslmode:
        description:
          - As in libpq. DMS knows V(disable) and V(require), and the verifying modes with O(certificate_arn).
          - A verifying mode without it becomes V(require), which RV(notes) tells.
        type: str
        default: require
      sslrootcert:
        description: Not used by DMS; taken so that one variable serves every way of moving.
        type: str
      connect_timeout:
        description: Not used by DMS; taken so that one variable serves every way of moving.
        type: int
  role_arn:
    description:
      - Role by which DMS reads the secret. It must trust C(dms.REGION.amazonaws.com) and be allowed
        C(secretsmanager:GetSecretValue) on the secret.
    type: str
  certificate_arn:
    description: ARN of the authority's certificate that was imported into DMS, to verify the server by.
    type: str
    default: ''
attributes:
  check_mode:
    support: full
    description: Only reads, and refuses what a run would refuse. The role may be yet to be made; its ARN may be empty.
  diff_mode:
    support: full
    description: Names each setting that changes; of the secret only that it changes.
extends_documentation_fragment:
  - bahnvision.aws.resource
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: bahnvision.aws.dms_replication
notes:
  - Actions needed are C(dms:CreateEndpoint), C(dms:ModifyEndpoint), C(dms:DeleteEndpoint), C(dms:DescribeEndpoints),
    C(dms:ListTagsForResource), C(dms:AddTagsToResource), C(dms:RemoveTagsFromResource),
    C(secretsmanager:CreateSecret), C(secretsmanager:DescribeSecret), C(secretsmanager:GetSecretValue),
    C(secretsmanager:PutSecretValue), C(secretsmanager:DeleteSecret), C(secretsmanager:TagResource), and
    C(iam:PassRole) on the role.
"""

EXAMPLES = r"""
- name: Ensure the endpoint that DMS reads from
  bahnvision.aws.dms_endpoint:
    name: orders-production-dms-source
    app: orders
    stage: production
    endpoint_type: source
    connection:
      host: db.internal
      database: orders
      user: postgres
      password: "{{ source_password }}"
    role_arn: "{{ dms_role_arn }}"
  register: source_endpoint

- name: Remove it with its secret
  bahnvision.aws.dms_endpoint:
    name: orders-production-dms-source
    app: orders
    stage: production
    state: absent
"""

RETURN = r"""
endpoint:
  description: The endpoint; empty when it is absent.
  returned: success
  type: dict
  contains:
    name: {description: Name of the endpoint., type: str, returned: always}
    arn: {description: ARN; an empty string before the creation., type: str, returned: always}
    status: {description: Status; V(planned) in check mode before the creation., type: str, returned: always}
    endpoint_type: {description: V(source) or V(target)., type: str, returned: always}
    ssl_mode: {description: DMS's word for how the connection is protected., type: str, returned: always}
    secret_arn: {description: ARN of the secret., type: str, returned: always}
    tags: {description: Tags of the endpoint., type: dict, returned: always}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
notes:
  description: What a person should know besides, such as a connection that is not verified.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.endpoint import ENDPOINT_SPEC, ensure_endpoint
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ENDPOINT_SPEC,
        required_if=[("state", "present", ["endpoint_type", "connection", "role_arn"])],
        supports_check_mode=True,
    )
    run(module, ("dms", "secretsmanager"), ensure_endpoint)


if __name__ == "__main__":
    main()
