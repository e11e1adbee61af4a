# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One launch template of EC2, of which each change makes another version: read, plan (pure), act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call, pages
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.owned import refuse_foreign, tagging, wanted_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    tags_to_dict,
    tags_to_list,
)

KIND = "launch_template"
MISSING = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")
SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    "name": {"type": "str", "required": True},
    "component": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "data": {"type": "dict", "default": {}},
    **TAGS_SPEC,
}


def ensure_template(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    ec2, name = clients["ec2"], params["name"]
    found = read_template(ec2, name)
    plan = plan_absent(params, found) if params["state"] == "absent" else plan_present(params, found)
    result = apply(plan, lambda action: _execute(ec2, found, action), check_mode)
    if params["state"] == "absent":
        return {**result, "launch_template": {}}
    if check_mode:
        return {**result, "launch_template": _predicted(name, found, plan)}
    return {**result, "launch_template": facts(read_template(ec2, name) or {})}


def read_template(ec2: Any, name: str) -> dict[str, Any] | None:
    """Return the template with the data of its latest version, or None."""
    named = [{"Name": "launch-template-name", "Values": [name]}]
    listed = pages(ec2, "describe_launch_templates", "LaunchTemplates", f"look for {KIND} {name}", Filters=named)
    if not listed:
        return None
    what, own = f"read {KIND} {name}", listed[0]["LaunchTemplateId"]
    latest = call(
        ec2, "describe_launch_template_versions", what, eventual=MISSING, LaunchTemplateId=own, Versions=["$Latest"]
    )["LaunchTemplateVersions"][0]
    return {**listed[0], "Data": latest["LaunchTemplateData"], "LatestVersionNumber": latest["VersionNumber"]}


def plan_present(want: Mapping[str, Any], found: Mapping[str, Any] | None) -> Plan:
    name, data = want["name"], want["data"]
    tags = wanted_tags(want, want["component"])
    if found is None:
        marked = [{"ResourceType": "launch-template", "Tags": tags_to_list(tags)}]
        params = {"LaunchTemplateData": data, "TagSpecifications": marked}
        return Plan((Action("create", KIND, name, {}, {**data, "tags": tags}, params),))
    has_tags = tags_to_dict(found.get("Tags"))
    refuse_foreign(f"{KIND} {name}", has_tags, want, want["component"])
    steps = []
    changed = [key for key in sorted({*data, *found["Data"]}) if not says(found["Data"].get(key), data.get(key))]
    if changed:
        old, new = ({key: side[key] for key in changed if key in side} for side in (found["Data"], data))
        steps.append(Action("renew", KIND, name, old, new, {"LaunchTemplateData": data}))
    tagged = tagging(KIND, name, found["LaunchTemplateId"], has_tags, want, want["component"])
    return Plan((*steps, *tagged))


def plan_absent(want: Mapping[str, Any], found: Mapping[str, Any] | None) -> Plan:
    if found is None:
        return Plan()
    refuse_foreign(f"{KIND} {want['name']}", tags_to_dict(found.get("Tags")), want, want["component"])
    return Plan((Action("delete", KIND, want["name"], dict(found["Data"]), None),))


def says(shown: Any, wanted: Any) -> bool:
    """True when EC2 shows what is wanted. It may show more inside (what it fills in), and lists in its own order."""
    if isinstance(wanted, Mapping) and isinstance(shown, Mapping):
        return all(says(shown.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(shown, list):
        left = list(shown)
        for item in wanted:
            match = next((number for number, other in enumerate(left) if says(other, item)), None)
            if match is None:
                return False
            del left[match]
        return not left
    return shown == wanted


def _execute(ec2: Any, found: Mapping[str, Any] | None, action: Action) -> None:
    name, what = action.name, str(action)
    own = (found or {}).get("LaunchTemplateId", "")
    if action.verb == "create":
        call(ec2, "create_launch_template", what, LaunchTemplateName=name, **action.params)
    elif action.verb == "renew":
        call(ec2, "create_launch_template_version", what, LaunchTemplateId=own, **action.params)
    elif action.verb == "delete":
        call(ec2, "delete_launch_template", what, missing=MISSING, LaunchTemplateId=own)
    elif action.verb == "tag":
        call(ec2, "create_tags", what, repeatable=True, Resources=[own], Tags=tags_to_list(action.params["tags"]))
    elif action.verb == "untag":
        keys = [{"Key": key} for key in action.params["keys"]]
        call(ec2, "delete_tags", what, Resources=[own], Tags=keys)
    else:
        raise AssertionError(f"no way to {action}")


def facts(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": found.get("LaunchTemplateId", ""),
        "name": found.get("LaunchTemplateName", ""),
        "version": found.get("LatestVersionNumber", 0),
        "tags": tags_to_dict(found.get("Tags")),
    }


def _predicted(name: str, found: Mapping[str, Any] | None, plan: Plan) -> dict[str, Any]:
    """Each change of the data makes the next version, and the nodes are replaced for it."""
    made = any(action.verb in ("create", "renew") for action in plan.actions)
    has = facts(found or {})
    return {**has, "name": name, "version": has["version"] + made}
