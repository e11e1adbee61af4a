"""Ranges, IPv6, flow logs and default groups: what AWS refuses and moto would take."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from aws_world import fresh, refused, repeatedly, vpc_with_subnets
from bahnvision_lab.testing import Lab


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("first", "further", "words"),
    [
        ("10.60.0.0/16", "10.60.5.0/24", "overlaps with pre-existing CIDR block '10.60.0.0/16'"),
        ("10.60.0.0/16", "172.20.0.0/16", "is restricted"),
        ("10.60.0.0/16", "192.168.0.0/16", "is restricted"),
        ("10.60.0.0/16", "198.19.0.0/16", "is restricted"),
        ("10.1.0.0/16", "10.0.0.0/16", "is restricted"),
        ("172.16.0.0/16", "172.31.0.0/16", "is restricted"),
        ("192.168.0.0/16", "10.0.0.0/16", "is restricted"),
        ("100.64.0.0/16", "10.0.0.0/16", "is restricted"),
        ("10.60.0.0/16", "100.64.0.0/10", "is invalid"),
    ],
)
def test_further_ranges_that_aws_does_not_take(ec2: Any, first: str, further: str, words: str) -> None:
    vpc = ec2.create_vpc(CidrBlock=first)["Vpc"]["VpcId"]
    with refused("InvalidVpc.Range", words):
        ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=further)


def test_a_further_range_holds_subnets_and_stays_as_long_as_they_do(ec2: Any) -> None:
    vpc, _subnets = vpc_with_subnets(ec2)
    made = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="100.64.0.0/16")["CidrBlockAssociation"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="100.64.1.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidCidrBlock.InUse", "100.64.0.0/16"):
        ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    ec2.delete_subnet(SubnetId=subnet)
    ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])


def test_ipv6_of_subnets(ec2: Any) -> None:
    vpc, subnets = vpc_with_subnets(ec2)
    with refused("InvalidParameterValue", "must have an IPv6 CIDR block"):
        ec2.modify_subnet_attribute(SubnetId=subnets[0], AssignIpv6AddressOnCreation={"Value": True})
    with refused("InvalidSubnet.Range", "2001:db8::/64"):
        ec2.associate_subnet_cidr_block(SubnetId=subnets[0], Ipv6CidrBlock="2001:db8::/64")
    ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    entry = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]
    first = entry["Ipv6CidrBlock"].replace("/56", "/64")
    with refused("InvalidSubnet.Range", entry["Ipv6CidrBlock"]):
        ec2.associate_subnet_cidr_block(SubnetId=subnets[0], Ipv6CidrBlock=entry["Ipv6CidrBlock"])
    ec2.associate_subnet_cidr_block(SubnetId=subnets[0], Ipv6CidrBlock=first)
    with refused("InvalidSubnet.Conflict", first):
        ec2.associate_subnet_cidr_block(SubnetId=subnets[1], Ipv6CidrBlock=first)
    with refused("SubnetCidrLimitExceeded", subnets[0]):
        ec2.associate_subnet_cidr_block(SubnetId=subnets[0], Ipv6CidrBlock=first)
    told = ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["Ipv6CidrBlockAssociationSet"]
    assert [item["Ipv6CidrBlockState"]["State"] for item in told] == ["associated"]
    with refused("InvalidCidrBlock.InUse", entry["Ipv6CidrBlock"]):
        ec2.disassociate_vpc_cidr_block(AssociationId=entry["AssociationId"])


def test_a_flow_log_wants_a_role_that_it_may_use_and_that_is_known(ec2: Any, lab: Lab) -> None:
    iam, name = lab.client("iam"), fresh("flow")
    vpc, _subnets = vpc_with_subnets(ec2)

    def create(role: str, **changes: Any) -> Any:
        arguments = {
            "ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": name,
            "DeliverLogsPermissionArn": role, **changes,
        }  # fmt: skip
        return ec2.create_flow_logs(**arguments)

    with refused("InvalidParameter", "Unable to assume given IAM role"):
        create("arn:aws:iam::123456789012:role/nobody")
    stranger = iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))["Role"][
        "Arn"
    ]

    def unknown_yet() -> str:
        document = trust("vpc-flow-logs.amazonaws.com")
        role = iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)["Role"]["Arn"]
        nonlocal vpc
        vpc, _subnets = vpc_with_subnets(ec2)
        with refused("InvalidParameter", role):  # other services do not know it yet
            create(role)
        return role

    role = repeatedly(unknown_yet)
    time.sleep(0.5)
    with refused("InvalidParameter", stranger):
        create(stranger)
    create(role)
    with refused("FlowLogAlreadyExists", "existing Flow Log"):
        create(role, TrafficType="REJECT")
    with refused("InvalidParameter", "not applicable for s3"):
        create(role, LogDestinationType="s3", LogDestination="arn:aws:s3:::nowhere")


def test_a_bucket_that_does_not_exist_is_told_in_the_answer(ec2: Any) -> None:
    vpc, _subnets = vpc_with_subnets(ec2)
    answer = ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3",
        LogDestination="arn:aws:s3:::nowhere-at-all",
    )  # fmt: skip
    assert (answer["FlowLogIds"], len(answer["Unsuccessful"])) == ([], 1)


def test_the_default_group_admits_its_own_members_until_somebody_empties_it(ec2: Any) -> None:
    vpc, _subnets = vpc_with_subnets(ec2)
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    assert [pair["GroupId"] for pair in group["IpPermissions"][0]["UserIdGroupPairs"]] == [group["GroupId"]]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


def test_a_vpc_goes_only_when_it_is_empty(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.61.0.0/16")["Vpc"]["VpcId"]
    first, second = (ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"] for _count in range(2))
    ec2.attach_internet_gateway(InternetGatewayId=first, VpcId=vpc)
    with refused("InvalidParameterValue", "already has an internet gateway attached"):
        ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=vpc)
    egress = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    group = ec2.create_security_group(GroupName=fresh("group"), Description="x", VpcId=vpc)["GroupId"]
    for undo, arguments in (
        (ec2.detach_internet_gateway, {"InternetGatewayId": first, "VpcId": vpc}),
        (ec2.delete_security_group, {"GroupId": group}),
        (
            ec2.delete_egress_only_internet_gateway,
            {"EgressOnlyInternetGatewayId": egress["EgressOnlyInternetGatewayId"]},
        ),
    ):
        with refused("DependencyViolation", vpc):
            ec2.delete_vpc(VpcId=vpc)
        undo(**arguments)
    ec2.delete_vpc(VpcId=vpc)


def test_egress_only_gateways_are_found_by_their_tags(ec2: Any) -> None:
    vpc, _subnets = vpc_with_subnets(ec2)
    mine = fresh("mine")
    tags = [{"ResourceType": "egress-only-internet-gateway", "Tags": [{"Key": "app", "Value": mine}]}]
    made = ec2.create_egress_only_internet_gateway(VpcId=vpc, TagSpecifications=tags)["EgressOnlyInternetGateway"]
    ec2.create_egress_only_internet_gateway(VpcId=vpc)
    found = ec2.describe_egress_only_internet_gateways(Filters=[{"Name": "tag:app", "Values": [mine]}])
    assert [item["EgressOnlyInternetGatewayId"] for item in found["EgressOnlyInternetGateways"]] == [
        made["EgressOnlyInternetGatewayId"]
    ]
