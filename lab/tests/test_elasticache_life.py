"""The servers of caches end with their lab, however it ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from bahnvision_lab import control
from bahnvision_lab.testing import Lab, running_lab
from cache_world import Caches


def test_a_killed_lab_leaves_no_cache_behind(tmp_path: Path) -> None:
    with running_lab(tmp_path / "a lab") as lab:
        caches = Caches(lab)
        arguments = caches.arguments()
        caches.api.create_replication_group(**arguments)
        caches.wait(arguments["ReplicationGroupId"])
        recorded = lab.state.registry.all()
        servers = [process for name, process in recorded.items() if name.startswith("cache:")]
        assert len(servers) == 2
        assert all(process.alive for process in servers)
        os.kill(recorded["daemon"].pid, signal.SIGKILL)
        while recorded["daemon"].alive:
            time.sleep(0.01)
        status, started = control.up(lab.state)
        assert started
        assert status["caches"] == {}
        assert not any(process.alive for process in servers)
        assert not list(lab.state.caches.glob("*-001"))
        again = Lab(lab.state)
        assert again.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
        after = Caches(again)
        after.api.create_replication_group(**after.arguments())  # `down` while it is still being made
    assert not any(process.alive for process in lab.state.registry.all().values())
    assert not list(lab.state.caches.glob("*"))
