"""AWS-like durations, a thousand times faster."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_world import vpc_with_subnets
from bahnvision_lab import control, pace
from bahnvision_lab.errors import LabError
from bahnvision_lab.testing import running_lab

FACTOR = 0.01


def test_work_takes_at_least_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(pace, "_ended", SimpleNamespace(wait=slept.append))
    pace.at_least("rds_multi_az", time.monotonic())
    assert slept == []
    monkeypatch.setattr(pace, "factor", 0.001)
    began = time.monotonic() + 1000  # so far ahead that it does not matter how slow we are
    pace.at_least("rds_single", began)
    assert 0.36 < slept.pop() <= 1000.36
    pace.at_least("rds_single", time.monotonic() - 100)
    assert slept == []
    with pytest.raises(KeyError, match="no duration for 'rds'"):
        pace.at_least("rds", began)


@pytest.mark.full
def test_the_pace_is_kept_for_the_life_of_the_lab_and_told(tmp_path: Path) -> None:
    with running_lab(tmp_path / "lab", pace=FACTOR) as lab:
        assert lab.status()["pace"] == FACTOR
        assert control.up(lab.state) == (lab.status(), False)
        with pytest.raises(LabError, match=r"the lab is up with pace 0\.01: `lab reset --pace 1`"):
            control.up(lab.state, 1)
        ec2 = lab.client("ec2")
        _vpc, subnets = vpc_with_subnets(ec2)
        began = time.monotonic()
        gateway = ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
        ec2.get_waiter("nat_gateway_available").wait(
            NatGatewayIds=[gateway], WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )
        assert time.monotonic() - began >= 1.2
        assert control.reset(lab.state)["pace"] == 0


@pytest.mark.parametrize("factor", ["-1", "11", "fast"])
def test_a_pace_out_of_range_is_refused(factor: str) -> None:
    command = [sys.executable, "-m", "bahnvision_lab.cli", "up", f"--pace={factor}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert f"between 0 and 10, not '{factor}'" in told.stderr
