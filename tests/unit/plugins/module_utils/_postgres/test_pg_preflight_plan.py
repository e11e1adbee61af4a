"""Estimates, the planned form of the tables, and how the facts become a request."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import sides, steps
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import make_plan
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.estimate import (
    DEFAULT_RATE,
    estimate,
    size,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import Request
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.run import preflight
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.tables import planned_tables
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish
from pg_facts import source, target

MB = 1_000_000
INDEXES = {"number": 3, "bytes": 40 * MB, "largest": [20 * MB, 15 * MB, 5 * MB]}
TYPES = [
    {"oid": 23, "name": "int4", "typtype": "b", "binary": True, "element": 0, "base": 0, "subtype": 0, "parts": [],
     "extension": None},
    {"oid": 142, "name": "xml", "typtype": "b", "binary": True, "element": 0, "base": 0, "subtype": 0, "parts": [],
     "extension": None},
]  # fmt: skip
HOW = {"jobs": 2, "split_over": 0, "format": "auto", "freeze": True, "encoding": "UTF8"}


def tables(*sizes: int) -> tuple[Table, ...]:
    return tuple(Table(f"public.t{n}", str(n), "r", 10, size, True) for n, size in enumerate(sizes))


def test_the_estimate_adds_up() -> None:
    ours = source(tables=tables(100 * MB), indexes=INDEXES, large_objects=1, large_object_bytes=10 * MB)

    told = estimate(ours, 2).result(None)

    assert told["bytes"] == 110 * MB
    assert told["wal_bytes"] == int(0.85 * 150 * MB)
    assert told["sort_temp_bytes"] == 35 * MB
    assert told["target_storage_bytes"] == 150 * MB + int(0.85 * 150 * MB) + 35 * MB
    assert (told["rate_mb_s"], told["seconds"]) == (DEFAULT_RATE, 1.9)
    assert told["rate_source"].startswith("measured with 2340 MB in 29 s")


def test_a_given_rate_is_taken_and_an_empty_catalogue_of_large_objects_counts_nothing() -> None:
    told = estimate(source(tables=tables(100 * MB), indexes=INDEXES, large_objects=0), 2).result(14.0)

    assert (told["bytes"], told["rate_mb_s"], told["rate_source"], told["seconds"]) == (100 * MB, 14.0, "given", 10.0)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 MiB"), (1, "1 MiB"), (9 << 30, "9216 MiB"), ((10 << 30) + 1, "11 GiB")]
)
def test_sizes_are_written_for_people(number: int, text: str) -> None:
    assert size(number) == text


def test_each_table_is_planned() -> None:
    plan = make_plan(source(tables=tables(300, 100)), target(), Request(2))
    details = [{"oid": "0", "columns": [["a", 23]], "pages": 30}, {"oid": "1", "columns": [["x", 142]], "pages": 1}]
    indexes = [{"oid": "0", "indexes": 2, "bytes": 50}]

    first, second = planned_tables(plan, details, TYPES, indexes, {**HOW, "split_over": 200})

    assert first == {
        "name": "public.t0", "rows_estimated": 10, "bytes": 300, "indexes": 2, "index_bytes": 50, "format": "binary",
        "why_text": "", "parts": 2, "frozen": False,
    }  # fmt: skip
    assert second == {
        "name": "public.t1", "rows_estimated": 10, "bytes": 100, "indexes": 0, "index_bytes": 0, "format": "text",
        "why_text": "column x: type xml names objects of one database", "parts": 1, "frozen": True,
    }  # fmt: skip


def test_what_is_asked_for_comes_from_the_parameters(tmp_path: Path) -> None:
    params = {"engine": "copy", "target": {"sslmode": "require"}}

    assert steps.request(params, 3, tmp_path) == Request(3, sslmode="require")
    more = {**params, "engine": "dump", "method": "logical", "target_storage_gb": 1.5}
    asked = steps.request(more, 3, tmp_path, ("target",), Wish(acl=True))
    assert (asked.target_storage, asked.wish.acl, asked.pooled) == (3 << 29, True, ("target",))
    assert (asked.method, asked.engine) == ("logical", "dump")
    assert asked.free_bytes > 0


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_rate_that_means_nothing_is_refused_before_anybody_connects(rate: float) -> None:
    params = {"jobs": "2", "split_over": "10GB", "rate_mb_s": rate}

    with pytest.raises(PostgresError, match=r"rate_mb_s is .*: give a number above 0"):
        preflight(params)


class Pool:
    """Server connections as a pooler shares them: each transaction takes the first that is free."""

    def __init__(self, shared: bool) -> None:
        self.shared, self.busy, self.sessions = shared, False, 0


def session_of(pool: Pool, side: str) -> SimpleNamespace:
    """Return a session that answers with the number of its server process."""
    pool.sessions += 1
    own = pool.sessions

    def ask(sql: str) -> list[str]:
        if not pool.shared:
            return [str(own)]
        pid = "2" if pool.busy else "1"
        pool.busy = pool.busy or sql.startswith("begin")
        return [pid]

    return SimpleNamespace(ask=ask, close=lambda: None, connection=SimpleNamespace(side=side, pool=pool))


@pytest.mark.parametrize(
    ("shared", "told"), [((), ()), (("target",), ("target",)), (("source", "target"), ("source", "target"))]
)
def test_a_pooler_in_transaction_mode_is_seen(
    shared: tuple[str, ...], told: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "Session", lambda _commands, _psql, connection: session_of(connection.pool, "x"))
    both = [session_of(Pool(side in shared), side) for side in ("source", "target")]

    opened = sides.Sides(None, "psql", None, None, *both)  # type: ignore[arg-type]

    assert opened.pooled() == told
