"""A key of KMS: named, rotated, brought back, never taken from somebody else."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._kms import key
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OURS = {"app": "orders", "stage": "lab", "component": "eks", "managed-by": "bahnvision.aws"}
WANT = {"alias": "orders-lab-eks", "app": "orders", "stage": "lab", "component": "eks", "description": "", "tags": None,
        "purge_tags": True, "deletion_days": 30}  # fmt: skip
FOUND = {"KeyId": "1", "Arn": "arn:1", "KeyState": "Enabled", "Rotating": True, "Tags": OURS,
         "Aliases": ["alias/orders-lab-eks"]}  # fmt: skip


def verbs(plan):
    return [action.verb for action in plan.actions]


@pytest.mark.parametrize(
    ("differs", "steps"),
    [
        ({}, []),
        ({"Aliases": []}, ["name"]),  # a run was killed between the key and its alias
        ({"Rotating": False}, ["rotate"]),
        ({"KeyState": "PendingDeletion"}, ["keep", "enable"]),
        ({"KeyState": "Disabled"}, ["enable"]),
        ({"Tags": {**OURS, "old": "tag"}}, []),
    ],
)
def test_only_what_is_missing_is_done(differs, steps):
    assert verbs(key.plan_present(WANT, {**FOUND, **differs})) == steps


def test_a_key_that_is_scheduled_is_not_scheduled_again():
    assert verbs(key.plan_absent(WANT, FOUND)) == ["schedule"]
    assert verbs(key.plan_absent(WANT, {**FOUND, "KeyState": "PendingDeletion"})) == []
    assert verbs(key.plan_absent(WANT, None)) == []


def test_a_key_of_somebody_else_is_refused():
    for plan in (key.plan_present, key.plan_absent):
        with pytest.raises(ResourceError, match="is not ours"):
            plan(WANT, {**FOUND, "Tags": {}})


@pytest.mark.parametrize("alias", ["alias/orders", "aws/eks"])
def test_an_alias_that_cannot_be_is_refused(alias):
    with pytest.raises(ResourceError, match="give the alias without"):
        key.plan_present({**WANT, "alias": alias}, None)


class Kms:
    """KMS with keys of which one has no alias and our tags."""

    def __init__(self, **tags):
        self.tags = tags

    def list_aliases(self, **_query):
        return {"Aliases": [{"AliasName": "alias/other", "TargetKeyId": "named"}]}

    def list_keys(self):
        return {"Keys": [{"KeyId": name} for name in ("named", *self.tags)]}

    def list_resource_tags(self, KeyId):
        assert KeyId != "named", "what has an alias is somebody's"
        return {"Tags": [{"TagKey": name, "TagValue": value} for name, value in self.tags[KeyId].items()]}

    def describe_key(self, KeyId):
        return {"KeyMetadata": {"KeyId": KeyId, "Arn": f"arn:{KeyId}", "KeyState": "Enabled"}}

    def get_key_rotation_status(self, KeyId):
        return {"KeyRotationEnabled": KeyId == "never"}


def test_a_key_that_a_killed_run_left_without_a_name_is_found_by_its_tags(monkeypatch):
    monkeypatch.setattr(key, "call", lambda client, operation, _what, **p: getattr(client, operation)(
        **{name: value for name, value in p.items() if name == "KeyId"}))  # fmt: skip
    monkeypatch.setattr(key, "pages", lambda client, operation, member, _what, **p: getattr(client, operation)(
        **{name: value for name, value in p.items() if name == "KeyId"})[member])  # fmt: skip
    assert key._without_alias(Kms(foreign={}, lost=OURS), WANT)["KeyId"] == "lost"
    assert key._without_alias(Kms(foreign={"app": "orders"}), WANT) is None
