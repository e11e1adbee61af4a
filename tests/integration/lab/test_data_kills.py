"""The roles rds and elasticache, side by side as in the playbook, are killed again and again, then throttled."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from bahnvision_lab.testing import running_lab
from cache_stage import WHOLE, CacheStage
from rds_world import World
from stage import Stage

KILLS = [8, pytest.param(20, marks=pytest.mark.full)]
ROLES = ("rds", "elasticache")


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_lab(tmp_path_factory.mktemp("data-kills") / "lab") as lab:
        made = Stage(lab, "vpc", "network.yml", vpc_nat="none", vpc_interface_endpoints=[], vpc_flow_logs="none").run()
        assert made.code == 0, made.errors
        yield Stage(lab, ":".join(ROLES), "data.yml", rds_poll_seconds=0.5)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", KILLS)
def test_killed_at_random_moments_and_then_throttled_both_converge(stage: Stage, kills: int) -> None:
    """SIGKILL to the whole run with its children, wherever both roles are; then three calls of ten are refused."""
    seed = random.randrange(10**6)
    dice, wish = random.Random(seed), {}
    while stage.kills < kills:
        # Another wish each time: what was made before is changed, object by object, while the rest is still made.
        wish = {f"{role}_tags": {"round": str(stage.kills)} for role in ROLES}
        stage.kill_at(dice.choice((0, 1, 2, 3)), within=4, most=40, **wish)
    # One of the modules from elsewhere leaves its retries to botocore, whose default gives up at the fifth refusal.
    throttling = {"operation": "logs:DescribeLogGroups", "code": "ThrottlingException", "status": 400}
    with stage.lab.faults(throttle=0.3, seed=seed % 1000, fail=[throttling] * 5):
        finished = [Stage(stage.lab, role, "data.yml").run(timeout=900, **wish) for role in ROLES]
    assert [run.code for run in finished] == [0, 0], (seed, [run.errors for run in finished])
    throttled = [entry for run in finished for entry in run.requests if entry["error"] == "Throttling"]
    assert throttled, "nothing was throttled"

    left = [Stage(stage.lab, role, "data.yml").run("--check", **wish) for role in ROLES]
    assert [(run.code, run.changed, run.writes) for run in left] == [(0, [], [])] * 2, (seed, left)
    assert_usable(stage)


def assert_usable(stage: Stage) -> None:
    """Nothing was made twice, and the secrets open what they tell of."""
    name, world, cache = "bahnvision-lab", World(stage.lab), CacheStage(stage.lab)
    assert [entry["DBInstanceIdentifier"] for entry in world.rds.describe_db_instances()["DBInstances"]] == [name]
    (proxy,) = world.rds.describe_db_proxies()["DBProxies"]
    pair = world.content(secret=f"{name}-rds-app")
    world.connect(pair, host=proxy["Endpoint"], port=5432, prepare_threshold=None).close()
    assert cache.living(name) == WHOLE
    assert cache.client(name).set("kept", "1")
