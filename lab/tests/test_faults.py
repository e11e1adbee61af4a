"""What goes wrong on purpose, as clients meet it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import calls
from aws_world import fresh, refused
from bahnvision_lab import cli, faults
from bahnvision_lab.aws.faulty import THROTTLING
from bahnvision_lab.errors import LabError
from bahnvision_lab.faults import Faults
from bahnvision_lab.state import VARIABLE
from bahnvision_lab.testing import Lab
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

ONCE = Config(retries={"total_max_attempts": 1})
TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})  # fmt: skip
THROTTLED = [
    ("ec2", "describe_vpcs", "RequestLimitExceeded", 503),
    ("rds", "describe_db_instances", "Throttling", 400),
    ("elasticache", "describe_replication_groups", "Throttling", 400),
    ("iam", "list_roles", "Throttling", 400),
    ("cloudformation", "describe_stacks", "Throttling", 400),
    ("route53", "list_hosted_zones", "Throttling", 400),
    ("secretsmanager", "list_secrets", "ThrottlingException", 400),
    ("kms", "list_keys", "ThrottlingException", 400),
    ("logs", "describe_log_groups", "ThrottlingException", 400),
    ("eks", "list_clusters", "ThrottlingException", 429),
    ("lambda", "list_functions", "TooManyRequestsException", 429),
    ("s3", "list_buckets", "SlowDown", 503),
]


def test_each_service_throttles_in_its_own_words_and_the_log_tells(lab: Lab) -> None:
    with lab.faults(throttle=1):
        for service, operation, code, status in THROTTLED:
            with refused(code, "", status):
                getattr(lab.client(service, config=ONCE), operation)()
    logged = _log(lab)[-len(THROTTLED) :]
    assert [(entry["error"], entry["status"]) for entry in logged] == [row[2:] for row in THROTTLED]
    lab.client("ec2", config=ONCE).describe_vpcs()


def test_every_throttling_code_is_one_that_the_collection_retries() -> None:
    sent = {code for code, _status in THROTTLING.values()} | {row[2] for row in THROTTLED}
    assert sent <= calls.THROTTLED


def test_a_share_is_the_same_calls_each_time_and_about_as_many_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"

    def pattern(seed: int) -> list[bool]:
        faults.save(path, faults.added({}, {"throttle": 0.3, "seed": seed}))
        judge = Faults(path)
        return [judge.failure("rds", "DescribeDBInstances") is not None for _call in range(1000)]

    first = pattern(1)
    assert first == pattern(1) != pattern(2)
    assert 250 < sum(first) < 350


def test_calls_of_the_collection_get_through_a_throttled_lab(lab: Lab) -> None:
    ec2 = lab.client("ec2", config=ONCE)
    seen = len(_log(lab))
    quick = calls.Patience(base=0.001)
    with lab.faults(throttle=0.5):
        for _number in range(20):
            calls.call(ec2, "describe_vpcs", "read", patience=quick)
    errors = [entry["error"] for entry in _log(lab)[seen:]]
    assert errors.count(None) == 20
    assert errors.count("RequestLimitExceeded") >= 5


def test_the_nth_call_fails_counted_from_when_the_fault_was_set(lab: Lab) -> None:
    iam, name = lab.client("iam", config=ONCE), fresh("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.get_role(RoleName=name)
    for _again in range(2):
        with lab.faults(fail=[{"operation": "iam:GetRole", "nth": 2, "code": "ServiceUnavailable"}]):
            iam.get_role(RoleName=name)
            with refused("ServiceUnavailable", "lab fault", 503):
                iam.get_role(RoleName=name)
            iam.get_role(RoleName=name)


def test_a_fault_that_is_added_leaves_the_count_of_the_others(lab: Lab) -> None:
    ec2 = lab.client("ec2", config=ONCE)
    with lab.faults(fail=[{"operation": "ec2:DescribeVpcs", "nth": 2}]):
        ec2.describe_vpcs()
        with lab.faults(delay_ms=1), refused("InternalFailure", "", 500):
            ec2.describe_vpcs()


@pytest.mark.parametrize("code", ["InternalFailure", "ConnectionCut"])
@pytest.mark.parametrize("acted", [True, False])
def test_the_answer_may_be_lost_after_the_work_is_done(lab: Lab, code: str, acted: bool) -> None:
    iam, name = lab.client("iam", config=ONCE), fresh("role")
    with (
        lab.faults(fail=[{"operation": "iam:CreateRole", "code": code, "acted": acted}]),
        pytest.raises(ConnectionClosedError if code == "ConnectionCut" else ClientError),
    ):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    assert _log(lab)[-1]["error"] == code
    made = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert (name in made) == acted


def test_every_call_waits(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    ec2.describe_vpcs()
    with lab.faults(delay_ms=300):
        began = time.monotonic()
        ec2.describe_vpcs()
        assert time.monotonic() - began >= 0.3


def test_questions_of_the_rooms(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    judge = Faults(path)
    assert (judge.does_nothing("a"), judge.flip_seconds("a"), judge.is_asynchronous("a")) == (False, 0.5, False)
    first = faults.added({}, {"failover_does_nothing": ["a"], "endpoint_flip_seconds": {"*": 3}})
    faults.save(path, faults.added(first, {"asynchronous": ["b"], "endpoint_flip_seconds": {"a": 0}}))
    assert (judge.does_nothing("a"), judge.does_nothing("b")) == (True, False)
    assert (judge.flip_seconds("a"), judge.flip_seconds("b")) == (0, 3)
    assert (judge.is_asynchronous("a"), judge.is_asynchronous("b")) == (False, True)
    faults.save(path, {})
    assert (judge.does_nothing("a"), path.exists()) == (False, False)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"throttle": 1.5}, "between 0 and 1"),
        ({"throttle": True}, "between 0 and 1"),
        ({"delay_ms": -1}, "between 0 and 60000"),
        ({"throtle": 0.1}, "no such fault: throtle"),
        ({"fail": [{"operation": "rds"}]}, "SERVICE:OPERATION"),
        ({"fail": [{"operation": "rds:CreateDbInstance"}]}, "did you mean CreateDBInstance"),
        ({"fail": [{"operation": "rdsx:CreateDBInstance"}]}, "no service 'rdsx'"),
        ({"fail": [{"operation": "rds:CreateDBInstance", "nth": 0}]}, "1 or more"),
        ({"fail": [{"operation": "rds:CreateDBInstance", "status": 200}]}, "between 400 and 599"),
        ({"failover_does_nothing": "db"}, "list of identifiers"),
        ({"endpoint_flip_seconds": {"a": "soon"}}, "between 0 and 600"),
    ],
)
def test_bad_settings_are_refused(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(LabError, match=words.replace("?", "")):
        faults.added({}, setting)


def test_the_command_sets_shows_and_clears(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(lab.state.folder))

    def said(*arguments: str) -> str:
        assert cli.main(["faults", *arguments]) == 0
        return capsys.readouterr().out

    said(
        "set", "--throttle", "0.3", "--fail", "rds:CreateDBInstance:2:InternalFailure:acted",
        "--endpoint-flip-seconds", "db=3", "--failover-does-nothing", "db",
    )  # fmt: skip
    said("set", "--failover-does-nothing", "cache")
    shown = said("show").splitlines()
    assert "throttle: 0.3" in shown
    assert "failover_does_nothing: cache, db" in shown
    assert "fail: rds:CreateDBInstance, call 2, carried out, then answered with InternalFailure" in shown
    assert "throttle" not in said("clear", "throttle")
    assert said("clear") == "Nothing goes wrong on purpose\n"
    assert not lab.state.faults.exists()
    assert cli.main(["faults", "set", "--throttle", "2"]) == 1
    assert capsys.readouterr().err == "lab: throttle must be a number between 0 and 1, not 2.0\n"


def _log(lab: Lab) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(lab.status()["aws"]["request_log"]).read_text().splitlines()]
