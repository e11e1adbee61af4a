"""One IAM role from nothing to gone, on moto's IAM: foreseen, made, made once, changed, and never a stranger's."""

from __future__ import annotations

import json

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._iam.role import ROLE_SPEC, ensure_role
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from moto import mock_aws

READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
LIST = json.loads(json.dumps(READ).replace("GetObject", "ListBucket"))
WANT = {name: option.get("default") for name, option in ROLE_SPEC.items()} | {
    "name": "orders-lab-rds-proxy", "app": "orders", "stage": "lab", "component": "rds", "service": "rds.amazonaws.com",
    "policies": {"read": READ}, "tags": {},
}  # fmt: skip


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("iam", region_name="eu-central-1")


@pytest.fixture
def policy(iam) -> str:
    made = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(READ))
    return made["Policy"]["Arn"]


def ensure(iam, check_mode=False, **wish):
    return ensure_role({"iam": iam}, WANT | wish, check_mode)


def test_the_four_runs(iam, policy):
    wish = {"managed_policies": [policy]}
    foreseen = ensure(iam, check_mode=True, **wish)
    assert iam.list_roles()["Roles"] == []
    made = ensure(iam, **wish)
    assert (made["actions"], made["diff"]) == (foreseen["actions"], foreseen["diff"])
    assert made["role"]["arn"].endswith(":role/orders-lab-rds-proxy")
    for check_mode in (True, False):
        assert ensure(iam, check_mode=check_mode, **wish)["actions"] == []


@pytest.mark.parametrize(
    ("change", "verbs"),
    [
        ({"policies": {}}, ["drop"]),
        ({"policies": {"read": LIST}}, ["put"]),
        ({"policies": {"read": READ, "more": READ}}, ["put"]),
        ({"service": "monitoring.rds.amazonaws.com"}, ["trust"]),
        ({"tags": {"team": "data"}}, ["tag"]),
    ],
)
def test_a_change_is_foreseen_made_and_made_once(iam, change, verbs):
    ensure(iam)

    foreseen = ensure(iam, check_mode=True, **change)
    made = ensure(iam, **change)

    assert made["diff"] == foreseen["diff"]
    assert [action.split()[0] for action in made["actions"]] == verbs
    assert ensure(iam, **change)["actions"] == []


def test_a_policy_that_was_attached_by_hand_is_taken_away(iam, policy):
    ensure(iam)
    iam.attach_role_policy(RoleName=WANT["name"], PolicyArn=policy)

    assert ensure(iam)["actions"] == [f"detach iam_role {WANT['name']}"]


def test_a_role_killed_between_its_policies_is_completed(iam):
    ensure(iam, policies={})
    assert ensure(iam)["actions"] == [f"put iam_role {WANT['name']}"]


def test_a_strangers_role_is_neither_changed_nor_removed(iam):
    iam.create_role(RoleName=WANT["name"], AssumeRolePolicyDocument="{}")
    for state in ("present", "absent"):
        with pytest.raises(ResourceError, match="is not ours"):
            ensure(iam, state=state)
    assert len(iam.list_roles()["Roles"]) == 1


def test_the_removal_empties_the_role_first_and_is_done_once(iam, policy):
    ensure(iam, managed_policies=[policy])
    gone = ensure(iam, state="absent")
    assert [action.split()[0] for action in gone["actions"]] == ["detach", "drop", "delete"]
    assert iam.list_roles()["Roles"] == []
    assert ensure(iam, state="absent")["actions"] == []
