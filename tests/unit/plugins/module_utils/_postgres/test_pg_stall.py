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
