"""The move with little downtime against a lab, as a user makes it: playbooks only, under writers that keep a ledger.

The tests share one lab and follow each other: an instance that cannot replicate yet, the move, there and back, the end.
How long a switch keeps writers out is measured by test_low_downtime_drill.py, without Ansible around it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bahnvision_lab.ledger import TABLES, Writers
from bahnvision_lab.rehearse.drill import source_login
from bahnvision_lab.testing import Lab, running_lab
from rds_world import make_network

pytestmark = pytest.mark.full
ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
NAME = "bahnvision-lab"
INSTANCE = "bahnvision.aws.rds : instance | Ensure the instance and wait for it"
OURS = (
    "select (select count(*) from pg_publication), (select count(*) from pg_replication_slots where not temporary"
    " and slot_type = 'logical'), (select count(*) from pg_subscription)"
)
# Reads the pointer whenever it connects, as an application reads its secret.
POINT = "- name: Point\n  ansible.builtin.copy:\n    content: '{{ cutover_side }}'\n    dest: '%s'\n    mode: '0600'\n"


class Stage:
    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder, self.reports = lab, folder, folder / "reports"
        self.pointer = folder / "side"
        self.pointer.write_text("source")
        self.writers = Writers(self.connect)

    def play(self, playbook: str, *arguments: str, **inputs: Any) -> tuple[int, str, dict[str, Any]]:
        """Return the status, everything that was shown, and the results by task."""
        wish = {
            "migration_method": "logical",
            "rds_proxy": False,
            "rds_multi_az": False,
            "reports_dir": str(self.reports),
            **inputs,
        }
        foreign = ("AWS_", "ANSIBLE_", "PG")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment |= {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "BAHNVISION_LAB_STATE": str(self.lab.state.folder),
        }  # fmt: skip
        done = subprocess.run(
            [str(PROGRAM), "-i", str(ROOT / "inventories" / "lab"), playbook, "-e", json.dumps(wish), *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False,
        )  # fmt: skip
        told = json.loads(done.stdout[done.stdout.index("{") :])
        results = {
            task["task"]["name"]: result
            for play in told["plays"] for task in play["tasks"] for result in task["hosts"].values()
        }  # fmt: skip
        return done.returncode, done.stdout + done.stderr, results

    def cut_over(self, state: str, **inputs: Any) -> dict[str, Any]:
        point = self.folder / "point.yml"
        point.write_text(POINT % self.pointer)
        inputs = {"cutover_point_application": str(point), **inputs}
        code, output, results = self.play("playbooks/cut_over.yml", cutover_state=state, **inputs)
        assert code == 0, output
        assert all(password not in output for password in self.passwords())
        return results["Bring the writes to the side that was asked for"]

    def report(self, name: str) -> dict[str, Any]:
        return json.loads((self.reports / f"{name}.json").read_text())

    def side(self, side: str) -> psycopg.Connection[Any]:
        """The source's superuser, the target's master user."""
        status = self.lab.status()
        dsn = status["source"]["dsn"] if side == "source" else status["databases"][NAME]["dsn"]
        return psycopg.connect(dsn, autocommit=True)

    def ours(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Count publications, slots and subscriptions of both sides."""
        with self.side("source") as source, self.side("target") as target:
            return source.execute(OURS).fetchone(), target.execute(OURS).fetchone()

    def secret(self) -> dict[str, Any]:
        answer = self.lab.client("secretsmanager").get_secret_value(SecretId=f"{NAME}-rds-app")
        return json.loads(answer["SecretString"])

    def passwords(self) -> list[str]:
        return [self.lab.status()["source"]["password"], self.secret()["password"]]

    def connect(self) -> psycopg.Connection[Any]:
        status = self.lab.status()
        if self.pointer.read_text() != "target":
            return psycopg.connect(**source_login(status["source"]))
        instance, secret = status["databases"][NAME], self.secret()
        return psycopg.connect(
            host=instance["host"], port=instance["port"], dbname=secret["dbname"], user=secret["username"],
            password=secret["password"], sslmode="verify-full", sslrootcert=status["ca_bundle"],
        )  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("low downtime")
    with running_lab(folder / "lab") as lab:
        stage = Stage(lab, folder)
        make_network(lab)
        code, output, _results = stage.play("playbooks/data.yml", "--limit", "rds", migration_method="copy")
        assert code == 0, output
        yield stage
        stage.writers.stop()


def test_the_instance_is_made_ready_in_place_and_the_reboot_is_told_before(stage: Stage) -> None:
    with stage.side("target") as target:
        assert target.execute("show wal_level").fetchone() == ("replica",), "RDS has it off by default"

    code, output, _results = stage.play("playbooks/data.yml", "--limit", "rds", rds_replication_cidrs=[])
    assert (code != 0, "needs rds_replication_cidrs" in output) == (True, True)
    code, output, foreseen = stage.play("playbooks/data.yml", "--limit", "rds", "--check")
    assert code == 0, output
    told = foreseen[INSTANCE]
    assert told["actions"] == [f"reboot db_instance {NAME}"]
    assert "ends all connections" in str(told["notes"])
    with stage.side("target") as target:
        assert target.execute("show wal_level").fetchone() == ("replica",)

    code, output, _results = stage.play("playbooks/data.yml", "--limit", "rds")
    assert code == 0, output
    with stage.side("target") as target:
        assert target.execute("show wal_level").fetchone() == ("logical",)
    groups = stage.lab.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [f"{NAME}-rds"]}]
    )
    (group,) = groups["SecurityGroups"]
    port = stage.lab.status()["source"]["port"]
    assert [(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in group["IpPermissionsEgress"]] == [
        (port, "127.0.0.1/32")
    ]
    again = stage.play("playbooks/data.yml", "--limit", "rds")
    assert [name for name, result in again[2].items() if result.get("changed")] == []


def test_the_move_under_writers_is_followed_and_reported(stage: Stage) -> None:
    with stage.side("source") as source:
        source.execute(TABLES.encode())
    stage.writers.__enter__()

    code, output, results = stage.play("playbooks/migrate_database.yml")

    assert code == 0, output
    moved = results["Move the database"]
    assert (stage.ours(), len(moved["replication"]["slots"])) == (((1, 1, 0), (0, 0, 1)), 1)
    report = stage.report("migration")
    assert (report["verdict"]["result"], "follows" in report["verdict"]["sentence"]) == ("pass", True)
    (row,) = next(part["rows"] for part in report["sections"] if part["title"] == "Replication")
    assert (row["tables"], row["working"]) == (len(moved["tables"]), "pass")
    with stage.side("source") as source:
        used = "select s.ssl from pg_stat_replication r join pg_stat_ssl s using (pid)"
        assert source.execute(used).fetchall() == [(True,)], "the servers talk through TLS"


def test_the_drill_there_and_back_loses_and_doubles_nothing(stage: Stage) -> None:
    downtimes = []
    for state, way in (("switched", ((0, 0, 1), (1, 1, 0))), ("rolled_back", ((1, 1, 0), (0, 0, 1)))):
        result = stage.cut_over(state)
        downtimes.append(result["write_downtime_ms"])
        stage.writers.wait_for_more(50)
        assert (result["state"], stage.ours()) == (state, way)
    print(f"write downtime ms: {downtimes}; longest gap of the writers: {stage.writers.longest_gap():.2f} s; "
          f"acknowledged: {len(stage.writers.acknowledged)}, unknown: {len(stage.writers.unknown)}")  # fmt: skip

    report = stage.report("cut_over")
    steps = next(part["rows"] for part in report["sections"] if part["title"] == "Steps of the last switch")
    assert [step["name"] for step in steps] == [
        "way back prepared", "caught up", "fenced", "drained", "sequences set", "verified", "cut", "released",
        "tidied up",
    ]  # fmt: skip
    stage.writers.stop()
    with stage.side("source") as source:
        assert stage.writers.faults(source) == []


def test_the_end_leaves_equal_sides_and_nothing_of_the_replication(stage: Stage) -> None:
    result = stage.cut_over("switched", cutover_verify="hash")
    with stage.side("target") as target:
        assert stage.writers.faults(target) == []
    code, output, results = stage.play("playbooks/verify.yml")
    assert (code, results["Compare both sides"]["differences"]) == (0, []), output

    stage.cut_over("finished")

    assert result["state"] == "switched"
    assert stage.ours() == ((0, 0, 0), (0, 0, 0))
    with stage.connect() as application:
        application.execute("insert into numbered (v) values ('after the end')")
    with stage.side("source") as source, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        source.execute("insert into numbered (v) values ('wrong side')")


def test_taking_the_parameter_back_needs_a_reboot_and_is_made(stage: Stage) -> None:
    code, output, _results = stage.play("playbooks/data.yml", "--limit", "rds", migration_method="copy")

    assert code == 0, output
    with stage.side("target") as target:
        assert target.execute("show wal_level").fetchone() == ("replica",)
