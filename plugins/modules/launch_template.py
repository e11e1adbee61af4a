#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: launch_template
short_description: One launch template of EC2
version_added: 0.1.0
description:
  - Creates or removes one launch template, or adds a version to it when its data is to change.
  - Unlike M(amazon.aws.ec2_launch_template) it tells in check mode which version there will be, so that what uses the
    template is foreseen too, shows the difference, and refuses a template that is not ours.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  name:
    description: Name of the launch template.
    type: str
    required: true
  component:
    description: Part of the application that it serves; value of the tag C(component).
    type: str
    required: true
  state:
    description: Whether it should exist, with all its versions.
    type: str
    choices: [present, absent]
    default: present
  data:
    description: Its data, as C(LaunchTemplateData) of EC2's API names it.
    type: dict
    default: {}
extends_documentation_fragment:
  - bahnvision.aws.resource.attributes
  - bahnvision.aws.resource.tags
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Actions needed are C(ec2:DescribeLaunchTemplates), C(ec2:DescribeLaunchTemplateVersions),
    C(ec2:CreateLaunchTemplate), C(ec2:CreateLaunchTemplateVersion), C(ec2:DeleteLaunchTemplate), C(ec2:CreateTags) and
    C(ec2:DeleteTags).
"""

EXAMPLES = r"""
- name: Ensure that no Pod reads the credentials of its node
  bahnvision.aws.launch_template:
    name: orders-production-node
    app: orders
    stage: production
    component: eks
    data:
      MetadataOptions: {HttpTokens: required, HttpPutResponseHopLimit: 1}
"""

RETURN = r"""
launch_template:
  description: The launch template; empty when it is absent.
  returned: success
  type: dict
  contains:
    id: {description: Its id; an empty string before the creation., type: str, returned: always}
    name: {description: Name., type: str, returned: always}
    version: {description: Its latest version; in check mode the one that there would be., type: int, returned: always}
    tags: {description: Tags., type: dict, returned: always}
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
from ansible_collections.bahnvision.aws.plugins.module_utils._ec2.launch_template import SPEC, ensure_template
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run


def main() -> None:
    module = AnsibleAWSModule(argument_spec=SPEC, supports_check_mode=True)
    run(module, ("ec2",), ensure_template)


if __name__ == "__main__":
    main()
