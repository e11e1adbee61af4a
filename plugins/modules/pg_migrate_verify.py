#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migrate_verify
short_description: Prove that two PostgreSQL databases hold the same
version_added: 0.1.0
description:
  - Compares the definitions of all objects (columns, constraints, indexes and their validity, types, views,
    functions, triggers,
    policies, sequences, comments), the existence of extensions, the rows of every table and materialized view,
    large objects, and where each sequence stands.
  - Fails when anything differs, and names it. What could not be checked is never passed; it is returned in
    RV(not_checked)
    and fails as well.
  - Each side is read in one read-only transaction, so each is compared as of one moment. Nothing is ever written.
    Stop the writers
    of the source before, or the differences are real.
  - Not compared are owners, privileges, publications, subscriptions, event triggers, user mappings, security labels,
    the versions of
    extensions and the schema C(ansible_migrate). Invalid indexes of the source are expected to be missing.
  - Between different major versions the text of views, rules and policies is not compared, because the servers print
    them
    differently; their existence, columns and types are. RV(remarks) says so.
author:
  - The bahnvision.aws team (@bahnvision)
extends_documentation_fragment:
  - bahnvision.aws.postgres_connection
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
options:
  mode:
    description:
      - V(hash) compares the contents of every table and of the large objects, whatever the order of the rows.
      - V(counts) only compares how many there are.
    type: str
    choices: [counts, hash]
    default: hash
seealso:
  - module: bahnvision.aws.pg_migrate
"""

EXAMPLES = r"""
- name: Prove that the move was complete
  bahnvision.aws.pg_migrate_verify:
    source:
      host: db.internal
      database: bahnvision
      user: postgres
      password: "{{ source_password }}"
    target:
      host: bahnvision-production.abc123.eu-central-1.rds.amazonaws.com
      database: bahnvision
      user: master
      password: "{{ master_password }}"
      sslrootcert: /etc/ssl/certs/rds-global-bundle.pem
"""

RETURN = r"""
source:
  description: Version, size, encoding and locale of the source; no secret.
  returned: when both sides could be read
  type: dict
target:
  description: The same of the target.
  returned: when both sides could be read
  type: dict
tables:
  description: The tables and materialized views, and one entry C(large objects).
  returned: when both sides could be read
  type: list
  elements: dict
  contains:
    name:
      description: Quoted name with schema.
      type: str
    rows_source:
      description: Rows on the source; null when they could not be counted.
      type: int
    rows_target:
      description: Rows on the target; null when they could not be counted.
      type: int
    hash_equal:
      description: Whether the contents are equal; null with O(mode=counts).
      type: bool
sequences:
  description: Each sequence with its value on the C(source) and the C(target), C(equal) and C(difference).
  returned: when both sides could be read
  type: list
  elements: dict
differences:
  description: One line for each object, table or sequence that differs.
  returned: when both sides could be read
  type: list
  elements: str
not_checked:
  description: One line for each thing that could not be checked, with the reason.
  returned: when both sides could be read
  type: list
  elements: str
remarks:
  description: Checks that are weaker than usual, with the reason; shown as warnings too.
  returned: when both sides could be read
  type: list
  elements: str
seconds:
  description: Duration.
  returned: when both sides could be read
  type: float
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.arguments import connection_spec
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.verify import verify


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            "mode": {"type": "str", "choices": ["counts", "hash"], "default": "hash"},
        },
        supports_check_mode=True,
    )
    try:
        result = verify(module.params)
    except PostgresError as error:
        module.fail_json(msg=str(error), **error.result)
    for text in result["remarks"]:
        module.warn(text)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
