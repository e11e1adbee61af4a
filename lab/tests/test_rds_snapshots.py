"""Snapshots and restores: real rows, and what a restored instance is and is not."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from aws_world import PASSWORD, available_instance, connect, fresh, refused, wait_available
from bahnvision_lab.testing import Lab


@pytest.fixture(scope="module")
def source(lab: Lab, rds: Any) -> Iterator[dict[str, Any]]:
    with available_instance(
        rds, DBName="app", AllocatedStorage=30, StorageEncrypted=True, DeletionProtection=False,
        BackupRetentionPeriod=7, CopyTagsToSnapshot=True, Tags=[{"Key": "stage", "Value": "lab"}],
    ) as made:  # fmt: skip
        with connect(lab, made["DBInstanceIdentifier"]) as master:
            master.execute("CREATE TABLE kept AS SELECT n, md5(n::text) AS text FROM generate_series(1, 5000) AS n")
        yield made


@pytest.fixture(scope="module")
def name(source: dict[str, Any]) -> str:
    return source["DBInstanceIdentifier"]


@pytest.fixture(scope="module")
def snapshot(rds: Any, name: str) -> dict[str, Any]:
    identifier = fresh("snapshot")
    begun = rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=identifier)["DBSnapshot"]
    assert begun["Status"] == "creating"
    assert "SnapshotCreateTime" not in begun
    return wait_snapshot(rds, identifier)


def wait_snapshot(rds: Any, identifier: str) -> dict[str, Any]:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        found = rds.describe_db_snapshots(DBSnapshotIdentifier=identifier)["DBSnapshots"][0]
        if found["Status"] == "available":
            return found
        time.sleep(0.05)
    raise AssertionError(f"{identifier} is {found['Status']}")


def digest(lab: Lab, name: str) -> Any:
    with connect(lab, name) as master:
        return master.execute("SELECT count(*), md5(string_agg(text, ',' ORDER BY n)) FROM kept").fetchone()


def delete(rds: Any, *names: str) -> None:
    for name in names:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_a_snapshot_tells_all_of_its_instance(rds: Any, source: dict[str, Any], snapshot: dict[str, Any]) -> None:
    alike = ("DBInstanceIdentifier", "Engine", "EngineVersion", "AllocatedStorage", "StorageType", "MasterUsername",
             "KmsKeyId", "LicenseModel", "AvailabilityZone", "DbiResourceId", "Iops", "StorageThroughput")  # fmt: skip
    assert {key: snapshot[key] for key in alike} == {key: source[key] for key in alike}
    assert (snapshot["SnapshotType"], snapshot["PercentProgress"], snapshot["Encrypted"]) == ("manual", 100, True)
    assert snapshot["VpcId"] == source["DBSubnetGroup"]["VpcId"] if "DBSubnetGroup" in source else snapshot["VpcId"]
    assert snapshot["TagList"] == [{"Key": "stage", "Value": "lab"}]
    assert snapshot["SnapshotCreateTime"] > source["InstanceCreateTime"]
    events = rds.describe_events(SourceIdentifier=snapshot["DBSnapshotIdentifier"], SourceType="db-snapshot")["Events"]
    assert [event["Message"] for event in events] == ["Creating manual snapshot", "Manual snapshot created"]


def test_backups_begin_with_the_instance(rds: Any, name: str, source: dict[str, Any]) -> None:
    (automatic,) = rds.describe_db_snapshots(DBInstanceIdentifier=name, SnapshotType="automated")["DBSnapshots"]
    assert automatic["DBSnapshotIdentifier"].startswith(f"rds:{name}-")
    with refused("InvalidDBSnapshotState", "Only manual snapshots may be deleted"):
        rds.delete_db_snapshot(DBSnapshotIdentifier=automatic["DBSnapshotIdentifier"])
    (backup,) = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)["DBInstanceAutomatedBackups"]
    assert (backup["Status"], backup["BackupRetentionPeriod"]) == ("active", 7)
    assert backup["RestoreWindow"]["EarliestTime"] <= source["LatestRestorableTime"]
    events = rds.describe_events(SourceIdentifier=name, SourceType="db-instance")["Events"]
    assert [event["Message"] for event in events][:3] == [
        "DB instance created", "Backing up DB instance", "Finished DB instance backup",
    ]  # fmt: skip


def test_a_restored_instance_has_the_rows_and_nothing_that_was_not_asked_for(
    lab: Lab, rds: Any, source: dict[str, Any], snapshot: dict[str, Any]
) -> None:
    name, target = source["DBInstanceIdentifier"], fresh("restored")
    family = source["DBParameterGroups"][0]["DBParameterGroupName"].removeprefix("default.")
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True, ApplyImmediately=True)
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=target, DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"]
    )
    made = wait_available(rds, target)
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
    assert digest(lab, target) == digest(lab, name)
    assert made["Endpoint"] != source["Endpoint"]
    assert made["DbiResourceId"] != source["DbiResourceId"]
    alike = ("AllocatedStorage", "StorageEncrypted", "KmsKeyId", "EngineVersion", "DBInstanceClass", "DBName",
             "MasterUsername", "BackupRetentionPeriod", "PreferredBackupWindow")  # fmt: skip
    assert {key: made[key] for key in alike} == {key: source[key] for key in alike}
    assert (made["MultiAZ"], made["DeletionProtection"], made["CopyTagsToSnapshot"]) == (False, False, False)
    assert (made["DBParameterGroups"][0]["DBParameterGroupName"], made["TagList"]) == (f"default.{family}", [])
    assert "MasterUserSecret" not in made
    events = rds.describe_events(SourceIdentifier=target, SourceType="db-instance")["Events"]
    assert events[0]["Message"] == f"Restored from snapshot {snapshot['DBSnapshotIdentifier']}"

    rds.modify_db_instance(DBInstanceIdentifier=target, ManageMasterUserPassword=True, ApplyImmediately=True)
    secret = wait_available(rds, target)["MasterUserSecret"]["SecretArn"]
    current = json.loads(lab.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    assert current["password"] != PASSWORD
    connect(lab, target, password=current["password"]).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(lab, target, password=PASSWORD)
    delete(rds, target)


def test_a_restore_to_a_point_in_time_leaves_out_what_came_later(lab: Lab, rds: Any, name: str) -> None:
    with connect(lab, name) as master:
        master.execute("CREATE TABLE later (n int)")
        master.execute("INSERT INTO later VALUES (1)")
        moment = master.execute("SELECT clock_timestamp()").fetchone()[0]
        time.sleep(0.05)
        master.execute("INSERT INTO later VALUES (2)")
    at_moment, at_last = fresh("then"), fresh("last")
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=at_moment, RestoreTime=moment, MultiAZ=True
    )
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=at_last, UseLatestRestorableTime=True
    )
    assert wait_available(rds, at_moment)["MultiAZ"]
    wait_available(rds, at_last)
    found = {}
    for target in (at_moment, at_last):
        with connect(lab, target) as master:
            found[target] = [number for (number,) in master.execute("SELECT n FROM later ORDER BY n").fetchall()]
    assert found == {at_moment: [1], at_last: [1, 2]}
    assert lab.status()["databases"][at_moment]["standby"] == "synchronous"
    delete(rds, at_moment, at_last)


def test_points_outside_of_the_window_are_refused(rds: Any, name: str) -> None:
    now = dt.datetime.now(dt.UTC)
    (backup,) = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)["DBInstanceAutomatedBackups"]
    early = backup["RestoreWindow"]["EarliestTime"] - dt.timedelta(seconds=1)
    for moment in (early, now + dt.timedelta(hours=1)):
        with refused("InvalidParameterValue", "not within the restore window"):
            to_point(rds, name, RestoreTime=moment)
    for when in ({}, {"RestoreTime": now, "UseLatestRestorableTime": True}):
        with refused("InvalidParameterCombination", "either RestoreTime or UseLatestRestorableTime"):
            to_point(rds, name, **when)
    with refused("DBInstanceNotFound", "nobody not found"):
        to_point(rds, "nobody", UseLatestRestorableTime=True)
    with refused("DBInstanceAlreadyExists", "already exists"):
        to_point(rds, name, TargetDBInstanceIdentifier=name, UseLatestRestorableTime=True)


def to_point(rds: Any, name: str, **arguments: Any) -> None:
    given = {"SourceDBInstanceIdentifier": name, "TargetDBInstanceIdentifier": "restored-nowhere", **arguments}
    rds.restore_db_instance_to_point_in_time(**given)


def test_what_aws_refuses_of_a_restore(rds: Any, ec2: Any, name: str, snapshot: dict[str, Any]) -> None:
    def restore(**arguments: Any) -> None:
        given = {"DBInstanceIdentifier": "restored-nowhere", "DBSnapshotIdentifier": snapshot["DBSnapshotIdentifier"]}
        rds.restore_db_instance_from_db_snapshot(**{**given, **arguments})

    with refused("DBSnapshotNotFound", "nowhere not found", 404):
        restore(DBSnapshotIdentifier="nowhere")
    with refused("DBInstanceAlreadyExists", "already exists"):
        restore(DBInstanceIdentifier=name)
    with refused("InvalidParameterValue", "can't be less than the source snapshot"):
        restore(AllocatedStorage=20)
    with refused("InvalidParameterCombination", "ManageMasterUserPassword isn't supported"):
        restore(ManageMasterUserPassword=True)
    with refused("InvalidParameterValue", "Invalid DB Instance class"):
        restore(DBInstanceClass="db.nope")
    with refused("DBParameterGroupNotFound", "not found"):
        restore(DBParameterGroupName="nowhere")
    with refused("DBSubnetGroupNotFoundFault", "does not exist"):
        restore(DBSubnetGroupName="nowhere")
    vpc = ec2.create_vpc(CidrBlock="10.61.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_security_group(VpcId=vpc, GroupName=fresh("foreign"), Description="x")["GroupId"]
    with refused("InvalidParameterCombination", "are in different VPCs"):
        restore(VpcSecurityGroupIds=[foreign])
    with refused("InvalidParameterCombination", "not valid for Multi-AZ"):
        restore(MultiAZ=True, AvailabilityZone="eu-central-1a")


def test_the_final_snapshot_and_its_copy_outlive_the_instance(lab: Lab, rds: Any) -> None:
    final, copy, target = fresh("final"), fresh("copy"), fresh("again")
    with available_instance(rds, MultiAZ=True, BackupRetentionPeriod=1) as made:
        name = made["DBInstanceIdentifier"]
        with connect(lab, name) as master:
            master.execute("CREATE TABLE kept AS SELECT n, n::text AS text FROM generate_series(1, 100) AS n")
        rows = digest(lab, name)
        rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=final)
        assert rds.describe_db_snapshots(DBInstanceIdentifier=name, SnapshotType="automated")["DBSnapshots"] == []
        wait_snapshot(rds, final)
        copied = rds.copy_db_snapshot(SourceDBSnapshotIdentifier=final, TargetDBSnapshotIdentifier=copy)["DBSnapshot"]
        assert wait_snapshot(rds, copy)["SourceDBSnapshotIdentifier"].endswith(final)
        assert copied["DBSnapshotIdentifier"] == copy
        rds.delete_db_snapshot(DBSnapshotIdentifier=final)
        with refused("DBSnapshotNotFound", "not found"):
            rds.delete_db_snapshot(DBSnapshotIdentifier=final)
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=copy)
        wait_available(rds, name)
        assert digest(lab, name) == rows
    folders = {path.name for path in (lab.state.instances / "snapshots").iterdir()}
    rds.delete_db_snapshot(DBSnapshotIdentifier=copy)
    assert len(folders) - len(list((lab.state.instances / "snapshots").iterdir())) == 1
    with refused("DBSnapshotNotFound", "not found"):
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=target, DBSnapshotIdentifier=copy)


def test_without_retention_there_is_no_point_to_restore_to(lab: Lab, rds: Any) -> None:
    with available_instance(rds, BackupRetentionPeriod=0) as made:
        name = made["DBInstanceIdentifier"]
        assert "LatestRestorableTime" not in made
        with refused("PointInTimeRestoreNotEnabled", "keeps no backups"):
            to_point(rds, name, UseLatestRestorableTime=True)
        rds.modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=3, ApplyImmediately=True)
        kept = wait_available(rds, name)
        assert kept["LatestRestorableTime"] > made["InstanceCreateTime"]
        identifier = fresh("snapshot")
        server = next(record for record in lab.state.registry.all() if record.endswith(f"-{name}"))
        with lab.stopped(server):
            rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=identifier)
            with refused("InvalidDBInstanceState", "not in available state"):
                rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=fresh("snapshot"))
        wait_available(rds, name)
        with refused("DBSnapshotAlreadyExists", "already exists"):
            rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=identifier)
        rds.delete_db_snapshot(DBSnapshotIdentifier=identifier)
