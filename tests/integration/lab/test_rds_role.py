"""The role rds against a lab: what is foreseen is made, what RDS would refuse is not tried, a killed run is completed.

The tests of this file share one lab and follow each other: an empty account, a network, a database, its changes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bahnvision_lab.testing import Lab, running_lab

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
NAME = "bahnvision-lab"
OBJECTS = [
    "security_groups | Ensure the group of the clients",
    "security_groups | Ensure the group of the database",
    "present | Ensure the subnet group",
    "present | Ensure the parameter group",
    "present | Ensure the instance and wait for it",
]


class Outcome:
    """What one run of a playbook told, and what it asked of AWS meanwhile."""

    def __init__(self, code: int, told: dict[str, Any], requests: list[dict[str, Any]]) -> None:
        self.code = code
        self.stats = told["stats"]["rds"]
        self.writes = [entry["operation"] for entry in requests if entry["write"]]
        self.tasks: dict[str, dict[str, Any]] = {}
        for play in told["plays"]:
            for task in play["tasks"]:
                if "rds" in task["hosts"]:
                    self.tasks[task["task"]["name"].removeprefix("bahnvision.aws.rds : ")] = task["hosts"]["rds"]

    @property
    def changed(self) -> list[str]:
        return [name for name, result in self.tasks.items() if result.get("changed")]

    @property
    def errors(self) -> list[str]:
        return [str(result["msg"]) for result in self.tasks.values() if result.get("failed")]

    def after(self, task: str) -> dict[str, Any]:
        """Return the right side of a task's diff: {object: facts}."""
        return self.tasks[task]["diff"]["after"]


class Stage:
    """A lab, and the way to run the project's playbooks against it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.log = Path(lab.status()["aws"]["request_log"])
        self.rds = lab.client("rds")

    def command(self, playbook: str, *options: str, **inputs: Any) -> dict[str, Any]:
        argv = [str(PROGRAM), "-i", str(ROOT / "inventories" / "lab"), str(ROOT / "playbooks" / playbook), *options]
        environment = {
            **os.environ, **self.lab.environment(), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
        }  # fmt: skip
        return {"args": [*argv, "-e", json.dumps(inputs)], "cwd": ROOT, "env": environment}

    def run(self, *options: str, playbook: str = "data.yml", **inputs: Any) -> Outcome:
        seen = len(self.requests())
        done = subprocess.run(
            **self.command(playbook, *options, **inputs), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        return Outcome(done.returncode, json.loads(done.stdout), self.requests()[seen:])

    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def instance(self, name: str = NAME) -> dict[str, Any] | None:
        found = self.rds.describe_db_instances()["DBInstances"]
        return next((instance for instance in found if instance["DBInstanceIdentifier"] == name), None)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_lab(tmp_path_factory.mktemp("rds-role") / "lab") as lab:
        yield Stage(lab)


@pytest.fixture(scope="module")
def network(stage: Stage) -> Stage:
    subprocess.run(
        **stage.command("network.yml", vpc_nat="none"), capture_output=True, text=True, timeout=120, check=True
    )
    return stage


@pytest.fixture(scope="module")
def database(network: Stage) -> Outcome:
    made = network.run("--diff")
    assert made.code == 0, made.errors
    return made


def test_an_empty_account_is_predicted_as_a_whole_and_not_written_to(stage: Stage) -> None:
    foreseen = stage.run("--check", "--diff")

    assert (foreseen.code, foreseen.errors, foreseen.writes) == (0, [], [])
    assert foreseen.changed == OBJECTS
    instance = foreseen.after(OBJECTS[-1])[f"db_instance {NAME}"]
    assert {key: instance[key] for key in ("multi_az", "storage_encrypted", "deletion_protection")} == {
        "multi_az": True, "storage_encrypted": True, "deletion_protection": True,
    }  # fmt: skip
    assert instance["manage_master_user_password"] is True
    assert f"db_subnet_group {NAME}" in foreseen.after(OBJECTS[2])


def test_without_a_network_the_run_says_what_to_do(stage: Stage) -> None:
    refused = stage.run()

    assert refused.code != 0
    assert refused.writes == []
    assert len(refused.errors) == 1
    assert "run site.yml with --tags vpc" in refused.errors[0]


def small_network(stage: Stage) -> None:
    """Two data subnets of 16 addresses: the role vpc would refuse them, so somebody else made them."""
    ec2 = stage.lab.client("ec2")
    tags = {"app": "small", "stage": "lab", "component": "vpc", "managed-by": "bahnvision.aws", "tier": "data"}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    vpc = ec2.create_vpc(
        CidrBlock="10.9.0.0/24", TagSpecifications=[{"ResourceType": "vpc", "Tags": listed}]
    )["Vpc"]["VpcId"]  # fmt: skip
    for zone, block in (("a", "10.9.0.0/28"), ("b", "10.9.0.16/28")):
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=block, AvailabilityZone=f"eu-central-1{zone}",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": listed}],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({"rds_engine_version": "15.4"}, "does not offer PostgreSQL 15.4 (any more); the nearest offered is 15."),
        ({"rds_instance_class": "db.t4g.mediun"}, "cannot be ordered for PostgreSQL 15"),
        ({"rds_parameters": {"log_statment": "ddl"}}, "did you mean log_statement?"),
        ({"rds_app": "small", "rds_identifier": "small"}, "Too small: 10.9.0.0/28, 10.9.0.16/28"),
    ],
    ids=["unknown version", "wrong class", "unknown parameter", "small subnets"],
)
def test_what_rds_would_refuse_is_one_error_and_no_write(network: Stage, inputs: dict[str, Any], text: str) -> None:
    if inputs.get("rds_app") == "small":
        small_network(network)

    refused = network.run(**inputs)

    assert refused.code != 0
    assert refused.writes == []
    assert len(refused.errors) == 1
    assert text in refused.errors[0]


def test_the_run_makes_what_was_foreseen_and_the_next_ones_nothing(network: Stage, database: Outcome) -> None:
    assert database.changed == OBJECTS
    instance = network.instance()
    assert instance is not None
    assert instance["DBInstanceStatus"] == "available"
    assert len(instance["DBSubnetGroup"]["Subnets"]) == 3
    facts = database.tasks["present | Hand the facts to the roles that follow"]["ansible_facts"]["rds_result"]
    assert (facts["endpoint"], facts["port"]) == (instance["Endpoint"]["Address"], instance["Endpoint"]["Port"])
    assert facts["master_secret_arn"] == instance["MasterUserSecret"]["SecretArn"]

    for options in (("--check", "--diff"), ()):
        again = network.run(*options)
        assert (again.code, again.changed, again.writes) == (0, [], [])


def test_no_password_is_told(network: Stage, database: Outcome) -> None:
    secrets = network.lab.client("secretsmanager")
    arn = network.instance()["MasterUserSecret"]["SecretArn"]
    password = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["password"]
    assert password
    assert password not in json.dumps(database.tasks)


CHANGES: dict[str, dict[str, Any]] = {
    "storage": {"rds_allocated_storage": 30},
    "autoscaling": {"rds_max_allocated_storage": 200},
    "retention": {"rds_backup_retention_period": 14},
    "class": {"rds_instance_class": "db.t4g.large"},
    "parameter": {"rds_parameters": {"rds.force_ssl": 1, "log_min_duration_statement": 250}},
    "tag": {"rds_tags": {"team": "data"}},
    "logs": {"rds_log_exports": ["postgresql"]},
    "window": {"rds_backup_window": "05:00-06:00"},
    "protection": {"rds_deletion_protection": False},
    "client": {"rds_client_cidrs": ["127.0.0.1/32", "10.8.0.0/16"]},
}


def standing(stage: Stage) -> dict[str, Any]:
    """Return all changes as one wish; storage stays as it is, it never shrinks."""
    wish = {key: value for inputs in CHANGES.values() for key, value in inputs.items()}
    return wish | {"rds_allocated_storage": stage.instance()["AllocatedStorage"]}


def change(stage: Stage, inputs: dict[str, Any]) -> Outcome:
    """Foresee a change, make it, and see that nothing is left to do; return what was foreseen."""
    foreseen = stage.run("--check", "--diff", **inputs)
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    made = stage.run("--diff", **inputs)
    assert (made.code, made.changed) == (0, foreseen.changed), made.errors
    ours = OBJECTS[2:]  # the security groups of amazon.aws show ids that only exist afterwards
    assert [made.tasks[name].get("diff") for name in ours] == [foreseen.tasks[name].get("diff") for name in ours]
    left = stage.run("--check", **inputs)
    assert (left.code, left.changed) == (0, [])
    return foreseen


@pytest.mark.usefixtures("database")
def test_ten_changes_at_once_are_foreseen_made_in_place_and_made_once(network: Stage) -> None:
    before = network.instance()
    wish = standing(network) | CHANGES["storage"]

    foreseen = change(network, wish)

    instance = foreseen.after(OBJECTS[-1])[f"db_instance {NAME}"]
    expected = {
        "allocated_storage": 30, "max_allocated_storage": 200, "backup_retention_period": 14,
        "instance_class": "db.t4g.large", "enabled_cloudwatch_logs_exports": ["postgresql"],
        "backup_window": "05:00-06:00", "deletion_protection": False,
        "tags": {"team": "data", "requested-storage-gib": "30"},
    }  # fmt: skip
    assert instance == expected
    parameters = foreseen.after(OBJECTS[3])[f"db_parameter_group {NAME}-postgres15"]
    assert parameters["log_min_duration_statement"] == "250"
    assert OBJECTS[1] in foreseen.changed
    assert any("restarts" in note for note in foreseen.tasks[OBJECTS[-1]]["notes"])
    now = network.instance()
    assert now["DbiResourceId"] == before["DbiResourceId"]
    assert (now["AllocatedStorage"], now["DBInstanceClass"]) == (30, "db.t4g.large")
    assert (now["BackupRetentionPeriod"], now["DeletionProtection"]) == (14, False)


@pytest.mark.full
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_alone_is_foreseen_made_and_made_once(network: Stage, name: str) -> None:
    start = standing(network)
    assert network.run(**start).code == 0
    wish = {key: value for key, value in start.items() if key not in CHANGES[name]}
    if name == "storage":
        wish["rds_allocated_storage"] = start["rds_allocated_storage"] + 10
    assert change(network, wish).changed


@pytest.mark.usefixtures("database")
def test_smaller_storage_is_refused_and_nothing_is_written(network: Stage) -> None:
    size = network.instance()["AllocatedStorage"]
    refused = network.run(rds_allocated_storage=20, rds_backup_retention_period=3)

    assert (len(refused.errors), refused.writes) == (1, [])
    assert f"cannot shrink from {size} to 20" in refused.errors[0]


def test_a_run_killed_while_the_instance_is_made_is_completed_by_the_next(network: Stage) -> None:
    inputs = {"rds_identifier": "killed", "rds_performance_insights": False}
    child = subprocess.Popen(
        **network.command("data.yml", **inputs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while network.instance("killed") is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL, "the run was over before it could be killed"

    again = network.run(**inputs)

    assert again.code == 0, again.errors
    assert again.changed in ([], [OBJECTS[-1]])  # nothing is made twice
    assert network.instance("killed")["DBInstanceStatus"] == "available"


@pytest.mark.usefixtures("database")
def test_removal_wants_the_name_of_the_stage_and_no_protection(network: Stage) -> None:
    for inputs, text in (
        ({}, "Set rds_confirm_absent"),
        ({"rds_confirm_absent": "lab", "rds_identifier": "killed"}, "deletion protection"),
    ):
        refused = network.run(rds_state="absent", **inputs)
        assert (len(refused.errors), refused.writes) == (1, [])
        assert text in refused.errors[0]


@pytest.mark.full
@pytest.mark.usefixtures("database")
def test_removal_takes_what_is_ours_and_keeps_the_data(network: Stage) -> None:
    assert network.run(**standing(network)).code == 0  # which switches the protection off

    gone = network.run(rds_state="absent", rds_confirm_absent="lab")

    assert gone.code == 0, gone.errors
    assert network.instance() is None
    snapshots = [item["DBSnapshotIdentifier"] for item in network.rds.describe_db_snapshots()["DBSnapshots"]]
    assert [name for name in snapshots if name.startswith(f"{NAME}-final-")]
    again = network.run(rds_state="absent", rds_confirm_absent="lab")
    assert (again.code, again.changed, again.writes) == (0, [], [])
