#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_database_user
short_description: The application's user in an RDS for PostgreSQL database, with its secret and its rotation
version_added: 0.1.0
description:
  - Ensures that the application has a login role of its own, that the role owns the database by way of a group role,
    that its password lies in Secrets Manager, and that user and password open the database - proved by a login.
  - The login role is no superuser and may create neither roles nor databases. It is a member of the role O(owner),
    which cannot log in and owns the database, its schemas and all objects, and it acts as that role in the database.
    So migrations of the application can alter every table. What the master user has moved into the database
    (M(bahnvision.aws.pg_migrate)) is handed over to O(owner) by the next run.
  - Passwords are made by Secrets Manager. They pass through memory only - not through arguments, logs, diffs or the
    server's statement log, which is given a verifier.
  - A rotation follows the four steps of Secrets Manager. A pending version is written, set, proved by a login and made
    the current one. A run that was killed at any of them is continued by the next with the same password.
  - Roles and secrets that are not ours (comment, tags) are never touched.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  identifier:
    description: Name of the RDS instance; its managed master secret is read at the moment of use.
    type: str
    required: true
  state:
    description: Whether the user should exist. V(absent) leaves the role O(owner) with the data.
    type: str
    choices: [present, absent]
    default: present
  database:
    description: Name of the database. It must exist.
    type: str
    required: true
  username:
    description: Name of the login role, lower-case letters, digits and underscores.
    type: str
    required: true
  owner:
    description: Name of the group role that owns the database; O(database) and V(_owner) when it is left out.
    type: str
  connection_limit:
    description: Connections that the user may have at once; V(-1) sets no limit.
    type: int
    default: -1
  password:
    description:
      - A password of one's own; without it Secrets Manager makes one. Another than the present one means a rotation.
      - 8 to 128 printable ASCII characters without V(/), V(@), quotes and blanks.
    type: str
  secret_name:
    description:
      - Name of the secret. It holds V(engine), V(host), V(port), V(dbname), V(username), V(password) and
        V(dbInstanceIdentifier), as AWS's rotation functions and RDS Proxy read them.
    type: str
    required: true
  secret_kms_key_id:
    description: Key of the secret (ARN, id or alias); that of Secrets Manager when it is left out.
    type: str
  secret_recovery_days:
    description: Days for which a removed secret can be restored, 7 to 30.
    type: int
    default: 30
  rotate_after_days:
    description: Rotate when the password is at least so many days old; V(0) is never.
    type: int
    default: 30
  rotate:
    description: Rotate now.
    type: bool
    default: false
  rotation_lambda_arn:
    description: A rotation function of your own. It is configured for the secret, and this module rotates no more.
    type: str
  tags:
    description: Further tags of the secret. With O(purge_tags) those that are not named here are removed.
    type: dict
  purge_tags:
    description: Remove tags that are not in O(tags), when O(tags) is given.
    type: bool
    default: true
  sslrootcert:
    description:
      - File with RDS's authorities, on the host that runs the module. The server's certificate and name are always
        checked (verify-full).
      - Without it libpq's own place (C(~/.postgresql/root.crt)).
    type: path
  connect_timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 10
  timeout:
    description: Seconds after which the work in the database is given up.
    type: int
    default: 300
  client_bindir:
    description: Folder with C(psql); when it is left out, the usual folders and the C(PATH) are searched.
    type: path
attributes:
  check_mode:
    support: full
    description: Only reads. Of a database that is out of reach it says so in a note, and foresees the rest.
  diff_mode:
    support: full
    description: Names roles, objects and keys that change, never a password.
extends_documentation_fragment:
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
requirements:
  - C(psql) on the host that runs the module, which must reach the instance
"""

EXAMPLES = r"""
- name: Ensure the application's user, from a host near the database
  bahnvision.aws.rds_database_user:
    identifier: orders-production
    app: orders
    stage: production
    database: orders
    username: orders_app
    connection_limit: 80
    secret_name: orders-production-rds-app
    sslrootcert: ~/.postgresql/rds-global-bundle.pem
  delegate_to: runner

- name: Give it a new password now
  bahnvision.aws.rds_database_user:
    identifier: orders-production
    app: orders
    stage: production
    database: orders
    username: orders_app
    secret_name: orders-production-rds-app
    rotate: true
"""

RETURN = r"""
user:
  description: The login role; empty when it is absent.
  returned: success
  type: dict
  sample: {name: orders_app, owner: orders_owner, database: orders}
secret:
  description:
    - Name and ARN of the secret, and C(kms_key_arn) when a key is asked for; empty strings where there is none (yet).
  returned: success
  type: dict
  sample: {name: orders-lab-rds-app, arn: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-lab-x1Y2z3"}
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create database_role orders_app, set password orders_app]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.spec import USER_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.user import ensure_user
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=USER_SPEC, supports_check_mode=True)
    run(module, ("rds", "secretsmanager", "kms"), ensure_user)


if __name__ == "__main__":
    main()
