# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the steps of a plan: each kind of step is a function of the context and the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import (
    api,
    api_flow_logs,
    execute_endpoints,
    execute_flow_logs,
    execute_network,
    execute_routes,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.context import Context
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Network

Step = Callable[[Context, Action], None]
STEPS: dict[tuple[str, str], Step] = {
    **execute_network.STEPS,
    **execute_routes.STEPS,
    **execute_endpoints.STEPS,
    **execute_flow_logs.STEPS,
}


class Executor:
    """Calls the function of a step; `finish` waits for what was begun."""

    def __init__(self, clients: Mapping[str, Any], network: Network, name: str, wait: Mapping[str, Any]) -> None:
        self.context = Context(clients, network, name, wait)

    def __call__(self, action: Action) -> None:
        if action.verb == "tag":
            _tag(self.context, action)
        else:
            STEPS[action.verb, action.kind](self.context, action)

    def finish(self) -> None:
        """All endpoints come up at once, so they are waited for together, also those of a run that was killed."""
        if self.context.wait["wait"]:
            self.context.await_endpoints(self.context.coming, "available")
            self.context.settle()


def _tag(context: Context, action: Action) -> None:
    to_set, to_remove, item = action.params["set"], action.params["remove"], action.params["id"]
    if action.kind == "log group":
        api_flow_logs.tag_log_group(context.clients["logs"], item, to_set, to_remove)
    elif action.kind == "role":
        api_flow_logs.tag_role(context.clients["iam"], action.name, to_set, to_remove)
    else:
        if to_set:
            api.set_tags(context.ec2, f"{action.kind} {action.name}", item, to_set)
        if to_remove:
            api.remove_tags(context.ec2, f"{action.kind} {action.name}", item, to_remove)
