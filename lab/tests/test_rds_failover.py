"""Multi-AZ: a real standby, failovers that keep or lose what they must, and an endpoint that stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from aws_world import available_instance, connect, fresh, refused, wait_available
from bahnvision_lab import truth
from bahnvision_lab.testing import Lab

Instance = dict[str, Any]


@pytest.fixture(scope="module")
def group(rds: Any) -> str:
    family = rds.describe_db_engine_versions(DefaultOnly=True)["DBEngineVersions"][0]["DBParameterGroupFamily"]
    name = fresh("parameters")
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily=family, Description="x")
    return name


@pytest.fixture(scope="module")
def name(lab: Lab, rds: Any, group: str) -> Iterator[str]:
    with available_instance(rds, MultiAZ=True, DBParameterGroupName=group) as made:
        with connect(lab, made["DBInstanceIdentifier"]) as master:
            master.execute("CREATE TABLE written (n bigint)")
        yield made["DBInstanceIdentifier"]


class Writer:
    """Writes row after row through the endpoint, and remembers which were acknowledged."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.acknowledged: set[int] = set()
        self.problems = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self._thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_problem: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def wait_for(self, count: int) -> None:
        wanted, deadline = len(self.acknowledged) + count, time.monotonic() + 120
        while len(self.acknowledged) < wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.acknowledged) >= wanted

    def _run(self) -> None:
        number = time.monotonic_ns()
        while not self._stop.is_set():
            try:
                with psycopg.connect(self.dsn, autocommit=True, connect_timeout=3) as connection:
                    while not self._stop.is_set():
                        number += 1
                        connection.execute("INSERT INTO written VALUES (%s)", (number,))
                        self.acknowledged.add(number)
                        time.sleep(0.004)
            except psycopg.OperationalError:
                self.problems += 1
                time.sleep(0.02)


def dsn(lab: Lab, name: str) -> str:
    return lab.status()["databases"][name]["dsn"]


def described(rds: Any, name: str) -> Instance:
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def zones(instance: Instance) -> tuple[str, str]:
    return instance["AvailabilityZone"], instance["SecondaryAvailabilityZone"]


def identity(lab: Lab, name: str) -> tuple[Any, ...]:
    """What tells one server from another, also on AWS: when it started, and its timeline."""
    with connect(lab, name) as master:
        query = "SELECT pg_postmaster_start_time(), timeline_id FROM pg_control_checkpoint()"
        return master.execute(query).fetchone()


def present(lab: Lab, name: str) -> set[int]:
    with connect(lab, name) as master:
        return {number for (number,) in master.execute("SELECT n FROM written").fetchall()}


def wait_synchronous(lab: Lab, name: str) -> None:
    deadline = time.monotonic() + 120
    while lab.status()["databases"][name]["standby"] != "synchronous" and time.monotonic() < deadline:
        time.sleep(0.05)
    with connect(lab, name) as master:
        states = master.execute("SELECT application_name, state, sync_state FROM pg_stat_replication").fetchall()
    assert states == [("standby", "streaming", "sync")]


def fail_over(lab: Lab, rds: Any, name: str) -> Instance:
    rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
    return wait_available(rds, name)


def messages(rds: Any, name: str) -> list[str]:
    events = rds.describe_events(SourceIdentifier=name, SourceType="db-instance")["Events"]
    return [event["Message"] for event in events]


def journal(lab: Lab, name: str) -> list[dict[str, Any]]:
    return [line for line in truth.read(lab.state.truth) if line["id"] == name]


def test_commits_wait_for_a_streaming_standby_in_another_zone(lab: Lab, rds: Any, name: str) -> None:
    wait_synchronous(lab, name)
    instance = described(rds, name)
    assert zones(instance)[0] != zones(instance)[1]
    told = lab.status()["databases"][name]
    assert (told["zone"], told["standby_zone"], told["multi_az"]) == (*zones(instance), True)
    records = [record for record in lab.state.registry.all() if record.endswith(f"-{name}")]
    assert len(records) == 2


def test_a_failover_keeps_every_acknowledged_row_and_the_endpoint(lab: Lab, rds: Any, name: str) -> None:
    before, who, seen = described(rds, name), identity(lab, name), len(journal(lab, name))
    with Writer(dsn(lab, name)) as writer:
        with lab.held():
            rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
            with refused("InvalidDBInstanceState", "not in available state"):
                rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
        after = wait_available(rds, name)
        writer.wait_for(20)
        # The standby is being rebuilt: a second failover waits for it.
        again = fail_over(lab, rds, name)
        writer.wait_for(20)
    assert writer.problems > 0
    assert writer.acknowledged <= present(lab, name)
    assert (after["Endpoint"], zones(after)) == (before["Endpoint"], zones(before)[::-1])
    assert (again["Endpoint"], zones(again)) == (before["Endpoint"], zones(before))
    started, timeline = identity(lab, name)
    assert started != who[0]
    assert timeline > who[1]
    assert messages(rds, name)[-6:] == 2 * [
        "Multi-AZ instance failover started.", "DB instance restarted", "Multi-AZ instance failover completed",
    ]  # fmt: skip
    lines = journal(lab, name)[seen:]
    assert [line["event"] for line in lines[:5]] == ["kill", "dead", "promoted", "flipped", "standby"]
    assert lines[4]["how"] == "rewind"
    moments = [line["monotonic_ns"] for line in lines]
    assert moments == sorted(moments)
    assert abs(lines[0]["wall"] - time.time()) < 600
    wait_synchronous(lab, name)


def test_an_asynchronous_standby_loses_acknowledged_rows(lab: Lab, rds: Any, name: str) -> None:
    seen = len(journal(lab, name))
    with lab.faults(asynchronous=[name]), Writer(dsn(lab, name)) as writer:
        fail_over(lab, rds, name)
        writer.wait_for(20)
    assert writer.acknowledged - present(lab, name)
    wait_synchronous(lab, name)
    told = [line["event"] for line in journal(lab, name)[seen:]]
    assert told[:5] == ["replication cut", "kill", "dead", "promoted", "flipped"]


def test_a_failover_that_does_nothing_shows_in_the_server_alone(lab: Lab, rds: Any, name: str) -> None:
    who, before, said = identity(lab, name), described(rds, name), messages(rds, name)
    with lab.faults(failover_does_nothing=[name], endpoint_flip_seconds={name: 0.2}):
        begun = rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)["DBInstance"]
        assert begun["DBInstanceStatus"] == "rebooting"
        after = wait_available(rds, name)
    assert identity(lab, name) == who
    assert (zones(after), messages(rds, name)) == (zones(before), said)
    assert journal(lab, name)[-1]["event"] == "failover left out"


def test_the_endpoint_flips_as_late_as_it_is_told(lab: Lab, rds: Any, name: str) -> None:
    with lab.faults(endpoint_flip_seconds={"*": 1.5}):
        fail_over(lab, rds, name)
    at = {line["event"]: line["monotonic_ns"] for line in journal(lab, name) if line["event"] != "standby"}
    assert at["flipped"] - at["dead"] > 1.45e9
    assert at["promoted"] < at["flipped"]


@pytest.mark.parametrize("connections", ["60", "140"])
def test_a_reboot_restarts_both_servers_with_lower_and_higher_limits(
    lab: Lab, rds: Any, name: str, group: str, connections: str
) -> None:
    change = {"ParameterName": "max_connections", "ParameterValue": connections, "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[change])
    before = described(rds, name)
    rds.reboot_db_instance(DBInstanceIdentifier=name)
    after = wait_available(rds, name)
    with connect(lab, name) as master:
        assert master.execute("SHOW max_connections").fetchone() == (connections,)
    assert (after["Endpoint"], zones(after)) == (before["Endpoint"], zones(before))
    wait_synchronous(lab, name)


def test_a_failover_brings_parameters_that_wait_for_a_reboot(lab: Lab, rds: Any, name: str, group: str) -> None:
    change = {"ParameterName": "max_connections", "ParameterValue": "90", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[change])
    assert described(rds, name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    after = fail_over(lab, rds, name)
    assert after["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    with connect(lab, name) as master:
        assert master.execute("SHOW max_connections").fetchone() == ("90",)
    wait_synchronous(lab, name)


def test_to_multi_az_and_back(lab: Lab, rds: Any) -> None:
    with available_instance(rds) as made:
        name = made["DBInstanceIdentifier"]
        with refused("InvalidParameterCombination", "not configured for MultiAZ"):
            rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
        with connect(lab, name) as open_all_along:
            begun = rds.modify_db_instance(DBInstanceIdentifier=name, MultiAZ=True, ApplyImmediately=True)
            assert begun["DBInstance"]["DBInstanceStatus"] == "modifying"
            double = wait_available(rds, name)
            wait_synchronous(lab, name)
            rds.modify_db_instance(DBInstanceIdentifier=name, MultiAZ=False, ApplyImmediately=True)
            single = wait_available(rds, name)
            open_all_along.execute("CREATE TABLE t (n int)")  # nobody is waited for any more
        assert (double["MultiAZ"], single["MultiAZ"]) == (True, False)
        assert "SecondaryAvailabilityZone" not in single
        assert double["Endpoint"] == single["Endpoint"] == made["Endpoint"]
        assert len([record for record in lab.state.registry.all() if record.endswith(f"-{name}")]) == 1
        assert messages(rds, name)[-4:] == [
            "Applying modification to convert to a Multi-AZ DB instance",
            "Finished applying modification to convert to a Multi-AZ DB instance",
            "Applying modification to convert to a standard (Single-AZ) DB instance",
            "Finished applying modification to convert to a standard (Single-AZ) DB instance",
        ]
