"""An EKS capability: what is planned of it, of its role's access, and what is refused."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.capability_plan import (
    Seen,
    plan_absent,
    plan_present,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import CAPABILITY_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OURS = {"app": "orders", "stage": "lab", "component": "eks", "managed-by": "bahnvision.aws"}
ROLE = "arn:aws:iam::123456789012:role/argocd"
INSTANCE = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
VIEW, EDIT = f"{POLICY}AmazonEKSAdminViewPolicy", f"{POLICY}AmazonEKSAdminPolicy"
BY_EKS = {f"{POLICY}AmazonEKSArgoCDClusterPolicy": [], f"{POLICY}AmazonEKSArgoCDPolicy": ["argocd"]}
ADMIN = {"role": "ADMIN", "identities": [{"id": "ann", "type": "SSO_USER"}]}
TEAM = {"role": "VIEWER", "identities": [{"id": "team", "type": "SSO_GROUP"}]}


def wish(argo=None, **given):
    settings = {"idc_instance_arn": INSTANCE, **(argo or {})}
    options = {"cluster_name": "c", "name": "argo", "app": "orders", "stage": "lab", "role_arn": ROLE}
    validated = ArgumentSpecValidator(CAPABILITY_SPEC).validate({**options, "argocd": settings, **given})
    assert not validated.error_messages
    return validated.validated_parameters


def there(*mappings, **members):
    argo = {"namespace": "argocd", "awsIdc": {"idcInstanceArn": INSTANCE}, "rbacRoleMappings": list(mappings)}
    return {
        "capabilityName": "argo", "arn": "arn:c", "type": "ARGOCD", "roleArn": ROLE, "status": "ACTIVE", "tags": OURS,
        "configuration": {"argoCd": argo}, **members,
    }  # fmt: skip


def test_it_is_made_whole_and_then_given_its_access():
    want = wish({"role_mappings": [ADMIN]}, access_policies=[{"policy": "AmazonEKSAdminPolicy", "namespaces": ["o"]}])
    creation, grant = plan_present(want, Seen(None)).actions
    assert creation.params == {
        "clusterName": "c", "capabilityName": "argo", "type": "ARGOCD", "roleArn": ROLE, "tags": OURS,
        "deletePropagationPolicy": "RETAIN",
        "configuration": {"argoCd": {
            "namespace": "argocd", "awsIdc": {"idcInstanceArn": INSTANCE}, "rbacRoleMappings": [ADMIN],
        }},
    }  # fmt: skip
    assert (grant.verb, dict(grant.params)) == (
        "associate", {"policyArn": EDIT, "accessScope": {"type": "namespace", "namespaces": ["o"]}},
    )  # fmt: skip


def test_what_is_right_stays_and_what_eks_gave_its_role_too():
    want = wish({"role_mappings": [TEAM, ADMIN]}, access_policies=[{"policy": "AmazonEKSAdminViewPolicy"}])
    seen = Seen(there(ADMIN, TEAM), [], {**BY_EKS, VIEW: []})
    assert not plan_present(want, seen).changed
    assert [
        action.params["policyArn"] for action in plan_present(wish({"role_mappings": [ADMIN, TEAM]}), seen).actions
    ] == [VIEW]


@pytest.mark.parametrize(
    ("given", "has", "sent"),
    [
        ({"role_arn": "arn:aws:iam::123456789012:role/new"}, (), {"roleArn": "arn:aws:iam::123456789012:role/new"}),
        (
            {"argocd": {"idc_instance_arn": INSTANCE, "role_mappings": [ADMIN]}},
            (TEAM,),
            {"configuration": {"argoCd": {"rbacRoleMappings": {
                "addOrUpdateRoleMappings": [ADMIN], "removeRoleMappings": [TEAM]}}}},
        ),
        (
            {"argocd": {"idc_instance_arn": INSTANCE, "vpc_endpoint_ids": ["vpce-1"]}},
            (),
            {"configuration": {"argoCd": {"networkAccess": {"vpceIds": ["vpce-1"]}}}},
        ),
    ],
)  # fmt: skip
def test_a_change_sends_what_changes_alone(given, has, sent):
    (change,) = plan_present(wish(**given), Seen(there(*has))).actions
    assert (change.verb, dict(change.params)) == ("modify", sent)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"argocd": None}, "needs argocd with an instance of IAM Identity Center"),
        ({"type": "KRO"}, "argocd is not for the type KRO"),
        ({"argocd": {"idc_instance_arn": "ssoins-1"}}, "must look like arn:aws:sso:::instance/ssoins-"),
        ({"argocd": {"idc_instance_arn": INSTANCE, "role_mappings": [ADMIN, ADMIN]}}, "names ADMIN twice"),
        ({"access_policies": [{"policy": VIEW}, {"policy": "AmazonEKSAdminViewPolicy"}]}, "ViewPolicy twice"),
        ({"access_policies": [{"policy": "AmazonEKSArgoCDPolicy"}]}, "EKS associates AmazonEKSArgoCDPolicy by itself"),
    ],
)
def test_what_eks_would_refuse_is_refused_before(given, told):
    with pytest.raises(ResourceError) as refused:
        plan_present(wish(**given), Seen(None))
    assert told in refused.value.message


def test_what_cannot_change_is_refused_and_strangers_stay():
    with pytest.raises(ResourceError, match=r"argocd\.namespace argocd cannot become other"):
        plan_present(wish({"namespace": "other"}), Seen(there()))
    with pytest.raises(ResourceError, match="is not ours"):
        plan_present(wish(), Seen(there(tags={})))
    other = {"capabilityName": "old", "type": "ARGOCD"}
    with pytest.raises(ResourceError, match="has the capability old of the type ARGOCD; EKS allows one"):
        plan_present(wish(), Seen(None, [other]))


def test_with_it_goes_what_its_role_was_given():
    plan = plan_absent(wish(state="absent"), Seen(there(), [], {**BY_EKS, EDIT: ["o"]}))
    assert [(action.verb, dict(action.params)) for action in plan.actions] == [
        ("delete", {}),
        ("disassociate", {"policyArn": EDIT}),
    ]
    assert "stays there, unmanaged" in plan.notes[0]
    assert not plan_absent(wish(state="absent"), Seen(None)).changed
