"""The life of an interface endpoint: pending, then available; its network interfaces go some time after it does."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint

from bahnvision_lab import pace

# AWS takes a minute or two. Long enough here that a client which does not wait is caught.
SECONDS_PENDING = 0.3
_ready_at: dict[str, float] = {}
# Interfaces that AWS is removing still stand in their subnets: {endpoint: {interface: until}}
_leaving: dict[str, dict[str, float]] = defaultdict(dict)


def is_interface(endpoint: VPCEndPoint) -> bool:
    return (endpoint.vpc_endpoint_type or "").lower() == "interface"


def begin(backend: EC2Backend, endpoint: VPCEndPoint) -> None:
    """Give a new endpoint interfaces with addresses of their subnets; moto gives it any."""
    for interface in endpoint.network_interface_ids:
        backend.enis.pop(interface, None)
    endpoint.network_interface_ids = []
    for subnet_id in endpoint.subnet_ids or []:
        _add_interface(backend, endpoint, subnet_id)
    _work(endpoint, "pending")


def change(backend: EC2Backend, endpoint: VPCEndPoint, add: Iterable[str], remove: Iterable[str]) -> None:
    """Bring the interfaces of a changed endpoint to its subnets."""
    for subnet_id in add:
        _add_interface(backend, endpoint, subnet_id)
    for subnet_id in remove:
        for interface in list(endpoint.network_interface_ids):
            if backend.enis[interface].subnet.id == subnet_id:
                endpoint.network_interface_ids.remove(interface)
                _leaving[endpoint.id][interface] = _later()
    if add or remove:
        _work(endpoint, "pending")


def delete(endpoint: VPCEndPoint) -> None:
    _work(endpoint, "deleting")


def zones(backend: EC2Backend, endpoint: VPCEndPoint) -> dict[str, str]:
    """Return {zone: subnet} of all interfaces, also of those that AWS has not removed yet."""
    interfaces = [*endpoint.network_interface_ids, *_leaving[endpoint.id]]
    subnets = [backend.enis[interface].subnet for interface in interfaces if interface in backend.enis]
    return {subnet.availability_zone: subnet.id for subnet in subnets}


def advance(backend: EC2Backend) -> None:
    """Bring the endpoints up to now; called before every request."""
    now = time.monotonic()
    for endpoint in list(backend.vpc_end_points.values()):
        for interface, until in list(_leaving[endpoint.id].items()):
            if now >= until:
                backend.enis.pop(interface, None)
                _leaving[endpoint.id].pop(interface, None)
        if now < _ready_at.get(endpoint.id, 0):
            continue
        if endpoint.state == "pending":
            endpoint.state = "available"
        elif endpoint.state == "deleting":
            for interface in (*endpoint.network_interface_ids, *_leaving.pop(endpoint.id, {})):
                backend.enis.pop(interface, None)
            backend.vpc_end_points.pop(endpoint.id, None)


def _add_interface(backend: EC2Backend, endpoint: VPCEndPoint, subnet_id: str) -> None:
    made: Any = backend.create_network_interface(
        subnet_id, "", group_ids=list(endpoint.security_group_ids),
        description=f"VPC Endpoint Interface {endpoint.id}",
    )  # fmt: skip
    made.status = "in-use"
    made.requester_managed = True
    endpoint.network_interface_ids.append(made.id)


def _work(endpoint: VPCEndPoint, state: str) -> None:
    endpoint.state = state
    _ready_at[endpoint.id] = _later()


def _later() -> float:
    return time.monotonic() + max(SECONDS_PENDING, pace.seconds("interface_endpoint"))
