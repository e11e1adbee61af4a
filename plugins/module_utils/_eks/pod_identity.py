# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pod identity association of a cluster: plan (pure), read, act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import identity_api as identity
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, apply

KIND = "eks_pod_identity_association"
COMPONENT = "eks"


def ensure_association(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    eks = clients["eks"]
    found = _find(eks, params)
    plan = plan_absent(params, found) if params["state"] == "absent" else plan_present(params, found)
    result = apply(plan, lambda action: _execute(eks, params, action), check_mode)
    if params["state"] == "absent":
        return {**result, "association": {}}
    planned = {"namespace": params["namespace"], "serviceAccount": params["service_account"]}
    return {**result, "association": facts(found or planned if check_mode else _find(eks, params) or {})}


def _find(eks: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    return identity.find_association(eks, params["cluster_name"], params["namespace"], params["service_account"])


def name_of(want: Mapping[str, Any]) -> str:
    return f"{want['namespace']}/{want['service_account']}"


def plan_present(want: Mapping[str, Any], found: Mapping[str, Any] | None) -> Plan:
    name, role = name_of(want), want["role_arn"] or ""
    if found is None:
        tags = wanted_tags(want, COMPONENT)
        params = {
            "clusterName": want["cluster_name"], "namespace": want["namespace"],
            "serviceAccount": want["service_account"], "roleArn": role, "tags": tags,
        }  # fmt: skip
        return Plan((Action("create", KIND, name, {}, {"role_arn": role, "tags": tags}, params),))
    _refuse_others(want, found)
    steps = []
    if role and found["roleArn"] != role:
        sent = {"id": found["associationId"], "roleArn": role}
        steps.append(Action("modify", KIND, name, {"role_arn": found["roleArn"]}, {"role_arn": role}, sent))
    has = found.get("tags") or {}
    return Plan((*steps, *tagging(KIND, name, found["associationArn"], has, want, COMPONENT)))


def plan_absent(want: Mapping[str, Any], found: Mapping[str, Any] | None) -> Plan:
    if found is None:
        return Plan()
    _refuse_others(want, found)
    sent = {"id": found["associationId"]}
    return Plan((Action("delete", KIND, name_of(want), {"role_arn": found["roleArn"]}, None, sent),))


def _refuse_others(want: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if found.get("ownerArn"):
        refuse(f"{KIND} {name_of(want)}", [f"it belongs to the add-on {found['ownerArn']}: set it there"])
    refuse_foreign(f"{KIND} {name_of(want)}", found.get("tags") or {}, want, COMPONENT)


def _execute(eks: Any, params: Mapping[str, Any], action: Action) -> None:
    cluster = params["cluster_name"]
    if action.verb == "create":
        identity.create_association(eks, action.params)
    elif action.verb == "modify":
        identity.update_association(eks, cluster, action.params["id"], {"roleArn": action.params["roleArn"]})
    elif action.verb == "delete":
        identity.delete_association(eks, cluster, action.params["id"])
    elif action.verb == "tag":
        api.tag(eks, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.untag(eks, action.params["arn"], action.params["keys"])
    else:
        raise AssertionError(f"no way to {action}")


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in found.items() if key != "tags"}
    return {**camel_dict_to_snake_dict(plain), "tags": dict(found.get("tags") or {})}
