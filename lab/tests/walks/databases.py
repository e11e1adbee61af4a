"""RDS instances, from the groups they need to a restored copy."""

from __future__ import annotations

from typing import Any

from aws_world import fresh, instance_arguments, vpc_with_subnets, wait_available
from bahnvision_lab.testing import Lab

TAGS = [{"Key": "a", "Value": "b"}]


def walk(lab: Lab) -> None:
    rds = lab.client("rds")
    _vpc, subnets = vpc_with_subnets(lab.client("ec2"))
    home, group = fresh("walked-home"), fresh("walked-group")
    arn = rds.create_db_subnet_group(
        DBSubnetGroupName=home, DBSubnetGroupDescription="x", SubnetIds=subnets
    )["DBSubnetGroup"]["DBSubnetGroupArn"]  # fmt: skip
    rds.modify_db_subnet_group(DBSubnetGroupName=home, SubnetIds=subnets)
    rds.describe_db_subnet_groups(DBSubnetGroupName=home)
    rds.add_tags_to_resource(ResourceName=arn, Tags=TAGS)
    rds.list_tags_for_resource(ResourceName=arn)
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    newest = _offers(rds)
    _parameters(rds, group, f"postgres{newest.partition('.')[0]}")
    _instance(rds, home, group, newest)
    rds.delete_db_parameter_group(DBParameterGroupName=group)
    rds.delete_db_subnet_group(DBSubnetGroupName=home)


def _offers(rds: Any) -> str:
    versions = rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
    rds.describe_orderable_db_instance_options(Engine="postgres", DBInstanceClass="db.t4g.micro")
    rds.describe_certificates()
    return versions[-1]["EngineVersion"]


def _parameters(rds: Any, group: str, family: str) -> None:
    rds.describe_engine_default_parameters(DBParameterGroupFamily=family)
    rds.create_db_parameter_group(DBParameterGroupName=group, DBParameterGroupFamily=family, Description="x", Tags=TAGS)
    change = {"ParameterName": "log_min_duration_statement", "ParameterValue": "500", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[change])
    rds.describe_db_parameters(DBParameterGroupName=group)
    rds.describe_db_parameters(DBParameterGroupName=group, Source="user")
    rds.reset_db_parameter_group(DBParameterGroupName=group, Parameters=[change])
    rds.describe_db_parameter_groups(DBParameterGroupName=group)
    rds.describe_db_parameter_groups()


def _instance(rds: Any, home: str, group: str, version: str) -> None:
    arguments = instance_arguments(
        DBSubnetGroupName=home, DBParameterGroupName=group, EngineVersion=version, MultiAZ=True, Tags=TAGS,
        ManageMasterUserPassword=True, MasterUserPassword=None, StorageEncrypted=True, StorageType="gp3",
        BackupRetentionPeriod=7, EnableCloudwatchLogsExports=["postgresql"], EnablePerformanceInsights=True,
        MaxAllocatedStorage=100, CopyTagsToSnapshot=True,
    )  # fmt: skip
    name = rds.create_db_instance(**arguments)["DBInstance"]["DBInstanceIdentifier"]
    rds.describe_db_instances(DBInstanceIdentifier=name)
    wait_available(rds, name)
    rds.modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=8, ApplyImmediately=True)
    wait_available(rds, name)
    rds.describe_pending_maintenance_actions()
    rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
    wait_available(rds, name)
    rds.describe_events(SourceType="db-instance", SourceIdentifier=name)
    snapshot, copy, later = fresh("walked"), fresh("walked-copy"), fresh("walked-later")
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)
    quick = {"Delay": 0.1, "MaxAttempts": 2000}
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=snapshot, WaiterConfig=quick)
    rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)
    rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=copy, DBSnapshotIdentifier=snapshot, DBSubnetGroupName=home, DBInstanceClass="db.t4g.micro"
    )
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=later, UseLatestRestorableTime=True,
        DBSubnetGroupName=home,
    )  # fmt: skip
    for identifier in (copy, later, name):
        wait_available(rds, identifier)
        rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)
    for identifier in (copy, later, name):
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=identifier, WaiterConfig=quick)
    rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)
