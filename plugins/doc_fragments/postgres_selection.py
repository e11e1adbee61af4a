# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What of a database is moved and compared, and whom it belongs to afterwards."""

    DOCUMENTATION = r"""
options:
  schemas:
    description:
      - Which schemas are moved; all of them when it is left out.
      - Names are written as SQL writes them, such as V(public) or V("Old data"). An asterisk outside of quotes stands
        for anything. A name that fits nothing is an error.
      - An object that is moved and needs one that is left out is an error before the first write, see O(dependents).
      - What the bodies of functions name, PostgreSQL does not record, so nobody sees it missing.
    type: dict
    suboptions:
      include:
        description: Only these; all when it is left out. Objects that are in no schema, such as casts and servers, are
          moved in any case.
        type: list
        elements: str
      exclude:
        description: Not these.
        type: list
        elements: str
      exclude_data:
        description: The tables in these are moved without their rows.
        type: list
        elements: str
  tables:
    description:
      - Which relations are moved, as C(schema.name), each name as in O(schemas). Relations are tables, foreign tables,
        views, materialized views, and sequences that no column owns; those that one owns go with its table. Types and
        functions are chosen by O(schemas) only.
      - A partition may be left out, and a partitioned table only with all its partitions.
    type: dict
    suboptions:
      include:
        description: Only these; all of the chosen schemas when it is left out.
        type: list
        elements: str
      exclude:
        description: Not these.
        type: list
        elements: str
      exclude_data:
        description:
          - These tables are moved without their rows, with all their partitions. Their rows are not compared, nor those
            of materialized views over them, which are filled from what the target has.
          - A foreign key of a table with rows that points to one without is an error, see O(dependents).
        type: list
        elements: str
  dependents:
    description:
      - What to do with an object that needs something that is left out.
      - V(refuse) names both and moves nothing.
      - V(leave_out) leaves it out too when it is a constraint, index, trigger, policy, rule, view, function or such,
        and names it with the reason. Tables and sequences are never left out for that.
    type: str
    choices: [refuse, leave_out]
    default: refuse
  extensions:
    description: Which extensions are created on the target.
    type: dict
    suboptions:
      mode:
        description:
          - V(copy) creates those of the source that the target lacks.
          - V(skip) creates none. What is moved may need one only when the target has it, in the same schema.
          - V(only) creates the extensions and moves nothing else, whatever the target holds, such as for a role that
            may do no more than that. For comparisons it is the same as V(copy).
        type: str
        choices: [copy, skip, only]
        default: copy
      exclude:
        description: Names of extensions that are treated as with V(skip).
        type: list
        elements: str
      map:
        description:
          - For an extension of the source, the C(name), C(schema) or C(version) that it is to have on the target.
          - Another C(schema) is an error when something that is moved needs the extension, because definitions name its
            schema. An extension of another C(name) must offer what the objects need. The rows that such an extension
            keeps in tables of its own are not moved.
        type: dict
  comments:
    description: Whether comments are moved and compared.
    type: bool
    default: true
  large_objects:
    description: Whether large objects are moved and compared.
    type: bool
    default: true
"""

    HANDOVER = r"""
options:
  owner:
    description:
      - Whom the objects belong to. V(none) is the target's user, V(keep) the role of the same name as on the source,
        V(map) the role that O(role_map) names. The database itself and the schema C(public) keep their owners.
      - The roles must exist. The target's user need not be a member of them when it may become one (C(CREATEROLE), from
        version 16 on with C(ADMIN OPTION)). It then is one for the duration of one transaction. Rights that the
        roles need for that time only are taken back in it too.
      - It is done as the last step, in the transaction that marks the run as done, and rehearsed before the rows.
      - With O(method=logical) the subscription works with the target's user's rights until the cut-over, so that user
        must be a member of the roles before.
    type: str
    choices: [none, keep, map]
    default: none
  acl:
    description:
      - Whether privileges (C(GRANT), with grant options, on columns too) and default privileges become those of the
        source, under O(role_map). C(PUBLIC) loses what it lacks on the source.
      - From the database, the schema C(public) and default privileges, which were there before, roles lose nothing.
      - Privileges on objects of extensions are not moved.
    type: bool
    default: false
  role_map:
    description:
      - Which role of the target stands for a role of the source, for O(owner=map) and O(acl). A role that is not named
        stands for itself; the key V(*) is for all roles that are not named.
      - Roles that row-security policies name are not renamed.
    type: dict
    default: {}
"""
