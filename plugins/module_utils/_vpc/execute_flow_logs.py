# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of flow logs, of their log group and of their role."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import api_flow_logs as api
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import delivery_policy
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.context import Context


def _create_log_group(context: Context, action: Action) -> None:
    api.create_log_group(context.clients["logs"], action.name, action.params["key"], action.params["tags"])


def _change_log_group(context: Context, action: Action) -> None:
    change = api.set_retention if action.params["attribute"] == "retention" else api.set_key
    change(context.clients["logs"], action.name, action.params["value"])


def _delete_log_group(context: Context, action: Action) -> None:
    api.delete_log_group(context.clients["logs"], action.name)


def _create_role(context: Context, action: Action) -> None:
    meta = context.ec2.meta
    arn = f"arn:{meta.partition}:iam::{context.owner}:role/{action.name}"
    trust = delivery_policy.trust(arn, meta.region_name)
    context.ids["role", action.name] = api.create_role(
        context.clients["iam"], action.name, trust, action.params["tags"]
    )


def _allow(context: Context, action: Action) -> None:
    iam, region = context.clients["iam"], context.ec2.meta.region_name
    arn = context.ids["role", action.name]
    if action.params["part"] == "trust":
        api.set_trust(iam, action.name, delivery_policy.trust(arn, region))
    else:
        api.set_policy(iam, action.name, delivery_policy.policy(arn, region, action.params["log_group"]))


def _delete_role(context: Context, action: Action) -> None:
    api.delete_role(context.clients["iam"], action.name, bool(action.params["item"]["policy"]))


def _create_flow_log(context: Context, action: Action) -> None:
    wanted = action.params["wanted"]
    role_arn = context.ids["role", wanted.role] if wanted.role else ""
    context.ids[action.kind, action.name] = api.create_flow_log(
        context.ec2, context.vpc_id, wanted, role_arn, action.params["tags"]
    )


def _delete_flow_log(context: Context, action: Action) -> None:
    api.delete_flow_log(context.ec2, action.name, action.params["item"]["id"])


STEPS = {
    ("create", "log group"): _create_log_group,
    ("change", "log group"): _change_log_group,
    ("delete", "log group"): _delete_log_group,
    ("create", "role"): _create_role,
    ("allow", "role"): _allow,
    ("delete", "role"): _delete_role,
    ("create", "flow log"): _create_flow_log,
    ("delete", "flow log"): _delete_flow_log,
}
