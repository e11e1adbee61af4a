# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: database_report
version_added: 0.1.0
short_description: Make the content of a report of what the modules pg_migrate, pg_migrate_verify and others returned
description:
  - Returns a dictionary with the keys C(verdict), C(facts) and C(sections), as M(bahnvision.aws.report) takes them.
  - Works with what there is. After a failure, what the run did not reach is missing; the verdict is the first failure.
positional: _input, kind
author:
  - The bahnvision.aws team (@bahnvision)
options:
  _input:
    description:
      - Registered results, as far as the run came.
      - The keys are C(found) (of M(amazon.aws.rds_instance_info)), C(allowed) (of M(ansible.builtin.assert)),
        C(moved) (of M(bahnvision.aws.pg_migrate)), C(proved) (of M(bahnvision.aws.pg_migrate_verify)) and C(cut) (of
        M(bahnvision.aws.pg_migrate_cutover)).
    type: dict
    required: true
  kind:
    description: Which report.
    type: str
    choices: [migration, verification, cut_over]
    required: true
  check_mode:
    description: Whether nothing was to be done.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compose the report
  ansible.builtin.set_fact:
    page: "{{ {'found': instance, 'moved': moved, 'proved': proved} | bahnvision.aws.database_report('migration') }}"
"""

RETURN = r"""
_value:
  description: The verdict, facts and sections.
  type: dict
"""

from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from ansible.errors import AnsibleFilterError  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.module_utils._report.database import (  # noqa: E402
    migration,
    verification,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._report.replication import cut_over  # noqa: E402

KINDS = {"migration": migration, "verification": verification, "cut_over": cut_over}


def database_report(results: dict[str, Any], kind: str, check_mode: bool = False) -> dict[str, Any]:
    if kind not in KINDS:
        raise AnsibleFilterError(f"database_report knows {' and '.join(KINDS)}, not {kind!r}")
    return KINDS[kind](results, check_mode)


class FilterModule:
    """Hands the filter to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"database_report": database_report}
