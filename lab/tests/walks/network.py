"""EC2's networks, with everything that hangs on them."""

from __future__ import annotations

import json
import time
from typing import Any

from aws_world import fresh
from bahnvision_lab.testing import Lab
from botocore.exceptions import ClientError

from walks.small import TRUST

ZONES = ("eu-central-1a", "eu-central-1b")
PASSING = ("DependencyViolation", "InvalidIPAddress.InUse", "InvalidParameter")
RULE = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x"}]}


def walk(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    ec2.describe_availability_zones()
    vpc = _vpc(ec2)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.61.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(ZONES)
    ]
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = _routes(ec2, vpc, subnets[0], gateway)
    group = _security_group(ec2, vpc)
    _nat(ec2, subnets[0])
    _endpoints(ec2, vpc, table, subnets, group)
    _flow_logs(lab, ec2, vpc)
    _describe(ec2, vpc)
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_security_group(GroupId=group)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    for subnet in subnets:
        _until_free(ec2.delete_subnet, SubnetId=subnet)
    _until_free(ec2.delete_vpc, VpcId=vpc)


def _vpc(ec2: Any) -> str:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": fresh("walked")}]}]
    vpc = ec2.create_vpc(CidrBlock="10.61.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    for attribute, value in (("EnableDnsSupport", True), ("EnableDnsHostnames", True)):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": value}})
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}])
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "a"}])
    added = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.62.0.0/16")["CidrBlockAssociation"]
    ec2.disassociate_vpc_cidr_block(AssociationId=added["AssociationId"])
    ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    ranges = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    numbered = ec2.create_subnet(VpcId=vpc, CidrBlock="10.61.9.0/24")["Subnet"]["SubnetId"]
    ec2.associate_subnet_cidr_block(SubnetId=numbered, Ipv6CidrBlock=ranges.replace("/56", "/64"))
    ec2.modify_subnet_attribute(SubnetId=numbered, AssignIpv6AddressOnCreation={"Value": True})
    ec2.describe_subnets(SubnetIds=[numbered])
    ec2.delete_subnet(SubnetId=numbered)
    egress = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    ec2.describe_egress_only_internet_gateways()
    name = egress["EgressOnlyInternetGatewayId"]
    ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=name)
    return vpc


def _routes(ec2: Any, vpc: str, subnet: str, gateway: str) -> str:
    first, second = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _table in range(2))
    link = ec2.associate_route_table(RouteTableId=first, SubnetId=subnet)["AssociationId"]
    link = ec2.replace_route_table_association(AssociationId=link, RouteTableId=second)["NewAssociationId"]
    ec2.disassociate_route_table(AssociationId=link)
    ec2.create_route(RouteTableId=second, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.replace_route(RouteTableId=second, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.describe_route_tables(RouteTableIds=[second])
    ec2.delete_route(RouteTableId=second, DestinationCidrBlock="0.0.0.0/0")
    ec2.delete_route_table(RouteTableId=second)
    return first


def _security_group(ec2: Any, vpc: str) -> str:
    group = ec2.create_security_group(GroupName=fresh("walked"), Description="x", VpcId=vpc)["GroupId"]
    for direction in ("ingress", "egress"):
        getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=[RULE])
        getattr(ec2, f"update_security_group_rule_descriptions_{direction}")(GroupId=group, IpPermissions=[RULE])
        ec2.describe_security_groups(GroupIds=[group])
        ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group, IpPermissions=[RULE])
    return group


def _nat(ec2: Any, subnet: str) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    quick = {"Delay": 0.1, "MaxAttempts": 1000}
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[gateway], WaiterConfig=quick)
    ec2.describe_addresses(AllocationIds=[address])
    ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[gateway], WaiterConfig=quick)
    _until_free(ec2.release_address, AllocationId=address)


def _endpoints(ec2: Any, vpc: str, table: str, subnets: list[str], group: str) -> None:
    services = [f"com.amazonaws.eu-central-1.{name}" for name in ("s3", "secretsmanager")]
    ec2.describe_vpc_endpoint_services(ServiceNames=services)
    gateway = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=services[0], RouteTableIds=[table])["VpcEndpoint"]
    interface = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=services[1], VpcEndpointType="Interface", SubnetIds=subnets[:1],
        SecurityGroupIds=[group],
    )["VpcEndpoint"]  # fmt: skip
    names = [gateway["VpcEndpointId"], interface["VpcEndpointId"]]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    ]}  # fmt: skip
    ec2.modify_vpc_endpoint(VpcEndpointId=names[0], PolicyDocument=json.dumps(policy))
    ec2.describe_vpc_endpoints(VpcEndpointIds=names)
    ec2.delete_vpc_endpoints(VpcEndpointIds=names)
    deadline = time.monotonic() + 120
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    while any(one["State"] != "deleted" for one in ec2.describe_vpc_endpoints(Filters=mine)["VpcEndpoints"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _flow_logs(lab: Lab, ec2: Any, vpc: str) -> None:
    name = fresh("walked-flow")
    lab.client("logs").create_log_group(logGroupName=name)
    trust = TRUST.replace("rds.amazonaws.com", "vpc-flow-logs.amazonaws.com")
    role = lab.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    # EC2 hears of a new role some time later.
    made = _until_free(
        ec2.create_flow_logs, ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL",
        LogDestinationType="cloud-watch-logs", LogGroupName=name, DeliverLogsPermissionArn=role,
        MaxAggregationInterval=60,
    )["FlowLogIds"]  # fmt: skip
    ec2.describe_flow_logs(FlowLogIds=made)
    ec2.delete_flow_logs(FlowLogIds=made)


def _describe(ec2: Any, vpc: str) -> None:
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    for operation in ("vpcs", "subnets", "route_tables", "security_groups", "network_interfaces", "vpc_endpoints"):
        getattr(ec2, f"describe_{operation}")(Filters=mine)
    ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])
    ec2.describe_nat_gateways(Filter=mine)


def _until_free(operation: Any, **arguments: Any) -> Any:
    """What was deleted a moment ago may still hold on, and what was made may not be known yet."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return operation(**arguments)
        except ClientError as problem:
            code = problem.response["Error"]["Code"]
            if time.monotonic() > deadline or code not in PASSING:
                raise
            time.sleep(0.2)
