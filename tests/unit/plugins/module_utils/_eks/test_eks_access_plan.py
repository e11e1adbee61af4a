"""Add-ons, access entries and pod identities: what is planned of each."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._eks import access_entry, addon_plan, pod_identity
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import (
    ACCESS_ENTRY_SPEC,
    ADDON_SPEC,
    POD_IDENTITY_ASSOCIATION_SPEC,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OURS = {"app": "orders", "stage": "lab", "component": "eks", "managed-by": "bahnvision.aws"}
ROLE = "arn:aws:iam::123456789012:role/deploy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
BUILDS = (addon_plan.Build("v1.20.0-eksbuild.1", False), addon_plan.Build("v1.19.0-eksbuild.1", True))


def options(spec, **given):
    validated = ArgumentSpecValidator(spec).validate({"cluster_name": "c", "app": "orders", "stage": "lab"} | given)
    assert not validated.error_messages
    return validated.validated_parameters


def addon(**given):
    return options(ADDON_SPEC, name="vpc-cni", **given)


def installed(**members):
    return {"addonName": "vpc-cni", "addonArn": "arn:a", "addonVersion": "v1.19.0-eksbuild.1", "tags": OURS, **members}


def test_an_addon_is_made_whole():
    want = addon(
        configuration={"b": 1, "a": {"c": True}}, resolve_conflicts="PRESERVE",
        pod_identity_associations=[{"service_account": "aws-node", "role_arn": ROLE}],
    )  # fmt: skip
    (creation,) = addon_plan.plan_present(want, addon_plan.Seen(None, "1.35", BUILDS)).actions
    assert creation.params == {
        "addonVersion": "v1.19.0-eksbuild.1", "resolveConflicts": "NONE", "tags": OURS,
        "configurationValues": '{"a": {"c": true}, "b": 1}',
        "podIdentityAssociations": [{"serviceAccount": "aws-node", "roleArn": ROLE}],
    }  # fmt: skip


def test_an_addon_that_is_right_stays_however_its_settings_are_written():
    has = installed(configurationValues=json.dumps({"b": 1, "a": 2}, indent=4))
    seen = addon_plan.Seen(has, "1.35", BUILDS, {"aws-node": ROLE})
    want = addon(
        configuration={"a": 2, "b": 1}, pod_identity_associations=[{"service_account": "aws-node", "role_arn": ROLE}]
    )
    assert not addon_plan.plan_present(want, seen).changed


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({"version": "latest"}, {"version": "v1.20.0-eksbuild.1"}),
        ({"configuration": {"x": 1}}, {"configuration": {"x": 1}}),
        ({"service_account_role_arn": ROLE}, {"service_account_role_arn": ROLE}),
        (
            {"pod_identity_associations": [{"service_account": "s", "role_arn": ROLE}]},
            {"pod_identity_associations": {"s": ROLE}},
        ),
    ],
)
def test_a_change_of_an_addon_names_what_changes_and_sends_it_all(given, after):
    plan = addon_plan.plan_present(addon(**given), addon_plan.Seen(installed(), "1.35", BUILDS))
    (change,) = plan.actions
    assert change.after == after
    assert {"addonVersion", "configurationValues", "podIdentityAssociations"} <= set(change.params)


def test_removal_of_an_addon_says_what_stays():
    plan = addon_plan.plan_absent(addon(preserve=True), addon_plan.Seen(installed(), ""))
    assert plan.notes == ("its software stays in the cluster, unmanaged",)
    with pytest.raises(ResourceError, match="is not ours"):
        addon_plan.plan_absent(addon(), addon_plan.Seen(installed(tags={}), ""))


def entry(**given):
    return options(ACCESS_ENTRY_SPEC, **{"principal_arn": ROLE, **given})


def granted(*policies, **members):
    return {
        "principalArn": ROLE, "accessEntryArn": "arn:e", "type": "STANDARD", "tags": OURS, "kubernetesGroups": [],
        "policies": [
            {"policyArn": arn, "accessScope": {"type": "namespace" if names else "cluster", "namespaces": names}}
            for arn, names in policies
        ],
        **members,
    }  # fmt: skip


def test_an_entry_gets_exactly_its_policies_and_loses_others_first():
    want = entry(policies=[{"policy": "AmazonEKSEditPolicy", "namespaces": ["web", "api"]}])
    plan = access_entry.plan_present(want, granted((VIEW, []), (EDIT, ["web"])))
    assert [(action.verb, dict(action.params)) for action in plan.actions] == [
        ("disassociate", {"policyArn": VIEW}),
        (
            "associate",
            {"policyArn": EDIT, "accessScope": {"type": "namespace", "namespaces": ["api", "web"]}},
        ),
    ]
    assert plan.diff()["before"][f"eks_access_entry {ROLE}"] == {VIEW: "the cluster", EDIT: "namespaces web"}
    assert not access_entry.plan_present(want, granted((EDIT, ["api", "web"]))).changed


def test_a_new_entry_is_created_then_given_its_policies():
    plan = access_entry.plan_present(entry(policies=[{"policy": VIEW}], kubernetes_groups=["readers"]), None)
    assert [action.verb for action in plan.actions] == ["create", "associate"]
    assert plan.actions[0].params["kubernetesGroups"] == ["readers"]
    assert plan.actions[1].params["accessScope"] == {"type": "cluster"}


def test_policies_are_of_the_partition_of_the_principal():
    want = entry(principal_arn="arn:aws-us-gov:iam::123456789012:role/x", policies=[{"policy": "AmazonEKSViewPolicy"}])
    plan = access_entry.plan_present(want, None)
    assert plan.actions[1].params["policyArn"].startswith("arn:aws-us-gov:eks::aws:cluster-access-policy/")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"principal_arn": "arn:aws:sts::123456789012:assumed-role/x/y"}, "name the role that it is of"),
        ({"principal_arn": "me"}, "must be the ARN of an IAM role or user"),
        ({"kubernetes_groups": ["system:masters"]}, "system:masters"),
        ({"type": "EC2_LINUX", "kubernetes_groups": ["a"]}, "takes no username"),
        ({"policies": [{"policy": VIEW}, {"policy": VIEW, "namespaces": ["a"]}]}, "is named twice"),
    ],
)
def test_what_eks_would_refuse_of_an_entry_is_refused_before(given, told):
    with pytest.raises(ResourceError) as refused:
        access_entry.plan_present(entry(**given), None)
    assert told in refused.value.message


def test_the_type_of_an_entry_cannot_change_and_strangers_stay():
    with pytest.raises(ResourceError, match="cannot become STANDARD"):
        access_entry.plan_present(entry(), granted(type="EC2_LINUX"))
    with pytest.raises(ResourceError, match="is not ours"):
        access_entry.plan_absent(entry(), granted(tags={}))


def identity(**given):
    return options(
        POD_IDENTITY_ASSOCIATION_SPEC, **{"namespace": "n", "service_account": "s", "role_arn": ROLE, **given}
    )


def associated(**members):
    return {"associationId": "a-1", "associationArn": "arn:p", "roleArn": ROLE, "tags": OURS, **members}


def test_a_pod_identity_is_made_changed_and_removed():
    (creation,) = pod_identity.plan_present(identity(), None).actions
    assert creation.params["roleArn"] == ROLE
    assert not pod_identity.plan_present(identity(), associated()).changed
    (change,) = pod_identity.plan_present(identity(role_arn="arn:other"), associated()).actions
    assert change.params == {"id": "a-1", "roleArn": "arn:other"}
    assert [action.verb for action in pod_identity.plan_absent(identity(), associated()).actions] == ["delete"]


def test_the_pod_identity_of_an_addon_is_left_to_it():
    with pytest.raises(ResourceError, match="belongs to the add-on arn:a"):
        pod_identity.plan_present(identity(), associated(ownerArn="arn:a"))
