"""ModifyReplicationGroup: every change is checked before the first one is made."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from bahnvision_lab.aws.elasticache import (
    access_changes,
    catalogue,
    checks,
    cluster_mode,
    names,
    parameters,
    subnets,
)  # fmt: skip
from bahnvision_lab.aws.elasticache.books import Books, Group, Member
from bahnvision_lab.aws.elasticache.catalogue import order
from bahnvision_lab.aws.elasticache.fleet import Fleet
from bahnvision_lab.aws.elasticache.lifecycle import require_available
from bahnvision_lab.aws.elasticache.names import clash, invalid
from bahnvision_lab.aws.elasticache.real import RealGroup
from bahnvision_lab.aws.refusals import AwsError, LabLacks

# Wait for the maintenance window unless ApplyImmediately is set.
DEFERRED = ("Engine", "EngineVersion", "CacheNodeType", "CacheParameterGroupName", "AutomaticFailoverEnabled")
NO_CHANGES = {"ReplicationGroupId", "ApplyImmediately", "NodeGroupId"}
Steps = list[Callable[[RealGroup], None]]


def modify(books: Books, fleet: Fleet, group: Group, params: dict[str, Any]) -> None:
    require_available(group)
    asked = {name: value for name, value in params.items() if value is not None and name not in NO_CHANGES}
    if not asked:
        raise clash("No modification was requested.")
    if params.get("ApplyImmediately"):
        asked = {**group.pending, **asked}
    after, steps = planned(books, group, asked)
    waiting = {}
    if not params.get("ApplyImmediately"):
        waiting = {name: asked[name] for name in DEFERRED if name in asked}
        after, steps = planned(books, group, {key: asked[key] for key in asked if key not in waiting})
    group.pending = {**group.pending, **waiting} if not params.get("ApplyImmediately") else {}
    vars(group).update({name: value for name, value in vars(after).items() if name not in ("pending", "status")})
    if steps:
        real = fleet.find(books, group)
        fleet.work(real, "modifying", lambda: [step(real) for step in steps], "elasticache_modify")


def apply_pending(books: Books, fleet: Fleet, group: Group) -> None:
    """The maintenance window is open."""
    modify(books, fleet, group, {**group.pending, "ApplyImmediately": True})


def planned(books: Books, group: Group, asked: dict[str, Any]) -> tuple[Group, Steps]:
    """Return the group as it will be, and what is to be done to its servers. Nothing is changed here."""
    after, steps = copy.copy(group), Steps()
    for part in (
        _plain, _windows, _engine, _node_type, cluster_mode.change, _parameter_group, _availability, _network,
        access_changes.change, _durability, _primary,
    ):  # fmt: skip
        part(books, group, after, asked, steps)
    return after, steps


def _plain(books: Books, group: Group, after: Group, asked: dict[str, Any], _steps: Steps) -> None:
    if "ReplicationGroupDescription" in asked:
        after.description = names.text("ReplicationGroupDescription", asked["ReplicationGroupDescription"])
    after.auto_minor = asked.get("AutoMinorVersionUpgrade", group.auto_minor)
    after.topic = asked.get("NotificationTopicArn", group.topic)
    after.topic_status = asked.get("NotificationTopicStatus", group.topic_status)
    if asked.get("IpDiscovery", "ipv4") != "ipv4":
        raise LabLacks("caches with IPv6")
    if "LogDeliveryConfigurations" in asked:
        after.logs = checks.logs(books, group.version, list(asked["LogDeliveryConfigurations"]), group.logs)


def _windows(_books: Books, group: Group, after: Group, asked: dict[str, Any], _steps: Steps) -> None:
    after.snapshot_window = asked.get("SnapshotWindow", group.snapshot_window)
    after.maintenance_window = asked.get("PreferredMaintenanceWindow", group.maintenance_window).lower()
    names.check_windows(after.snapshot_window, after.maintenance_window)
    if "SnapshotRetentionLimit" in asked:
        after.retention = checks.retention(asked["SnapshotRetentionLimit"], group.node_type)
    wanted = asked.get("SnapshottingClusterId")
    if wanted is not None:
        if group.clustered:
            raise clash("SnapshottingClusterId cannot be set with cluster mode enabled.")
        if wanted not in {member.identifier for member in group.members}:
            raise AwsError("CacheClusterNotFound", f"CacheCluster not found: {wanted}")
        after.snapshotting = wanted
    elif after.retention and not group.clustered:
        after.snapshotting = group.snapshotting or group.members[-1].identifier
    if not after.retention:
        after.snapshotting = None


def _engine(_books: Books, group: Group, after: Group, asked: dict[str, Any], steps: Steps) -> None:
    if "Engine" not in asked and "EngineVersion" not in asked:
        return
    engine = (asked.get("Engine") or group.engine).lower()
    wanted = asked.get("EngineVersion") or (group.version if engine == group.engine else None)
    engine, version = checks.engine_and_version(engine, wanted)
    if group.engine == "valkey" and engine == "redis":
        raise clash("A replication group of engine valkey cannot be changed to engine redis.")
    if engine == group.engine and order(version) < order(group.version):
        raise clash(
            f"The cache engine cannot be downgraded from {engine} {group.version} to {version}. Create a new "
            "replication group instead."
        )
    if (engine, version) == (group.engine, group.version):
        return
    after.engine, after.version = engine, version
    steps.append(RealGroup.interrupt_clients)


def fits(group: Group, node_type: str) -> bool:
    """Can this group be moved to nodes of this type?"""
    try:
        checks.node_type(node_type, group.version, group.data_tiering)
        checks.failover_allowed(node_type, group.automatic_failover)
    except AwsError:
        return False
    return not (group.effective_durability in ("sync", "async") and not catalogue.has_feature(node_type, "durable"))


def _node_type(_books: Books, group: Group, after: Group, asked: dict[str, Any], steps: Steps) -> None:
    wanted = asked.get("CacheNodeType")
    if wanted is None or wanted == group.node_type:
        return
    checks.node_type(wanted, after.version, group.data_tiering)
    checks.failover_allowed(wanted, group.automatic_failover)
    if not fits(group, wanted):
        raise invalid(f"The node type cannot be changed from {group.node_type} to {wanted}.")
    after.node_type = wanted
    steps.extend([RealGroup.apply_settings, RealGroup.interrupt_clients])


def _parameter_group(books: Books, group: Group, after: Group, asked: dict[str, Any], steps: Steps) -> None:
    """A default group follows the engine; one of the user's own must be followed by another."""
    before = parameters.find(books, group.parameter_group)
    family = catalogue.family_of(after.engine, after.version)
    name = asked.get("CacheParameterGroupName")
    if name is None and before.builtin:
        name = parameters.default_name(family, after.sharded)
    found = checks.parameter_group(books, name or before.name, after.engine, after.version, after.sharded)
    if found is before:
        return
    after.parameter_group = found.name
    ours, theirs = (parameters.catalogue_of(entry.family) for entry in (before, found))
    different = {key for key in ours.keys() & theirs.keys()
                 if parameters.value_of(before, key) != parameters.value_of(found, key)}  # fmt: skip
    if parameters.awaiting_reboot(found, different - {"cluster-enabled"}):
        steps.append(_mark_reboot)
    steps.append(RealGroup.apply_settings)


def _mark_reboot(real: RealGroup) -> None:
    for member in real.group.members:
        member.awaits_reboot = True


def _availability(_books: Books, group: Group, after: Group, asked: dict[str, Any], _steps: Steps) -> None:
    after.automatic_failover = asked.get("AutomaticFailoverEnabled", group.automatic_failover)
    after.multi_az = asked.get("MultiAZEnabled", group.multi_az)
    if after.sharded and not after.automatic_failover:
        raise clash("Turning off automatic failover for replication group with cluster mode enabled is not supported.")
    shards = [group.of_shard(shard.identifier) for shard in group.shards]
    if after.automatic_failover and not group.automatic_failover:
        checks.failover_allowed(after.node_type, True)
        if any(len(members) < 2 for members in shards):
            raise clash(
                "When using automatic failover, there must be at least 2 cache clusters in the replication group."
            )
    if after.multi_az and not after.automatic_failover:
        raise clash("Automatic failover must be enabled to enable Multi-AZ.")
    if after.multi_az and not group.multi_az and any(len({m.zone for m in members}) < 2 for members in shards):
        raise clash("Multi-AZ requires the nodes of each node group to be in at least 2 availability zones.")


def _network(books: Books, group: Group, after: Group, asked: dict[str, Any], _steps: Steps) -> None:
    if "CacheSecurityGroupNames" in asked:
        raise LabLacks("networks of before VPC")
    if "SecurityGroupIds" in asked:
        subnets.check_security_groups(books, asked["SecurityGroupIds"], group.vpc)
        after.security_groups = list(asked["SecurityGroupIds"])


def _durability(_books: Books, group: Group, after: Group, asked: dict[str, Any], _steps: Steps) -> None:
    wanted = asked.get("Durability")
    if wanted is not None and len(asked) > 1:
        raise clash("Durability must be changed by itself, without other modifications.")
    if wanted is not None and group.effective_durability is None:
        since = catalogue.table("engine_versions")["durable_since"]
        raise clash(f"Durability requires engine valkey {since} or newer.")
    checks.durability(wanted, after)
    after.durability = wanted or group.durability
    if wanted in ("sync", "async"):
        after.at_rest = True


def _primary(_books: Books, group: Group, _after: Group, asked: dict[str, Any], steps: Steps) -> None:
    """A primary can be chosen by hand where nothing chooses it automatically."""
    wanted = asked.get("PrimaryClusterId")
    if wanted is None:
        return
    if group.automatic_failover:
        raise clash("The primary cannot be chosen while automatic failover is enabled.")
    member = next((entry for entry in group.members if entry.identifier == wanted), None)
    if member is None:
        raise AwsError("CacheClusterNotFound", f"CacheCluster not found: {wanted}")
    if member.role != "primary":
        steps.append(lambda real: real.make_primary(member))


def reboot(books: Books, fleet: Fleet, group: Group, member: Member) -> None:
    member.status = "rebooting cache cluster nodes"
    books.event("cache-cluster", member.identifier, "Cache node 0001 restarted")
    real = fleet.find(books, group)
    fleet.in_background(f"cache reboot {member.identifier}", lambda: _reboot(real, member))


def _reboot(real: RealGroup, member: Member) -> None:
    with real.lock:
        real.reboot(member)
