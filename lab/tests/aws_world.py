"""What tests of the lab's AWS need again and again."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from bahnvision_lab.testing import Lab
from botocore.exceptions import ClientError

PASSWORD = "a-good:Pass%word"
_numbers = itertools.count(1)


def fresh(prefix: str) -> str:
    """Return a name that no other test uses: they share one account."""
    return f"{prefix}-{next(_numbers)}"


def instance_arguments(**changes: Any) -> dict[str, Any]:
    """Return arguments of CreateDBInstance that are accepted, with changes; None takes one out."""
    arguments = {
        "DBInstanceIdentifier": fresh("db"),
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "AllocatedStorage": 20,
        "MasterUsername": "master",
        "MasterUserPassword": PASSWORD,
        **changes,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def wait_available(rds: Any, identifier: str) -> dict[str, Any]:
    rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier=identifier, WaiterConfig={"Delay": 0.1, "MaxAttempts": 2000}
    )
    return rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]


@contextlib.contextmanager
def available_instance(rds: Any, **changes: Any) -> Iterator[dict[str, Any]]:
    arguments = instance_arguments(**changes)
    rds.create_db_instance(**arguments)
    try:
        yield wait_available(rds, arguments["DBInstanceIdentifier"])
    finally:
        rds.delete_db_instance(DBInstanceIdentifier=arguments["DBInstanceIdentifier"], SkipFinalSnapshot=True)


def connect(lab: Lab, identifier: str, **options: Any) -> psycopg.Connection:
    return psycopg.connect(lab.status()["databases"][identifier]["dsn"], autocommit=True, **options)


@contextlib.contextmanager
def refused(code: str, words: str, status: int | None = None) -> Iterator[None]:
    """The call inside is refused with this code and a message that holds these words."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer["Error"]
    assert words in answer["Error"]["Message"]
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def repeatedly(attempt: Callable[[], Any], tries: int = 20) -> Any:
    """Try again: what shows for a moment only is missed by one look on a busy machine, and not by all."""
    for _number in range(tries - 1):
        with contextlib.suppress(AssertionError, pytest.fail.Exception):
            return attempt()
    return attempt()


def vpc_with_subnets(ec2: Any, zones: tuple[str, ...] = ("a", "b")) -> tuple[str, list[str]]:
    """Make a VPC with one subnet in each zone; return their ids."""
    vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.60.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate(zones)
    ]
    return vpc, [subnet["Subnet"]["SubnetId"] for subnet in subnets]
