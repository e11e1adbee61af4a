"""The life of a NAT gateway: pending first, then available, or failed where the VPC has no internet gateway."""

from __future__ import annotations

import time

from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway

from bahnvision_lab import pace

# AWS takes a minute or two. Long enough here that a client which does not wait is caught.
SECONDS_PENDING = 0.3
_ready_at: dict[str, float] = {}


def begin(gateway: NatGateway) -> None:
    gateway.state = "pending"
    _ready_at[gateway.id] = time.monotonic() + max(SECONDS_PENDING, pace.seconds("nat"))


def advance(backend: EC2Backend) -> None:
    """Bring the gateways' states up to now; called before they are told or used."""
    for gateway in list(backend.nat_gateways.values()):
        if gateway.state == "pending" and time.monotonic() >= _ready_at.get(gateway.id, 0):
            _settle(backend, gateway)


def _settle(backend: EC2Backend, gateway: NatGateway) -> None:
    attached = {igw.vpc.id for igw in backend.internet_gateways.values() if igw.vpc}
    if gateway.connectivity_type == "private" or gateway.vpc_id in attached:
        gateway.state = "available"
        return
    gateway.state = "failed"
    gateway.failure_code = "Gateway.NotAttached"
    gateway.failure_message = f"Network {gateway.vpc_id} has no Internet gateway attached"
