"""Endpoints: what AWS refuses, and that their interfaces are in the way until they are gone."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aws_world import fresh, refused, repeatedly, vpc_with_subnets

STS = "com.amazonaws.eu-central-1.sts"


@pytest.fixture
def place(ec2: Any) -> tuple[str, list[str]]:
    return make_place(ec2)


def make_place(ec2: Any) -> tuple[str, list[str]]:
    """A VPC with host names, and a subnet in each of three zones."""
    vpc, subnets = vpc_with_subnets(ec2, ("a", "b", "c"))
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    return vpc, subnets


def create(ec2: Any, vpc: str, **changes: Any) -> str:
    arguments = {"VpcId": vpc, "ServiceName": STS, "VpcEndpointType": "Interface", **changes}
    return ec2.create_vpc_endpoint(**arguments)["VpcEndpoint"]["VpcEndpointId"]


def told(ec2: Any, endpoint: str) -> list[dict[str, Any]]:
    found = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [endpoint]}])
    return found["VpcEndpoints"]


def until(ec2: Any, endpoint: str, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := told(ec2, endpoint)[0])["State"] != state:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_it_comes_up_has_an_address_in_each_subnet_and_holds_them_until_it_is_gone(ec2: Any) -> None:
    vpc, subnets, group, endpoint = repeatedly(lambda: seen_in_the_way(ec2))
    deadline = time.monotonic() + 60
    while told(ec2, endpoint):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


def seen_in_the_way(ec2: Any) -> tuple[str, list[str], str, str]:
    """Make an endpoint, delete it, and see that its interfaces are in the way for the moment that they still stand."""
    vpc, subnets = make_place(ec2)
    group = ec2.create_security_group(GroupName=fresh("group"), Description="x", VpcId=vpc)["GroupId"]
    endpoint = create(ec2, vpc, SubnetIds=subnets[:2], SecurityGroupIds=[group])
    assert told(ec2, endpoint)[0]["State"] == "pending"
    interfaces = until(ec2, endpoint, "available")["NetworkInterfaceIds"]
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=interfaces)["NetworkInterfaces"]
    assert {(item["SubnetId"], item["Groups"][0]["GroupId"]) for item in found} == {
        (subnets[0], group), (subnets[1], group),
    }  # fmt: skip
    assert all(item["PrivateIpAddress"].startswith("10.60.") for item in found)

    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    for call, arguments in (
        (ec2.delete_subnet, {"SubnetId": subnets[0]}),
        (ec2.delete_security_group, {"GroupId": group}),
        (ec2.delete_vpc, {"VpcId": vpc}),
    ):
        with refused("DependencyViolation", ""):
            call(**arguments)
    return vpc, subnets, group, endpoint


def test_subnets_of_one_zone_and_of_other_vpcs(ec2: Any, place: tuple[str, list[str]]) -> None:
    vpc, subnets = place
    twin = ec2.create_subnet(VpcId=vpc, CidrBlock="10.60.9.0/24", AvailabilityZone="eu-central-1a")["Subnet"]
    with refused("DuplicateSubnetsInSameZone", twin["SubnetId"]):
        create(ec2, vpc, SubnetIds=[subnets[0], twin["SubnetId"]])
    _other, foreign = vpc_with_subnets(ec2)
    with refused("InvalidParameter", foreign[0]):
        create(ec2, vpc, SubnetIds=foreign[:1])
    with refused("InvalidParameter", "does not support the availability zone"):
        create(ec2, vpc, ServiceName="com.amazonaws.eu-central-1.workspaces", SubnetIds=subnets[2:])

    endpoint = create(ec2, vpc, SubnetIds=subnets[:1])
    until(ec2, endpoint, "available")
    with refused("DuplicateSubnetsInSameZone", twin["SubnetId"]):
        # The interface that goes is there for a while yet.
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSubnetIds=[twin["SubnetId"]], RemoveSubnetIds=subnets[:1])
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=subnets[:1])
    until(ec2, endpoint, "available")
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSubnetIds=[twin["SubnetId"]])
    assert until(ec2, endpoint, "available")["SubnetIds"] == [twin["SubnetId"]]


def test_a_security_group_of_another_vpc(ec2: Any, place: tuple[str, list[str]]) -> None:
    vpc, subnets = place
    other, _subnets = vpc_with_subnets(ec2)
    group = ec2.create_security_group(GroupName=fresh("group"), Description="x", VpcId=other)["GroupId"]
    with refused("InvalidGroup.NotFound", group):
        create(ec2, vpc, SubnetIds=subnets[:1], SecurityGroupIds=[group])


def test_private_names_need_the_resolver_and_are_given_once(ec2: Any, place: tuple[str, list[str]]) -> None:
    vpc, subnets = place
    nameless, others = vpc_with_subnets(ec2)
    with refused("InvalidParameter", "requires both enableDnsSupport and enableDnsHostnames"):
        create(ec2, nameless, SubnetIds=others[:1], PrivateDnsEnabled=True)
    create(ec2, vpc, SubnetIds=subnets[:1], PrivateDnsEnabled=True)
    with refused("InvalidParameter", "already a conflicting DNS domain for sts.eu-central-1.amazonaws.com"):
        create(ec2, vpc, SubnetIds=subnets[1:2], PrivateDnsEnabled=True)
    second = create(ec2, vpc, SubnetIds=subnets[1:2], PrivateDnsEnabled=False)
    with refused("InvalidParameter", "conflicting DNS domain"):
        ec2.modify_vpc_endpoint(VpcEndpointId=second, PrivateDnsEnabled=True)


def test_a_service_that_does_not_exist(ec2: Any, place: tuple[str, list[str]]) -> None:
    vpc, subnets = place
    for service in ("com.amazonaws.eu-central-1.nope", "com.amazonaws.us-east-1.sts"):
        with refused("InvalidServiceName", service):
            create(ec2, vpc, ServiceName=service, SubnetIds=subnets[:1])
        with refused("InvalidServiceName", service):
            ec2.describe_vpc_endpoint_services(ServiceNames=[service])
    with refused("InvalidServiceName", STS):
        create(ec2, vpc, VpcEndpointType="Gateway")


def test_the_deletion_of_what_is_not_there_is_told_in_the_answer(ec2: Any) -> None:
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"])
    assert [item["Error"]["Code"] for item in answer["Unsuccessful"]] == ["InvalidVpcEndpoint.NotFound"]
