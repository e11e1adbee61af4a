"""The role vpc against a lab, judged by the requests that AWS saw: exact runs, kills, refusals, removal."""

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
WHOLE = 34  # writes of a first run
ENSURE = "bahnvision.aws.vpc : present | Ensure the network"
REMOVE = "bahnvision.aws.vpc : absent | Remove the network"


class Run:
    """What one run told, and what AWS saw of it."""

    def __init__(self, done: subprocess.CompletedProcess[str], requests: list[dict[str, Any]]) -> None:
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        told = json.loads(done.stdout)
        self.code = done.returncode
        self.changed = told["stats"]["vpc"]["changed"]
        self.reads = [entry["operation"] for entry in requests if not entry["write"]]
        self.writes = [entry["operation"] for entry in requests if entry["write"]]
        self.tasks = {
            task["task"]["name"]: task["hosts"]["vpc"] for play in told["plays"] for task in play["tasks"]
        }  # fmt: skip

    @property
    def errors(self) -> list[str]:
        return [str(result["msg"]) for result in self.tasks.values() if result.get("failed")]


class Stage:
    """A lab, and the way to run the playbook of the network against it."""

    def __init__(self, lab: Lab) -> None:
        self.ec2 = lab.client("ec2")
        self.environment = {
            **os.environ, **lab.environment(), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
        }  # fmt: skip
        self.log = Path(lab.status()["aws"]["request_log"])

    def start(self, *options: str, **inputs: Any) -> subprocess.Popen[str]:
        argv = [
            str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(ROOT / "inventories" / "lab"),
            str(ROOT / "playbooks" / "network.yml"), "--limit", "vpc", "-e", json.dumps(inputs), *options,
        ]  # fmt: skip
        return subprocess.Popen(
            argv, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, *options: str, **inputs: Any) -> Run:
        seen = len(self.requests())
        with self.start(*options, **inputs) as child:
            output, errors = child.communicate(timeout=120)
        return Run(subprocess.CompletedProcess([], child.returncode, output, errors), self.requests()[seen:])

    def requests(self) -> list[dict[str, Any]]:
        # The last line may still be on its way while a run goes on.
        return [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]

    def ours(self, app: str) -> int:
        return len(self.ec2.describe_vpcs(Filters=[{"Name": "tag:app", "Values": [app]}])["Vpcs"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_lab(tmp_path_factory.mktemp("vpc-role") / "lab") as lab:
        yield Stage(lab)


def test_the_four_runs_and_the_removal(stage: Stage) -> None:
    foreseen = stage.run("--check", "--diff")
    assert (foreseen.code, foreseen.changed, foreseen.writes) == (0, 1, [])
    assert len(foreseen.tasks[ENSURE]["diff"]["after"]) == 19, "every object, before any of them exists"

    made = stage.run("--diff")
    assert (made.code, made.changed) == (0, 1)
    assert made.tasks[ENSURE]["actions"] == foreseen.tasks[ENSURE]["actions"]
    assert made.tasks[ENSURE]["diff"] == foreseen.tasks[ENSURE]["diff"]
    assert len(made.writes) == len(made.tasks[ENSURE]["actions"]) == WHOLE

    for options in (["--check"], []):
        again = stage.run(*options)
        assert (again.code, again.changed, again.writes) == (0, 0, [])
        assert len(again.reads) == 9

    unconfirmed = stage.run(vpc_state="absent")
    assert (unconfirmed.code, unconfirmed.reads, unconfirmed.writes) == (2, [], [])
    assert "Set vpc_confirm_absent to the name of the stage (lab)" in unconfirmed.errors[0]

    absent = {"vpc_state": "absent", "vpc_confirm_absent": "lab"}
    foreseen = stage.run("--check", **absent)
    assert (foreseen.changed, foreseen.writes) == (1, [])
    removed = stage.run(**absent)
    assert (removed.code, removed.changed) == (0, 1)
    assert removed.tasks[REMOVE]["actions"] == foreseen.tasks[REMOVE]["actions"]
    assert stage.ours("bahnvision") == 0
    again = stage.run(**absent)
    assert (again.code, again.changed, again.writes) == (0, 0, [])


def descendants(pid: int) -> list[int]:
    """The workers of Ansible lead sessions of their own: a signal to the group of the run would miss them."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [inner for child in children for inner in descendants(child)]


@pytest.mark.parametrize("writes", [1, 17, 28])
def test_killed_with_all_its_children_it_is_completed_by_the_next_run(stage: Stage, writes: int) -> None:
    """SIGKILL to the whole run: after the VPC, as the NAT gateway begins, near the end."""
    app = f"killed{writes}"
    seen = len([entry for entry in stage.requests() if entry["write"]])
    child = stage.start(vpc_app=app, vpc_cidr="10.7.0.0/16")
    deadline = time.monotonic() + 60
    while len([entry for entry in stage.requests() if entry["write"]]) < seen + writes:
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    for pid in (child.pid, *descendants(child.pid)):
        os.kill(pid, signal.SIGKILL)
    child.communicate(timeout=10)
    assert child.returncode == -signal.SIGKILL
    written = len([entry for entry in stage.requests() if entry["write"]]) - seen
    assert written < WHOLE, "it was killed too late to prove anything"

    completed = stage.run(vpc_app=app, vpc_cidr="10.7.0.0/16")
    assert (completed.code, stage.ours(app)) == (0, 1)

    again = stage.run(vpc_app=app, vpc_cidr="10.7.0.0/16")
    assert (again.changed, again.writes) == (0, [])
    network = again.tasks[ENSURE]["network"]
    assert [len(network[f"{tier}_subnet_ids"]) for tier in ("public", "private", "data")] == [3, 3, 3]


REFUSED = {
    "range": ({"vpc_cidr": "10.0.0.0/8"}, "AWS takes /16 to /28"),
    "zone": ({"vpc_zones": ["us-east-1a", "us-east-1b"]}, "us-east-1a is not offered in this region"),
    "one zone": ({"vpc_zones": ["eu-central-1a"]}, "lie in one zone"),
    "small subnet": (
        {"vpc_subnets": [{"cidr": "10.0.0.0/28", "zone": "eu-central-1a", "tier": "data"}]},
        "too small: it has 11 usable addresses",
    ),
    "argument": ({"vpc_nat": "two"}, "value of vpc_nat must be one of: none, single, per_az"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_clear_error_and_no_write(stage: Stage, case: str) -> None:
    inputs, reason = REFUSED[case]

    refused = stage.run(vpc_app="refused", **inputs)

    assert (refused.code, refused.writes, len(refused.errors)) == (2, [], 1)
    assert reason in refused.errors[0] + json.dumps(refused.tasks)


def test_wrong_credentials_are_told_with_what_to_do(stage: Stage) -> None:
    connection = {
        "region": "eu-central-1", "endpoint_url": stage.environment["AWS_ENDPOINT_URL"], "access_key": "AKIAWRONG",
        "secret_key": "wrong",
    }  # fmt: skip

    refused = stage.run(aws_connection=connection)

    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "cannot list the VPCs of the region" in refused.errors[0]
    assert "AWS does not know these credentials" in refused.errors[0]
