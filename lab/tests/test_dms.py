"""DMS in the lab: loads that move real rows between real servers, with DMS's states, refusals and losses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_world import PASSWORD, fresh, refused
from bahnvision_lab.certificates import Authority
from bahnvision_lab.testing import running_lab
from dms_world import SETTINGS, World, trust, wait_for

BEFORE_ROWS = (
    "initializing", "preparing_metadata_resources", "testing_connection", "fetching_metadata", "calculating_capacity",
    "provisioning_capacity", "replication_starting",
)  # fmt: skip
BUSY, NOT_FOUND = "InvalidResourceStateFault", "ResourceNotFoundFault"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("a dms") / "state") as lab:
        yield World.make(lab)


@pytest.fixture
def table(world: World) -> str:
    """A table on both sides, filled on the source only."""
    name = fresh("t").replace("-", "_")
    world.both(f"create table {name} (id int primary key, t text, x numeric)")
    with world.source() as source:
        source.execute(f"insert into {name} select n, 'row ' || n, n + 0.123456789 from generate_series(1, 100) n")
    return name


def rows(connection: Any, table: str) -> list[tuple]:
    with connection:
        return connection.execute(f"select * from {table} order by 1").fetchall()


def test_a_load_moves_every_row_and_says_so(world: World, table: str) -> None:
    arn = world.create(table)
    assert world.state(arn)["Status"] == "created"

    end = world.run(arn)

    assert (end["Status"], end["StopReason"]) == ("stopped", "Stop Reason FULL_LOAD_ONLY_FINISHED")
    assert (end["ReplicationStats"]["FullLoadProgressPercent"], end["ReplicationStats"]["TablesLoaded"]) == (100, 1)
    told = world.tables(arn)[table]
    assert (told["TableState"], told["FullLoadRows"], told["ValidationState"]) == ("Table completed", 100, "Validated")
    assert rows(world.source(), table) == rows(world.target(), table) != []


def test_a_second_load_empties_the_table_first_and_needs_its_own_kind_of_start(world: World, table: str) -> None:
    arn = world.create(table)
    world.run(arn)
    with refused(BUSY, "cannot be started with start-replication"):
        world.start(arn)

    assert world.run(arn, "reload-target")["Status"] == "stopped"
    assert len(rows(world.target(), table)) == 100


@pytest.mark.parametrize(
    "state",
    ["testing_connection", *(pytest.param(state, marks=pytest.mark.full) for state in (*BEFORE_ROWS[3:], "running"))],
)
def test_it_fails_in_the_state_that_a_fault_names_and_can_be_started_again(world, table, state) -> None:
    arn = world.create(table)
    name = world.state(arn)["ReplicationConfigIdentifier"]
    with world.lab.faults(dms_fails_in={name: state}):
        end = world.run(arn)

    assert end["Status"] == "failed"
    assert f"failed in {state}" in end["FailureMessages"][0]
    assert world.run(arn, "reload-target")["Status"] == "stopped"


def test_a_table_error_stops_the_load_with_half_of_the_rows_committed(world: World, table: str) -> None:
    arn = world.create(table)
    with world.lab.faults(dms_table_errors=[f"public.{table}"]):
        end = world.run(arn)

    assert (end["Status"], end["StopReason"]) == ("failed", "Stop Reason FATAL_ERROR")
    assert end["ReplicationStats"]["TablesErrored"] == 1
    assert world.tables(arn)[table]["TableState"] == "Table error"
    assert len(rows(world.target(), table)) == 50


def test_with_its_default_policy_a_table_error_hides_in_a_finished_load(world: World, table: str) -> None:
    lenient = {key: value for key, value in SETTINGS.items() if key != "ErrorBehavior"}
    arn = world.create(table, ReplicationSettings=json.dumps(lenient))
    with world.lab.faults(dms_table_errors=[f"public.{table}"]):
        end = world.run(arn)

    assert (end["Status"], end["ReplicationStats"]["TablesErrored"]) == ("stopped", 1)


def test_a_row_that_is_lost_is_seen_by_the_validation_only(world: World, table: str) -> None:
    arn = world.create(table)
    with world.lab.faults(dms_loses_rows=[f"public.{table}"]):
        end = world.run(arn)

    assert end["Status"] == "stopped"
    told = world.tables(arn)[table]
    assert (told["TableState"], told["ValidationState"], told["ValidationFailedRecords"]) == (
        "Table completed", "Mismatched records", 1,
    )  # fmt: skip


def test_what_dms_does_to_values_happens_here_too(world: World, table: str) -> None:
    source, target = (dict(world.endpoints)[kind] for kind in ("source", "target"))
    world.dms.modify_endpoint(EndpointArn=target, ExtraConnectionAttributes="")
    try:
        arn = world.create(table)
        world.run(arn)
    finally:
        world.dms.modify_endpoint(EndpointArn=target, ExtraConnectionAttributes="MapUnboundedNumericAsString=true")

    assert str(rows(world.target(), table)[0][2]) == "1.123457"
    with world.source() as connection:
        connection.execute(f"update {table} set t = repeat('ä', 9000) where id = 1")
    world.run(arn, "reload-target")
    assert "The LOB column t would be truncated: 36000 bytes" in world.state(arn)["FailureMessages"][0]
    settings = world.dms.describe_endpoints(Filters=[{"Name": "endpoint-arn", "Values": [source]}])
    cut = {**settings["Endpoints"][0]["PostgreSQLSettings"], "FailTasksOnLobTruncation": False}
    world.dms.modify_endpoint(EndpointArn=source, PostgreSQLSettings=cut)
    try:
        assert world.run(arn, "reload-target")["Status"] == "stopped"
    finally:
        world.dms.modify_endpoint(EndpointArn=source, PostgreSQLSettings={**cut, "FailTasksOnLobTruncation": True})
    assert len(rows(world.target(), table)[0][1]) == 32 * 1024 // 4


def test_a_load_can_be_stopped_and_a_provisioned_one_not_deleted(world: World, table: str) -> None:
    arn = world.create(table)
    with world.source() as holder, holder.transaction():
        holder.execute(f"lock table {table} in access exclusive mode")  # so that the load does not end before we look
        world.start(arn)
        wait_for(lambda: world.state(arn)["Status"] == "running", "it to run")
        with refused(BUSY, "cannot be deleted"):
            world.dms.delete_replication_config(ReplicationConfigArn=arn)
        world.dms.stop_replication(ReplicationConfigArn=arn)
    end = wait_for(lambda: (now := world.state(arn)) and now["Status"] == "stopped" and now, "it to stop")

    assert end["StopReason"] == "Stop Reason NORMAL"
    with refused(BUSY, "cannot be stopped"):
        world.dms.stop_replication(ReplicationConfigArn=arn)
    world.remove(arn)
    with refused(NOT_FOUND, "No Replications found matching provided filters."):
        world.state(arn)


@pytest.mark.parametrize("broken", ["password", "security group", "role", "host"])
def test_a_connection_that_fails_tells_why(world: World, table: str, broken: str) -> None:
    target = world.lab.status()["databases"][world.instance]
    before, ec2, iam = world.endpoints["target"], world.lab.client("ec2"), world.lab.client("iam")
    group = world.group
    if broken == "security group":
        world.group = ec2.create_security_group(GroupName=fresh("other"), Description="x", VpcId=world.vpc)["GroupId"]
    at = {**target, "port": 1} if broken == "host" else target
    password = "wrong" if broken == "password" else PASSWORD
    world.endpoint("target", at, "master", password, "app", SslMode="require")
    try:
        arn = world.create(table)
        if broken == "role":
            iam.update_assume_role_policy(RoleName="dms", PolicyDocument=trust("ec2.amazonaws.com"))
        end = world.run(arn)
    finally:
        world.endpoints["target"], world.group = before, group
        iam.update_assume_role_policy(RoleName="dms", PolicyDocument=trust("dms.eu-central-1.amazonaws.com"))

    told = {
        "password": "password authentication failed",
        "security group": "allows port",
        "role": "does not trust dms.eu-central-1.amazonaws.com",
        "host": "Connection refused",
    }
    assert end["Status"] == "failed"
    assert told[broken] in end["FailureMessages"][0]


def test_what_dms_refuses_is_refused(world: World, table: str) -> None:
    dms = world.dms
    with refused(NOT_FOUND, "among those of type source"):
        world.create(table, SourceEndpointArn=world.endpoints["target"])
    with refused("InvalidParameterValueException", "Error in mapping rules"):
        world.create(table, TableMappings="{}")
    with refused("InvalidParameterValueException", "3 is not a valid number of capacity units"):
        world.create(table, ComputeConfig={"MaxCapacityUnits": 3, "ReplicationSubnetGroupId": "walk"})
    with refused("ReplicationSubnetGroupDoesNotCoverEnoughAZs", "at least two"):
        dms.create_replication_subnet_group(
            ReplicationSubnetGroupIdentifier="one", ReplicationSubnetGroupDescription="x", SubnetIds=world.subnets[:1]
        )
    arn = world.create(table)
    with refused(BUSY, "is in use by"):
        dms.delete_endpoint(EndpointArn=world.endpoints["source"])
    with refused(BUSY, "is in use"):
        dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier="walk")
    assert dms.describe_replication_table_statistics(ReplicationConfigArn=arn)["ReplicationTableStatistics"] == []
    with refused("NotImplementedByLab", "only full-load"):
        world.create(table, ReplicationType="cdc")


def test_without_the_role_for_networks_there_is_no_subnet_group(world: World) -> None:
    iam = world.lab.client("iam")
    iam.update_assume_role_policy(RoleName="dms-vpc-role", PolicyDocument=trust("ec2.amazonaws.com"))
    try:
        with refused("AccessDeniedFault", "role/dms-vpc-role is not configured properly"):
            world.dms.create_replication_subnet_group(
                ReplicationSubnetGroupIdentifier="two", ReplicationSubnetGroupDescription="x", SubnetIds=world.subnets
            )
    finally:
        iam.update_assume_role_policy(RoleName="dms-vpc-role", PolicyDocument=trust("dms.amazonaws.com"))


def test_no_table_that_fits_is_a_failure(world: World) -> None:
    assert "No tables were found" in world.run(world.create("no such table"))["FailureMessages"][0]


def test_an_imported_certificate_lets_a_server_be_verified(world: World, table: str, tmp_path: Path) -> None:
    good = imported(world, Path(world.lab.status()["ca_bundle"]).read_text())
    Authority(tmp_path)
    other = imported(world, (tmp_path / "ca.pem").read_text())
    target = world.endpoints["target"]
    with refused("InvalidParameterCombinationException", "verify-full needs a CertificateArn"):
        world.dms.modify_endpoint(EndpointArn=target, SslMode="verify-full")
    with refused("InvalidCertificateFault", "not valid"):
        imported(world, "no certificate")
    try:
        made = world.dms.modify_endpoint(EndpointArn=target, SslMode="verify-full", CertificateArn=other)["Endpoint"]
        assert (made["SslMode"], made["CertificateArn"]) == ("verify-full", other)
        end = world.run(arn := world.create(table))
        # Not "verify failed": both authorities have one name, and the signature is another's.
        assert "SSL error" in end["FailureMessages"][0]
        world.dms.modify_endpoint(EndpointArn=target, CertificateArn=good)
        assert world.run(arn, "reload-target")["Status"] == "stopped"
        with refused(BUSY, "is in use by"):
            world.dms.delete_certificate(CertificateArn=good)
    finally:
        world.dms.modify_endpoint(EndpointArn=target, SslMode="require", CertificateArn="")
    assert {one["CertificateArn"] for one in world.dms.describe_certificates()["Certificates"]} == {good, other}
    for arn in (good, other):
        world.dms.delete_certificate(CertificateArn=arn)


def imported(world: World, pem: str) -> str:
    made = world.dms.import_certificate(CertificateIdentifier=fresh("authority"), CertificatePem=pem)
    return str(made["Certificate"]["CertificateArn"])


@pytest.mark.parametrize("needed", [True, pytest.param(False, marks=pytest.mark.full)])
def test_an_assessment_looks_at_the_source_before_the_load(world: World, table: str, needed: bool) -> None:
    bare = f"{table}_bare"
    world.both(f"create table {bare} (n int)")
    arn = world.create(table, bare)
    settings = json.dumps({"FailOnAssessmentFailure": needed})

    world.dms.start_replication(
        ReplicationConfigArn=arn, StartReplicationType="start-replication", PremigrationAssessmentSettings=settings
    )
    end = wait_for(lambda: (told := world.state(arn))["Status"] in ("stopped", "failed") and told, "the end")

    (told,) = end["PremigrationAssessmentStatuses"]
    assert (told["Status"], told["ResultStatistic"]["Failed"], told["FailOnAssessmentFailure"]) == ("failed", 1, needed)
    assert told["LastFailureMessage"] == f"postgres-check-pk: public.{bare}"
    assert (end["Status"], len(rows(world.target(), table))) == (("failed", 0) if needed else ("stopped", 100))
