"""One lab for all tests that only ask it, in a folder whose path has a blank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bahnvision_lab.testing import Lab, running_lab


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
