"""The account that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource import calls
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import Patience
from bahnvision_lab.aws.ec2 import endpoints, flow_logs, nat, service
from bahnvision_lab.aws.ec2 import network as lab_network
from botocore.config import Config
from moto import mock_aws
from vpc_account import Account

SERVICES = ("ec2", "iam", "logs", "s3")


@pytest.fixture(scope="module")
def clients() -> dict[str, Any]:
    """One client per service for all: making it costs more than most tests."""
    lab_network.install()
    service.install()
    once = Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True)
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return {service: boto3.client(service, "eu-central-1", config=once, **keys) for service in SERVICES}


@pytest.fixture
def account(clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a second per test, for nothing
    monkeypatch.setattr(calls, "DEFAULT", Patience(attempts=6, sleep=lambda _seconds: None))
    # The waits themselves are tried in the lab.
    for life, name in ((endpoints, "SECONDS_PENDING"), (nat, "SECONDS_PENDING"), (flow_logs, "SECONDS_UNKNOWN")):
        monkeypatch.setattr(life, name, 0)
    account = Account(clients)
    with mock_aws():
        for service, client in clients.items():
            client.meta.events.register(f"before-call.{service}", account.seen)
        yield account
        for service, client in clients.items():
            client.meta.events.unregister(f"before-call.{service}", account.seen)
