"""Networks: what AWS refuses and moto would take."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aws_world import fresh, refused


@pytest.fixture
def vpc(ec2: Any) -> str:
    return ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> str:
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone="eu-central-1a")["Subnet"][
        "SubnetId"
    ]


@pytest.fixture
def gateway(ec2: Any, vpc: str) -> str:
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    return made


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/29"])
def test_a_vpc_is_of_16_to_28_bits(ec2: Any, cidr: str) -> None:
    with refused("InvalidVpc.Range", cidr):
        ec2.create_vpc(CidrBlock=cidr)


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.20.0.128/25", "InvalidSubnet.Conflict"),
        ("10.20.0.0/23", "InvalidSubnet.Conflict"),
        ("10.21.0.0/24", "InvalidSubnet.Range"),
        ("10.20.9.0/29", "InvalidSubnet.Range"),
    ],
)
def test_subnets_that_do_not_fit(ec2: Any, vpc: str, subnet: str, cidr: str, code: str) -> None:
    with refused(code, cidr):
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)


def test_host_bits_of_a_range_are_dropped(ec2: Any, vpc: str) -> None:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.5.77/24")["Subnet"]
    assert made["CidrBlock"] == "10.20.5.0/24"
    assert ec2.create_vpc(CidrBlock="10.30.1.1/16")["Vpc"]["CidrBlock"] == "10.30.0.0/16"


def test_an_unknown_zone(ec2: Any, vpc: str) -> None:
    with refused("InvalidParameterValue", "eu-central-1z"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24", AvailabilityZone="eu-central-1z")


def test_vpc_attributes_are_set_one_at_a_time(ec2: Any, vpc: str) -> None:
    with refused("InvalidParameterCombination", "enableDnsHostnames, enableDnsSupport"):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True}, EnableDnsSupport={"Value": True})
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"] is False
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"] is True


def test_a_nat_gateway_comes_up_and_holds_what_it_uses(ec2: Any, vpc: str, subnet: str, gateway: str) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    assert nat["State"] == "pending"
    for code, call, arguments in (
        ("InvalidIPAddress.InUse", ec2.release_address, {"AllocationId": address}),
        ("DependencyViolation", ec2.detach_internet_gateway, {"InternetGatewayId": gateway, "VpcId": vpc}),
        ("DependencyViolation", ec2.delete_internet_gateway, {"InternetGatewayId": gateway}),
        ("DependencyViolation", ec2.delete_subnet, {"SubnetId": subnet}),
        ("DependencyViolation", ec2.delete_vpc, {"VpcId": vpc}),
    ):
        with refused(code, ""):
            call(**arguments)
    time.sleep(0.4)
    assert _state(ec2, nat["NatGatewayId"]) == "available"

    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    ec2.release_address(AllocationId=address)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    assert vpc not in [entry["VpcId"] for entry in ec2.describe_vpcs()["Vpcs"]]


def _state(ec2: Any, gateway_id: str) -> str:
    return ec2.describe_nat_gateways(NatGatewayIds=[gateway_id])["NatGateways"][0]["State"]


def test_a_nat_gateway_without_a_way_out_fails(ec2: Any, vpc: str, subnet: str) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    time.sleep(0.4)
    told = ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"][0]
    assert (told["State"], told["FailureCode"]) == ("failed", "Gateway.NotAttached")
    assert vpc in told["FailureMessage"]


def test_security_groups_that_are_needed_stay(ec2: Any, vpc: str) -> None:
    used, user = (
        ec2.create_security_group(GroupName=fresh("group"), Description="x", VpcId=vpc)["GroupId"]
        for _count in range(2)
    )
    ec2.authorize_security_group_ingress(GroupId=user, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": used}]}
    ])  # fmt: skip
    with refused("DependencyViolation", used):
        ec2.delete_security_group(GroupId=used)
    default = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"][0]["GroupId"]
    with refused("CannotDelete", "default"):
        ec2.delete_security_group(GroupId=default)
    ec2.delete_security_group(GroupId=user)
    ec2.delete_security_group(GroupId=used)


def test_endpoints_name_a_service_once_per_route_table(ec2: Any, vpc: str) -> None:
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    with refused("InvalidServiceName", "com.amazonaws.eu-central-1.nope"):
        ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.nope", RouteTableIds=[table])
    service = "com.amazonaws.eu-central-1.s3"
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])
    with refused("RouteAlreadyExists", table):
        ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])
