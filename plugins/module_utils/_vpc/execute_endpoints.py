# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of endpoints and of their security group."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import api_endpoints as api
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import read_groups
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.context import Context
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import FULL_ACCESS


def _create_s3(context: Context, action: Action) -> None:
    tables = [context.ids["route table", name] for name in action.params["tables"]]
    context.ids[action.kind, action.name] = api.create_s3_endpoint(
        context.ec2, action.name, context.vpc_id, action.params["service"], tables, action.params["policy"],
        action.params["tags"],
    )  # fmt: skip


def _change_s3(context: Context, action: Action) -> None:
    add = [context.ids["route table", name] for name in action.params["add"]]
    api.change_endpoint(
        context.ec2, action.name, action.params["id"], AddRouteTableIds=add, RemoveRouteTableIds=action.params["remove"]
    )


def _delete_s3(context: Context, action: Action) -> None:
    api.delete_endpoint(context.ec2, action.name, action.params["item"]["id"])


def _create_group(context: Context, action: Action) -> None:
    context.ids[action.kind, action.name] = api.create_group(
        context.ec2, action.name, context.vpc_id, action.params["tags"]
    )


def _change_group(context: Context, action: Action) -> None:
    group_id = context.ids[action.kind, action.name]
    add, egress = action.params["add"], action.params["egress"]
    if action.params["new_range"]:
        add = [*add, *read_groups.https_from([context.ids["IPv6 range", context.name]]).values()]
    api.admit(context.ec2, action.name, group_id, add)
    api.revoke(context.ec2, action.name, group_id, "ingress", action.params["remove"])
    if egress is None:
        groups = read_groups.read_groups(context.ec2, context.vpc_id, {})
        egress = [rule for item in groups if item["id"] == group_id for rule in item["egress"].values()]
    api.revoke(context.ec2, action.name, group_id, "egress", egress)


def _delete_group(context: Context, action: Action) -> None:
    context.settle()
    api.delete_group(context.ec2, action.name, action.params["item"]["id"])


def _create(context: Context, action: Action) -> None:
    wanted = action.params["endpoint"]
    group_id = context.ids["security group", f"{context.name}-endpoints"]
    subnets = [context.ids["subnet", name] for name in wanted.subnets]
    # One of the same name that is on its way out still has the private name.
    context.settle()
    # Some services take no policy at all, not even that of full access.
    policy = None if wanted.policy == FULL_ACCESS else wanted.policy
    made = api.create_interface_endpoint(
        context.ec2, action.name, context.vpc_id, wanted.service, subnets, group_id, wanted.private_dns, policy,
        action.params["tags"],
    )  # fmt: skip
    context.ids[action.kind, action.name] = made
    context.coming.append(made)


def _move(context: Context, action: Action) -> None:
    endpoint_id = action.params["id"]
    for remove, add in action.params["zones"]:
        # AWS takes no change of an endpoint that is still busy with the one before.
        context.await_endpoints([endpoint_id], "available")
        if remove:
            api.change_endpoint(context.ec2, action.name, endpoint_id, RemoveSubnetIds=[remove])
            context.await_endpoints([endpoint_id], "available")
        if add:
            subnet_id = context.ids["subnet", add]
            api.change_endpoint(context.ec2, action.name, endpoint_id, AddSubnetIds=[subnet_id])
    context.await_endpoints([endpoint_id], "available")


def _change(context: Context, action: Action) -> None:
    api.change_endpoint(context.ec2, action.name, action.params["id"], **action.params["change"])


def _secure(context: Context, action: Action) -> None:
    add = [context.ids["security group", action.params["group"]]] if action.params["add"] else []
    api.change_endpoint(
        context.ec2, action.name, action.params["id"], AddSecurityGroupIds=add,
        RemoveSecurityGroupIds=action.params["remove"],
    )  # fmt: skip


def _allow(context: Context, action: Action) -> None:
    api.set_policy(context.ec2, action.name, action.params["id"], action.params["policy"])


def _delete(context: Context, action: Action) -> None:
    endpoint_id = action.params["item"]["id"]
    api.delete_endpoint(context.ec2, action.name, endpoint_id)
    context.going.append(endpoint_id)
    context.coming = [coming for coming in context.coming if coming != endpoint_id]


STEPS = {
    ("create", "S3 endpoint"): _create_s3,
    ("change", "S3 endpoint"): _change_s3,
    ("allow", "S3 endpoint"): _allow,
    ("delete", "S3 endpoint"): _delete_s3,
    ("create", "security group"): _create_group,
    ("change", "security group"): _change_group,
    ("delete", "security group"): _delete_group,
    ("create", "interface endpoint"): _create,
    ("move", "interface endpoint"): _move,
    ("change", "interface endpoint"): _change,
    ("secure", "interface endpoint"): _secure,
    ("allow", "interface endpoint"): _allow,
    ("delete", "interface endpoint"): _delete,
}
