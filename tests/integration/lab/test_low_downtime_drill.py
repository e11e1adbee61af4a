"""The drill: an RDS instance of the lab, writers that keep a ledger, and the modules' cut-over there and back.

As test_low_downtime.py, without Ansible around it: what is measured is the switch.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutover import cutover
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import migrate
from aws_world import available_instance, fresh
from bahnvision_lab.ledger import TABLES, Writers
from bahnvision_lab.testing import Lab, running_lab
from psycopg import conninfo

pytestmark = pytest.mark.full
ROUNDS = 3  # there and back
MOVE = {
    "jobs": "2", "timeout": 600, "client_bindir": None, "on_nonempty": "resume", "verify": "counts",
    "analyze": "analyze", "lock_timeout": 60, "maintenance_work_mem": None, "engine": "copy", "format": "auto",
    "freeze": True, "split_over": "10GB", "stall_timeout": 600, "static_tables": None, "slot_timeout": 120,
    "method": "logical", "source_from_target": {"sslmode": "require"},
}  # fmt: skip
CUT = {
    "jobs": "2", "timeout": 600, "client_bindir": None, "reverse": True, "verify": "counts", "sequence_margin": 0,
    "catch_up_timeout": 300, "fence_timeout": 60, "drain_timeout": 120, "abandon": False, "marker": "keep",
    "source_from_target": {"sslmode": "require"},
}  # fmt: skip


def side_of(dsn: str, **others: Any) -> dict[str, Any]:
    """Return a side as the modules take it."""
    given = conninfo.conninfo_to_dict(dsn)
    return {
        "host": given["host"], "port": int(given["port"]), "database": given["dbname"], "user": given["user"],
        "password": given["password"], "sslmode": given["sslmode"], "sslrootcert": given.get("sslrootcert"),
        "connect_timeout": 30, **others,
    }  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("drill") / "lab") as running:
        yield running


@pytest.fixture(scope="module")
def dsns(lab: Lab) -> Iterator[dict[str, str]]:
    """An instance that was born with the parameter needs no reboot."""
    rds, group = lab.client("rds"), fresh("logical")
    family = f"postgres{lab.status()['source']['server_version'].split('.')[0]}"
    rds.create_db_parameter_group(DBParameterGroupName=group, DBParameterGroupFamily=family, Description="drill")
    parameter = {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter])
    major = family.removeprefix("postgres")
    with available_instance(rds, DBName="bahnvision", DBParameterGroupName=group, EngineVersion=major) as made:
        status = lab.status()
        yield {"source": status["source"]["dsn"], "target": status["databases"][made["DBInstanceIdentifier"]]["dsn"]}


def test_there_and_back_loses_and_doubles_nothing(lab: Lab, dsns: dict[str, str], tmp_path: Path) -> None:
    pointer, bundle = tmp_path / "side", lab.status()["source"]["ca_bundle"]
    pointer.write_text("source")
    with psycopg.connect(dsns["source"], autocommit=True) as source:
        source.execute(TABLES.encode())
    sides = {side: side_of(dsn) for side, dsn in dsns.items()}
    # Replaced whole: the writers may be reading it.
    point = ["/bin/sh", "-c", 'printf %s "$CUTOVER_SIDE" > "$1.new" && mv "$1.new" "$1"', "point", str(pointer)]
    back = {"sslmode": "verify-full", "sslrootcert": bundle}

    def cut(state: str) -> dict[str, Any]:
        wish = {**CUT, **sides, "state": state, "point_command": point, "target_from_source": back}
        return cutover(copy.deepcopy(wish), False)

    downtimes, gaps = [], []
    with Writers(lambda: psycopg.connect(dsns[pointer.read_text()])) as writers:
        (tmp_path / "work").mkdir()
        moved = migrate(copy.deepcopy({**MOVE, **sides, "workdir": str(tmp_path / "work")}), False)
        for _round in range(ROUNDS):
            for state in ("switched", "rolled_back"):
                before = max(writers.acknowledged.values())
                downtimes.append(cut(state)["write_downtime_ms"])
                writers.wait_for_more(50)
                gaps.append(round(writers.longest_gap(since=before) * 1000))
    last = cut("switched")
    with psycopg.connect(dsns["target"]) as target:
        assert writers.faults(target) == []
    print(
        f"write downtime ms: {downtimes}; gaps of the writers ms: {gaps}; acknowledged: {len(writers.acknowledged)}, "
        f"unknown: {len(writers.unknown)}", file=sys.stderr,
    )  # fmt: skip

    assert moved["replication"]["slots"][0]["active"]
    assert (last["state"], last["problems"]) == ("switched", [])
    # The target is for a machine that has nothing else to do.
    assert max(downtimes) < 5000 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    cut("finished")
    for dsn in dsns.values():
        with psycopg.connect(dsn) as either:
            left = "select count(*) from pg_replication_slots where slot_type = 'logical'"
            assert either.execute(left).fetchone() == (0,)
