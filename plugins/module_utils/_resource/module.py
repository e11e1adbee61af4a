# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of ours does around its `ensure(clients, params, check_mode)`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from ansible.module_utils.common.warnings import warn
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

with contextlib.suppress(ImportError):  # AnsibleAWSModule says so.
    from botocore.config import Config

Ensure = Callable[[dict[str, Any], dict[str, Any], bool], dict[str, Any]]

IDENTITY_SPEC: dict[str, dict[str, Any]] = {
    "app": {"type": "str", "required": True},
    "stage": {"type": "str", "required": True},
}
TAGS_SPEC: dict[str, dict[str, Any]] = {
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
}
WAIT_SPEC: dict[str, dict[str, Any]] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
    "wait_pause": {"type": "float", "default": 3},
}


class Clients(dict[str, Any]):
    """The clients of some services. Each is made when it is asked for: it takes longer than most calls."""

    def __init__(self, services: Iterable[str], make: Callable[[str], Any]) -> None:
        super().__init__()
        self._services, self._make = frozenset(services), make

    def __missing__(self, service: str) -> Any:
        if service not in self._services:
            raise KeyError(service)
        self[service] = self._make(service)
        return self[service]


def run(module: Any, services: Iterable[str], ensure: Ensure) -> None:
    """Offer a client per service, call `ensure`, and leave with its result or with its one error."""
    # calls.py repeats calls itself; two layers of retries would multiply. `aws_config` of the task still wins.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
    clients = Clients(services, lambda service: module.client(service, config=config))
    try:
        result = ensure(clients, module.params, module.check_mode)
    except ResourceError as error:
        module.fail_json(msg=error.message, **error.details)
    for note in result.get("notes", ()):
        # Not module.warn: AnsibleAWSModule hands what it heard to exit_json as well, which core 2.19 deprecates.
        warn(note)
    module.exit_json(**result)
