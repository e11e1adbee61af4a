"""What moto's network forgets: the routes of a changed endpoint, what a NAT gateway held, that a subnet is in use."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend


def install() -> None:
    """Put it right in moto's EC2. A second call changes nothing."""
    extensions = {
        "modify_vpc_endpoint": _modify_endpoint,
        "delete_nat_gateway": _delete_nat,
        "delete_subnet": _delete_subnet,
    }
    for name, extended in extensions.items():
        original = getattr(EC2Backend, name)
        if not hasattr(original, "__wrapped__"):
            setattr(EC2Backend, name, wraps(original)(_bound(extended, original)))


def _bound(extended: Any, original: Any) -> Any:
    def method(backend: EC2Backend, *arguments: Any, **named: Any) -> Any:
        return extended(original, backend, *arguments, **named)

    return method


def _modify_endpoint(original: Any, backend: EC2Backend, vpc_id: str, **changes: Any) -> None:
    """AWS adds the route to the prefix list to a table that is added, and takes it from one that is removed."""
    endpoint = backend.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])[0]
    before = set(endpoint.route_table_ids or [])
    original(backend, vpc_id=vpc_id, **changes)
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
