from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import Progress
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.stall import Watch
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Options


def watch(clock: list[float]) -> Watch:
    task = SimpleNamespace(options=Options(stall_timeout=10), target="the target")
    made = Watch(task, Progress(), lambda: clock[0])  # type: ignore[arg-type]
    made.begin(0, "public.t")
    return made


def test_a_table_that_moves_may_take_its_time() -> None:
    clock = [0.0]
    moving = watch(clock)

    for step in range(5):
        clock[0] += 9
        moving.take(0, "active", step)


def test_a_table_that_does_not_move_ends_the_run() -> None:
    clock = [0.0]
    stuck = watch(clock)
    stuck.take(0, "active", 7)
    clock[0] = 10.0
    stuck.take(0, "active", 7)
    clock[0] = 10.1

    with pytest.raises(PostgresError, match=r"public\.t does not move: .* taken in 7 bytes and none for 10 s"):
        stuck.take(0, "active", 7)


def test_an_error_is_told_before_all_other_rows_are_sent() -> None:
    with pytest.raises(PostgresError, match=r"COPY of public\.t failed"):
        watch([0.0]).take(0, "idle in transaction (aborted)", 7)


@pytest.mark.parametrize("state", ["idle", "idle in transaction", "gone"])
def test_a_server_process_that_has_answered_into_the_void_ends_the_run(state: str) -> None:
    clock = [0.0]
    broken = watch(clock)
    broken.take(0, "active", 7)
    for second in (2.0, 11.0):
        clock[0] = second
        broken.take(0, state, 0)
    clock[0] = 12.1

    with pytest.raises(PostgresError, match=rf"public\.t: the server process is {state}, .* the connection is broken"):
        broken.take(0, state, 0)


def test_an_index_may_take_its_time_as_long_as_the_server_works_on_it() -> None:
    clock = [0.0]
    building = watch(clock)
    building.end(0)
    building.begin(0, "public.t", rows=False)
    for _look in range(9):
        clock[0] += 100
        building.take(0, "active", 0)

    building.take(0, "gone", 0)
    clock[0] += 11
    with pytest.raises(PostgresError, match="the server process is gone"):
        building.take(0, "gone", 0)
