"""Endpoints, flow logs, IPv6 and further ranges against an EC2 in this process."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from vpc_account import ENDPOINTS, FULL, NOTHING, OURS, Account, Killed


def services(account: Account) -> dict[str, set[str]]:
    """Return {short name: subnets} of our interface endpoints."""
    found = account.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-type", "Values": ["Interface"]}])
    return {
        item["ServiceName"].removeprefix("com.amazonaws.eu-central-1."): set(item["SubnetIds"])
        for item in found["VpcEndpoints"]
    }


def flow_logs(account: Account) -> list[dict[str, Any]]:
    return account.ec2.describe_flow_logs()["FlowLogs"]


def group_rules(account: Account, vpc_id: str, name: str) -> tuple[set[str], list[Any]]:
    """Return the ranges that a group admits, and what it lets out."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [name]}]
    group = account.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    rules = group["IpPermissions"]
    assert all((rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")) == ("tcp", 443, 443) for rule in rules)
    ranges = {item["CidrIp"] for rule in rules for item in rule["IpRanges"]}
    return ranges | {item["CidrIpv6"] for rule in rules for item in rule["Ipv6Ranges"]}, group["IpPermissionsEgress"]


def test_the_four_runs_with_all_there_is(account: Account) -> None:
    foreseen = account.ensure(check_mode=True, **FULL)
    assert (account.writes, account.objects()) == ([], NOTHING)

    made = account.ensure(**FULL)
    assert (made["actions"], made["diff"]) == (foreseen["actions"], foreseen["diff"])
    network = made["network"]
    assert set(network["interface_endpoint_ids"]) == set(ENDPOINTS)
    assert all(subnets == set(network["private_subnet_ids"]) for subnets in services(account).values())
    assert group_rules(account, network["vpc_id"], "orders-test-endpoints") == (
        {"10.0.0.0/16", "100.64.0.0/16", network["ipv6_cidr"]}, [],
    )  # fmt: skip
    assert group_rules(account, network["vpc_id"], "default") == (set(), [])

    for check_mode in (True, False):
        again = account.ensure(check_mode, **FULL)
        assert (again["changed"], again["actions"], account.writes) == (False, [], [])
        assert again["network"] == network
        assert len(account.reads) == 16


@pytest.mark.parametrize("ranges", [{"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_the_default_security_group_is_emptied_of_every_kind_of_rule(
    account: Account, ranges: dict[str, Any], direction: str
) -> None:
    network = account.ensure(ipv6=True)["network"]
    filters = [{"Name": "vpc-id", "Values": [network["vpc_id"]]}, {"Name": "group-name", "Values": ["default"]}]
    group = account.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    permissions = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **ranges}]
    getattr(account.ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=permissions)

    assert account.ensure(ipv6=True)["actions"] == ["empty default security group orders-test"]
    assert group_rules(account, network["vpc_id"], "default") == (set(), [])


def test_each_subnet_has_a_range_of_ipv6_of_its_own_and_only_public_and_private_ones_a_way_out(
    account: Account,
) -> None:
    before = account.ensure()["network"]
    account.ensure(ipv6=True)
    network = account.ensure(ipv6=True, zone_count=3)["network"]

    assert network["vpc_id"] == before["vpc_id"]
    subnets = account.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [network["vpc_id"]]}])["Subnets"]
    ranges = [item["Ipv6CidrBlock"] for subnet in subnets for item in subnet["Ipv6CidrBlockAssociationSet"]]
    assert len(set(ranges)) == len(subnets) == 9
    assigning = {subnet["SubnetId"] for subnet in subnets if subnet["AssignIpv6AddressOnCreation"]}
    assert assigning == set(network["public_subnet_ids"] + network["private_subnet_ids"])
    ways = {
        tier: {
            route.get("GatewayId") or route["EgressOnlyInternetGatewayId"]
            for table in account.ec2.describe_route_tables(RouteTableIds=ids)["RouteTables"]
            for route in table["Routes"]
            if route.get("DestinationIpv6CidrBlock") == "::/0"
        }
        for tier, ids in network["route_table_ids"].items()
    }
    assert ways["public"] == {network["internet_gateway_id"]}
    assert [way[:5] for way in ways["private"]] == ["eigw-"]
    assert ways["data"] == set()


def test_endpoints_come_go_and_move_in_place(account: Account) -> None:
    one = account.ensure(interface_endpoints=["sts"])["network"]
    more = account.ensure(interface_endpoints=["sts", "xray"])
    assert more["actions"] == ["create interface endpoint orders-test-xray"]
    assert more["network"]["interface_endpoint_ids"]["sts"] == one["interface_endpoint_ids"]["sts"]

    moved = account.ensure(interface_endpoints=["sts", "xray"], endpoint_tier="data")
    assert moved["actions"] == ["move interface endpoint orders-test-sts", "move interface endpoint orders-test-xray"]
    # Zone by zone, so that one always answers.
    assert account.writes.count("ModifyVpcEndpoint") == 8
    assert moved["network"]["interface_endpoint_ids"] == more["network"]["interface_endpoint_ids"]
    assert services(account)["sts"] == set(moved["network"]["data_subnet_ids"])

    wider = account.ensure(interface_endpoints=["sts", "xray"], endpoint_tier="data", zone_count=3)["network"]
    assert services(account)["xray"] == set(wider["data_subnet_ids"])
    account.ensure(interface_endpoints=["sts"], endpoint_tier="data")
    assert {name: len(subnets) for name, subnets in services(account).items()} == {"sts": 2}

    gone = account.ensure()
    assert gone["actions"] == [
        "delete interface endpoint orders-test-sts", "delete security group orders-test-endpoints",
    ]  # fmt: skip
    assert services(account) == {}


def test_a_zone_without_the_service_is_left_out(account: Account) -> None:
    network = account.ensure(zone_count=3, interface_endpoints=["workspaces", "sts"])["network"]
    assert services(account)["workspaces"] == set(network["private_subnet_ids"][:2])
    assert services(account)["sts"] == set(network["private_subnet_ids"])
    assert not account.ensure(zone_count=3, interface_endpoints=["workspaces", "sts"])["changed"]


def test_policies_of_endpoints(account: Account) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}]}
    wanted: dict[str, Any] = {"interface_endpoints": ["sts"], "endpoint_policies": {"sts": policy, "s3": policy}}
    account.ensure(interface_endpoints=["sts"])

    assert account.ensure(**wanted)["actions"] == [
        "allow S3 endpoint orders-test-s3", "allow interface endpoint orders-test-sts",
    ]  # fmt: skip
    assert not account.ensure(**wanted)["changed"]
    back = account.ensure(interface_endpoints=["sts"])
    assert len(back["actions"]) == 2
    assert not account.ensure(interface_endpoints=["sts"])["changed"]


def test_rules_of_the_default_group_go_and_are_named(account: Account) -> None:
    vpc_id = account.ensure()["network"]["vpc_id"]
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    group = account.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    open_to_all = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    account.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=open_to_all)

    done = account.ensure()

    assert done["diff"]["before"] == {
        "default security group orders-test": {"ingress": ["tcp 22 0.0.0.0/0"], "egress": []}
    }
    assert group_rules(account, vpc_id, "default") == (set(), [])


def test_a_foreign_rule_of_the_endpoints_group_goes(account: Account) -> None:
    network = account.ensure(interface_endpoints=["sts"])["network"]
    anybody = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    group = network["endpoint_security_group_id"]
    account.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=anybody)

    assert account.ensure(interface_endpoints=["sts"])["actions"] == ["change security group orders-test-endpoints"]
    assert group_rules(account, network["vpc_id"], "orders-test-endpoints") == ({"10.0.0.0/16"}, [])


def test_a_further_range_comes_holds_subnets_and_goes(account: Account) -> None:
    further = "100.64.0.0/16"
    named = [
        {"name": None, "cidr": cidr, "zone": f"eu-central-1{zone}", "tier": tier, "tags": {}}
        for cidr, zone, tier in (
            ("10.0.0.0/24", "a", "public"), ("10.0.1.0/24", "b", "public"), ("100.64.0.0/18", "a", "private"),
            ("100.64.64.0/18", "b", "private"),
        )
    ]  # fmt: skip
    account.ensure(subnets=named, secondary_cidrs=[further])
    assert not account.ensure(subnets=named, secondary_cidrs=[further])["changed"]

    with pytest.raises(ResourceError, match=r"100.64.0.0/18 is not inside 10.0.0.0/16"):
        account.ensure(subnets=named)
    done = account.ensure(subnets=named[:2], nat="none")
    assert done["actions"][-1] == "reduce VPC orders-test"
    assert not account.ensure(subnets=named[:2], nat="none")["changed"]


def test_a_further_range_in_which_others_live_stays(account: Account) -> None:
    vpc_id = account.ensure(secondary_cidrs=["100.64.0.0/16"])["network"]["vpc_id"]
    account.ec2.create_subnet(VpcId=vpc_id, CidrBlock="100.64.3.0/24")

    left = account.ensure()

    assert (left["changed"], left["notes"]) == (
        False, ["range 100.64.0.0/16 stays: subnets lie in it that are not ours"],
    )  # fmt: skip


def killed_after_each_write(account: Account, writes: int = 1, **params: Any) -> int:
    """Kill one run after the other, each some writes further; return how many were killed."""
    for killed in range(150):
        account.kill_before = writes
        try:
            account.ensure(**params)
        except Killed:
            continue
        finally:
            account.kill_before = -1
        return killed
    raise AssertionError("150 runs got nowhere")


@pytest.mark.parametrize("writes", [4, pytest.param(1, marks=pytest.mark.full)])
def test_killed_after_each_few_writes_all_of_it_is_completed_and_removed(account: Account, writes: int) -> None:
    assert killed_after_each_write(account, writes, **FULL) > 50 // writes
    assert not account.ensure(**FULL)["changed"]
    assert {name: len(subnets) for name, subnets in services(account).items()} == dict.fromkeys(ENDPOINTS, 2)
    assert len(flow_logs(account)) == 1

    assert killed_after_each_write(account, writes, state="absent") > 30 // writes
    assert account.objects() == NOTHING
    assert not account.ensure(state="absent")["changed"]
    assert_nothing_left(account)


def assert_nothing_left(account: Account) -> None:
    assert services(account) == {}
    assert flow_logs(account) == []
    assert account.ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"] == []
    assert account.clients["logs"].describe_log_groups()["logGroups"] == []
    assert [role["RoleName"] for role in account.clients["iam"].list_roles()["Roles"]] == []
    ours = [{"Name": f"tag:{name}", "Values": [value]} for name, value in OURS.items()]
    assert account.ec2.describe_security_groups(Filters=ours)["SecurityGroups"] == []


def test_a_third_of_the_calls_throttled(account: Account) -> None:
    account.throttle_every = 3
    account.ensure(**FULL)
    assert not account.ensure(**FULL)["changed"]
    account.ensure(state="absent")
    account.throttle_every = 0

    assert account.objects() == NOTHING
    assert_nothing_left(account)
