"""What must happen to a cluster: creation, each setting, what cannot be, removal."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_plan import Seen, plan_absent, plan_present
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import CLUSTER_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import offers_from
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OFFERS = offers_from(
    {"clusterVersion": version, "versionStatus": "STANDARD_SUPPORT"} for version in ("1.34", "1.35", "1.36")
)
OPTIONS = {
    "name": "orders-lab", "app": "orders", "stage": "lab", "role_arn": "arn:aws:iam::1:role/eks",
    "subnet_ids": ["subnet-b", "subnet-a"], "deletion_protection": False,
}  # fmt: skip
SUBNETS = [
    {"SubnetId": "subnet-a", "AvailabilityZone": "a", "VpcId": "vpc-1", "AvailableIpAddressCount": 200},
    {"SubnetId": "subnet-b", "AvailabilityZone": "b", "VpcId": "vpc-1", "AvailableIpAddressCount": 200},
]


def want(**changes):
    validated = ArgumentSpecValidator(CLUSTER_SPEC).validate(OPTIONS | changes)
    assert not validated.error_messages
    return validated.validated_parameters


def made(**changes):
    """The cluster as EKS shows what the plan would create."""
    (creation,) = plan_present(want(**changes), Seen(None, OFFERS, SUBNETS)).actions
    params = creation.params
    return {
        "name": params["name"], "arn": "arn:eks", "status": "ACTIVE", "version": params["version"],
        **{key: params[key] for key in params if key not in ("name", "version", "bootstrapSelfManagedAddons")},
    }  # fmt: skip


def refusal(wanted, seen):
    with pytest.raises(ResourceError) as refused:
        plan_present(wanted, seen)
    return refused.value.message


def test_a_new_cluster_is_closed_logged_and_owned_by_no_creator():
    (creation,) = plan_present(want(), Seen(None, OFFERS, SUBNETS)).actions
    params = creation.params
    assert params["version"] == "1.36"
    assert params["resourcesVpcConfig"] == {
        "subnetIds": ["subnet-a", "subnet-b"], "securityGroupIds": [],
        "endpointPrivateAccess": True, "endpointPublicAccess": False,
    }  # fmt: skip
    assert params["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    assert params["bootstrapSelfManagedAddons"] is False
    assert params["upgradePolicy"] == {"supportType": "STANDARD"}
    assert params["logging"]["clusterLogging"][0]["enabled"] is True
    assert len(params["logging"]["clusterLogging"][0]["types"]) == 5
    assert "encryptionConfig" not in params


@pytest.mark.parametrize(
    "options",
    [
        {}, {"auto_mode": True, "node_role_arn": "arn:aws:iam::1:role/n"}, {"logging": []},
        {"endpoint_public_access_cidrs": ["203.0.113.7/24", "198.51.100.1/32"]}, {"authentication_mode": "CONFIG_MAP"},
        {"encryption_key_arn": "arn:aws:kms:::key/1"}, {"ip_family": "ipv6"}, {"service_ipv4_cidr": "10.100.0.0/16"},
    ],
)  # fmt: skip
def test_what_was_made_needs_nothing_more(options):
    plan = plan_present(want(**options), Seen(made(**options), OFFERS))
    assert not plan.changed, plan.diff()


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"zonal_shift": False}, {"zonalShiftConfig": {"enabled": False}}),
        ({"support_type": "EXTENDED"}, {"upgradePolicy": {"supportType": "EXTENDED"}}),
        ({"deletion_protection": True}, {"deletionProtection": True}),
        (
            {"endpoint_public_access_cidrs": ["203.0.113.0/24"]},
            {"resourcesVpcConfig": {
                "endpointPrivateAccess": True, "endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"],
            }},
        ),
        (
            {"logging": ["audit"]},
            {"logging": {"clusterLogging": [
                {"types": ["audit"], "enabled": True},
                {"types": ["api", "authenticator", "controllerManager", "scheduler"], "enabled": False},
            ]}},
        ),
        (
            {"security_group_ids": ["sg-1"]},
            {"resourcesVpcConfig": {"subnetIds": ["subnet-a", "subnet-b"], "securityGroupIds": ["sg-1"]}},
        ),
        (
            {"auto_mode": True, "node_role_arn": "arn:n"},
            {
                "computeConfig": {
                    "enabled": True, "nodePools": ["general-purpose", "system"], "nodeRoleArn": "arn:n",
                },
                "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
                "storageConfig": {"blockStorage": {"enabled": True}},
            },
        ),
    ],
)  # fmt: skip
def test_each_setting_is_one_call_of_its_own(changes, sent):
    plan = plan_present(want(**changes), Seen(made(), OFFERS))
    assert [dict(action.params) for action in plan.actions] == [sent]
    assert set(plan.diff()["after"]["eks_cluster orders-lab"]) == set(changes) | (
        {"node_pools"} if "auto_mode" in changes else set()
    )


def test_all_changes_at_once_stay_apart_and_in_order():
    wanted = want(
        version="1.36", allow_version_upgrade=True, zonal_shift=False, logging=[], deletion_protection=True,
        encryption_key_arn="arn:key", tags={"cost": "1"},
    )  # fmt: skip
    cluster = made(version="1.35")
    verbs = [(action.verb, sorted(action.params)) for action in plan_present(wanted, Seen(cluster, OFFERS)).actions]
    assert verbs == [
        ("modify", ["logging"]), ("modify", ["zonalShiftConfig"]), ("modify", ["deletionProtection"]),
        ("encrypt", ["encryptionConfig"]), ("upgrade", ["version"]), ("tag", ["arn", "tags"]),
    ]  # fmt: skip


def test_the_whole_internet_has_to_be_named_and_is_told():
    plan = plan_present(want(endpoint_public_access_cidrs=["0.0.0.0/0"]), Seen(None, OFFERS, SUBNETS))
    assert "open to the whole internet" in plan.notes[0]
    cluster = made()
    cluster["resourcesVpcConfig"] |= {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}
    (closing,) = plan_present(want(), Seen(cluster, OFFERS)).actions
    assert closing.params["resourcesVpcConfig"]["endpointPublicAccess"] is False


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "-x"}, "the name must have"),
        ({"endpoint_private_access": False}, "nobody could reach the cluster"),
        ({"endpoint_public_access_cidrs": ["10.0.0.0/8"]}, "10.0.0.0/8 is no public address"),
        ({"endpoint_public_access_cidrs": ["203.0.113.0/33"]}, "203.0.113.0/33"),
        ({"service_ipv4_cidr": "11.0.0.0/16"}, "must be a /12 to a /24"),
        ({"service_ipv4_cidr": "10.0.0.0/25"}, "must be a /12 to a /24"),
        ({"auto_mode": True}, "needs a node_role_arn"),
        ({"version": "1.28"}, "nearest offered is 1.34"),
        ({"subnet_ids": ["subnet-a", "subnet-c"]}, "there is no subnet subnet-c"),
    ],
)
def test_what_eks_would_refuse_is_refused_before(changes, told):
    assert told in refusal(want(**changes), Seen(None, OFFERS, SUBNETS))


def test_subnets_in_one_zone_or_full_are_refused():
    crowded = [{**subnet, "AvailabilityZone": "a", "AvailableIpAddressCount": 3} for subnet in SUBNETS]
    message = refusal(want(), Seen(None, OFFERS, crowded))
    assert "two availability zones" in message
    assert "3 free addresses" in message


@pytest.mark.parametrize(
    ("has", "changes", "told"),
    [
        ({}, {"role_arn": "arn:other"}, "cannot become arn:other"),
        ({}, {"ip_family": "ipv6"}, "IP family"),
        ({}, {"authentication_mode": "CONFIG_MAP"}, "does not go back to CONFIG_MAP"),
        ({"encryption_key_arn": "arn:1"}, {"encryption_key_arn": "arn:2"}, "cannot be exchanged"),
        ({"version": "1.34"}, {"version": "1.36", "allow_version_upgrade": True}, "ask for 1.35 first"),
        ({"version": "1.35"}, {"version": "1.36"}, "allow_version_upgrade"),
    ],
)
def test_what_cannot_be_changed_is_refused(has, changes, told):
    assert told in refusal(want(**changes), Seen(made(**has), OFFERS))


def test_a_strangers_cluster_is_never_touched():
    cluster = made() | {"tags": {"app": "orders", "stage": "lab"}}
    assert "is not ours" in refusal(want(), Seen(cluster, OFFERS))
    with pytest.raises(ResourceError, match="is not ours"):
        plan_absent(want(), Seen(cluster))


def test_removal_is_refused_while_it_is_protected_or_inhabited():
    assert not plan_absent(want(), Seen(None)).changed
    assert [str(action) for action in plan_absent(want(), Seen(made())).actions] == ["delete eks_cluster orders-lab"]
    with pytest.raises(ResourceError, match="deletion protection"):
        plan_absent(want(), Seen(made(deletion_protection=True)))
    with pytest.raises(ResourceError, match="still has node group main"):
        plan_absent(want(), Seen(made(), inhabitants=["node group main"]))
