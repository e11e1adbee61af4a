"""Whether security groups let a client through to the instance: moto keeps the rules, nothing enforces them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from typing import Any, Protocol

from moto.ec2.models import EC2Backend
from moto.rds.models import DBInstance

from bahnvision_lab.aws.rds_proxy.books import port_of


class Client(Protocol):
    """Who connects: a proxy, or a replication of DMS."""

    @property
    def group_ids(self) -> list[str]: ...

    @property
    def subnet_ids(self) -> list[str]: ...


def obstacle(ec2: EC2Backend, client: Client, database: DBInstance) -> str | None:
    """Return what is in the way, in words, or None.

    A rule may open the port that was asked for, or the one of the endpoint: on AWS they are the same.
    """
    told = (database.endpoint or {}).get("Port")
    found = [_on(port, ec2, client, database) for port in dict.fromkeys((port_of(database), told)) if port]
    return None if None in found else found[0]


def _on(port: int, ec2: EC2Backend, client: Client, database: DBInstance) -> str | None:
    theirs = list(database.vpc_security_group_ids)
    subnets = [ec2.get_subnet(subnet_id).cidr_block for subnet_id in client.subnet_ids]
    group = getattr(database, "db_subnet_group", None)
    homes = [subnet.cidr_block for subnet in group._subnets] if group else []
    if not _open(_rules(ec2, client.group_ids, "egress_rules"), port, theirs, homes):
        return f"no outbound rule of {', '.join(client.group_ids)} allows port {port} to {', '.join(theirs)}"
    if not _open(_rules(ec2, theirs, "ingress_rules"), port, client.group_ids, subnets):
        return f"no inbound rule of {', '.join(theirs)} allows port {port} from {', '.join(client.group_ids)}"
    return None


def _rules(ec2: EC2Backend, group_ids: Iterable[str], direction: str) -> list[Any]:
    groups = [ec2.get_security_group_from_id(group_id) for group_id in group_ids]
    return [rule for group in groups if group is not None for rule in getattr(group, direction)]


def _open(rules: Iterable[Any], port: int, group_ids: Collection[str], networks: list[str]) -> bool:
    """A rule may name one of the groups, or ranges that hold all of the networks."""
    fitting = [rule for rule in rules if _fits(rule, port)]
    if any(rule.source_group.get("GroupId") in group_ids for rule in fitting):
        return True
    ranges = [ipaddress.IPv4Network(rule.cidr_ipv4, strict=False) for rule in fitting if rule.cidr_ipv4]
    inside = [any(ipaddress.IPv4Network(network).subnet_of(wide) for wide in ranges) for network in networks]
    return bool(ranges) and all(inside)


def _fits(rule: Any, port: int) -> bool:
    if rule.ip_protocol == "-1":
        return True
    if rule.ip_protocol != "tcp":
        return False
    return rule.from_port is None or int(rule.from_port) <= port <= int(rule.to_port)
