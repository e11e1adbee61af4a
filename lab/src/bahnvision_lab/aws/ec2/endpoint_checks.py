"""What EC2 refuses of endpoints and moto accepts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint

from bahnvision_lab.aws.ec2 import endpoints
from bahnvision_lab.aws.refusals import AwsError

# AWS does not offer every service in every zone; this one it offers in two of Frankfurt's three.
LIMITED_ZONES = {"workspaces": ("a", "b")}
GATEWAYS = ("s3", "dynamodb")


def service_details(backend: EC2Backend) -> list[dict[str, Any]]:
    """Return what DescribeVpcEndpointServices tells, with the gateways and the zones as AWS has them."""
    region = backend.region_name
    found = backend.describe_vpc_endpoint_services([], [], None, None, region)["servicesDetails"]
    result = []
    for entry in found:
        short = entry["ServiceName"].removeprefix(f"com.amazonaws.{region}.")
        zones = [f"{region}{letter}" for letter in LIMITED_ZONES.get(short, ())]
        result.append({**entry, "AvailabilityZones": zones or entry["AvailabilityZones"]})
        if short in GATEWAYS:
            # Gateways have no names of their own inside a VPC.
            names = ("PrivateDnsName", "PrivateDnsNames", "PrivateDnsNameVerificationState")
            gateway = {key: value for key, value in entry.items() if key not in names}
            result.append({**gateway, "ServiceType": [{"ServiceType": "Gateway"}]})
    return result


def check_create(backend: EC2Backend, params: dict[str, Any]) -> None:
    service = params["ServiceName"]
    kind = params.get("VpcEndpointType") or "Gateway"
    offers = [entry for entry in service_details(backend) if entry["ServiceName"] == service]
    offer = next((entry for entry in offers if entry["ServiceType"][0]["ServiceType"] == kind), None)
    if offer is None:
        raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{service}' does not exist")
    if kind == "Interface":
        _check_interface(backend, params, offer)
        return
    for given in ("SubnetIds", "SecurityGroupIds"):
        if params.get(given):
            raise AwsError("InvalidParameter", f"{given} are not allowed for a Gateway endpoint")
    for endpoint in backend.vpc_end_points.values():
        both = set(endpoint.route_table_ids or []) & set(params.get("RouteTableIds", []))
        if both and endpoint.service_name == service and endpoint.state == "available":
            message = f"route table {min(both)} already has a route with the destination of {service}"
            raise AwsError("RouteAlreadyExists", message)


def _check_interface(backend: EC2Backend, params: dict[str, Any], offer: dict[str, Any]) -> None:
    vpc_id, service = params["VpcId"], params["ServiceName"]
    if params.get("RouteTableIds"):
        raise AwsError("InvalidParameter", "Route table IDs are not allowed for an Interface endpoint")
    check_subnets(backend, vpc_id, offer, params.get("SubnetIds", []), {})
    check_groups(backend, vpc_id, params.get("SecurityGroupIds", []))
    if params.get("PolicyDocument") and not offer.get("VpcEndpointPolicySupported"):
        raise AwsError("InvalidParameter", f"The service {service} does not support endpoint policies")
    if params.get("PrivateDnsEnabled", True):
        check_private_dns(backend, vpc_id, offer, "")


def check_subnets(
    backend: EC2Backend, vpc_id: str, offer: dict[str, Any], subnet_ids: Iterable[str], taken: dict[str, str]
) -> None:
    """One subnet per zone, of this VPC, where the service is."""
    taken = dict(taken)
    for subnet_id in subnet_ids:
        subnet = backend.get_subnet(subnet_id)
        if subnet.vpc_id != vpc_id:
            raise AwsError("InvalidParameter", f"Subnet {subnet_id} does not belong to VPC {vpc_id}")
        if subnet.availability_zone not in offer["AvailabilityZones"]:
            raise AwsError(
                "InvalidParameter",
                f"The VPC endpoint service {offer['ServiceName']} does not support the availability zone of the "
                f"subnet: {subnet_id}.",
            )
        if subnet.availability_zone in taken:
            raise AwsError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet_id}. VPC endpoint subnets "
                "should be in different availability zones supported by the VPC endpoint service.",
            )
        taken[subnet.availability_zone] = subnet_id


def check_groups(backend: EC2Backend, vpc_id: str, group_ids: Iterable[str]) -> None:
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            message = f"The security group '{group_id}' does not exist in VPC '{vpc_id}'"
            raise AwsError("InvalidGroup.NotFound", message)


def check_private_dns(backend: EC2Backend, vpc_id: str, offer: dict[str, Any], own_id: str) -> None:
    vpc = backend.get_vpc(vpc_id)
    if not offer.get("PrivateDnsName"):
        message = f"Private DNS can't be enabled because the service {offer['ServiceName']} does not provide a name."
        raise AwsError("InvalidParameter", message)
    if not (_is_on(vpc.enable_dns_support) and _is_on(vpc.enable_dns_hostnames)):
        raise AwsError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc_id}",
        )
    for other in backend.vpc_end_points.values():
        same = (other.vpc_id, other.service_name) == (vpc_id, offer["ServiceName"])
        if same and other.private_dns_enabled and other.id != own_id and endpoints.is_interface(other):
            raise AwsError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{offer['PrivateDnsName']} in the VPC {vpc_id}",
            )


def check_modify(backend: EC2Backend, endpoint: VPCEndPoint, params: dict[str, Any]) -> None:
    if endpoint.state == "deleting":
        raise AwsError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint.id}' does not exist")
    if not endpoints.is_interface(endpoint):
        return
    offer = next(
        entry
        for entry in service_details(backend)
        if entry["ServiceName"] == endpoint.service_name and entry["ServiceType"][0]["ServiceType"] == "Interface"
    )
    taken = endpoints.zones(backend, endpoint)
    added = [subnet for subnet in params.get("AddSubnetIds", []) if subnet not in (endpoint.subnet_ids or [])]
    check_subnets(backend, endpoint.vpc_id, offer, added, taken)
    check_groups(backend, endpoint.vpc_id, params.get("AddSecurityGroupIds", []))
    if params.get("PrivateDnsEnabled"):
        check_private_dns(backend, endpoint.vpc_id, offer, endpoint.id)


def check_delete(backend: EC2Backend, endpoint_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return what DeleteVpcEndpoints reports as unsuccessful: it does not fail as a whole."""
    unknown = [item for item in endpoint_ids if item not in backend.vpc_end_points]
    return [
        {
            "ResourceId": item,
            "Error": {
                "Code": "InvalidVpcEndpoint.NotFound",
                "Message": f"The Vpc Endpoint Id '{item}' does not exist",
            },
        }
        for item in unknown
    ]


def _is_on(value: Any) -> bool:
    return str(value).lower() == "true"
