# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our modules that read a cluster have in common: the connection of kubernetes.core, and one end for errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._kubernetes.api import Reader
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import (
    AUTH_ARG_SPEC,
)
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException

Work = Callable[[Reader, dict[str, Any], bool], dict[str, Any]]


def run(options: Mapping[str, Any], work: Work) -> None:
    """Connect as the task says, work, and end the module."""
    module = AnsibleK8SModule(argument_spec={**AUTH_ARG_SPEC, **options}, supports_check_mode=True)
    try:
        client = get_api_client(module)
        result = work(Reader(client.client), dict(module.params), module.check_mode)
    except CoreException as problem:
        module.fail_json(msg=f"the cluster's API cannot be reached: {problem}")
    except ResourceError as problem:
        module.fail_json(msg=problem.message, **problem.details)
    else:
        module.exit_json(**result)
