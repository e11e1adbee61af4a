"""What EC2 has to know: where cache nodes have their network interfaces."""

from __future__ import annotations

from collections.abc import Callable

from bahnvision_lab.aws.elasticache.books import Books

_find: list[Callable[[str, str], Books]] = []


def tell(find: Callable[[str, str], Books]) -> None:
    """Let this module know where the books are."""
    _find[:] = [find]


def subnets_in_use(account: str, region: str) -> set[str]:
    """Return the subnets in which a cache node may have its interface: those of its group in its zone."""
    found: set[str] = set()
    for find in _find:
        books = find(account, region)
        for cache in books.groups_where(lambda _cache: True):
            network = books.subnet_groups[cache.subnet_group]
            zones = {member.zone for member in cache.members}
            found |= {subnet for subnet, zone in network.subnets if zone in zones}
    return found


def security_groups_in_use(account: str, region: str) -> set[str]:
    found: set[str] = set()
    for find in _find:
        for cache in find(account, region).groups_where(lambda _cache: True):
            found |= set(cache.security_groups)
    return found
