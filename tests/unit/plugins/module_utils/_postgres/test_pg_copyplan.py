from __future__ import annotations

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyformat import Form
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import (
    Board,
    Index,
    Job,
    Part,
    Progress,
    Table,
    parts_done,
    parts_of,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copysql import (
    commit_sql,
    copy_in,
    copy_out,
    file_argument,
    finish_sql,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from hypothesis import given
from hypothesis import strategies as st

GB = 1 << 30


def index(oid: int, table: str = "1", size: int = 1, **more) -> Index:
    return Index(str(oid), table, f"i{oid}", f"public.i{oid}", f"create index i{oid}", size, **more)


def table(oid: int, size: int = 1, **more) -> Table:
    settings = {"columns": ("id", 'we"ird'), "form": Form("binary"), **more}
    return Table(str(oid), f"public.t{oid}", "public", f"t{oid}", bytes=size, **settings)


def name(job: Job | None) -> str:
    return "" if job is None else f"{job.kind} {job.index.name if job.index else job.table.name}"


def drain(board: Board, workers: int) -> list[str]:
    """Do all jobs with so many workers, oldest first; return the order in which they were begun."""
    order, running = [], []
    while board.left:
        while len(running) < workers and (job := board.next()):
            order.append(name(job))
            running.append(job)
        board.done(running.pop(0))
    return order


def test_biggest_first_and_indexes_beside_the_next_copies() -> None:
    tables = [table(1, 10), table(2, 30, indexes=(index(20, "2", 5), index(21, "2", 9))), table(3, 20)]

    order = drain(Board(tables, 2), 2)

    assert order == [
        "copy t2", "copy t3", "index i21", "copy t1", "finish t3", "finish t1", "index i20", "finish t2",
    ]  # fmt: skip


def test_one_worker_copies_everything_before_it_builds() -> None:
    order = drain(Board([table(1, 1, indexes=(index(10),)), table(2, 2)], 1), 1)

    assert order == ["copy t2", "copy t1", "finish t2", "index i10", "finish t1"]


def test_a_kept_table_is_not_copied_and_only_what_is_missing_is_built() -> None:
    kept = table(1, indexes=(index(10), index(11)), kept=True)

    assert drain(Board([kept], 2, frozenset(["10"])), 2) == ["index i11", "finish t1"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 3), st.integers(0, 3)), max_size=12), st.integers(1, 6))
def test_everything_is_done_once_and_in_an_order_that_works(shape: list, workers: int) -> None:
    tables = [
        table(n, size, parts=tuple(Part(p, p, None) for p in range(parts)),
              indexes=tuple(index(n * 100 + i, str(n), size + i) for i in range(indexes)))
        for n, (size, parts, indexes) in enumerate(shape)
    ]  # fmt: skip

    order = drain(Board(tables, workers), workers)

    wanted = [f"copy {t.name}" for t in tables for _part in t.parts]
    wanted += [f"index {i.name}" for t in tables for i in t.indexes] + [f"finish {t.name}" for t in tables]
    assert sorted(order) == sorted(wanted)
    for t in tables:
        last_copy = max(n for n, what in enumerate(order) if what == f"copy {t.name}")
        assert all(order.index(f"index {i.name}") > last_copy for i in t.indexes)
        assert order.index(f"finish {t.name}") > max([last_copy] + [order.index(f"index {i.name}") for i in t.indexes])


@pytest.mark.parametrize(
    ("size", "total", "jobs", "split_over", "number"),
    [
        (9 * GB, 10 * GB, 4, 10 * GB, 1),  # not larger than the limit
        (20 * GB, 100 * GB, 4, 10 * GB, 1),  # within its fair share
        (50 * GB, 100 * GB, 4, 10 * GB, 4),
        (50 * GB, 100 * GB, 4, 20 * GB, 3),
        (50 * GB, 100 * GB, 1, 10 * GB, 1),
        (50 * GB, 50 * GB, 4, 0, 1),
    ],
)
def test_only_a_table_beyond_its_share_is_split(size: int, total: int, jobs: int, split_over: int, number: int) -> None:
    parts = parts_of(size, 1000, total, jobs, split_over)

    assert len(parts) == number
    if number > 1:
        assert parts[0].first == 0
        assert parts[-1].end is None
        assert [part.end for part in parts[:-1]] == [part.first for part in parts[1:]]


def test_the_statements_of_a_table() -> None:
    one = table(7)

    assert copy_out(one, Part(), "UTF8", "/w/rows.0").startswith(
        'copy public.t7 ("id", "we""ird") to stdout (format bin'
    )
    into = copy_in(one, Part(), "UTF8", "/w/rows.0")
    assert into.startswith(
        "begin;\ntruncate only public.t7;\n\\copy public.t7 from '/w/rows.0' with (format binary, fr"
    )
    assert "commit" not in into
    assert commit_sql("r", one, Part(), 5, 1.0).endswith("commit")


def test_a_part_is_neither_emptied_nor_frozen() -> None:
    one = table(7)

    assert "where ctid >= '(5,0)' and ctid < '(9,0)')" in copy_out(one, Part(1, 5, 9), "UTF8", "/f")
    assert "where ctid >= '(5,0)')" in copy_out(one, Part(1, 5), "UTF8", "/f")
    into = copy_in(one, Part(1, 5, 9), "UTF8", "/f")
    assert "truncate" not in into
    assert "freeze" not in into


def test_a_name_with_a_line_break_is_never_in_a_backslash_command() -> None:
    odd = Table("9", '"a\nb"."c\nd"', "a\nb", "c\nd", ("x\ny",), 1, Form("text"))

    lines = copy_in(odd, Part(), "LATIN1", "/f").splitlines()

    assert [line for line in lines if line.startswith("\\copy")] == [
        "\\copy \"ansible_migrate_9\" from '/f' with (format text, encoding 'LATIN1', freeze true)"
    ]
    assert 'alter table "ansible_migrate_9" rename to "c' in lines


def test_files_are_quoted_for_psql_and_line_breaks_refused() -> None:
    assert file_argument("/it's") == "'/it''s'"
    assert "\\g '/a\\\\b'" in copy_out(table(1), Part(), "UTF8", "/a\\b")
    with pytest.raises(PostgresError, match="line break"):
        file_argument("/a\nb")


def test_constraints_get_their_indexes_at_the_end() -> None:
    key = index(1, constraint_oid="5", constraint="t_pkey", contype="p", clustered=True, replica_identity=True)
    late = index(2, constraint_oid="6", constraint="t_u", contype="u", deferrable=True, deferred=True)

    assert finish_sql(table(1, indexes=(key, late)), frozenset()).split(";\n") == [
        'alter table only public.t1 add constraint "t_pkey" primary key using index "i1"',
        'alter table public.t1 cluster on "i1"',
        'alter table only public.t1 replica identity using index "i1"',
        'alter table only public.t1 add constraint "t_u" unique using index "i2" deferrable initially deferred',
        "analyze public.t1",
    ]
    assert "add constraint" not in finish_sql(table(1, indexes=(key,)), frozenset(['["public.i1", "t_pkey"]']))


def test_a_watcher_is_told_what_moves() -> None:
    progress = Progress.of([table(1, 100), table(2, kept=True)])
    progress.set("public.t1", "copying")
    progress.moving({"public.t1": (50, 5)})

    assert progress.state["tables"] == {
        "public.t1": {"state": "copying", "bytes": 50, "rows": 5, "total": 100},
        "public.t2": {"state": "kept", "bytes": 0, "rows": 0, "total": 1},
    }


def test_index_jobs_limit_what_is_built_at_once_and_may_be_more_than_the_copies() -> None:
    tables = [table(n, n, indexes=tuple(index(n * 10 + i, str(n)) for i in range(4))) for n in (1, 2)]
    for jobs, index_jobs in ((1, 3), (4, 1), (2, 8)):
        board, most = Board(tables, jobs, index_jobs=index_jobs), {"copy": 0, "index": 0}
        assert board.workers == min(max(jobs, index_jobs), 10)
        running: list[Job] = []
        while board.left:
            while len(running) < board.workers and (job := board.next()):
                running.append(job)
                most |= {kind: max(most[kind], board.running[kind]) for kind in most}
            board.done(running.pop(0))
        assert most["copy"] <= jobs
        assert most["index"] <= index_jobs


def test_one_table_with_many_indexes_employs_all_workers() -> None:
    only = table(1, indexes=tuple(index(n) for n in range(10, 20)))

    assert Board([only], 4).workers == 4
    assert Board([table(1)], 4).workers == 1


def test_parts_that_are_done_are_not_copied_again() -> None:
    parts = (Part(0, 0, 5), Part(1, 5, 9), Part(2, 9, None))

    assert parts_done(parts, {"0-5": 7, "9-": 3}) == ((0, 7), (2, 3))
    # The table was split otherwise, as with other jobs: its rows would be there twice, or not at all.
    assert parts_done(parts, {"0-5": 7, "5-": 3}) == ()
    assert parts_done((Part(),), {"0-5": 7}) == ()
    assert drain(Board([table(1, parts=parts, done=((0, 7), (2, 3)), indexes=(index(10),))], 2), 2) == [
        "copy t1", "index i10", "finish t1",
    ]  # fmt: skip
    assert drain(Board([table(1, parts=parts, done=((0, 7), (1, 1), (2, 3)))], 2), 2) == ["finish t1"]
