"""A launch template: another version for another content, and none for the same."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._ec2 import launch_template as template
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OURS = {"app": "orders", "stage": "lab", "component": "eks", "managed-by": "bahnvision.aws"}
DATA = {
    "MetadataOptions": {"HttpTokens": "required"}, "SecurityGroupIds": ["sg-a", "sg-b"],
    "TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}],
}  # fmt: skip
WANT = {"name": "node", "app": "orders", "stage": "lab", "component": "eks", "data": DATA, "tags": None,
        "purge_tags": True, "state": "present"}  # fmt: skip
FOUND = {
    "LaunchTemplateId": "lt-1", "LaunchTemplateName": "node", "LatestVersionNumber": 3, "Data": DATA,
    "Tags": [{"Key": key, "Value": value} for key, value in OURS.items()],
}  # fmt: skip


def test_what_ec2_adds_and_how_it_orders_is_no_change():
    shown = {
        "MetadataOptions": {"HttpTokens": "required", "State": "pending"}, "SecurityGroupIds": ["sg-b", "sg-a"],
        "TagSpecifications": [
            {"ResourceType": "volume", "Tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]}
        ],
    }  # fmt: skip
    assert not template.plan_present(WANT, {**FOUND, "Data": shown}).changed


@pytest.mark.parametrize(
    ("shown", "named"),
    [
        ({**DATA, "SecurityGroupIds": ["sg-a"]}, "SecurityGroupIds"),
        ({**DATA, "SecurityGroupIds": ["sg-a", "sg-b", "sg-c"]}, "SecurityGroupIds"),
        ({**DATA, "MetadataOptions": {"HttpTokens": "optional"}}, "MetadataOptions"),
        ({**DATA, "KeyName": "ssh"}, "KeyName"),
    ],
)
def test_another_content_is_another_version_and_the_next_number_is_foreseen(shown, named):
    plan = template.plan_present(WANT, {**FOUND, "Data": shown})
    assert [action.verb for action in plan.actions] == ["renew"]
    assert named in plan.actions[0].before
    assert template._predicted("node", FOUND, plan)["version"] == 4


def test_a_foreign_template_is_refused():
    for plan in (template.plan_present, template.plan_absent):
        with pytest.raises(ResourceError, match="is not ours"):
            plan(WANT, {**FOUND, "Tags": []})


def test_before_the_creation_there_is_no_id_and_the_first_version():
    plan = template.plan_present(WANT, None)
    assert template._predicted("node", None, plan) == {"id": "", "name": "node", "version": 1, "tags": {}}
