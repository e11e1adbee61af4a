"""The OIDC provider of a cluster."""

from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._iam import oidc_provider as provider
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

ARN = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/A"
OURS = {"app": "orders", "stage": "lab", "component": "eks", "managed-by": "bahnvision.aws"}
WANT = {"url": "https://oidc.eks.eu-central-1.amazonaws.com/id/A", "app": "orders", "stage": "lab", "component": "eks",
        "client_ids": ["sts.amazonaws.com"], "tags": None, "purge_tags": True}  # fmt: skip


def found(*clients, tags=None):
    tags = OURS if tags is None else tags
    return {"ClientIDList": list(clients), "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def test_it_trusts_exactly_the_audiences_that_are_named():
    assert not provider.plan_present(WANT, ARN, found("sts.amazonaws.com")).changed
    plan = provider.plan_present(WANT, ARN, found("other"))
    assert [(action.verb, action.params["ClientID"]) for action in plan.actions] == [
        ("add", "sts.amazonaws.com"), ("remove", "other"),
    ]  # fmt: skip
    made = provider.plan_present({**WANT, "url": WANT["url"].removeprefix("https://")}, ARN, None).actions[0]
    assert made.params["Url"] == WANT["url"]


def test_a_foreign_provider_is_refused():
    for plan in (provider.plan_present, provider.plan_absent):
        with pytest.raises(ResourceError, match="is not ours"):
            plan(WANT, ARN, found("sts.amazonaws.com", tags={}))
