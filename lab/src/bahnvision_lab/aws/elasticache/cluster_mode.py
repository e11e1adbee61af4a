"""From cluster mode disabled over compatible to enabled, with the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bahnvision_lab.aws.elasticache import checks, sharding
from bahnvision_lab.aws.elasticache.books import Books, Group
from bahnvision_lab.aws.elasticache.catalogue import order
from bahnvision_lab.aws.elasticache.names import clash, invalid
from bahnvision_lab.aws.elasticache.real import RealGroup

OLDEST = "7.0"
ALLOWED = {("disabled", "compatible"), ("compatible", "enabled"), ("compatible", "disabled")}


def change(
    _books: Books, group: Group, after: Group, asked: dict[str, Any], steps: list[Callable[[RealGroup], None]]
) -> None:
    wanted = asked.get("ClusterMode")
    if wanted is None or wanted == group.cluster_mode:
        return
    if wanted not in checks.MODES:
        raise invalid(f"Invalid ClusterMode {wanted}: one of {', '.join(checks.MODES)}.")
    if (group.cluster_mode, wanted) not in ALLOWED:
        raise clash(
            f"Cluster mode cannot be changed from {group.cluster_mode} to {wanted}: disabled becomes compatible, "
            "compatible becomes enabled or disabled, enabled stays."
        )
    if set(asked) - {"ClusterMode", "CacheParameterGroupName"}:
        raise clash("Cluster mode must be changed by itself, without other modifications.")
    if order(group.version) < order(OLDEST):
        raise clash(f"Changing cluster mode requires engine version {OLDEST} or newer.")
    if not group.automatic_failover:
        raise clash("Changing cluster mode requires automatic failover.")
    after.cluster_mode = wanted
    if after.sharded != group.sharded:
        steps.append(convert)
    steps.append(RealGroup.open_endpoints)


def convert(real: RealGroup) -> None:
    """Restart the servers in the other mode; the books already tell which. The primary keeps its data."""
    group = real.group
    shard = group.shards[0]
    shard.slots = f"0-{sharding.SLOTS - 1}" if group.sharded else None
    primary = group.primary_of(shard.identifier)
    real.restart_in_mode([primary, *(member for member in group.members if member is not primary)])
    if group.sharded:
        sharding.form(real)
    else:
        real.follow(shard.identifier)
