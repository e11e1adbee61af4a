"""A restored instance is the whole thing: its rows, and everything that a restore by itself forgets.

The tests of this file share one lab with one instance, its snapshot and its backups.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api, instance
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from bahnvision_lab.testing import running_lab
from rds_world import World

SNAPSHOT = {"snapshot_identifier": "before-the-drill"}
LATEST = {"instance_identifier": "bahnvision-lab", "latest": True}
FULL = {
    "db_parameter_group_name": "fidelity", "backup_retention_period": 30,
    "backup_window": "01:00-02:00", "maintenance_window": "sun:04:00-sun:05:00", "max_allocated_storage": 200,
    "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"], "performance_insights": True,
    "performance_insights_retention_period": 7, "deletion_protection": True, "storage_type": "gp3",
    "instance_class": "db.t4g.medium", "engine_lifecycle_support": "open-source-rds-extended-support-disabled",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("rds-restore") / "lab") as lab:
        world = World(lab)
        world.parameter_group("fidelity", "postgres15", {"rds.force_ssl": "1", "work_mem": "8192"})
        world.instance(**FULL)
        with world.master() as master:
            master.execute("create table kept as select generate_series(1, 500) as id")
        snapshot = SNAPSHOT["snapshot_identifier"]
        world.rds.create_db_snapshot(DBSnapshotIdentifier=snapshot, DBInstanceIdentifier="bahnvision-lab")
        world.rds.get_waiter("db_snapshot_available").wait(
            DBSnapshotIdentifier=snapshot, WaiterConfig={"Delay": 0.2, "MaxAttempts": 1000}
        )
        yield world


def shown(world: World, identifier: str) -> dict[str, Any]:
    return world.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]


def rows(world: World, identifier: str) -> int:
    """Log in by what the managed secret says: the copy's own, not the origin's."""
    made = shown(world, identifier)
    value = world.secrets.get_secret_value(SecretId=made["MasterUserSecret"]["SecretArn"])["SecretString"]
    content = {
        **json.loads(value), "host": made["Endpoint"]["Address"], "port": made["Endpoint"]["Port"],
        "dbname": "bahnvision",
    }  # fmt: skip
    with world.connect(content) as connection:
        return connection.execute("select count(*) from kept").fetchone()[0]


def compare(world: World, identifier: str) -> None:
    origin, copy = shown(world, "bahnvision-lab"), shown(world, identifier)
    for key in (
        "DBInstanceClass", "StorageType", "AllocatedStorage", "MaxAllocatedStorage", "DeletionProtection",
        "BackupRetentionPeriod", "PreferredBackupWindow", "PreferredMaintenanceWindow", "EnabledCloudwatchLogsExports",
        "PerformanceInsightsEnabled", "CopyTagsToSnapshot", "StorageEncrypted", "EngineVersion",
        "AutoMinorVersionUpgrade", "EngineLifecycleSupport",
    ):  # fmt: skip
        assert copy.get(key) == origin.get(key), key
    assert copy["DBParameterGroups"][0]["DBParameterGroupName"] == "fidelity"
    assert copy["MasterUserSecret"]["SecretArn"] != origin["MasterUserSecret"]["SecretArn"]
    assert copy["VpcSecurityGroups"] == origin["VpcSecurityGroups"]


@pytest.mark.parametrize(
    ("name", "source", "zones"),
    [("from-snapshot", SNAPSHOT, True), ("from-backups", LATEST, False)],
    ids=["snapshot", "latest time"],
)
def test_a_copy_is_foreseen_complete_and_made_once(
    world: World, name: str, source: dict[str, Any], zones: bool
) -> None:
    groups = [group["VpcSecurityGroupId"] for group in shown(world, "bahnvision-lab")["VpcSecurityGroups"]]
    wish = FULL | {"restore_from": source, "vpc_security_group_ids": groups, "multi_az": zones}
    before = world.writes()
    foreseen = world.instance(name, check_mode=True, **wish)
    assert world.writes() == before

    made = world.instance(name, **wish)

    assert made["actions"] == foreseen["actions"]
    after, said = (told["diff"]["after"][f"db_instance {name}"] for told in (made, foreseen))
    # A snapshot does not say all: what it foresees to set may turn out to be right already.
    assert {key: said[key] for key in after} == after
    assert set(said) - set(after) <= {"maintenance_window", "backup_window", "backup_retention_period"}
    compare(world, name)
    assert shown(world, name)["MultiAZ"] is zones
    assert rows(world, name) == 500
    before = world.writes()
    for check_mode in (True, False):
        again = world.instance(name, check_mode=check_mode, **wish)
        assert again["actions"] == []
    assert world.writes() == before


class Killed(BaseException):
    """Nothing of ours catches it, as nothing catches SIGKILL."""


def test_a_restore_that_was_killed_is_completed_by_the_next_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wish = FULL | {"restore_from": SNAPSHOT}

    def kill(*_arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(instance, "_wait_settled", kill)
        with pytest.raises(Killed):
            world.instance("killed", **wish)
    assert "MasterUserSecret" not in shown(world, "killed")

    assert world.instance("killed", **wish)["changed"]

    compare(world, "killed")
    assert rows(world, "killed") == 500
    assert world.instance("killed", **wish)["actions"] == []


def test_an_instance_that_exists_is_never_overwritten(world: World) -> None:
    told = world.instance(**FULL, restore_from=SNAPSHOT)

    assert told["actions"] == []
    assert any("is not used: the instance exists already" in note for note in told["notes"])


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"restore_from": {"snapshot_identifier": "absent"}}, "no snapshot absent .*: .*before-the-drill"),
        ({"restore_from": {"instance_identifier": "absent", "latest": True}}, "no instance absent"),
        (
            {"restore_from": {"instance_identifier": "bahnvision-lab",
                              "restore_time": stamp(datetime.now(UTC) + timedelta(days=1))}},
            "lies outside of what can be restored",
        ),
        (
            {"restore_from": {"instance_identifier": "bahnvision-lab",
                              "restore_time": stamp(datetime.now(UTC) - timedelta(days=40))}},
            "lies outside of what can be restored",
        ),
        ({"restore_from": {"instance_identifier": "bahnvision-lab", "restore_time": "x"}}, "must be a time like"),
        ({"restore_from": {"instance_identifier": "bahnvision-lab"}}, "either restore_time or latest"),
        ({"restore_from": {**SNAPSHOT, "instance_identifier": "bahnvision-lab"}}, "either snapshot_identifier or"),
        ({"restore_from": SNAPSHOT, "storage_encrypted": False}, "storage_encrypted is True and cannot become False"),
        ({"restore_from": SNAPSHOT, "master_username": "other"}, "master_username is postgres"),
        ({"restore_from": SNAPSHOT, "engine_version": "14"}, "never goes back|not offer"),
        ({"restore_from": SNAPSHOT, "instance_class": "db.nope"}, "cannot be ordered"),
    ],
)  # fmt: skip
def test_what_cannot_be_restored_is_refused_before_the_first_write(
    world: World, wish: dict[str, Any], text: str
) -> None:
    before = world.writes()
    with pytest.raises(ResourceError, match=text):
        world.instance("refused", **(FULL | wish))
    assert world.writes() == before
    assert api.get_instance(world.rds, "refused") is None


def test_the_rows_of_a_copy_are_its_own(world: World) -> None:
    with world.master("from-snapshot") as copy:
        copy.execute("truncate kept")
    assert rows(world, "bahnvision-lab") == 500
    with pytest.raises(psycopg.OperationalError), world.master("from-snapshot") as plain:
        psycopg.connect(plain.info.dsn, sslmode="disable", password="none", sslrootcert="")
