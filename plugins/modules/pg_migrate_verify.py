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
    functions, triggers, policies, sequences, comments), extensions, the rows of every table and materialized view,
    large objects, and where each sequence stands; on request owners and privileges.
  - Fails when anything differs, and names it. What could not be checked is never passed; it is returned in
    RV(not_checked) and fails as well.
  - Each side is read under one snapshot, so each is compared as of one moment. Nothing is ever written. Stop the
    writers of the source before, or the differences are real.
  - A collation of the target whose library has another version than the one that was recorded is a difference. Strings
    may be out of order in its indexes.
  - Not compared are publications, subscriptions, event triggers, user mappings, security labels, privileges on objects
    of extensions, and the schema C(ansible_migrate). With a selection, what M(bahnvision.aws.pg_migrate) leaves
    behind under the same options must be missing. Invalid indexes of the source are expected to be missing.
  - Between different major versions the text of views, rules, policies and collations is not compared, because the
    servers print them differently; their existence, columns and types are. RV(remarks) says so.
author:
  - The bahnvision.aws team (@bahnvision)
extends_documentation_fragment:
  - bahnvision.aws.postgres_connection
  - bahnvision.aws.postgres_selection
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
      - V(hash) compares the contents of every table and of the large objects, whatever the order of the rows. Large
        tables are read in several parts at once.
      - V(counts) only compares how many there are.
      - V(sample) compares how many there are, and the contents of about O(sample_rows) rows of each table. The rows are
        drawn from random pages of both sides and looked up by their primary key. It finds damage that is spread, and
        may miss damage that is not. RV(tables) and RV(remarks) say how little was compared, and no sampled table is
        ever called equal.
    type: str
    choices: [counts, hash, sample]
    default: hash
  sample_rows:
    description:
      - Rows to draw from each table with O(mode=sample). Tables with no more rows are compared as a whole.
      - Larger tables without a primary key are only counted; RV(remarks) names them.
    type: int
    default: 10000
  keys:
    description:
      - How many rows that differ to name by their primary key, for each table. V(0) names none.
      - The task's output then holds values of key columns.
      - Ranges of keys are counted and hashed on both sides, and those that differ are cut again. Tables that
        are equal cost nothing. Tables without a primary key are named without keys.
    type: int
    default: 0
  owners:
    description: Whether the owners of schemas, tables, views, sequences, functions, types, large objects and the like
      must be those of the source, under O(role_map).
    type: bool
    default: false
  acl:
    description: Whether privileges (C(GRANT)) on them, on columns and on the database, and default privileges, must be
      those of the source, under O(role_map). What an owner may do on its own objects is not compared.
    type: bool
    default: false
  role_map:
    description:
      - Which role of the target stands for a role of the source. A role that is not named stands for itself.
      - The key V(*) is for all roles that are not named.
    type: dict
    default: {}
  strict:
    description: Whether other versions of extensions and collations are differences. Otherwise they are RV(remarks),
      since nobody can choose them freely on a managed server.
    type: bool
    default: false
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

- name: Find the rows that differ, and check that everything belongs to the application
  bahnvision.aws.pg_migrate_verify:
    source: "{{ old_database }}"
    target: "{{ new_database }}"
    keys: 20
    owners: true
    role_map:
      "*": bahnvision
"""

RETURN = r"""
mode:
  description: The O(mode) of the comparison.
  returned: when both sides could be read
  type: str
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
      description: Whether all contents are equal; null when not all of them were compared and no difference was seen.
      type: bool
    checked:
      description: V(hash) when all contents were compared, V(sample) when those of RV(tables[].rows_compared) rows
        were, V(counts) when the rows were only counted, V(nothing) when the table could not be checked.
      type: str
    rows_compared:
      description: Number of rows whose contents were compared.
      type: int
    keys:
      description: With O(keys), for a table that differs, its differing rows as C(key) and C(difference).
      type: list
      elements: dict
    keys_remark:
      description: With O(keys), for a table that differs, why not all its differing rows are named; empty when they
        are.
      type: str
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
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import selection_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            **selection_spec(),
            "mode": {"type": "str", "choices": ["counts", "hash", "sample"], "default": "hash"},
            "sample_rows": {"type": "int", "default": 10000},
            "keys": {"type": "int", "default": 0, "no_log": False},
            "owners": {"type": "bool", "default": False},
            "acl": {"type": "bool", "default": False},
            "role_map": {"type": "dict", "default": {}},
            "strict": {"type": "bool", "default": False},
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
