"""The module rds_proxy against a lab: four runs, changes in place, an exchanged target, reasons in words, kills.

The tests of this file share one lab and one proxy, and follow each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy import proxy as module
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.desired import NEEDED, PROXY_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from aws_world import instance_arguments, vpc_with_subnets, wait_available
from bahnvision_lab.testing import running_lab
from botocore.config import Config
from proxy_world import PASSWORD, World, policy

NAME = "bahnvision-lab"


class Subject:
    """The module, as Ansible would call it, with the requests that AWS saw."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.lab.client("rds", config=Config(retries={"total_max_attempts": 1}))
        secret = world.make_secret()
        self.options = {
            "name": NAME, "app": "bahnvision", "stage": "lab", "role_arn": world.make_role(policy(secret)),
            "auth": [{"secret_arn": secret, "description": "the application"}], "vpc_subnet_ids": world.subnets,
            "vpc_security_group_ids": [world.proxy_group], "db_instance_identifier": world.instance,
            "wait_pause": 0.1, "wait_timeout": 240,
        }  # fmt: skip

    def run(self, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        wanted = {name: value for name, value in {**self.options, **changes}.items() if value is not None}
        checked = ArgumentSpecValidator(PROXY_SPEC, required_if=[("state", "present", list(NEEDED))]).validate(wanted)
        assert not checked.error_messages
        return module.ensure_proxy({"rds": self.client}, checked.validated_parameters, check_mode)

    def writes(self) -> int:
        return sum(entry["write"] for entry in self._requests())

    def _requests(self) -> list[dict[str, Any]]:
        log = Path(self.world.lab.status()["aws"]["request_log"])
        return [json.loads(line) for line in log.read_text().splitlines()]

    def four_runs(self, **changes: Any) -> dict[str, Any]:
        """Check, run, check, run: what is foreseen is made, and nothing is left to do. Return the second's result."""
        before = self.writes()
        foreseen = self.run(check_mode=True, **changes)
        assert self.writes() == before
        made = self.run(**changes)
        assert (made["diff"], made["actions"]) == (foreseen["diff"], foreseen["actions"])
        after = self.writes()
        for check_mode in (True, False):
            again = self.run(check_mode=check_mode, **changes)
            assert (again["changed"], again["actions"]) == (False, [])
        assert self.writes() == after
        return made

    def change(self, **changes: Any) -> dict[str, Any]:
        """Make a change in the four runs, and keep it for the runs to come."""
        made = self.four_runs(**changes)
        assert made["changed"]
        self.options |= changes
        return made


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with running_lab(tmp_path_factory.mktemp("lab") / "state") as lab:
        yield Subject(World.make(lab, *vpc_with_subnets(lab.client("ec2"))))


def test_check_mode_stands_on_what_is_yet_to_be_made(subject: Subject) -> None:
    foreseen = subject.run(
        check_mode=True, role_arn="", auth=[{"secret_arn": ""}], vpc_subnet_ids=["", ""], vpc_security_group_ids=[""],
        db_instance_identifier="not-yet",
    )  # fmt: skip
    assert foreseen["actions"] == [f"create db_proxy {NAME}", f"register db_proxy_target {NAME}"]
    assert (foreseen["proxy"]["status"], foreseen["proxy"]["endpoint"]) == ("planned", "")


def test_what_is_missing_is_refused_before_the_first_write(subject: Subject) -> None:
    before = subject.writes()
    with pytest.raises(ResourceError) as refusal:
        subject.run(db_instance_identifier="nobody", role_arn="", vpc_subnet_ids=["subnet-1"], idle_client_timeout=0)
    told = refusal.value.message
    for words in ("nobody does not exist", "role_arn ''", "two zones", "between 1 and 28800"):
        assert words in told
    assert subject.writes() == before


def test_it_is_made_in_four_runs_and_clients_connect(subject: Subject) -> None:
    made = subject.four_runs()
    told = made["proxy"]
    assert (told["status"], told["target_health"], told["port"]) == ("available", {"state": "AVAILABLE"}, 5432)
    assert told["tags"] == {
        "app": "bahnvision", "stage": "lab", "component": "rds", "managed-by": "bahnvision.aws",
    }  # fmt: skip
    with subject.world.connect(NAME) as client:
        assert client.execute("SELECT current_user").fetchone() == (subject.world.user,)


def test_a_proxy_of_somebody_else_is_never_touched(subject: Subject) -> None:
    before = subject.writes()
    for changes in ({"stage": "other"}, {"app": "other", "state": "absent"}):
        with pytest.raises(ResourceError, match="is not ours"):
            subject.run(**changes)
    assert subject.writes() == before


def test_every_setting_changes_in_place(subject: Subject) -> None:
    world = subject.world
    group = world.ec2.create_security_group(GroupName="more", Description="x", VpcId=world.vpc)["GroupId"]
    second = world.make_secret()
    both = [*subject.options["auth"], {"secret_arn": second}]
    role = world.make_role(policy("*"))
    matrix: list[tuple[dict[str, Any], str]] = [
        ({"idle_client_timeout": 900}, "db_proxy"),
        ({"require_tls": False}, "db_proxy"),
        ({"debug_logging": True}, "db_proxy"),
        ({"vpc_security_group_ids": [world.proxy_group, group]}, "db_proxy"),
        ({"role_arn": role}, "db_proxy"),
        ({"auth": both}, "db_proxy"),
        ({"auth": [{"secret_arn": second, "description": "renamed"}]}, "db_proxy"),
        ({"max_connections_percent": 80}, "db_proxy_pool"),
        ({"max_idle_connections_percent": 10}, "db_proxy_pool"),
        ({"connection_borrow_timeout": 30}, "db_proxy_pool"),
        ({"init_query": "SET statement_timeout = 30000"}, "db_proxy_pool"),
        ({"init_query": ""}, "db_proxy_pool"),
        ({"tags": {"team": "trains"}}, "db_proxy"),
        ({"tags": {"team": "rails", "cost": "1"}}, "db_proxy"),
        ({"tags": {}}, "db_proxy"),
    ]
    for changes, kind in matrix:
        made = subject.change(**changes)
        assert f"{kind} {NAME}" in made["diff"]["after"], changes
    with world.connect(NAME, sslmode="disable") as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    subject.change(require_tls=True, debug_logging=False, max_connections_percent=100, idle_client_timeout=1800)


def test_what_cannot_change_in_place_is_refused(subject: Subject) -> None:
    world = subject.world
    other = world.ec2.create_subnet(VpcId=world.vpc, CidrBlock="10.60.9.0/24", AvailabilityZone="eu-central-1c")
    before = subject.writes()
    with pytest.raises(ResourceError, match=r"cannot change in place.*state=absent"):
        subject.run(vpc_subnet_ids=[world.subnets[0], other["Subnet"]["SubnetId"]])
    told = subject.run(vpc_subnet_ids=[*world.subnets, other["Subnet"]["SubnetId"]])
    assert (told["changed"], subject.writes()) == (False, before)
    assert "does not use" in told["notes"][0]


def test_the_target_is_exchanged(subject: Subject) -> None:
    world, first = subject.world, subject.world.instance
    arguments = instance_arguments(
        DBName="app", DBSubnetGroupName=world.rds.describe_db_instances(DBInstanceIdentifier=first)["DBInstances"][0][
            "DBSubnetGroup"]["DBSubnetGroupName"], VpcSecurityGroupIds=[world.database_group],
    )  # fmt: skip
    world.instance = arguments["DBInstanceIdentifier"]
    world.rds.create_db_instance(**arguments)
    wait_available(world.rds, world.instance)
    world.set_password(PASSWORD, "CREATE ROLE {} LOGIN")
    made = subject.change(db_instance_identifier=world.instance)
    assert made["actions"] == [f"deregister db_proxy_target {NAME}", f"register db_proxy_target {NAME}"]
    assert made["diff"] == {
        "before": {f"db_proxy_target {NAME}": {"target": first}},
        "after": {f"db_proxy_target {NAME}": {"target": world.instance}},
    }
    assert made["proxy"]["db_instance_identifier"] == world.instance
    assert "clients" in made["notes"][0]


def test_the_reason_is_told_in_words(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    world = subject.world
    with pytest.raises(ResourceError) as refusal:
        subject.run(role_arn=world.make_role(None), wait_pause=0.02)
    for words in ("AUTH_FAILURE", "secretsmanager:GetSecretValue", "looks in a row"):
        assert words in refusal.value.message
    world.forbid()
    with pytest.raises(ResourceError) as refusal:
        subject.run(wait_timeout=4)
    for words in ("not there after 4 s", "UNREACHABLE", f"allows its port from {world.proxy_group}"):
        assert words in refusal.value.message
    world.allow()
    # What the two runs left is completed.
    assert subject.run()["proxy"]["target_health"] == {"state": "AVAILABLE"}
    assert not subject.run()["changed"]


class KilledError(Exception):
    """The run ends here, as by a signal."""


def test_a_run_killed_after_any_write_is_completed(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing to a proxy and back, ended after each write in turn."""
    for state in ("absent", "present", "absent"):
        for most in (*range(1, 9), None):
            killed = _run_killed(subject, monkeypatch, most, state)
            if not killed:
                break
        else:
            raise AssertionError(f"{state} takes more than 8 writes")
        assert not subject.run(state=state)["changed"]
    assert NAME not in subject.world.lab.status()["proxies"]


def _run_killed(subject: Subject, monkeypatch: pytest.MonkeyPatch, most: int | None, state: str) -> bool:
    """Run until the write number `most` is done, without waiting for what it began; tell whether it came so far."""
    left = [most or 100]
    real = module._execute

    def execute(rds: Any, params: Any, action: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KilledError
        if left[0] == 0:
            with monkeypatch.context() as hurried:
                hurried.setattr(module, "_wait_settled", lambda *_arguments: None)
                real(rds, params, action)
            raise KilledError
        real(rds, params, action)

    with monkeypatch.context() as patched:
        patched.setattr(module, "_execute", execute)
        try:
            subject.run(state=state)
        except KilledError:
            return True
    return False


def test_throttled_calls_do_no_harm(subject: Subject) -> None:
    with subject.world.lab.faults(throttle=0.3, seed=7):
        assert subject.run()["changed"]
        assert not subject.run()["changed"]
        assert subject.run(state="absent")["changed"]
