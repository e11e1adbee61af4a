#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_manifests
short_description: Kubernetes objects in a folder of a Git repository
version_added: 0.1.0
description:
  - Writes each object to a file of its own, with a C(kustomization.yaml) that lists them in the order in which they
    were given. The same objects always give the same files.
  - With O(repository) it makes a private copy of the branch, commits only when something has changed, and pushes. When
    somebody else was faster, the commit is put on top of theirs and pushed once more.
  - With O(working_tree) it writes into a working tree that is there, and leaves the commit to its owner.
  - Files of ours carry a mark in their first line. Others are never changed or removed.
  - Secrets do not belong into Git. An object of the kind Secret, and values that look like a private key, an access key
    or an address with a password, are refused before anything is written.
author:
  - The bahnvision.aws team (@bahnvision)
requirements:
  - git 2.28 or later
  - PyYAML
attributes:
  check_mode:
    description: Reads the repository, writes and pushes nothing, and returns what a run would do.
    support: full
  diff_mode:
    description: Shows each file that would change.
    support: full
options:
  manifests:
    description: The objects, in the order in which they are to be applied.
    type: list
    elements: dict
    default: []
  path:
    description: Folder within the repository, such as V(apps/orders). What is in it and not of ours stays.
    type: str
    required: true
  state:
    description: Whether the files should be there. V(absent) removes those that carry our mark.
    type: str
    choices: [present, absent]
    default: present
  argocd:
    description: Let Argo CD keep the order at Jobs, by sync waves. Each Job becomes a hook that is run anew in every
      sync, after what stands before it in O(manifests) is healthy and before what stands behind it is applied.
    type: bool
    default: false
  working_tree:
    description: A working tree, or a folder within one, that O(path) is relative to.
    type: path
  repository:
    description: Address of the repository, as C(git) takes it. A password in it is refused, unencrypted ways too.
    type: str
  branch:
    description: Its branch, which must be there unless the repository is empty.
    type: str
    default: main
  username:
    description: User name for V(https://), when O(password) is given; many services take any.
    type: str
  password:
    description: Password or token for V(https://). Git gets it when it asks, and nothing else does. Without it, the
      credential helpers of whoever runs the task are asked.
    type: str
  ssh_key_file:
    description: Private key for V(ssh://), unless the agent of whoever runs the task has it.
    type: path
  ssh_known_hosts_file:
    description: File with the keys of the hosts; others are then refused.
    type: path
  commit_message:
    description: Message of the commit. Without it, one that lists the files.
    type: str
    default: ''
  author_name:
    description: Name of the author and committer.
    type: str
    default: bahnvision.aws
  author_email:
    description: Address of the author and committer.
    type: str
    default: bahnvision.aws@localhost
"""

EXAMPLES = r"""
- name: Hand the application over to Argo CD
  bahnvision.aws.git_manifests:
    manifests: "{{ orders_manifests }}"
    repository: https://git.example.com/orders/deploy.git
    branch: main
    path: production
    argocd: true
    username: deploy
    password: "{{ lookup('amazon.aws.secretsmanager_secret', 'orders-deploy-token') }}"
"""

RETURN = r"""
commit:
  description: The commit at the end of the branch, with O(repository).
  returned: with O(repository)
  type: str
branch:
  description: The branch.
  returned: with O(repository)
  type: str
path:
  description: The folder.
  returned: success
  type: str
files:
  description: All files of ours that should be there.
  returned: success
  type: list
  elements: str
  sample: [production/deployment-orders.yaml, production/kustomization.yaml]
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [write file production/deployment-orders.yaml]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
"""

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.warnings import warn
from ansible_collections.bahnvision.aws.plugins.module_utils._git.manifests import GIT_MANIFESTS_SPEC, ensure_manifests
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

try:
    import yaml as _yaml  # noqa: F401
except ImportError:
    MISSING: str | None = traceback.format_exc()
else:
    MISSING = None


def main() -> None:
    module = AnsibleModule(
        argument_spec=GIT_MANIFESTS_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("repository", "working_tree")],
        required_one_of=[("repository", "working_tree")],
    )
    if MISSING:
        module.fail_json(msg=missing_required_lib("PyYAML"), exception=MISSING)
    module.get_bin_path("git", required=True)
    try:
        result = ensure_manifests(module.run_command, module.params, module.check_mode)
    except ResourceError as error:
        module.fail_json(msg=error.message, **error.details)
    for note in result["notes"]:
        warn(note)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
