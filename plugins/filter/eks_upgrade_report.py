# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: eks_upgrade_report
version_added: 0.1.0
short_description: Make the content of a report of what the modules of an upgrade of EKS returned
description:
  - Returns a dictionary with the keys C(verdict), C(facts) and C(sections), as M(bahnvision.aws.report) takes them.
  - Works with what there is. After a failure, what the run did not reach is missing; the verdict is the first failure.
positional: _input, version
author:
  - The bahnvision.aws team (@bahnvision)
options:
  _input:
    description:
      - Registered results, as far as the run came.
      - The keys are C(aws) and C(inside) (of M(bahnvision.aws.eks_upgrade_info) and
        M(bahnvision.aws.kube_upgrade_info) before), C(allowed) (of M(ansible.builtin.assert)), C(control_plane),
        C(addons) and C(node_groups) (of M(bahnvision.aws.eks_upgrade)), and C(aws_after) and C(inside_after).
    type: dict
    required: true
  version:
    description: The minor version that was asked for.
    type: str
    required: true
  check_mode:
    description: Whether nothing was to be done.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compose the report
  ansible.builtin.set_fact:
    page: "{{ {'aws': outside, 'inside': inside} | bahnvision.aws.eks_upgrade_report('1.36', check_mode=true) }}"
"""

RETURN = r"""
_value:
  description: The verdict, facts and sections.
  type: dict
"""

from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from ansible_collections.bahnvision.aws.plugins.module_utils._report.eks_upgrade import content  # noqa: E402


def eks_upgrade_report(results: dict[str, Any], version: str, check_mode: bool = False) -> dict[str, Any]:
    return content(results, version, check_mode)


class FilterModule:
    """Hands the filter to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"eks_upgrade_report": eks_upgrade_report}
