"""The real server behind a DB instance: who may do what, and what the API's changes do to it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from aws_world import PASSWORD, available_instance, connect, fresh, instance_arguments, refused, wait_available
from bahnvision_lab.testing import Lab


@pytest.fixture(scope="module")
def family(rds: Any) -> str:
    found = rds.describe_db_engine_versions(Engine="postgres", DefaultOnly=True)["DBEngineVersions"]
    return found[0]["DBParameterGroupFamily"]


@pytest.fixture(scope="module")
def group(rds: Any, family: str) -> str:
    name = fresh("parameters")
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily=family, Description="x")
    return name


@pytest.fixture(scope="module")
def instance(rds: Any, group: str) -> Iterator[dict[str, Any]]:
    with available_instance(rds, DBName="app", DBParameterGroupName=group, MaxAllocatedStorage=100) as made:
        yield made


@pytest.fixture(scope="module")
def name(instance: dict[str, Any]) -> str:
    return instance["DBInstanceIdentifier"]


def value(connection: psycopg.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def set_parameters(rds: Any, group: str, method: str, **values: str) -> None:
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[
        {"ParameterName": key.replace("__", "."), "ParameterValue": entry, "ApplyMethod": method}
        for key, entry in values.items()
    ])  # fmt: skip


def test_the_answer_has_what_clients_read(instance: dict[str, Any]) -> None:
    assert instance["Endpoint"]["Address"] == "127.0.0.1"
    told = {key: instance[key] for key in (
        "StorageType", "Iops", "StorageThroughput", "DbInstancePort", "LicenseModel", "MultiAZ", "MaxAllocatedStorage",
        "DatabaseInsightsMode", "EngineLifecycleSupport", "CACertificateIdentifier", "PendingModifiedValues",
    )}  # fmt: skip
    assert told == {
        "StorageType": "gp3", "Iops": 3000, "StorageThroughput": 125, "DbInstancePort": 0,
        "LicenseModel": "postgresql-license", "MultiAZ": False, "MaxAllocatedStorage": 100,
        "DatabaseInsightsMode": "standard", "EngineLifecycleSupport": "open-source-rds-extended-support",
        "CACertificateIdentifier": "rds-ca-rsa2048-g1", "PendingModifiedValues": {},
    }  # fmt: skip
    assert "SecondaryAvailabilityZone" not in instance


def test_the_master_user_is_what_rds_gives(lab: Lab, name: str) -> None:
    with connect(lab, name) as master:
        assert master.pgconn.ssl_in_use
        flags = master.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, pg_has_role('rds_superuser', 'member') "
            "FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert flags == (False, True, True, False, True)
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "COPY (SELECT 1) TO '/tmp/x'",
            "ALTER SYSTEM SET fsync=off",
            "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'y'",
            "SET ROLE rdsadmin",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                master.execute(statement)
        for statement in ("CREATE ROLE app LOGIN", "CREATE DATABASE another", "GRANT pg_monitor TO app",
                          "GRANT rds_superuser TO app", "CREATE TABLE t (n int)"):  # fmt: skip
            master.execute(statement)
        owners = dict(master.execute("SELECT datname, datdba::regrole::text FROM pg_database").fetchall())
        assert {owners[key] for key in ("app", "another", "postgres", "template1")} == {"master"}
        assert owners["rdsadmin"] == "rdsadmin"
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        connect(lab, name, dbname="rdsadmin")


def test_extensions_are_those_of_the_list(lab: Lab, name: str) -> None:
    with connect(lab, name) as master:
        offered = value(master, "SHOW rds.extensions").split(",")
        assert "pgcrypto" in offered
        master.execute("CREATE EXTENSION pgcrypto")
        assert "file_fdw" not in offered
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            master.execute("CREATE EXTENSION file_fdw")


def test_force_ssl_is_obeyed_and_can_be_switched(lab: Lab, rds: Any, name: str, group: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(lab, name, sslmode="disable")
    set_parameters(rds, group, "immediate", rds__force_ssl="0")
    with connect(lab, name, sslmode="disable") as plain:
        assert not plain.pgconn.ssl_in_use
    rds.reset_db_parameter_group(
        DBParameterGroupName=group, Parameters=[{"ParameterName": "rds.force_ssl", "ApplyMethod": "immediate"}]
    )
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(lab, name, sslmode="disable")


def test_a_certificate_of_another_authority_is_not_believed(lab: Lab, name: str, tmp_path: Any) -> None:
    from bahnvision_lab.certificates import Authority

    with pytest.raises(psycopg.OperationalError, match="SSL error"):
        connect(lab, name, sslrootcert=str(Authority(tmp_path / "other").bundle))


def test_parameters_take_effect_when_rds_says_so(lab: Lab, rds: Any, name: str, group: str) -> None:
    def status() -> str:
        described = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return described["DBParameterGroups"][0]["ParameterApplyStatus"]

    set_parameters(rds, group, "immediate", log_min_duration_statement="250")
    with connect(lab, name) as master:
        deadline = time.monotonic() + 60  # the server reads its files a moment after the signal
        while value(master, "SHOW log_min_duration_statement") != "250ms":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert status() == "in-sync"
        set_parameters(rds, group, "pending-reboot", max_connections="77", work_mem="8192")
        assert (value(master, "SHOW max_connections"), value(master, "SHOW work_mem")) == ("100", "4MB")
        assert status() == "pending-reboot"
        started = value(master, "SELECT pg_postmaster_start_time()")
    with lab.held():
        rds.reboot_db_instance(DBInstanceIdentifier=name)
        assert lab.status()["databases"][name]["status"] == "rebooting"
    wait_available(rds, name)
    with connect(lab, name) as master:
        assert (value(master, "SHOW max_connections"), value(master, "SHOW work_mem")) == ("77", "8MB")
        assert value(master, "SELECT pg_postmaster_start_time()") > started
    assert status() == "in-sync"
    chosen = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert {entry["ParameterName"]: entry["ParameterValue"] for entry in chosen} == {
        "log_min_duration_statement": "250", "max_connections": "77", "work_mem": "8192",
    }  # fmt: skip


def test_a_new_password_opens_and_the_old_does_not(lab: Lab, rds: Any, name: str) -> None:
    rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="another%Pass:word", ApplyImmediately=True)
    wait_available(rds, name)
    with connect(lab, name, password="another%Pass:word") as master:
        assert value(master, "SELECT current_user") == "master"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(lab, name, password=PASSWORD)


def test_what_needs_a_maintenance_window_waits_for_it(rds: Any, name: str) -> None:
    rds.modify_db_instance(DBInstanceIdentifier=name, AllocatedStorage=30, BackupRetentionPeriod=30)
    waiting = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert (waiting["AllocatedStorage"], waiting["PendingModifiedValues"]) == (20, {"AllocatedStorage": 30})
    assert waiting["BackupRetentionPeriod"] == 30
    rds.modify_db_instance(DBInstanceIdentifier=name, MultiAZ=True, ApplyImmediately=True)
    done = wait_available(rds, name)
    assert (done["AllocatedStorage"], done["MultiAZ"], done["PendingModifiedValues"]) == (30, True, {})
    assert done["SecondaryAvailabilityZone"] != done["AvailabilityZone"]


def test_the_master_user_may_subscribe_and_nobody_else(lab: Lab, name: str) -> None:
    """As on RDS, where rds_superuser may; before version 16 PostgreSQL itself asks for a superuser."""
    statement = (
        "CREATE SUBSCRIPTION {} CONNECTION 'host=nowhere password=x dbname=x' PUBLICATION p"
        " WITH (connect = false, slot_name = NONE, enabled = false, create_slot = false)"
    )
    mighty = "SELECT coalesce(string_agg(rolname, ' '), '') FROM pg_roles WHERE rolsuper"
    with connect(lab, name) as master:
        master.execute("CREATE ROLE plain; GRANT plain TO master")
        for database in ("later", value(master, "SELECT current_database()")):
            if database == "later":
                master.execute("CREATE DATABASE later")
            with connect(lab, name, dbname=database) as inside:
                inside.execute(statement.format("ours"))
                assert value(inside, mighty) == "rdsadmin", "it was one for the statement only"
                with pytest.raises(psycopg.Error):
                    inside.execute(statement.format("ours"))
                inside.execute("SET ROLE plain")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    inside.execute(statement.format("theirs"))
                inside.execute("RESET ROLE")
                inside.execute("DROP SUBSCRIPTION ours")
                assert value(inside, mighty) == "rdsadmin"
        with pytest.raises(psycopg.Error, match="replication"):
            master.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        master.execute("DROP ROLE plain")
        master.execute("DROP DATABASE later")


def test_a_stopped_instance_has_no_server_and_keeps_its_rows(lab: Lab, rds: Any, name: str) -> None:
    with connect(lab, name) as master:
        master.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 5 AS n")
    dsn = lab.status()["databases"][name]["dsn"]
    rds.stop_db_instance(DBInstanceIdentifier=name)
    deadline = time.monotonic() + 120
    while rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lab.status()["databases"][name]["dsn"] is None
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(dsn)
    with refused("InvalidDBInstanceState", "not in available state"):
        rds.reboot_db_instance(DBInstanceIdentifier=name)
    rds.start_db_instance(DBInstanceIdentifier=name)
    wait_available(rds, name)
    with connect(lab, name) as master:
        assert value(master, "SELECT n FROM kept") == 5


def test_the_managed_secret_opens_the_database_and_rotates(lab: Lab, rds: Any) -> None:
    secrets = lab.client("secretsmanager")
    key = lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    with available_instance(
        rds, MasterUserPassword=None, ManageMasterUserPassword=True, MasterUserSecretKmsKeyId=key,
        StorageEncrypted=True, KmsKeyId=key,
    ) as made:  # fmt: skip
        name = made["DBInstanceIdentifier"]
        assert (made["KmsKeyId"], made["MasterUserSecret"]["KmsKeyId"]) == (key, key)

        def current() -> dict[str, str]:
            return json.loads(secrets.get_secret_value(SecretId=made["MasterUserSecret"]["SecretArn"])["SecretString"])

        first = current()
        assert first["username"] == "master"
        connect(lab, name, password=first["password"]).close()
        told = rds.modify_db_instance(DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
        told = told["DBInstance"]
        assert (told["DBInstanceStatus"], told["MasterUserSecret"]["SecretStatus"]) == (
            "resetting-master-credentials", "rotating",
        )  # fmt: skip
        assert wait_available(rds, name)["MasterUserSecret"]["SecretStatus"] == "active"
        second = current()
        assert second["password"] != first["password"]
        connect(lab, name, password=second["password"]).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(lab, name, password=first["password"])


def test_deletion_takes_the_server_and_its_files(lab: Lab, rds: Any) -> None:
    arguments = instance_arguments()
    rds.create_db_instance(**arguments)
    name = arguments["DBInstanceIdentifier"]
    wait_available(rds, name)
    record, process = next((key, entry) for key, entry in lab.state.registry.all().items() if key.endswith(f"-{name}"))
    rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=f"{name}-final")
    assert not process.alive
    assert record not in lab.state.registry.all()
    assert not list(lab.state.instances.glob(f"*-{name}"))
    assert name not in lab.status()["databases"]
    snapshot = rds.describe_db_snapshots(DBSnapshotIdentifier=f"{name}-final")["DBSnapshots"][0]
    assert (snapshot["DBInstanceIdentifier"], snapshot["Status"]) == (name, "available")


def test_an_instance_can_be_deleted_and_made_again_at_once(lab: Lab, rds: Any) -> None:
    arguments = instance_arguments()
    name = arguments["DBInstanceIdentifier"]
    for _count in range(2):
        rds.create_db_instance(**arguments)
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    with available_instance(rds, DBInstanceIdentifier=name):
        connect(lab, name).close()
