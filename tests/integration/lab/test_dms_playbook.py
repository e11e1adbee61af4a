"""migrate_database.yml with AWS DMS, and from a runner that is not the controller, against a lab.

The tests share one lab and follow each other: a database that DMS would harm, loads that go wrong, one that succeeds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bahnvision_lab.testing import Lab, running_lab

pytestmark = pytest.mark.full
ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
NAME = "bahnvision-lab"
# A runner with a Python of its own, which writes down each time that it is used.
PYTHON = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/used"\nexec {python} "$@"\n'


@dataclass
class Stage:
    lab: Lab
    folder: Path
    far: Path  # without a blank: Ansible takes no interpreter with one

    def play(self, *arguments: str, **inputs: Any) -> tuple[int, str, dict[str, Any]]:
        """Return the status, everything that was shown, and the results by task."""
        given = {"reports_dir": str(self.folder / "reports"), **inputs}
        argv = [
            str(BIN / "ansible-playbook"),
            "-i",
            str(ROOT / "inventories" / "lab"),
            "-i",
            str(self.folder / "hosts.yml"),
        ]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_", "PG"))
        }
        environment |= {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "BAHNVISION_LAB_STATE": str(self.lab.state.folder),
        }  # fmt: skip
        done = subprocess.run(
            [*argv, *arguments, "-e", json.dumps(given)], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=800, check=False,
        )  # fmt: skip
        told = json.loads(done.stdout[done.stdout.index("{") :])
        results = {
            task["task"]["name"]: result
            for play in told["plays"] for task in play["tasks"] for result in task["hosts"].values()
        }  # fmt: skip
        return done.returncode, done.stdout + done.stderr, results

    def move(self, *arguments: str, **inputs: Any) -> tuple[int, str, dict[str, Any]]:
        wish = {"migration_method": "dms", **inputs}
        return self.play("playbooks/migrate_database.yml", "-vv", *arguments, **wish)

    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "reports" / "migration.json").read_text())

    def source(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.lab.status()["source"]["dsn"], autocommit=True)

    def target(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.lab.status()["databases"][NAME]["dsn"], autocommit=True)


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("dms stage")
    distant = tmp_path_factory.mktemp("far")
    python = distant / "python"
    python.write_text(PYTHON.format(python=f"'{sys.executable}'"))
    python.chmod(0o755)
    far = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"far": far}}}))
    with running_lab(folder / "lab") as lab:
        stage = Stage(lab, folder, distant)
        subprocess.run(
            [sys.executable, "-m", "bahnvision_lab.cli", "load"], check=True, capture_output=True, timeout=400,
            env={**os.environ, "BAHNVISION_LAB_STATE": str(lab.state.folder)},
        )  # fmt: skip
        code, output, _results = stage.play("site.yml", "--limit", "vpc,rds")
        assert code == 0, output
        yield stage


def test_what_dms_would_lose_is_refused_before_anything_is_made(stage: Stage) -> None:
    with stage.source() as source:
        source.execute("create table notes_of_nobody (note text)")
    try:
        code, output, _results = stage.move()
    finally:
        with stage.source() as source:
            source.execute("drop table notes_of_nobody")

    assert code != 0
    assert "public.notes_of_nobody: LOB columns (note) are not moved without a primary key: add one" in output
    assert stage.lab.client("dms").describe_endpoints()["Endpoints"] == []
    assert stage.report()["verdict"]["result"] == "fail"
    with stage.target() as target:
        assert target.execute("select to_regclass('stations')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"dms_fails_in": {"*": "testing_connection"}}, "failed in testing_connection (a fault of the lab)"),
        ({"dms_table_errors": ["public.stations"]}, "public.stations: Table error"),
        ({"dms_loses_rows": ["public.stations"]}, "public.stations: Mismatched records (1 rows)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_load_that_goes_wrong_ends_the_run_with_its_reason(stage: Stage, fault: dict[str, Any], told: str) -> None:
    with stage.lab.faults(**fault):
        code, output, results = stage.move()

    assert code != 0
    assert "steps | dms_load | Load all tables" in results, output
    assert told in str(results["steps | dms_load | Load all tables"]["msg"])
    assert "steps | dms | Count the rows and make the rest" not in results
    assert told in stage.report()["verdict"]["sentence"]


def test_the_next_run_moves_everything_from_a_runner_of_its_own_and_cleans_up(stage: Stage) -> None:
    used = stage.far / "used"
    assert not used.exists()

    code, output, results = stage.move(migration_runner="far", migration_runner_folder=str(stage.far / "own"))

    assert code == 0, output
    assert not results["steps | dms | Make the schema and the primary keys"]["changed"], "it was kept"
    load = results["steps | dms_load | Load all tables"]
    assert [state["status"] for state in load["states"]][-1] == "stopped"
    assert {table["state"] for table in load["tables"]} == {"Table completed"}
    assert results["steps | dms | Count the rows and make the rest"]["changed"]
    assert results["Compare both sides"]["differences"] == []
    assert stage.report()["verdict"]["result"] == "pass"
    sections = {section["title"]: section for section in stage.report()["sections"]}
    results = {rule["rule"]: rule["result"] for rule in sections["Preflight"]["rules"]}
    assert (results["dms-types"], results["logical-tables"]) == ("pass", "skip")
    assert {row["result"] for row in sections["Tables as AWS DMS loaded them"]["rows"]} <= {"pass", "skip"}
    assert used.read_text().count("\n") >= 5, "the far Python has done the work"
    certificate = stage.far / "own" / "target-authority.pem"
    assert (certificate.stat().st_mode & 0o777, certificate.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    dms, secrets = stage.lab.client("dms"), stage.lab.client("secretsmanager")
    assert dms.describe_endpoints()["Endpoints"] == dms.describe_replication_configs()["ReplicationConfigs"] == []
    assert dms.describe_replication_subnet_groups()["ReplicationSubnetGroups"] == []
    assert [one["Name"] for one in secrets.list_secrets()["SecretList"] if "-dms-" in one["Name"]] == []
    passwords = [stage.lab.status()["source"]["password"], stage.lab.status()["databases"][NAME]["dsn"].split(":")[2]]
    assert all(password.split("@")[0] not in output for password in passwords)


def test_a_finished_move_is_left_alone(stage: Stage) -> None:
    code, output, results = stage.move()

    assert code == 0, output
    assert not results["steps | dms | Count the rows and make the rest"]["changed"]
    assert "steps | dms_load | Load all tables" not in results


def test_a_runner_that_nobody_knows_is_refused(stage: Stage) -> None:
    code, output, _results = stage.move(migration_runner="nearby")

    assert code != 0
    assert "migration_runner is nearby, which is no host of the inventory" in output
