"""What cannot be done, or must not be, is refused before the first write, and says why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from vpc_account import NOTHING, OURS, WHOLE, Account


def test_removal_waits_for_interfaces_and_names_them_before_it_deletes_anything(account: Account) -> None:
    subnet = account.ensure()["network"]["data_subnet_ids"][0]
    interface = account.ec2.create_network_interface(SubnetId=subnet, Description="RDSNetworkInterface")
    identity = interface["NetworkInterface"]["NetworkInterfaceId"]

    with pytest.raises(ResourceError, match=f"after 0 s; last seen: {identity} .RDSNetworkInterface"):
        account.ensure(state="absent", wait_timeout=0)
    assert (account.writes, account.objects()) == ([], WHOLE)
    assert identity in account.ensure(check_mode=True, state="absent")["notes"][0]

    account.ec2.delete_network_interface(NetworkInterfaceId=identity)
    account.ensure(state="absent")
    assert account.objects() == NOTHING


def test_removal_refuses_what_other_roles_left(account: Account) -> None:
    vpc_id = account.ensure()["network"]["vpc_id"]
    account.ec2.create_security_group(GroupName="orders-test-rds", Description="d", VpcId=vpc_id)

    with pytest.raises(ResourceError, match="holds what is not of this component: security group orders-test-rds"):
        account.ensure(state="absent")
    assert (account.writes, account.objects()) == ([], WHOLE)


def test_a_subnet_in_use_is_not_given_up(account: Account) -> None:
    subnet = account.ensure(zone_count=3)["network"]["private_subnet_ids"][2]
    account.ec2.create_network_interface(SubnetId=subnet, Description="node")

    with pytest.raises(ResourceError, match=r"no longer wanted are in use by eni-.* \(node"):
        account.ensure(zone_count=2)
    assert account.writes == []


def subnets(*entries: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [
        {"name": None, "cidr": cidr, "zone": f"eu-central-1{zone}", "tier": tier, "tags": {}}
        for cidr, zone, tier in entries
    ]


PRIVATE = (("10.0.0.0/24", "a", "private"), ("10.0.1.0/24", "b", "private"))
REFUSED = {
    "outside": ({"subnets": subnets(("10.9.0.0/24", "a", "data"))}, "not inside 10.0.0.0/16"),
    "too small": ({"subnets": subnets(("10.0.0.0/28", "a", "data"))}, "too small: it has 11 usable addresses"),
    "overlap": ({"subnets": subnets(("10.0.0.0/20", "a", "data"), ("10.0.1.0/24", "b", "data"))}, "overlap"),
    "one zone": ({"subnets": subnets(("10.0.0.0/24", "a", "data")), "nat": "none"}, "one zone .* need two"),
    "zone twice": ({"subnets": subnets(("10.0.0.0/24", "a", "data"), ("10.0.1.0/24", "a", "data"))}, "unique"),
    "no such zone": ({"zones": ["eu-central-1a", "us-east-1a"]}, "us-east-1a is not offered in this region: eu-"),
    "listed twice": ({"zones": ["eu-central-1a", "eu-central-1a"]}, "listed twice"),
    "too many zones": ({"zone_count": 4}, "4 zones are asked for, the region offers 3"),
    "nat without public": ({"subnets": subnets(*PRIVATE)}, "no public subnet to put a NAT gateway into"),
    "nat per zone without public": (
        {"subnets": subnets(*PRIVATE, ("10.0.2.0/24", "a", "public"), ("10.0.3.0/24", "c", "public")), "nat": "per_az"},
        "eu-central-1b has no public subnet",
    ),
    "vpc too large": ({"cidr": "10.0.0.0/8"}, "AWS takes /16 to /28"),
    "vpc too small": ({"cidr": "10.0.0.0/26"}, "too small to be shared out"),
    "names without resolver": ({"dns_support": False}, "dns_hostnames needs dns_support"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("check_mode", [True, False])
def test_bad_input_is_refused_before_the_first_write(account: Account, case: str, check_mode: bool) -> None:
    params, reason = REFUSED[case]

    with pytest.raises(ResourceError, match=reason):
        account.ensure(check_mode, **params)
    assert (account.writes, account.objects()) == ([], NOTHING)


UNCHANGEABLE = {
    "range of the VPC": ({"cidr": "10.1.0.0/16"}, r"has the range 10.0.0.0/16; AWS cannot change it"),
    "name": ({"name": "other"}, "is called orders-test, not other"),
    "range of a subnet": (
        {"subnets": subnets(("10.0.0.0/20", "a", "private"), ("10.0.64.0/19", "b", "private")), "nat": "none"},
        "cannot change its range to 10.0.0.0/20 in place",
    ),
    "zone of a subnet": (
        {"subnets": subnets(("10.0.0.0/19", "b", "private"), ("10.0.64.0/19", "a", "private")), "nat": "none"},
        "would have to move to eu-central-1b; AWS cannot move a subnet",
    ),
}


@pytest.mark.parametrize("case", UNCHANGEABLE)
def test_what_aws_cannot_change_is_refused_before_the_first_write(account: Account, case: str) -> None:
    params, reason = UNCHANGEABLE[case]
    account.ensure()

    with pytest.raises(ResourceError, match=reason):
        account.ensure(**params)
    assert account.writes == []


def test_a_stranger_of_our_name_is_refused(account: Account) -> None:
    stranger = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    account.ec2.create_tags(Resources=[stranger], Tags=[{"Key": "Name", "Value": "orders-test"}])

    with pytest.raises(ResourceError, match=f"VPC {stranger} .* does not carry our tags"):
        account.ensure()
    assert account.writes == []


def test_two_of_ours_are_refused(account: Account) -> None:
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    for _attempt in range(2):
        vpc = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        account.ec2.create_tags(Resources=[vpc], Tags=tags)

    with pytest.raises(ResourceError, match="several VPCs carry the tags"):
        account.ensure()
    assert account.writes == []


def test_a_foreign_subnet_in_the_way_is_refused(account: Account) -> None:
    vpc_id = account.ensure()["network"]["vpc_id"]
    account.ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.130.0/24")

    with pytest.raises(ResourceError, match=r"10.0.130.0/24.* is in the way: it overlaps .*eu-central-1c"):
        account.ensure(zone_count=3)
    assert account.writes == []
