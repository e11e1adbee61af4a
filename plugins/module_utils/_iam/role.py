# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One IAM role of a service of AWS, or of Pods, with exactly the policies it is given: read, plan, act."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._iam.trust import (
    ACTIONS,
    problems,
    provider_arn,
    trust,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse, refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import Patience, call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    diff_tags,
    identity_tags,
    tags_to_dict,
    tags_to_list,
)

KIND = "iam_role"
MISSING = ("NoSuchEntity",)
# IAM tells everywhere of a change only some seconds later.
UNTOLD = (*MISSING, "ConcurrentModification", "ConcurrentModificationException")
NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
ROLE_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "name": {"type": "str", "required": True},
    "component": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "service": {"type": "str"},
    "trusted_source": {"type": "str"},
    "trust_actions": {"type": "list", "elements": "str", "choices": list(ACTIONS), "default": []},
    "cluster_name": {"type": "str"},
    "service_accounts": {"type": "list", "elements": "str", "default": []},
    "oidc_issuer": {"type": "str"},
    "oidc_audience": {"type": "str", "default": "sts.amazonaws.com"},
    "description": {"type": "str", "default": ""},
    "managed_policies": {"type": "list", "elements": "str", "default": []},
    "policies": {"type": "dict", "default": {}},
    "permissions_boundary": {"type": "str"},
    **TAGS_SPEC,
}


def ensure_role(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    iam, name = clients["iam"], params["name"]
    arns = [policy_arn(iam.meta.partition, policy) for policy in params["managed_policies"]]
    trusted = _trust(clients, params) if params["state"] == "present" else {}
    want, role = {**params, "managed_policies": arns, "trust": trusted}, read_role(iam, name)
    plan = plan_absent(want, role) if want["state"] == "absent" else plan_role(want, role)
    result = apply(plan, lambda action: _execute(iam, action), check_mode)
    if want["state"] == "absent":
        return {**result, "role": {}}
    if role is None and not check_mode:
        # It is there, and whoever reads its ARN here goes on with it.
        role = call(
            iam, "get_role", f"read {KIND} {name}", eventual=UNTOLD, patience=Patience(seconds=60), RoleName=name
        )["Role"]
    return {**result, "role": {"name": name, "arn": role["Arn"] if role else ""}}


def policy_arn(partition: str, policy: str) -> str:
    """Return the ARN of a policy; AWS's own are named alike in each partition (China, GovCloud), their ARNs differ."""
    return policy if policy.startswith("arn:") else f"arn:{partition}:iam::aws:policy/{policy}"


def read_role(iam: Any, name: str) -> dict[str, Any] | None:
    """Return the role with its policies, or None."""
    found = call(iam, "get_role", f"read {KIND} {name}", missing=MISSING, RoleName=name)
    if found is None:
        return None
    what = f"read the policies of {KIND} {name}"
    attached = pages(iam, "list_attached_role_policies", "AttachedPolicies", what, missing=MISSING, RoleName=name)
    names = pages(iam, "list_role_policies", "PolicyNames", what, missing=MISSING, RoleName=name)
    documents = {
        policy: call(iam, "get_role_policy", what, RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in names
    }
    return {**found["Role"], "Managed": sorted(item["PolicyArn"] for item in attached), "Inline": documents}


def _trust(clients: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trust. Who we are is asked only where an ARN has to be put together."""
    refuse(f"cannot make {KIND} {params['name']}", list(problems(params)))
    wanted, issuer = params.get("trusted_source"), params.get("oidc_issuer")
    source = provider = ""
    if wanted or issuer:
        identity = call(clients["sts"], "get_caller_identity", "read who we are")
        partition, account = identity["Arn"].split(":")[1], identity["Account"]
        service, _colon, resource = (wanted or "").partition(":")
        source = f"arn:{partition}:{service}:{params['region']}:{account}:{resource}" if wanted else ""
        provider = provider_arn(partition, account, issuer) if issuer else ""
    return trust(params, source, provider)


def plan_role(want: Mapping[str, Any], role: Mapping[str, Any] | None) -> Plan:
    """Return the steps to the wanted role. A foreign role of that name is refused."""
    name, tags = want["name"], _tags(want)
    if not NAME.fullmatch(name):
        refuse(f"cannot make {KIND} {name}", [f"its name has {len(name)} characters; IAM takes 64 letters, digits and "
                                              "+=,.@_-"])  # fmt: skip
    if role is not None:
        refuse_foreign(f"{KIND} {name}", tags_to_dict(role.get("Tags")), want["app"], want["stage"])
        steps = (*_trusted(want, role), *_bounded(want, role), *_tagging(want, role), *_policies(want, role))
        return Plan(steps)
    params = {
        "AssumeRolePolicyDocument": json.dumps(want["trust"]),
        "Description": want["description"], "Tags": tags_to_list(tags),
    }  # fmt: skip
    if want.get("permissions_boundary"):
        params["PermissionsBoundary"] = want["permissions_boundary"]
    created = Action("create", KIND, name, {}, {"trust": want["trust"], "tags": tags}, params)
    return Plan((created, *_policies(want, {"Managed": [], "Inline": {}})))


def plan_absent(want: Mapping[str, Any], role: Mapping[str, Any] | None) -> Plan:
    if role is None:
        return Plan()
    refuse_foreign(f"{KIND} {want['name']}", tags_to_dict(role.get("Tags")), want["app"], want["stage"])
    emptied = [*_policies({**want, "managed_policies": [], "policies": {}}, role)]
    return Plan((*emptied, Action("delete", KIND, want["name"], {"arn": role["Arn"]}, None)))


def _tags(want: Mapping[str, Any]) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], want["component"])}


def _trusted(want: Mapping[str, Any], role: Mapping[str, Any]) -> Iterator[Action]:
    wanted, has = want["trust"], role["AssumeRolePolicyDocument"]
    if has != wanted:
        params = {"PolicyDocument": json.dumps(wanted)}
        yield Action("trust", KIND, want["name"], {"trust": has}, {"trust": wanted}, params)


def _bounded(want: Mapping[str, Any], role: Mapping[str, Any]) -> Iterator[Action]:
    """A boundary is set and exchanged, and never taken away: it may be somebody else's rule for this account."""
    wanted, has = want.get("permissions_boundary"), (role.get("PermissionsBoundary") or {})
    before = has.get("PermissionsBoundaryArn", "")
    if wanted and wanted != before:
        shown = ({"permissions_boundary": before}, {"permissions_boundary": wanted})
        yield Action("bound", KIND, want["name"], *shown, {"PermissionsBoundary": wanted})


def _tagging(want: Mapping[str, Any], role: Mapping[str, Any]) -> Iterator[Action]:
    has = tags_to_dict(role.get("Tags"))
    to_set, to_remove = diff_tags(has, _tags(want), want.get("tags") is not None and want["purge_tags"])
    if to_set:
        before = {key: has[key] for key in to_set if key in has}
        params = {"Tags": tags_to_list(to_set)}
        yield Action("tag", KIND, want["name"], {"tags": before}, {"tags": to_set}, params)
    if to_remove:
        gone = {key: has[key] for key in to_remove}
        yield Action("untag", KIND, want["name"], {"removed_tags": gone}, {}, {"TagKeys": to_remove})


def _policies(want: Mapping[str, Any], role: Mapping[str, Any]) -> Iterator[Action]:
    """Exactly these policies: what is no longer wanted is a permission too many."""
    name = want["name"]
    for arn in sorted(set(want["managed_policies"]) - set(role["Managed"])):
        yield Action("attach", KIND, name, {}, {arn: "attached"}, {"PolicyArn": arn})
    for arn in sorted(set(role["Managed"]) - set(want["managed_policies"])):
        yield Action("detach", KIND, name, {arn: "attached"}, {}, {"PolicyArn": arn})
    for policy, document in sorted(want["policies"].items()):
        if role["Inline"].get(policy) != document:
            before = {policy: role["Inline"][policy]} if policy in role["Inline"] else {}
            params = {"PolicyName": policy, "PolicyDocument": json.dumps(document)}
            yield Action("put", KIND, name, before, {policy: document}, params)
    for policy in sorted(set(role["Inline"]) - set(want["policies"])):
        yield Action("drop", KIND, name, {policy: role["Inline"][policy]}, {}, {"PolicyName": policy})


OPERATIONS = {
    "create": "create_role",
    "trust": "update_assume_role_policy",
    "bound": "put_role_permissions_boundary",
    "tag": "tag_role",
    "untag": "untag_role",
    "attach": "attach_role_policy",
    "detach": "detach_role_policy",
    "put": "put_role_policy",
    "drop": "delete_role_policy",
    "delete": "delete_role",
}


def _execute(iam: Any, action: Action) -> None:
    found = (lambda: read_role(iam, action.name)) if action.verb == "create" else None
    gone = MISSING if action.verb in ("detach", "drop", "delete") else ()
    call(
        iam, OPERATIONS[action.verb], str(action), found=found, missing=gone,
        eventual=(*UNTOLD, "DeleteConflict"), patience=Patience(seconds=60), RoleName=action.name, **action.params,
    )  # fmt: skip
