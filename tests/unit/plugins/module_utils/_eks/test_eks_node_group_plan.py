"""What must happen to a node group, and what could never run."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group_checks import Seen, pods_of
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.node_group_plan import plan_absent, plan_present
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.spec import NODE_GROUP_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

OPTIONS = {
    "name": "main", "cluster_name": "orders-lab", "app": "orders", "stage": "lab", "node_role_arn": "arn:n",
    "subnet_ids": ["subnet-a", "subnet-b"],
}  # fmt: skip
SUBNETS = (
    {"SubnetId": "subnet-a", "AvailabilityZone": "a", "VpcId": "vpc-1", "AvailableIpAddressCount": 200},
    {"SubnetId": "subnet-b", "AvailabilityZone": "b", "VpcId": "vpc-1", "AvailableIpAddressCount": 200},
)
# DescribeInstanceTypes: t3.medium has 3 interfaces with 6 addresses each, so 17 pods (AWS's eni-max-pods.txt).
MEDIUM = {
    "InstanceType": "t3.medium", "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
    "NetworkInfo": {"MaximumNetworkInterfaces": 3, "Ipv4AddressesPerInterface": 6},
}  # fmt: skip
CLUSTER = {"name": "orders-lab", "version": "1.35"}
EVERYWHERE = frozenset({("t3.medium", "a"), ("t3.medium", "b")})
NEW = Seen(None, CLUSTER, SUBNETS, (MEDIUM,), EVERYWHERE)


def want(**changes):
    validated = ArgumentSpecValidator(NODE_GROUP_SPEC).validate(OPTIONS | changes)
    assert not validated.error_messages
    return validated.validated_parameters


def made(**changes):
    (creation,) = plan_present(want(**changes), NEW).actions
    return {"status": "ACTIVE", "version": "1.35", "nodegroupArn": "arn:ng", "releaseVersion": "1.35.1-1",
            **creation.params}  # fmt: skip


def refusal(wanted, seen):
    with pytest.raises(ResourceError) as refused:
        plan_present(wanted, seen)
    return refused.value.message


def test_a_new_group_begins_small_and_is_replaced_one_by_one():
    params = made()
    assert params["scalingConfig"] == {"minSize": 2, "maxSize": 6, "desiredSize": 2}
    assert params["updateConfig"] == {"maxUnavailable": 1}
    assert params["nodeRepairConfig"] == {"enabled": True}
    assert "remoteAccess" not in params


@pytest.mark.parametrize(
    "options",
    [
        {}, {"labels": {"role": "web", "n": 1}}, {"taints": [{"key": "gpu", "effect": "NO_SCHEDULE"}]},
        {"max_unavailable_percentage": 33}, {"disk_size": 50}, {"capacity_type": "SPOT"}, {"desired_size": 3},
        {"launch_template": {"id": "lt-1", "version": "2"}}, {"node_repair": False},
    ],
)  # fmt: skip
def test_what_was_made_needs_nothing_more(options):
    plan = plan_present(want(**options), Seen(made(**options), CLUSTER))
    assert not plan.changed, plan.diff()


@pytest.mark.parametrize(
    ("has", "changes", "sent"),
    [
        ({}, {"min_size": 3}, {"scalingConfig": {"minSize": 3, "maxSize": 6, "desiredSize": 3}}),
        (
            {"desired_size": 5}, {"max_size": 4, "min_size": 1},
            {"scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 4}},
        ),
        (
            {"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1", "b": "3", "c": "4"}},
            {"labels": {"addOrUpdateLabels": {"b": "3", "c": "4"}}},
        ),
        ({"labels": {"a": "1"}}, {}, {"labels": {"removeLabels": ["a"]}}),
        (
            {"taints": [{"key": "gpu", "value": "1", "effect": "NO_SCHEDULE"}]},
            {"taints": [{"key": "gpu", "value": "2", "effect": "NO_SCHEDULE"}]},
            {"taints": {"addOrUpdateTaints": [{"key": "gpu", "value": "2", "effect": "NO_SCHEDULE"}]}},
        ),
        ({}, {"max_unavailable": 2}, {"updateConfig": {"maxUnavailable": 2}}),
        ({}, {"node_repair": False}, {"nodeRepairConfig": {"enabled": False}}),
        ({}, {"version": "1.36"}, {"version": "1.36"}),
        ({}, {"version": "1.36", "force_update": True}, {"version": "1.36", "force": True}),
        (
            {"launch_template": {"id": "lt-1", "version": "1"}}, {"launch_template": {"id": "lt-1", "version": "2"}},
            {"launchTemplate": {"id": "lt-1", "version": "2"}},
        ),
    ],
)  # fmt: skip
def test_each_change_is_made_in_place(has, changes, sent):
    plan = plan_present(want(**changes), Seen(made(**has), {**CLUSTER, "version": "1.36"}))
    assert [dict(action.params) for action in plan.actions] == [sent]


def test_the_number_of_nodes_between_the_limits_is_the_autoscalers():
    group = made()
    group["scalingConfig"] = {"minSize": 2, "maxSize": 6, "desiredSize": 5}
    assert not plan_present(want(), Seen(group, CLUSTER)).changed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"subnet_ids": ["subnet-a"]}, "subnet_ids is subnet-a, subnet-b and cannot become subnet-a"),
        ({"instance_types": ["m7g.large"]}, "make a node group of another name beside it"),
        ({"ami_type": "BOTTLEROCKET_x86_64"}, "ami_type is AL2023_x86_64_STANDARD"),
        ({"capacity_type": "SPOT"}, "capacity_type is ON_DEMAND"),
        ({"version": "1.36"}, "while the control plane runs 1.35"),
        ({"version": "1.34"}, "a group does not go back to 1.34"),
    ],
)
def test_what_cannot_be_changed_is_refused(changes, told):
    assert told in refusal(want(**changes), Seen(made(), CLUSTER))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"min_size": 7}, "do not fit"),
        ({"desired_size": 9}, "not between 2 and 6"),
        ({"max_unavailable": 1, "max_unavailable_percentage": 10}, "not both"),
        ({"ami_type": "AL2_x86_64"}, "Amazon Linux 2 ended"),
        ({"ami_type": "AL2023_ARM_64_STANDARD"}, "t3.medium is x86_64, and ami_type AL2023_ARM_64_STANDARD is arm64"),
        ({"instance_types": ["t9.medium"]}, "there is no instance type t9.medium"),
        ({"max_size": 30}, "30 nodes of 17 pods need 540 addresses more, the subnets have 400"),
        ({"version": "1.31"}, "too old for a control plane of 1.35"),
        ({"launch_template": {"id": "lt-1", "version": "1"}, "disk_size": 30}, "belongs into the launch template"),
    ],
)
def test_what_could_never_run_is_refused_before(changes, told):
    assert told in refusal(want(**changes), NEW)


def test_a_type_that_a_zone_does_not_offer_is_refused():
    seen = Seen(None, CLUSTER, SUBNETS, (MEDIUM,), frozenset({("t3.medium", "a")}))
    assert "t3.medium is not offered in b" in refusal(want(), seen)


def test_fewer_pods_need_fewer_addresses_and_running_nodes_have_theirs():
    assert pods_of(MEDIUM) == 17
    assert plan_present(want(max_size=30, pods_per_node=10), NEW).changed
    group = made()
    group["scalingConfig"] = {"minSize": 2, "maxSize": 6, "desiredSize": 6}
    grown = Seen(group, CLUSTER, SUBNETS, (MEDIUM,), EVERYWHERE)
    assert plan_present(want(max_size=28), grown).changed
    assert "29 nodes" in refusal(want(max_size=29), grown)


def test_nodes_behind_their_control_plane_are_told():
    assert "1 behind its control plane" in plan_present(want(), Seen(made(), {"version": "1.36"})).notes[0]


def test_a_strangers_group_is_never_touched_and_ours_is_removed():
    stranger = made() | {"tags": {}}
    assert "is not ours" in refusal(want(), Seen(stranger, CLUSTER))
    with pytest.raises(ResourceError, match="is not ours"):
        plan_absent(want(), Seen(stranger, CLUSTER))
    assert [str(action) for action in plan_absent(want(), Seen(made(), None)).actions] == ["delete eks_node_group main"]
