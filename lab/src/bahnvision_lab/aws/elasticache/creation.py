"""CreateReplicationGroup: refuse what AWS refuses, before anything is made; then fill in what AWS fills in."""

from __future__ import annotations

import secrets
from typing import Any

from bahnvision_lab.aws.elasticache import checks, layout, names, subnets, user_groups, users
from bahnvision_lab.aws.elasticache.books import Books, Group, Snapshot, SubnetGroup, now
from bahnvision_lab.aws.elasticache.names import clash
from bahnvision_lab.aws.refusals import AwsError, LabLacks

LACKING = {
    "GlobalReplicationGroupId": "global datastores",
    "PrimaryClusterId": "cache clusters without a replication group",
    "SnapshotArns": "seeding from S3",
    "ServerlessCacheSnapshotName": "serverless caches",
    "CacheSecurityGroupNames": "networks of before VPC",
}
# What a group restored from a snapshot has when it is not asked for otherwise.
INHERITED = {"Engine": "engine", "EngineVersion": "version", "CacheNodeType": "node_type"}


def prepare(books: Books, params: dict[str, Any], snapshot: Snapshot | None) -> Group:
    """Return the group that is going to be made, in the books but without servers."""
    identifier = _check_names(books, params)
    if snapshot is not None:
        for name, attribute in INHERITED.items():
            params.setdefault(name, getattr(snapshot.group, attribute))
    from_snapshot = len(snapshot.shards) if snapshot else None
    mode = checks.cluster_mode(books, params, from_snapshot)
    engine, version = checks.engine_and_version(params.get("Engine"), params.get("EngineVersion"))
    node_type = checks.node_type(params.get("CacheNodeType"), version, params.get("DataTieringEnabled"))
    clustered = mode == "enabled"
    parameter = checks.parameter_group(books, params.get("CacheParameterGroupName"), engine, version, clustered)
    network = subnets.find(books, params.get("CacheSubnetGroupName") or "default")
    plans = layout.plan(params, clustered, network.zones, from_snapshot)
    automatic, multi_az = _availability(params, clustered)
    checks.failover_allowed(node_type, automatic)
    layout.check_failover(automatic, multi_az, clustered, plans)
    windows: dict[str, Any] = _windows(params)
    group = Group(
        identifier=identifier, description=params["ReplicationGroupDescription"], engine=engine, version=version,
        node_type=node_type, parameter_group=parameter.name, subnet_group=network.name, vpc=network.vpc,
        security_groups=_security_groups(books, params, network), cluster_mode=mode, automatic_failover=automatic,
        multi_az=multi_az, port=checks.port(params.get("Port")), **_encryption(books, params, engine),
        **windows, retention=checks.retention(params.get("SnapshotRetentionLimit"), node_type),
        auto_minor=params.get("AutoMinorVersionUpgrade", True), durability=params.get("Durability") or "default",
        data_tiering=bool(params.get("DataTieringEnabled")), topic=params.get("NotificationTopicArn"),
    )  # fmt: skip
    layout.populate(group, plans)
    _complete(books, params, group)
    return group


def _check_names(books: Books, params: dict[str, Any]) -> str:
    identifier = names.identifier("ReplicationGroupId", params["ReplicationGroupId"], 40)
    if identifier in books.groups:
        raise AwsError("ReplicationGroupAlreadyExists", f"Replication group {identifier} already exists.")
    names.text("ReplicationGroupDescription", params["ReplicationGroupDescription"])
    for name, lacking in LACKING.items():
        if params.get(name):
            raise LabLacks(lacking)
    for name in ("NetworkType", "IpDiscovery"):
        if params.get(name, "ipv4") != "ipv4":
            raise LabLacks("caches with IPv6")
    return identifier


def _availability(params: dict[str, Any], clustered: bool) -> tuple[bool, bool]:
    automatic = params.get("AutomaticFailoverEnabled")
    if clustered and automatic is False:
        raise clash("Redis with cluster mode enabled cannot be created with auto failover turned off.")
    return clustered or bool(automatic), bool(params.get("MultiAZEnabled"))


def _security_groups(books: Books, params: dict[str, Any], network: SubnetGroup) -> list[str]:
    wanted = params.get("SecurityGroupIds") or [subnets.default_security_group(books, network.vpc)]
    subnets.check_security_groups(books, wanted, network.vpc)
    return list(wanted)


def _encryption(books: Books, params: dict[str, Any], engine: str) -> dict[str, Any]:
    encrypted, mode = checks.transit(params, engine)
    token, wanted = params.get("AuthToken"), params.get("UserGroupIds") or []
    if token and wanted:
        raise clash("AuthToken and UserGroupIds cannot be specified together.")
    if wanted and not encrypted:
        raise clash(
            "User group based access control requires encryption-in-transit to be enabled on the replication group."
        )
    if token:
        checks.auth_token(token, encrypted)
    user_groups.check_usable(books, wanted, engine)
    at_rest = params.get("AtRestEncryptionEnabled")
    at_rest = engine == "valkey" if at_rest is None else at_rest
    at_rest = at_rest or params.get("Durability") in ("sync", "async")
    return {
        "transit": encrypted, "transit_mode": mode, "at_rest": at_rest,
        "kms_key": checks.encryption_key(books, params.get("KmsKeyId"), at_rest),
        "tokens": [users.digest(token)] if token else [], "token_changed": now() if token else None,
        "user_groups": [name.lower() for name in wanted],
    }  # fmt: skip


def _windows(params: dict[str, Any]) -> dict[str, str]:
    """Without a wish, AWS chooses windows that do not overlap."""
    hour = secrets.randbelow(8)
    day = secrets.choice(names.DAYS)
    maintenance = params.get("PreferredMaintenanceWindow")
    snapshot = params.get("SnapshotWindow")
    if snapshot is None:
        snapshot = f"{hour:02}:00-{hour + 1:02}:00"
        if maintenance is not None and _overlap(snapshot, maintenance):
            snapshot = next(f"{h:02}:00-{h + 1:02}:00" for h in range(23)
                            if not _overlap(f"{h:02}:00-{h + 1:02}:00", maintenance))  # fmt: skip
    if maintenance is None:
        maintenance = next(f"{day}:{h:02}:00-{day}:{h + 1:02}:00" for h in range(23)
                           if not _overlap(snapshot, f"{day}:{h:02}:00-{day}:{h + 1:02}:00"))  # fmt: skip
    names.check_windows(snapshot, maintenance)
    return {"snapshot_window": snapshot, "maintenance_window": maintenance.lower()}


def _overlap(snapshot: str, maintenance: str) -> bool:
    try:
        names.check_windows(snapshot, maintenance)
    except AwsError as problem:
        if "overlap" in problem.message:
            return True
        raise
    return False


def _complete(books: Books, params: dict[str, Any], group: Group) -> None:
    checks.durability(params.get("Durability"), group)
    group.logs = checks.logs(books, group.version, params.get("LogDeliveryConfigurations") or [], [])
    if group.retention and not group.clustered:
        group.snapshotting = group.members[-1].identifier
