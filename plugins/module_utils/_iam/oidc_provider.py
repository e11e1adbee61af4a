# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One OIDC provider of IAM, by which the service accounts of a cluster take roles: read, plan (pure), act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._iam.trust import ISSUER, provider_arn
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import (
    refuse,
    refuse_foreign,
    tagging,
    wanted_tags,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    tags_to_dict,
    tags_to_list,
)

KIND = "iam_oidc_provider"
MISSING = ("NoSuchEntity",)
SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "url": {"type": "str", "required": True},
    "component": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "client_ids": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
    **TAGS_SPEC,
}


def ensure_provider(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    iam = clients["iam"]
    if not ISSUER.fullmatch(params["url"]):
        refuse(KIND, [f"url {params['url']!r} is no address such as https://oidc.eks.eu-central-1.amazonaws.com/id/A"])
    arn = _arn(clients["sts"], params["url"])
    found = call(iam, "get_open_id_connect_provider", f"read {arn}", missing=MISSING, OpenIDConnectProviderArn=arn)
    plan = plan_absent(params, arn, found) if params["state"] == "absent" else plan_present(params, arn, found)
    result = apply(plan, lambda action: _execute(iam, arn, action), check_mode)
    return {**result, "provider": {} if params["state"] == "absent" else {"arn": arn, "url": params["url"]}}


def _arn(sts: Any, url: str) -> str:
    identity = call(sts, "get_caller_identity", "read who we are")
    return provider_arn(identity["Arn"].split(":")[1], identity["Account"], url)


def plan_present(want: Mapping[str, Any], arn: str, found: Mapping[str, Any] | None) -> Plan:
    """IAM trusts EKS's issuers by its own list of authorities, so no thumbprint is given."""
    clients, tags = sorted(set(want["client_ids"])), wanted_tags(want, want["component"])
    if found is None:
        url = "https://" + want["url"].removeprefix("https://")
        params = {"Url": url, "ClientIDList": clients, "Tags": tags_to_list(tags)}
        return Plan((Action("create", KIND, arn, {}, {"client_ids": clients, "tags": tags}, params),))
    has_tags, has = tags_to_dict(found.get("Tags")), found.get("ClientIDList") or []
    refuse_foreign(f"{KIND} {arn}", has_tags, want, want["component"])
    added = [
        Action("add", KIND, arn, {}, {one: "trusted"}, {"ClientID": one}) for one in clients if one not in has
    ]  # fmt: skip
    gone = [
        Action("remove", KIND, arn, {one: "trusted"}, {}, {"ClientID": one}) for one in sorted(has)
        if one not in clients
    ]  # fmt: skip
    return Plan((*added, *gone, *tagging(KIND, arn, arn, has_tags, want, want["component"])))


def plan_absent(want: Mapping[str, Any], arn: str, found: Mapping[str, Any] | None) -> Plan:
    if found is None:
        return Plan()
    refuse_foreign(f"{KIND} {arn}", tags_to_dict(found.get("Tags")), want, want["component"])
    return Plan((Action("delete", KIND, arn, {"client_ids": found.get("ClientIDList") or []}, None),))


OPERATIONS = {
    "add": "add_client_id_to_open_id_connect_provider",
    "remove": "remove_client_id_from_open_id_connect_provider",
    "delete": "delete_open_id_connect_provider",
}


def _execute(iam: Any, arn: str, action: Action) -> None:
    what = str(action)
    named: dict[str, Any] = {"OpenIDConnectProviderArn": arn}
    if action.verb == "create":
        call(
            iam, "create_open_id_connect_provider", what, **action.params,
            found=lambda: call(iam, "get_open_id_connect_provider", what, missing=MISSING, **named),
        )  # fmt: skip
    elif action.verb == "tag":
        call(iam, "tag_open_id_connect_provider", what, Tags=tags_to_list(action.params["tags"]), **named)
    elif action.verb == "untag":
        call(iam, "untag_open_id_connect_provider", what, TagKeys=action.params["keys"], **named)
    else:
        call(iam, OPERATIONS[action.verb], what, missing=MISSING, **named, **action.params)
