#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_user
short_description: One ElastiCache user whose password lies in Secrets Manager and is rotated without an outage
version_added: 0.1.0
description:
  - Creates, changes or removes one user (RBAC) for Valkey or Redis OSS.
  - With O(secret) the password is generated here, kept only in Secrets Manager, and rotated with ElastiCache's two
    passwords per user. The new one is put aside, then the user gets both, then the secret tells the new one; the
    former one stays good until the next rotation or the end of the grace. Every step can be repeated, so a run
    completes the rotation of one that was killed.
  - Without O(secret) and O(passwords), a user with a password gets one that nobody knows; C(default) should be so.
  - Access strings are compared by what they mean, not by how they are written.
  - What does not carry our tags is never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  user_id:
    description:
      - Id of the user; ElastiCache keeps it in lower case.
      - With O(state=absent) a trailing V(*) stands for all of ours that begin so, less O(keep); the same goes for the
        name of the secret.
    type: str
    required: true
  user_name:
    description: Name with which clients log in; the id when it is left out. It cannot be changed.
    type: str
  replication_group:
    description:
      - The replication group that the user is for; value of the tag C(replication-group) of the user and its secret.
      - With a trailing V(*) in O(user_id), only users and secrets with this tag are removed.
    type: str
  state:
    description: Whether the user (and its secret) should exist.
    type: str
    choices: [present, absent]
    default: present
  engine:
    description: Engine. A user that exists keeps its engine; those of Redis OSS serve Valkey too.
    type: str
    choices: [valkey, redis]
    default: valkey
  access_string:
    description:
      - What the user may do, beginning with V(on) or V(off).
      - The default allows everything but the commands that Valkey calls dangerous, such as C(FLUSHALL), C(KEYS),
        C(CONFIG) and C(INFO).
    type: str
    default: on ~* &* +@all -@dangerous
  authentication_mode:
    description: How the user logs in. V(iam) wants O(user_name) and O(user_id) to be the same; Valkey always wants a
      password or IAM.
    type: str
    choices: [password, iam, no-password-required]
    default: password
  passwords:
    description:
      - One or two passwords of 16 to 128 characters, used when the user or its secret is made, and never compared.
      - Leave them out to have one generated.
    type: list
    elements: str
  secret:
    description: The secret that keeps the password as JSON (C(username), C(password), C(host), C(port), C(url), ...).
    type: dict
    suboptions:
      name:
        description: Name of the secret.
        type: str
        required: true
      kms_key_id:
        description: Key of the secret. When it is left out, a new one gets the key of Secrets Manager, and one that
          exists keeps its own.
        type: str
      rotation_days:
        description: Rotate a password that is so many days old, when the module runs; V(0) is never.
        type: int
        default: 0
      rotation:
        description: Any word. The password is rotated when it is another word than at the last time.
        type: str
        default: ''
      grace_days:
        description: Remove the former password after so many days; V(0) keeps it until the next rotation.
        type: int
        default: 7
      recovery_days:
        description: With O(state=absent), days during which the secret can be restored, 7 to 30.
        type: int
        default: 30
      connection:
        description: Where clients connect; kept as it is when it is left out.
        type: dict
        suboptions:
          host:
            description: Address of the endpoint that fits the cluster mode.
            type: str
            required: true
          port:
            description: Port of the endpoint.
            type: int
            required: true
          reader_host:
            description: Address of the reader endpoint.
            type: str
            default: ''
          reader_port:
            description: Port of the reader endpoint.
            type: int
            default: 0
          cluster_mode:
            description: Cluster mode of the replication group.
            type: str
            choices: [disabled, compatible, enabled]
            default: disabled
  keep:
    description: With O(state=absent) and a trailing V(*), ids that stay.
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
- name: Ensure the user of the application
  bahnvision.aws.elasticache_user:
    user_id: orders-production-app
    app: orders
    stage: production
    secret:
      name: orders-production-elasticache-app
      rotation_days: 90

- name: Rotate its password now
  bahnvision.aws.elasticache_user:
    user_id: orders-production-app
    app: orders
    stage: production
    secret:
      name: orders-production-elasticache-app
      rotation: after the leak of 2026-11-22

- name: Lock the user that ElastiCache takes for clients without a name
  bahnvision.aws.elasticache_user:
    user_id: orders-production-default
    user_name: default
    app: orders
    stage: production
    access_string: "off -@all"
"""

RETURN = r"""
user:
  description: Id, name and secret of the user (never its password); empty when it is absent.
  returned: success
  type: dict
  contains:
    user_id: {description: Id., type: str, returned: always}
    user_name: {description: Name with which clients log in., type: str, returned: always}
    secret_name: {description: Name of the secret., type: str, returned: with O(secret)}
    secret_arn:
      description: ARN of the secret; empty in check mode before it is made.
      returned: with O(secret)
      type: str
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
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.spec import USER_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.users import ensure_user
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=USER_SPEC, supports_check_mode=True)
    run(module, ("elasticache", "secretsmanager", "kms"), ensure_user)


if __name__ == "__main__":
    main()
