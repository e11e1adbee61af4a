"""What moto's network forgets: what endpoints and NAT gateways hold, that a subnet is in use, a VPC's first rules."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPCEndPoint

from bahnvision_lab.aws.ec2 import endpoints, ranges


def install() -> None:
    """Put it right in moto's EC2. A second call changes nothing."""
    extensions = {
        "create_vpc": _create_vpc,
        "create_vpc_endpoint": _create_endpoint,
        "modify_vpc_endpoint": _modify_endpoint,
        "delete_vpc_endpoints": _delete_endpoints,
        "delete_nat_gateway": _delete_nat,
        "delete_subnet": _delete_subnet,
    }
    for name, extended in extensions.items():
        original = getattr(EC2Backend, name)
        if not hasattr(original, "__wrapped__"):
            setattr(EC2Backend, name, wraps(original)(_bound(extended, original)))
    Subnet.ipv6_cidr_block_association_set = property(ranges.told_ipv6)
    _teach_filters()


def _teach_filters() -> None:
    """moto knows only some of the filters of DescribeVpcEndpoints."""
    known = VPCEndPoint.get_filter_value
    if hasattr(known, "__wrapped__"):
        return

    @wraps(known)
    def value(endpoint: VPCEndPoint, filter_name: str, method_name: str | None = None) -> Any:
        own = {"vpc-endpoint-id": endpoint.id, "service-name": endpoint.service_name}
        return own[filter_name] if filter_name in own else known(endpoint, filter_name, method_name)

    VPCEndPoint.get_filter_value = value


def _bound(extended: Any, original: Any) -> Any:
    def method(backend: EC2Backend, *arguments: Any, **named: Any) -> Any:
        return extended(original, backend, *arguments, **named)

    return method


def _create_vpc(original: Any, backend: EC2Backend, *arguments: Any, **named: Any) -> Any:
    """The default security group of AWS admits its own members."""
    vpc = original(backend, *arguments, **named)
    group = backend.get_security_group_by_name_or_id("default", vpc.id)
    itself = [{"GroupId": group.id, "UserId": backend.account_id}]
    backend.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=itself, vpc_id=vpc.id)
    return vpc


def _create_endpoint(original: Any, backend: EC2Backend, *arguments: Any, **named: Any) -> Any:
    endpoint = original(backend, *arguments, **named)
    if endpoints.is_interface(endpoint):
        endpoints.begin(backend, endpoint)
    else:
        endpoint.private_dns_enabled = False
    return endpoint


def _delete_endpoints(original: Any, backend: EC2Backend, vpce_ids: list[str] | None = None) -> None:
    """Interfaces go some time after the call; a gateway goes at once, and is told no more."""
    for identity in vpce_ids or []:
        endpoint = backend.vpc_end_points.get(identity)
        if endpoint is not None and endpoints.is_interface(endpoint):
            endpoints.delete(endpoint)
        elif endpoint is not None:
            original(backend, [identity])
            backend.vpc_end_points.pop(identity)


def _modify_endpoint(original: Any, backend: EC2Backend, vpc_id: str, **changes: Any) -> None:
    """AWS adds the route to the prefix list to a table that is added, and takes it from one that is removed."""
    endpoint = backend.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])[0]
    before = set(endpoint.route_table_ids or [])
    stood = set(endpoint.subnet_ids or [])
    original(backend, vpc_id=vpc_id, **changes)
    if endpoints.is_interface(endpoint):
        stands = set(endpoint.subnet_ids or [])
        endpoints.change(backend, endpoint, sorted(stands - stood), sorted(stood - stands))
    prefix_list = endpoint.destination_prefix_list_id
    if not prefix_list:
        return
    after = set(endpoint.route_table_ids or [])
    for table in sorted(after - before):
        backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list)
    for table in sorted(before - after):
        backend.delete_route(table, prefix_list)


def _delete_nat(original: Any, backend: EC2Backend, nat_gateway_id: str) -> Any:
    """AWS frees the elastic IP and removes the interface, so that the address can be released and the subnet go."""
    gateway = original(backend, nat_gateway_id)
    for address in gateway.address_set:
        if address.get("associationId"):
            backend.disassociate_address(association_id=address["associationId"])
        backend.enis.pop(address.get("networkInterfaceId"), None)
    return gateway


def _delete_subnet(original: Any, backend: EC2Backend, subnet_id: str) -> Any:
    if any(interface.subnet.id == subnet_id for interface in backend.enis.values()):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return original(backend, subnet_id)
