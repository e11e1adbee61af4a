"""One network against an EC2 in this process: exact runs, changes in place, kills, throttling, removal."""

from __future__ import annotations

import pytest
from vpc_account import NOTHING, OURS, WHOLE, Account, Killed


def test_the_four_runs(account: Account) -> None:
    foreseen = account.ensure(check_mode=True)
    assert (foreseen["changed"], account.writes, account.objects()) == (True, [], NOTHING)

    made = account.ensure()
    assert made["changed"]
    assert account.objects() == WHOLE
    assert (made["actions"], made["diff"]) == (foreseen["actions"], foreseen["diff"])

    for check_mode in (True, False):
        again = account.ensure(check_mode)
        assert (again["changed"], again["actions"], account.writes) == (False, [], [])
        assert again["network"] == made["network"]
        assert len(account.reads) == 11


def test_check_mode_names_every_object_before_there_is_any(account: Account) -> None:
    after = account.ensure(check_mode=True)["diff"]["after"]

    kinds = [name.rsplit(" ", 1)[0] for name in after]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "VPC": 1, "internet gateway": 1, "subnet": 6, "route table": 4, "elastic IP": 1, "NAT gateway": 1,
        "S3 endpoint": 1, "default security group": 1,
    }  # fmt: skip
    assert after["subnet orders-test-data-eu-central-1b"] == {
        "cidr": "10.0.97.0/24", "zone": "eu-central-1b", "route_table": "orders-test-data",
        "tags": {**OURS, "tier": "data", "Name": "orders-test-data-eu-central-1b"},
    }  # fmt: skip


def test_data_subnets_have_no_way_to_the_internet_and_private_ones_go_through_nat(account: Account) -> None:
    network = account.ensure()["network"]

    def way_out(tier: str) -> set[str]:
        tables = account.ec2.describe_route_tables(RouteTableIds=network["route_table_ids"][tier])["RouteTables"]
        assert {link["SubnetId"] for table in tables for link in table["Associations"]} == set(
            network[f"{tier}_subnet_ids"]
        )
        found = [
            route for table in tables for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"
        ]
        return {route.get("GatewayId") or route["NatGatewayId"] for route in found}

    assert way_out("public") == {network["internet_gateway_id"]}
    assert way_out("private") == set(network["nat_gateway_ids"])
    assert way_out("data") == set()


CHANGES = {
    "nat per zone": ({"nat": "per_az"}, {"nats": 2, "addresses": 2}),
    "no nat": ({"nat": "none"}, {"nats": 0, "addresses": 0}),
    "another zone": ({"zone_count": 3}, {"subnets": 9, "tables": 5}),
    "no endpoint": ({"s3_endpoint": []}, {"endpoints": 0}),
    "endpoint of one tier": ({"s3_endpoint": ["data"]}, {}),
    "a tag": ({"tags": {"owner": "me"}}, {}),
    "a tier's tag away": ({"subnet_tags": {"public": {}, "private": {}, "data": {}}}, {}),
    "host names off": ({"dns_hostnames": False}, {}),
    "resolver off": ({"dns_hostnames": False, "dns_support": False}, {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_made_in_place_foreseen_and_taken_back(account: Account, change: str) -> None:
    params, counts = CHANGES[change]
    before = account.ensure()["network"]

    foreseen = account.ensure(check_mode=True, **params)
    assert (foreseen["changed"], account.writes) == (True, [])
    done = account.ensure(**params)
    assert done["actions"] == foreseen["actions"]
    assert account.objects() == {**WHOLE, **counts}
    assert not account.ensure(**params)["changed"]

    assert account.ensure(purge_tags=True)["changed"]
    assert account.objects() == WHOLE
    after = account.ensure()
    assert not after["changed"]
    kept = ("vpc_id", "public_subnet_ids", "private_subnet_ids", "data_subnet_ids", "internet_gateway_id")
    assert [after["network"][key] for key in kept] == [before[key] for key in kept]


def test_a_zone_fewer_removes_its_subnets_and_keeps_the_others(account: Account) -> None:
    before = account.ensure(zone_count=3)["network"]

    after = account.ensure(zone_count=2)["network"]

    assert after["private_subnet_ids"] == before["private_subnet_ids"][:2]
    assert account.objects() == WHOLE


def test_tags_of_others_stay_unless_purged(account: Account) -> None:
    network = account.ensure()["network"]
    foreign = {"kubernetes.io/cluster/x": "shared", "cost": "7"}
    tags = [{"Key": key, "Value": value} for key, value in foreign.items()]
    account.ec2.create_tags(Resources=[network["vpc_id"]], Tags=tags)

    assert not account.ensure()["changed"]

    assert account.ensure(purge_tags=True)["actions"] == ["tag VPC orders-test"]
    left = {tag["Key"] for tag in account.ec2.describe_vpcs(VpcIds=[network["vpc_id"]])["Vpcs"][0]["Tags"]}
    assert left == {*OURS, "Name", "kubernetes.io/cluster/x"}


def killed_after_each_write(account: Account, **params: str) -> int:
    """Kill every run after its first write, until there is nothing left to do; return how many were killed."""
    for killed in range(60):
        account.kill_before = 1
        try:
            account.ensure(**params)
        except Killed:
            continue
        finally:
            account.kill_before = -1
        return killed
    raise AssertionError("sixty runs got nowhere")


def test_killed_after_each_single_write_the_next_run_goes_on(account: Account) -> None:
    assert killed_after_each_write(account) == 27

    assert account.objects() == WHOLE
    assert not account.ensure()["changed"]


def test_a_removal_killed_after_each_single_write_goes_on(account: Account) -> None:
    account.ensure()

    assert killed_after_each_write(account, state="absent") == 21

    assert account.objects() == NOTHING
    assert not account.ensure(state="absent")["changed"]


@pytest.mark.parametrize("writes", [3, 11, 17, 23])
def test_a_run_killed_midway_is_completed_in_one_go(account: Account, writes: int) -> None:
    account.kill_before = writes
    with pytest.raises(Killed):
        account.ensure()
    account.kill_before = -1

    account.ensure()

    assert account.objects() == WHOLE
    assert not account.ensure()["changed"]


def test_a_third_of_the_calls_throttled_changes_nothing_in_the_end(account: Account) -> None:
    account.throttle_every = 3

    account.ensure()
    assert "throttled" in account.reads
    assert not account.ensure()["changed"]
    account.ensure(state="absent")

    account.throttle_every = 0
    assert account.objects() == NOTHING


def test_removal_takes_only_what_is_ours(account: Account) -> None:
    stranger = account.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    assert account.ensure()["notes"] == [
        f"VPC {stranger}  has the same range 10.0.0.0/16: the two can never be connected"
    ]

    foreseen = account.ensure(check_mode=True, state="absent", cidr=None)
    assert account.writes == []
    assert account.ensure(state="absent", cidr=None)["actions"] == foreseen["actions"]

    assert account.objects() == NOTHING
    assert stranger in [vpc["VpcId"] for vpc in account.ec2.describe_vpcs()["Vpcs"]]
    assert [item["AllocationId"] for item in account.ec2.describe_addresses()["Addresses"]] == [address]


def test_drift_is_put_right(account: Account) -> None:
    """A person deleted the NAT gateway and the default route, and moved a data subnet to the public table."""
    network = account.ensure()["network"]
    account.ec2.delete_nat_gateway(NatGatewayId=network["nat_gateway_ids"][0])
    tables = network["route_table_ids"]
    account.ec2.delete_route(RouteTableId=tables["public"][0], DestinationCidrBlock="0.0.0.0/0")
    data = account.ec2.describe_route_tables(RouteTableIds=tables["data"])["RouteTables"][0]["Associations"]
    link = next(item for item in data if item["SubnetId"] == network["data_subnet_ids"][0])
    account.ec2.replace_route_table_association(
        AssociationId=link["RouteTableAssociationId"], RouteTableId=tables["public"][0]
    )

    done = account.ensure()

    assert done["actions"] == [
        "route route table orders-test-public",
        "create NAT gateway orders-test-nat-eu-central-1a",
        "associate subnet orders-test-data-eu-central-1a",
        "route route table orders-test-private-eu-central-1a",
        "route route table orders-test-private-eu-central-1b",
    ]
    assert account.objects() == WHOLE
    assert not account.ensure()["changed"]
