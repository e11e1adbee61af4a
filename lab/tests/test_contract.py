"""The lab speaks as botocore's models have it: every operation that the collection uses, on real objects."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import collected
import pytest
from bahnvision_lab.aws.contract import answers
from bahnvision_lab.aws.contract.lapses import LAPSES
from bahnvision_lab.aws.naming import Call
from bahnvision_lab.testing import Lab, running_lab
from werkzeug.wrappers import Response

FORM = "application/x-www-form-urlencoded"
ROOMS = ("small", "network", "databases", "proxies", "caches", "migration", "clusters")


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own: other tests ask for what is refused on purpose."""
    with running_lab(tmp_path_factory.mktemp("contract") / "state") as lab:
        yield lab


@pytest.mark.parametrize("room", ROOMS)
def test_every_answer_fits_the_model(walked: Lab, room: str) -> None:
    log = walked.state.contract_log
    before = _lines(log)
    importlib.import_module(f"walks.{room}").walk(walked)
    assert _lines(log)[len(before) :] == []


def test_every_operation_that_the_collection_uses_was_walked(walked: Lab) -> None:
    """After the walks above: run this file as a whole."""
    used = {**collected.of_roles(), **collected.of_plugins()}
    assert len(used) > 100
    answered = {
        f"{entry['service']}:{entry['operation']}"
        for entry in _lines(Path(walked.status()["aws"]["request_log"]))
        if entry["status"] < 300
    }
    assert {name: where for name, where in used.items() if name not in answered} == {}


def test_what_playbooks_include_counts_too() -> None:
    """A glob that stops at the first folder misses the modules of playbooks/steps."""
    assert {where.partition(" in ")[2] for where in collected.of_roles().values()} >= {"playbooks/steps/dms_load.yml"}


def test_every_tolerated_lapse_has_its_reason() -> None:
    assert all(len(lapse) == 5 and len(lapse[4]) > 20 for lapse in LAPSES)


ENVELOPE = (
    "<{0}Response><{0}Result>{1}</{0}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{0}Response>"
)
INSTANCE = "<DBInstances><DBInstance>{}</DBInstance></DBInstances>"


def _rds(inside: str) -> str:
    return ENVELOPE.format("DescribeDBInstances", inside)


@pytest.mark.parametrize(
    ("service", "operation", "body", "problem"),
    [
        ("rds", "DescribeDBInstances", _rds(INSTANCE.format("<MultiAZ>true</MultiAZ>")), None),
        ("rds", "DescribeDBInstances", _rds(INSTANCE.format("<MultiAZ>True</MultiAZ>")), "neither true nor false"),
        ("rds", "DescribeDBInstances", _rds(INSTANCE.format("<Iops>many</Iops>")), "is no integer"),
        ("rds", "DescribeDBInstances", _rds(INSTANCE.format("<Colour>red</Colour>")), "not in the model"),
        ("rds", "DescribeDBInstances", _rds(INSTANCE.format("<Iops>1</Iops><Iops>2</Iops>")), "comes 2 times"),
        ("rds", "DescribeDBInstances", _rds("<DBInstances><member/></DBInstances>"), "not <DBInstance>"),
        ("rds", "DescribeDBInstances", "<DescribeDBInstancesResponse/>", "has no DescribeDBInstancesResult"),
        (
            "rds",
            "DescribeDBInstances",
            _rds(INSTANCE.format("<InstanceCreateTime>now</InstanceCreateTime>")),
            "timestamp",
        ),
        ("rds", "DescribeDBInstances", "<a>", "is no XML"),
        ("ec2", "CreateVpc", "<CreateVpcResponse><vpc><state>lost</state></vpc></CreateVpcResponse>", "does not list"),
        ("kms", "ListKeys", '{"Keys": [{"KeyId": 1}]}', "is a int, not a string"),
        ("kms", "ListKeys", '{"Keys": {}, "More": 1}', "not in the model"),
        ("kms", "DescribeKey", '{"KeyMetadata": {"Enabled": true}}', "KeyId is required and missing"),
        ("kms", "DescribeKey", '{"KeyMetadata": {"KeyId": "1", "CreationDate": "today"}}', "not a timestamp"),
        ("kms", "DescribeKey", "{", "not readable"),
    ],
)
def test_what_does_not_fit_is_seen(service: str, operation: str, body: str, problem: str | None) -> None:
    call = Call(service=service, operation=operation)
    form = FORM if body.startswith("<") else "application/x-amz-json-1.1"
    found = [f"{one.path} {one.what}" for one in answers.problems(call, Response(body, 200), form)]
    assert (found == []) if problem is None else any(problem in one for one in found), found


def test_an_error_has_a_code_and_the_status_of_the_model() -> None:
    call = Call(service="rds", operation="DescribeDBInstances")
    body = "<ErrorResponse><Error><Code>DBInstanceNotFound</Code><Message>x</Message></Error></ErrorResponse>"
    assert list(answers.problems(call, Response(body, 404), FORM)) == []
    for wrong, status in ((body, 400), ("<ErrorResponse/>", 404)):
        assert len(list(answers.problems(call, Response(wrong, status), FORM))) == 1


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
