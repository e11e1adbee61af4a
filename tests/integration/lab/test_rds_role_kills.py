"""The role rds is killed again and again, and refused calls for being too many: it ends where it would have anyway."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest
from bahnvision_lab.testing import running_lab
from rds_world import World, make_network
from stage import Stage

ALL = {"rds_proxy": True, "rds_poll_seconds": 0.5}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_lab(tmp_path_factory.mktemp("rds-kills") / "lab") as lab:
        stage = Stage(lab, "rds", "data.yml", **ALL)
        make_network(lab)
        yield stage


def works(stage: Stage, identifier: str) -> bool:
    """The pair in the secret opens the database through the proxy, with TLS and the certificate checked."""
    world = World(stage.lab)
    pair = world.content(secret=f"{identifier}-rds-app")
    (proxy,) = world.rds.describe_db_proxies(DBProxyName=identifier)["DBProxies"]
    try:
        world.connect(pair, host=proxy["Endpoint"], port=5432, prepare_threshold=None).close()
    except psycopg.OperationalError as problem:
        raise AssertionError(f"the pair does not open {identifier}: {problem}") from problem
    return True


def chain(stage: Stage, identifier: str, kills: int) -> list[int]:
    """Kill one run after the other, each some writes further; return how far each had come."""
    done = []
    for _number in range(kills):
        done.append(stage.kill_at(random.choice((0, 0, 1, 1, 2)), rds_identifier=identifier))
    return done


def converges(stage: Stage, identifier: str) -> None:
    finished = stage.run(rds_identifier=identifier)
    assert finished.code == 0, finished.errors
    left = stage.run("--check", rds_identifier=identifier)
    assert (left.code, left.changed) == (0, []), left.errors
    assert works(stage, identifier)


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_killed_at_random_points_and_then_throttled_it_converges(stage: Stage) -> None:
    done = chain(stage, "killed", 8)
    with stage.lab.faults(throttle=0.3, seed=random.randrange(1000)):
        finished = stage.run(rds_identifier="killed", timeout=900)
    assert finished.code == 0, (finished.errors, done)
    left = stage.run("--check", rds_identifier="killed")
    assert (left.code, left.changed) == (0, []), (left.errors, done)
    assert works(stage, "killed")


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_killed_at_twenty_four_random_points_it_converges(stage: Stage) -> None:
    done = chain(stage, "killed-often", 24)
    assert sum(done) > 0
    converges(stage, "killed-often")


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_throttled_from_the_first_call_to_the_last_it_converges(stage: Stage) -> None:
    with stage.lab.faults(throttle=0.3, seed=random.randrange(1000)):
        made = stage.run(rds_identifier="throttled", rds_deletion_protection=False, timeout=1200)
        assert made.code == 0, made.errors
        gone = stage.run(rds_identifier="throttled", rds_state="absent", rds_confirm_absent="lab", timeout=1200)
        assert gone.code == 0, gone.errors
    assert "throttled" not in str(World(stage.lab).rds.describe_db_instances()["DBInstances"])
