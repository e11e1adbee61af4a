"""One lab for all tests that only ask it, in a folder whose path has a blank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bahnvision_lab.testing import Lab, running_lab
from proxy_world import World, policy


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("a lab") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def rds(lab: Lab) -> Any:
    return lab.client("rds")


@pytest.fixture(scope="session")
def ec2(lab: Lab) -> Any:
    return lab.client("ec2")


# What tests of proxies stand on. Each file of them has a `world` of its own.
@pytest.fixture(scope="module")
def secret(world: World) -> str:
    return world.make_secret()


@pytest.fixture(scope="module")
def role(world: World, secret: str) -> str:
    return world.make_role(policy(secret))


@pytest.fixture(scope="module")
def proxy(world: World, secret: str, role: str) -> Iterator[str]:
    name = world.make_proxy(secret, role, Tags=[{"Key": "stage", "Value": "lab"}])
    world.wait_health(name, "AVAILABLE")
    yield name
    world.rds.delete_db_proxy(DBProxyName=name)
