#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_kubeconfig
short_description: One EKS cluster in a kubeconfig file
version_added: 0.1.0
description:
  - Adds, changes or removes the cluster, user and context of one EKS cluster in a kubeconfig file; what else the file
    holds stays as it is, except for comments.
  - Nothing secret is written. The user logs in by a command that makes a token whenever one is needed.
  - The current context stays, unless there is none or O(current=true).
  - A new file belongs to its user alone (mode 0600). Before a file that holds others' entries is changed, a copy of it
    is kept beside it.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  path:
    description: The file. Its folder is made when it is missing.
    type: path
    required: true
  name:
    description: Name of the cluster; its entries bear it too. Entries of that name that log in to something else are
      refused.
    type: str
    required: true
  state:
    description: Whether the entries should exist. A file without any other entry goes with them.
    type: str
    choices: [present, absent]
    default: present
  kubeconfig:
    description: Where the cluster is, as RV(bahnvision.aws.eks_cluster_info#module:kubeconfig) tells it; required with
      O(state=present). Empty in check mode means a cluster that is yet to be made.
    type: dict
  command:
    description: Program and arguments that print a token (an C(ExecCredential)); required with O(state=present). One
      argument must be the name of the cluster.
    type: list
    elements: str
  env:
    description: Environment of the command, such as C(AWS_PROFILE). Nothing secret belongs here.
    type: dict
    default: {}
  current:
    description: Whether it becomes the current context.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: full
    description: Shows the entries of this cluster, and none of others.
"""

EXAMPLES = r"""
- name: Read the cluster
  bahnvision.aws.eks_cluster_info:
    name: orders-production
  register: eks

- name: Let kubectl reach it
  bahnvision.aws.eks_kubeconfig:
    path: build/kubeconfig/orders-production.yaml
    name: orders-production
    kubeconfig: "{{ eks.kubeconfig }}"
    command: [aws, --region, eu-central-1, eks, get-token, --output, json, --cluster-name, orders-production]
    env:
      AWS_PROFILE: production
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
context:
  description: Name of the context; empty when it is absent.
  returned: success
  type: str
backup_file:
  description: The copy of the former file, where others' entries were in it.
  returned: when a copy was made
  type: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.yaml import HAS_YAML
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.kubeconfig_file import (
    KUBECONFIG_SPEC,
    ensure_kubeconfig,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError


def main() -> None:
    module = AnsibleModule(
        argument_spec=KUBECONFIG_SPEC,
        required_if=[("state", "present", ["kubeconfig", "command"])],
        supports_check_mode=True,
    )
    if not HAS_YAML:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        result = ensure_kubeconfig(module.params, module.check_mode, module.backup_local)
    except ResourceError as problem:
        module.fail_json(msg=problem.message)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
