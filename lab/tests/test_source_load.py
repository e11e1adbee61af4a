"""`lab load` against a real PostgreSQL server: again, killed, refused, another scale."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import psycopg
import pytest
from bahnvision_lab import postgres, processes
from bahnvision_lab.errors import LabError
from bahnvision_lab.source import cli, ensure_database, load, mark
from source_cluster import PASSWORD, cluster, content, dsn_of, one, orphans, unvalidated


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("source") / "postgres") as started:
        yield started


@pytest.fixture(scope="module")
def dsn(server):
    return dsn_of(server)


def test_a_second_load_changes_nothing_and_a_load_from_nothing_gives_the_same(server, dsn):
    with server.connect() as admin:  # the tests before have drawn from the sequences
        admin.execute("DROP DATABASE bahnvision WITH (FORCE)")
    first = load(dsn, 1)
    with server.connect("bahnvision") as connection:
        before = content(connection)
        oid = one(connection, "SELECT oid FROM pg_database WHERE datname = 'bahnvision'")
    again = load(dsn, 1)
    assert again.already
    assert again.rows == first.rows
    with server.connect("bahnvision") as connection:
        assert one(connection, "SELECT oid FROM pg_database WHERE datname = 'bahnvision'") == oid
        connection.execute("DELETE FROM gtfs_calendar_dates")
    said = []
    afresh = load(dsn, 1, said.append)
    assert not afresh.already
    assert "gtfs_calendar_dates 9 -> 0" in said[0]
    with server.connect("bahnvision") as connection:
        assert content(connection) == before


@pytest.mark.full  # the failure below is noticed in the same way, and keeps nothing either
def test_a_load_killed_half_way_leaves_nothing_and_the_next_one_is_whole(server, dsn):
    with server.connect() as admin:
        admin.execute("DROP DATABASE bahnvision WITH (FORCE)")
    script = f"from bahnvision_lab.source import load; load({dsn!r}, 5, lambda line: print(line, flush=True))"
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if line.startswith("ingestion_runs"):
            break
    child.kill()
    child.wait(60)
    child.stdout.close()
    with server.connect("bahnvision") as connection:
        assert mark.tables(connection) == []
        assert mark.read(connection) is None
    with server.connect() as admin:  # the lost client's session holds the lock until the server notices
        deadline = time.monotonic() + 60
        while one(admin, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") and time.monotonic() < deadline:
            time.sleep(0.05)
    result = load(dsn, 1)
    assert not result.already
    assert result.rows["gtfs_stop_times"] == 37790


def test_tables_of_somebody_else_are_refused_and_kept(server, dsn):
    with server.connect() as admin:
        admin.execute("DROP DATABASE bahnvision WITH (FORCE)")
    ensure_database(server)
    with server.connect("bahnvision") as connection:
        connection.execute("CREATE TABLE precious AS SELECT 1 AS id")
        with pytest.raises(LabError, match="precious"):
            load(dsn, 1)
        assert one(connection, "SELECT count(*) FROM precious") == 1
        connection.execute("DROP TABLE precious")


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Return a function that runs `lab load …` on a state folder."""
    monkeypatch.setenv("BAHNVISION_LAB_STATE", str(tmp_path))
    parser = argparse.ArgumentParser(exit_on_error=False)
    cli.add_parser(parser.add_subparsers())

    def run(*words):
        arguments = parser.parse_args(["load", *words])
        return arguments.func(arguments)

    return run


def test_the_command_reads_the_status_and_prints_the_rows(command, dsn, tmp_path, capsys):
    """It loads what the test before has left empty."""
    processes.Registry(tmp_path / "pids.json").add("daemon", processes.identify(os.getpid()))
    (tmp_path / "status.json").write_text(json.dumps({"running": True, "source": {"dsn": dsn}}))
    assert command() == 0
    printed = capsys.readouterr().out
    assert "gtfs_stop_times: 37,790 rows" in printed
    assert "scale 1 loaded" in printed
    assert command("--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["scale"], result["already"], result["rows"]["gtfs_stops"]) == (1, True, 416)
    assert PASSWORD not in printed


@pytest.mark.full
def test_another_scale_starts_from_nothing_and_doubles_the_rows(server, dsn):
    small = load(dsn, 1)
    with server.connect() as admin:
        admin.execute("SELECT pg_create_logical_replication_slot('left_behind', 'pgoutput')")
    with psycopg.connect(dsn, autocommit=True) as inside:
        inside.execute("SELECT pg_create_logical_replication_slot('of_bahnvision', 'pgoutput')")
    large = load(dsn, 2)
    assert not large.already
    assert large.rows["gtfs_stop_times"] == 2 * small.rows["gtfs_stop_times"]
    for table in ("departure_observations", "weather_observations", "realtime_station_stats", "route_snapshots"):
        assert 1.9 < large.rows[table] / small.rows[table] < 2.1, table
    assert large.bytes > 1.5 * small.bytes
    with server.connect("bahnvision") as connection:
        assert unvalidated(connection) == 0
        assert orphans(connection) == 0
        assert one(connection, "SELECT array_agg(slot_name::text) FROM pg_replication_slots") == ["left_behind"]
        connection.execute("SELECT pg_drop_replication_slot('left_behind')")


def test_only_one_load_at_a_time_and_only_the_right_database(server, dsn):
    with server.connect() as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [0x6261686E])
        with pytest.raises(LabError, match="another `lab load`"):
            load(dsn, 1)
    with pytest.raises(LabError, match="'bahnvision' only"):
        load(dsn.replace("/bahnvision", "/postgres"), 1)
    for scale in (0, -1, 1001):
        with pytest.raises(LabError, match="whole number"):
            load(dsn, scale)
    with pytest.raises(LabError, match="does not answer"):
        load(f"postgresql://bahnvision:x@127.0.0.1:{postgres.free_port()}/bahnvision", 1)


@pytest.mark.full
def test_the_process_stays_small(dsn):
    """A whole load of scale 3 in a process of its own: 250,000 rows pass through it."""
    # VmHWM starts anew with the program; the peak that getrusage tells is inherited from this big process.
    script = (
        "from pathlib import Path; from bahnvision_lab.source import load\n"
        f"print(sum(load({dsn!r}, 3).rows.values()))\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=280)
    rows, peak_kb = map(int, done.stdout.split())
    assert rows > 350_000
    assert peak_kb < 100 * 1024


def test_a_load_that_fails_says_so_and_leaves_nothing(server, dsn):
    """The server ends the session in the middle, as it would when it is shut down."""
    with server.connect() as admin:
        admin.execute("DROP DATABASE bahnvision WITH (FORCE)")

        def cut(line):
            if line.startswith("gtfs_trips"):
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bahnvision'")

        with pytest.raises(LabError, match=r"gtfs_trips.*nothing of it was kept"):
            load(dsn, 1, cut)
    with server.connect("bahnvision") as connection:
        assert mark.tables(connection) == []


def test_the_command_says_when_the_lab_is_not_up(command):
    with pytest.raises(LabError, match="run `lab up` first"):
        command()


@pytest.mark.parametrize("scale", ["0", "-3", "2.5", "many", "1001"])
def test_the_command_refuses_a_scale_that_is_none(command, scale, capsys):
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        command(f"--scale={scale}")
