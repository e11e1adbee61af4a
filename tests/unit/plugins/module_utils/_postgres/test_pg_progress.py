from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyformat import Form
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.copyplan import Index, Job, Part, Progress, Table
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progress import ProgressFile, span, summary
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progressline import line

MB = 1_000_000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def table(state: str, rows: int = 0, size: int = 0, total: int = 10 * MB) -> dict:
    return {"state": state, "rows": rows, "bytes": size, "total": total}


def test_copying_and_indexing_both_count_and_an_estimate_never_says_all() -> None:
    told = summary(
        {"a": table("copying", 500), "b": table("indexing", 7), "c": table("done", 9), "d": table("waiting"),
         "e": table("copying", 9000)},
        {"a": 1000, "e": 100},
    )  # fmt: skip

    assert told["percent"] == pytest.approx(100 * (0.3 + 0.6 + 1 + 0.6 * 0.99) / 5, abs=0.1)
    assert (told["tables"], told["tables_done"], told["rows"]) == (5, 1, 9516)
    assert told["running"] == [
        {"name": "a", "state": "copying", "percent": 50, "rows": 500},
        {"name": "b", "state": "indexing", "percent": 100, "rows": 7},
        {"name": "e", "state": "copying", "percent": 99, "rows": 9000},
    ]


def test_kept_tables_are_done_but_not_moved() -> None:
    told = summary({"a": table("kept", 1000), "b": table("waiting")}, {})
    assert (told["percent"], told["rows"], told["bytes"], told["bytes_total"]) == (50.0, 0, 0, 10 * MB)
    assert summary({}, {})["percent"] == 0.0


def test_rates_and_the_time_left_are_of_the_last_moments(tmp_path: Path) -> None:
    clock = Clock()
    file = ProgressFile(tmp_path / "p", clock)
    file.plan([{"name": "a", "rows": 1000, "bytes": 10 * MB}])
    file.take({"tables": {"a": table("copying", 100)}})
    clock.now += 2
    file.take({"tables": {"a": table("copying", 300)}})
    told = json.loads((tmp_path / "p").read_text())

    assert (told["rows_per_second"], told["bytes_per_second"]) == (150, 1.5 * MB)
    assert told["eta"] == round((100 - 18) * 2 / 18)
    assert told["elapsed"] == 2.0


def test_the_file_is_written_once_a_second_and_is_never_half(tmp_path: Path) -> None:
    clock = Clock()
    file = ProgressFile(tmp_path / "p", clock)
    file.phase("claim")
    before = (tmp_path / "p").stat().st_ino
    for _turn in range(5):
        clock.now += 0.1
        file.tick()
    assert (tmp_path / "p").stat().st_ino == before
    clock.now += 1
    file.tick()
    assert (tmp_path / "p").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_folder_that_is_gone_stops_the_writing_and_nothing_else(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "gone" / "p")
    file.phase("claim")
    assert file.path is None
    file.take({"tables": {"a": table("done")}})


@pytest.mark.parametrize("content", ["precious", "[]", '{"mine": 1}', "1"])
def test_files_of_others_are_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "p").write_text(content)
    with pytest.raises(PostgresError, match="not written"):
        ProgressFile.of(str(tmp_path / "p"))
    assert (tmp_path / "p").read_text() == content


def test_entries_of_the_timeline() -> None:
    index = Index("9", "1", "i", "public.i", "create index", 77)
    about = Table("1", "public.t", "public", "t", ("a",), 1000, Form("binary"), parts=(Part(), Part(1)))

    assert span(Job("copy", about), 2, 1.23456, 0.5, 10) == {
        "name": "public.t", "table": "public.t", "kind": "copy", "lane": 2, "start": 1.235, "seconds": 0.5, "rows": 10,
        "bytes": 500,
    }  # fmt: skip
    built = span(Job("index", about, index=index), 0, 1, 2, 10)
    assert (built["name"], built["rows"], built["bytes"]) == ("public.i", None, 77)
    assert span(Job("finish", about), 0, 1, 2, 10)["bytes"] is None


TOLD = {
    "phase": "restore", "elapsed": 61.2, "percent": 41.3, "rows": 1234567, "bytes": 40 * MB, "bytes_total": 100 * MB,
    "tables": 9, "tables_done": 3, "rows_per_second": 21000, "bytes_per_second": 5.5 * MB, "eta": 3700,
    "running": [{"name": f"public.t{n}", "state": "copying", "percent": 10 * n, "rows": 5} for n in range(6)],
}  # fmt: skip


def test_a_line_tells_all() -> None:
    assert line(TOLD) == (
        "writing the target, 1 min 01 s, 41 %, 3 of 9 tables, 40.0 of 100.0 MB, 1,234,567 rows, 21,000 rows/s, "
        "5.5 MB/s, about 1 h 01 min left: public.t0 0 %; public.t1 10 %; public.t2 20 %; public.t3 30 %; 2 more"
    )


def test_a_line_of_old_news_has_no_pace() -> None:
    text = line({**TOLD, "running": [{"name": "public.t", "state": "indexing"}]}, 20)
    assert text.startswith("writing the target, 1 min 21 s, 41 %")
    assert "rows/s" not in text
    assert "left" not in text
    assert text.endswith(": public.t indexes")


@pytest.mark.parametrize("told", [{}, {"phase": "connect"}, {"phase": "new one", "elapsed": None}])
def test_little_is_told_of_little(told: dict) -> None:
    assert line(told) in ("starting, 0 s", "connecting, 0 s")


def test_a_table_in_parts_is_copied_when_its_last_part_is_there() -> None:
    parts = (Part(0, 0, 50), Part(1, 50, None))
    whole = Table("1", "public.whole", "public", "whole", ("id",), 10 * MB, Form("binary"))
    big = Table("2", "public.big", "public", "big", ("id",), 100 * MB, Form("binary"), parts=parts)
    progress = Progress.of([big, whole])
    planned = {"public.big": 1000, "public.whole": 100}

    progress.set("public.big", "copying")
    progress.moving({"public.big": (30 * MB, 300)})  # of both lanes
    states = [progress.part_there("public.big", 500)]
    half = summary(progress.state["tables"], planned)
    progress.moving({"public.big": (10 * MB, 100)})  # of the lane that is left
    more = summary(progress.state["tables"], planned)
    states += [progress.part_there("public.big", 500), progress.part_there("public.whole", 100)]

    assert states == ["copying", "copied", "copied"]
    assert half["running"] == [{"name": "public.big", "state": "copying", "percent": 50, "rows": 500}]
    assert more["running"] == [{"name": "public.big", "state": "copying", "percent": 60, "rows": 600}]
    assert progress.tables["public.big"] == {"state": "copied", "bytes": 100 * MB, "rows": 1000, "total": 100 * MB}
