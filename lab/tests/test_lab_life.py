"""up, down, reset and status, as a person or a crash does them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aws_world import available_instance, instance_arguments, wait_available
from bahnvision_lab import control
from bahnvision_lab.processes import ProcessId
from bahnvision_lab.state import VARIABLE, State
from bahnvision_lab.testing import Lab

COMMAND = [sys.executable, "-m", "bahnvision_lab.cli"]


def run_lab(state: State, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, VARIABLE: str(state.folder)}
    return subprocess.run(
        [*prefix, *COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def ports(status: dict[str, Any]) -> list[int]:
    databases = [database["port"] for database in status["databases"].values() if database["port"]]
    return [int(status["aws"]["endpoint_url"].rpartition(":")[2]), status["source"]["port"], *databases]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def gone(processes: dict[str, ProcessId], open_ports: list[int]) -> bool:
    return not any(process.alive for process in processes.values()) and not any(map(listens, open_ports))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "with blank" / ".lab")
    yield state
    control.down(state)


def test_up_twice_and_down_leaves_nothing(state: State) -> None:
    first = run_lab(state, "up")
    assert (first.returncode, first.stderr) == (0, "")
    status, processes = state.read_status(), state.registry.all()
    second = run_lab(state, "up")
    assert "already up" in second.stdout
    assert (second.returncode, state.read_status(), state.registry.all()) == (0, status, processes)
    assert all(map(listens, ports(status)))

    assert run_lab(state, "down").returncode == 0
    assert gone(processes, ports(status))
    assert not state.status_file.exists()
    assert state.registry.all() == {}
    assert json.loads(run_lab(state, "status", "--json").stdout) == {"running": False}
    assert run_lab(state, "down").stdout == "The lab was not up\n"


@pytest.mark.full
def test_two_ups_at_once_start_one_lab(state: State) -> None:
    environment = {**os.environ, VARIABLE: str(state.folder)}
    both = [
        subprocess.Popen([*COMMAND, "up"], env=environment, stdout=subprocess.PIPE, text=True) for _count in range(2)
    ]
    said = sorted(process.communicate(timeout=240)[0] for process in both)
    assert ["is already up" in said[0], "is up" in said[1]] == [True, True]
    assert set(state.registry.all()) == {"daemon", "source"}


def test_servers_of_a_killed_daemon_are_ended_by_record(state: State) -> None:
    control.up(state)
    rds = Lab(state).client("rds")
    rds.create_db_instance(**instance_arguments(DBInstanceIdentifier="db"))
    wait_available(rds, "db")
    before, status = state.registry.all(), state.read_status()
    os.kill(before["daemon"].pid, signal.SIGKILL)
    while before["daemon"].alive:
        time.sleep(0.01)
    alive = {name.partition(":")[0] for name, process in before.items() if process.alive}
    assert alive - {"router"} == {"source", "rds"}  # the router ends by itself, some moments later
    assert not state.read_status()["running"]

    again, started = control.up(state)
    assert started
    assert gone(before, [port for port in ports(status) if port not in ports(again)])
    assert again["databases"] == {}


@pytest.mark.full
def test_a_terminated_daemon_ends_its_servers(state: State) -> None:
    status, _started = control.up(state)
    processes = state.registry.all()
    os.kill(processes["daemon"].pid, signal.SIGTERM)
    deadline = time.monotonic() + 120
    while not gone(processes, ports(status)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(processes, ports(status))
    assert not state.status_file.exists()


def test_a_stranger_with_a_recorded_id_is_left_alone(state: State) -> None:
    state.prepare()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        state.registry.add("source", ProcessId(stranger.pid, started=1))
        control.down(state)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.full
def test_the_source_keeps_its_rows_until_reset(state: State) -> None:
    def rows(status: dict[str, Any]) -> int:
        with psycopg.connect(status["source"]["dsn"]) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS row")
            return connection.execute("SELECT count(*) FROM kept").fetchone()[0]

    status, _other = control.up(state)
    with psycopg.connect(status["source"]["dsn"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 3) AS row")
    client = Lab(state).client("rds")
    client.create_db_parameter_group(
        DBParameterGroupName="kept", DBParameterGroupFamily=_family(client), Description="x"
    )
    control.down(state)
    status, _other = control.up(state)
    assert rows(status) == 3
    assert Lab(state).client("rds").describe_db_parameter_groups()["DBParameterGroups"] == []
    status = control.reset(state)
    assert rows(status) == 1


def _family(client: Any) -> str:
    return client.describe_db_engine_versions(DefaultOnly=True)["DBEngineVersions"][0]["DBParameterGroupFamily"]


def test_secrets_are_for_the_owner_only(lab: Lab) -> None:
    folder = lab.state.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("status.json", "source.json", "aws-requests.jsonl", "lab.log", "ca/ca.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_status_for_people_has_no_password(lab: Lab) -> None:
    said = run_lab(lab.state, "status").stdout
    status = lab.status()
    assert status["aws"]["endpoint_url"] in said
    for secret in (status["aws"]["secret_access_key"], status["source"]["password"]):
        assert secret not in said


def test_no_password_is_in_any_argument_or_environment(lab: Lab, rds: Any) -> None:
    with available_instance(rds, MasterUserPassword="Very-Secret-In-Here"):
        secrets = [b"Very-Secret-In-Here", lab.status()["source"]["password"].encode()]
        looked = 0
        for process in lab.state.registry.all().values():
            for name in ("cmdline", "environ"):
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it ended meanwhile
                    content = Path(f"/proc/{process.pid}/{name}").read_bytes()
                    assert not any(secret in content for secret in secrets), (process, name)
                    looked += 1
        assert looked >= 6, "the daemon, the source and the instance at least"
        assert b"Very-Secret-In-Here" not in lab.state.log.read_bytes() + lab.state.request_log.read_bytes()


@pytest.mark.full
def test_an_ordinary_user_can_run_the_lab(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.geteuid() != 0:
        pytest.skip("this whole run is an ordinary user's already")
    folder = Path(tempfile.mkdtemp(prefix="lab of nobody ", dir="/var/tmp"))
    os.chown(folder, 65534, 65534)
    # Only to reach the interpreter and the checkout, which may lie in a folder of root's.
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
              "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")  # fmt: skip
    state = State(folder / "state")
    try:
        up = run_lab(state, "up", prefix=prefix)
        assert (up.returncode, up.stderr) == (0, "")
        owner = Path(f"/proc/{state.registry.all()['source'].pid}").stat().st_uid
        assert owner == 65534
        assert run_lab(state, "down", prefix=prefix).returncode == 0
    finally:
        control.down(state)
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_what_keeps_the_lab_from_starting_is_one_clear_line(state: State) -> None:
    state.prepare()
    state.source.with_name("source.json").write_text(json.dumps({"major": 9, "password": "x"}))
    failed = run_lab(state, "up")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.count("\n") == 1
    assert "PostgreSQL 9, which is no longer installed" in failed.stderr
    assert state.registry.all() == {}
