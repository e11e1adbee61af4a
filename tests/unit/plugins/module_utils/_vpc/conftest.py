"""The account that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import calls
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import Patience
from bahnvision_lab.aws.ec2 import network as lab_network
from botocore.config import Config
from moto import mock_aws
from vpc_account import Account


@pytest.fixture(scope="module")
def ec2() -> Any:
    """One client for all: making it costs more than most tests."""
    lab_network.install()
    once = Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True)
    return boto3.client("ec2", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b", config=once)


@pytest.fixture
def account(ec2: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a second per test, for nothing
    monkeypatch.setattr(calls, "DEFAULT", Patience(attempts=6, sleep=lambda _seconds: None))
    account = Account(ec2)
    with mock_aws():
        ec2.meta.events.register("before-call.ec2", account.seen)
        yield account
        ec2.meta.events.unregister("before-call.ec2", account.seen)
