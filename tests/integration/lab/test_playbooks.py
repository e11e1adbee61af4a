"""The playbooks against a lab: the same variables whatever the way in, exact changes, a move proved and reported.

The tests of this file share one lab and follow each other: an empty account, a stage, a moved database, its damage.
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
from bahnvision_lab.testing import Lab, running_lab
from stage import CONNECTION

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
INVENTORY = ROOT / "inventories" / "lab"
NAME = "bahnvision-lab"
PREFLIGHT = "Refuse what cannot work"


class Run:
    """What one run of ansible-playbook told, and what it asked of AWS meanwhile."""

    def __init__(self, done: subprocess.CompletedProcess[str], requests: list[dict[str, Any]]) -> None:
        self.code, self.output = done.returncode, done.stdout + done.stderr
        told = json.loads(done.stdout)
        self.stats = told["stats"]
        self.writes = [entry["operation"] for entry in requests if entry["write"]]
        self.results: dict[tuple[str, str], Any] = {}
        self.work: dict[tuple[str, str], Any] = {}
        for play in told["plays"]:
            for task in play["tasks"]:
                for host, result in task["hosts"].items():
                    self.results[host, task["task"]["name"]] = result
                    # The preflight repeats the checks of the roles, and only site.yml has it.
                    if play["play"]["name"] != PREFLIGHT:
                        self.work[host, task["task"]["name"]] = result

    def total(self, kind: str) -> int:
        return sum(counts[kind] for counts in self.stats.values())

    def ran(self, host: str) -> dict[str, dict[str, Any]]:
        """Return the tasks that did something on the host: {name: result}."""
        return {name: result for (on, name), result in self.work.items() if on == host and "skipped" not in result}

    def inputs(self, host: str) -> dict[str, Any]:
        """Return what the modules of the host were given: the variables as they arrived."""
        return {name: result["invocation"] for name, result in self.ran(host).items() if "invocation" in result}

    @property
    def errors(self) -> str:
        return "\n".join(str(result["msg"]) for result in self.results.values() if result.get("failed"))


class Stage:
    """A lab, a folder for reports, and the way to run playbooks against them."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.reports = lab, folder / "reports"

    def play(self, *arguments: str, cwd: Path = ROOT, **environment: str) -> Run:
        log = self.lab.state.request_log
        before = log.stat().st_size
        foreign = ("AWS_", "ANSIBLE_", "PG")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        ours = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "BAHNVISION_LAB_STATE": str(self.lab.state.folder),
        }
        extra = json.dumps({"reports_dir": str(self.reports), "ansible_connection": CONNECTION})
        argv = [str(BIN / "ansible-playbook"), "-i", str(INVENTORY), *arguments, "-e", extra]
        done = subprocess.run(
            argv, cwd=cwd, env={**kept, **ours, **environment}, capture_output=True, text=True, timeout=800, check=False
        )
        with log.open() as lines:
            lines.seek(before)
            return Run(done, [json.loads(line) for line in lines])

    def report(self, name: str) -> dict[str, Any]:
        assert "<h1>" in (self.reports / f"{name}.html").read_text()
        return json.loads((self.reports / f"{name}.json").read_text())

    def target(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.lab.status()["databases"][NAME]["dsn"], autocommit=True)


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("a stage")
    with running_lab(folder / "lab") as lab:
        yield Stage(lab, folder)


@pytest.fixture(scope="module")
def provisioned(stage) -> tuple[Stage, Run]:
    run = stage.play("site.yml", "-e", "application_serving=yes")
    assert run.code == 0, run.output
    return stage, run


@pytest.fixture(scope="module")
def again(provisioned) -> Run:
    """The second run of everything: the measure for every other way in."""
    return provisioned[0].play("site.yml")


@pytest.fixture(scope="module")
def moved(provisioned) -> tuple[Stage, Run]:
    stage, _run = provisioned
    subprocess.run(
        [sys.executable, "-m", "bahnvision_lab.cli", "load"], check=True, capture_output=True, timeout=400,
        env={**os.environ, "BAHNVISION_LAB_STATE": str(stage.lab.state.folder)},
    )  # fmt: skip
    run = stage.play("playbooks/migrate_database.yml")
    assert run.code == 0, run.output
    return stage, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The collection as Galaxy gives it, away from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    options: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "timeout": 400}
    subprocess.run([*galaxy, "build", "--output-path", str(folder)], check=True, **options)
    artefact = str(next(folder.glob("*.tar.gz")))
    # Forced: the checkout itself would count as the installed collection.
    subprocess.run(
        [*galaxy, "install", "--force", "--no-deps", "--offline", "-p", str(folder), artefact], check=True, **options
    )
    return folder


def test_without_a_lab_the_first_task_says_so(stage, tmp_path):
    run = stage.play("playbooks/network.yml", BAHNVISION_LAB_STATE=str(tmp_path))

    assert run.code != 0
    assert "The lab is not running: make lab-up" in run.errors


def test_a_check_of_an_empty_account_foresees_everything_and_only_reads(stage):
    run = stage.play("site.yml", "--check", "--diff")

    assert run.code == 0, run.output
    assert run.stats["vpc"]["changed"] > 0
    assert run.stats["rds"]["changed"] > 0
    assert run.stats["eks"]["changed"] > 0
    assert any(NAME in str(result.get("diff")) for result in run.ran("rds").values())
    assert run.writes == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rds_engine_version": "15.4"}, "RDS does not offer PostgreSQL 15.4 (any more); the nearest offered is"),
        ({"vpc_cidr": "10.0.0.0/26"}, "10.0.0.0/26 is too small"),
        pytest.param({"eks_version": "1.28"}, "Kubernetes 1.28 is not offered by EKS", marks=pytest.mark.full),
    ],
)
def test_the_preflight_refuses_before_any_component_is_made(stage, wrong, told):
    run = stage.play("site.yml", "-e", json.dumps(wrong))

    assert run.code != 0
    assert told in run.errors
    assert run.writes == []
    assert not run.work


def test_a_move_without_an_instance_is_refused_and_still_reported(stage):
    run = stage.play("playbooks/migrate_database.yml")

    assert run.code != 0
    assert f"There is no RDS instance {NAME} in eu-central-1: run site.yml first." in run.errors
    assert "There is no RDS instance" in stage.report("migration")["verdict"]["sentence"]
    assert stage.report("migration")["verdict"]["result"] == "fail"


def test_site_brings_the_application_up(provisioned):
    got = provisioned[1].ran("application")["bahnvision.aws.application : finish | Wait for the roll-out"]["rollouts"]
    assert {one["name"]: one["state"] for one in got} == {"bahnvision-backend": "done", "bahnvision-frontend": "done"}
    assert all(one["available"] == one["replicas"] > 0 for one in got)


def test_the_second_run_changes_nothing(provisioned, again):
    assert provisioned[1].total("changed") > 0
    assert (again.code, again.total("changed"), again.writes) == (0, 0, [])


@pytest.mark.full
@pytest.mark.parametrize("way", ["--tags rds", "--limit rds", "playbooks/data.yml", "bahnvision.aws.data"])
def test_every_way_in_sees_the_same_variables_and_ends_alike(provisioned, again, installed, tmp_path, way):
    stage, _run = provisioned
    if way.startswith("--"):
        run = stage.play("site.yml", *way.split())
    elif way.startswith("bahnvision"):
        (tmp_path / "ansible.cfg").touch()
        elsewhere = {"ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
        run = stage.play(way, "--limit", "rds", cwd=tmp_path, **elsewhere)
        assert str(installed) in str(run.ran("rds")), "the playbook did not come from the artefact"
    else:
        run = stage.play(way, "--limit", "rds")

    assert run.code == 0, run.output
    assert run.total("changed") == 0
    assert run.inputs("rds") == again.inputs("rds")
    assert len(run.inputs("rds")) >= 5
    assert list(run.ran("rds")) == list(again.ran("rds"))
    assert run.ran("vpc") == {}


def test_the_move_is_proved_and_reported(moved):
    stage, run = moved

    report = stage.report("migration")
    assert report["verdict"]["result"] == "pass"
    tables = next(section["rows"] for section in report["sections"] if section["title"] == "Tables")
    assert {table["content"] for table in tables} == {"pass"}
    with stage.target() as connection:
        counted = sum(connection.execute(f"select count(*) from {table['name']}").fetchone()[0] for table in tables)
    assert report["facts"]["Rows"] == counted > 100_000
    assert run.results["runner", "Move the database"]["changed"]
    secret = stage.lab.client("secretsmanager")
    arn = stage.lab.client("rds").describe_db_instances()["DBInstances"][0]["MasterUserSecret"]["SecretArn"]
    password = json.loads(secret.get_secret_value(SecretId=arn)["SecretString"])["password"]
    source = stage.lab.status()["source"]["password"]
    for word in (password, source):
        assert word not in run.output
        assert all(word not in path.read_text() for path in stage.reports.iterdir())


@pytest.mark.full
def test_a_finished_move_is_not_repeated(moved):
    stage, _run = moved

    again = stage.play("playbooks/migrate_database.yml")

    assert again.code == 0, again.output
    assert not again.results["runner", "Move the database"]["changed"]
    assert stage.report("migration")["facts"]["Moved by this run"] is False
    assert len(list(stage.reports.glob("migration-*.json"))) == 2, "the earlier records are kept"


def test_equal_sides_are_verified_without_a_write(moved):
    stage, _run = moved

    run = stage.play("playbooks/verify.yml")

    assert (run.code, run.writes) == (0, [])
    report = stage.report("verification")
    assert report["verdict"]["result"] == "pass"
    assert {check["result"] for check in report["sections"][0]["checks"]} == {"pass"}


@pytest.mark.parametrize(
    ("damage", "repair", "named"),
    [
        (
            "update stations set name = name || '!' where ctid = (select min(ctid) from stations)",
            "update stations set name = rtrim(name, '!') where name like '%!'",
            "public.stations",
        ),
        pytest.param(
            "create table taken as select * from gtfs_feed_info; delete from gtfs_feed_info",
            "insert into gtfs_feed_info select * from taken; drop table taken",
            "public.gtfs_feed_info",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "create table stood as select last_value from route_snapshots_id_seq; "
            "select setval('route_snapshots_id_seq', 1)",
            "select setval('route_snapshots_id_seq', last_value) from stood; drop table stood",
            "public.route_snapshots_id_seq",
            marks=pytest.mark.full,
        ),
    ],
    ids=["a row changed", "a row deleted", "a sequence set back"],
)
def test_any_damage_fails_the_verification_and_is_named(moved, damage, repair, named):
    stage, _run = moved
    with stage.target() as connection:
        connection.execute(damage)

    run = stage.play("playbooks/verify.yml")
    report = stage.report("verification")
    with stage.target() as connection:
        connection.execute(repair)

    assert run.code == 2
    assert run.stats["runner"]["failures"] == 1
    assert named in run.errors
    assert report["verdict"]["result"] == "fail"
    assert named in report["verdict"]["sentence"]
