from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import resultfile, toc, tuning
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.compare import compare_objects
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.foreignkeys import (
    ForeignKey,
    expected,
    statement,
    unvalidated,
)

PARAMS = {
    "engine": "copy", "format": "auto", "freeze": True, "split_over": "10GB", "stall_timeout": 600,
    "maintenance_work_mem": None,
}  # fmt: skip
KEY = ("constraint", "fk on public.t")


def test_options_are_read_and_what_a_source_cannot_do_is_left_out() -> None:
    options = tuning.options_of({**PARAMS, "index_jobs": "3", "max_rate": 2.5, "synchronous_commit": True})

    assert (options.index_jobs, options.max_rate, options.synchronous_commit) == (3, 2.5, True)
    assert options.split_over == 10 << 30
    assert tuning.for_source(options, 13).split_over == 0
    assert tuning.options_of({**PARAMS, "index_jobs": "auto"}).index_jobs == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"index_jobs": "0"}, "index_jobs is '0'"),
        ({"index_jobs": "many"}, "index_jobs is 'many'"),
        ({"max_rate": -1.0}, "max_rate is -1"),
        ({"max_rate": 1.0, "engine": "dump"}, "engine=copy"),
        ({"format": "binary", "engine": "dump"}, "engine=copy"),
        ({"split_over": "big"}, "split_over"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_opened(given: dict, words: str) -> None:
    with pytest.raises(PostgresError, match=words):
        tuning.options_of({**PARAMS, **given})


@pytest.mark.parametrize(
    ("ident", "sql"),
    [
        ("fk on public.t", "ALTER TABLE public.t VALIDATE CONSTRAINT fk"),
        ('"a on b" on "on on".t', 'ALTER TABLE "on on".t VALIDATE CONSTRAINT "a on b"'),
        ('"x""y on" on public."T"', 'ALTER TABLE public."T" VALIDATE CONSTRAINT "x""y on"'),
    ],
)
def test_the_statement_that_validates_names_table_and_constraint(ident: str, sql: str) -> None:
    assert statement(ident) == sql


def test_a_key_that_is_valid_on_the_source_only_is_a_difference_with_its_cure() -> None:
    source, target = {KEY: "FOREIGN KEY (a) REFERENCES public.u(a)"}, {}
    key = ForeignKey("1", "fk", "public.t", KEY[1], source[KEY])

    target = expected(source, (key,))

    assert target == {KEY: f"{source[KEY]} NOT VALID"}
    assert unvalidated(source, target) == {KEY[1]: statement(KEY[1])}
    assert unvalidated(source, source) == unvalidated(target, target) == {}
    (difference,) = compare_objects(source, target, (15, 15))
    assert "not on the target" in difference
    assert statement(KEY[1]) in difference


def test_indexes_and_keys_come_before_foreign_keys_that_are_made_apart() -> None:
    entries = toc.read_toc(
        """
1; 1259 10 INDEX public i owner
2; 2606 11 FK CONSTRAINT public t fk owner
3; 0 0 INDEX ATTACH public child owner
4; 2606 12 CONSTRAINT public t pk owner
5; 2606 13 FK CONSTRAINT public t other owner
6; 0 0 COMMENT public CONSTRAINT fk ON t owner
7; 2620 14 TRIGGER public t INDEX owner
"""
    )

    first, rest = toc.in_halves(entries, {"11"})

    assert [entry.dump_id for entry in first] == ["1", "3", "4"]
    assert [entry.dump_id for entry in rest] == ["5", "6", "7"]


def test_a_result_is_left_in_a_file_and_a_failure_as_well(tmp_path: Path) -> None:
    params = {"report_path": str(tmp_path / "move.json")}

    done = resultfile.reported(lambda: {"changed": True, "remarks": []}, params, check_mode=False)

    assert done == {"changed": True, "remarks": [], "report_path": params["report_path"]}
    assert json.loads((tmp_path / "move.json").read_text()) == {**done, **resultfile.KIND}
    assert [path.name for path in tmp_path.iterdir()] == ["move.json"]
    assert (tmp_path / "move.json").stat().st_mode & 0o077 == 0

    def fail() -> dict:
        raise PostgresError("it broke", {"run_id": "7"})

    with pytest.raises(PostgresError, match="it broke"):
        resultfile.reported(fail, params, check_mode=False)
    told = json.loads((tmp_path / "move.json").read_text())
    assert told == {**resultfile.KIND, "failed": True, "msg": "it broke", "run_id": "7"}


def test_a_file_of_somebody_else_and_a_missing_folder_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("{}")

    def work() -> dict:
        raise AssertionError("it has begun")

    for name, words in (("theirs", "not written"), ("missing/file", "does not exist")):
        with pytest.raises(PostgresError, match=words):
            resultfile.reported(work, {"report_path": str(tmp_path / name)}, check_mode=False)
    assert (tmp_path / "theirs").read_text() == "{}"


def test_check_mode_and_an_unasked_report_write_nothing(tmp_path: Path) -> None:
    for params, check in (({"report_path": str(tmp_path / "r")}, True), ({}, False)):
        result = resultfile.reported(lambda: {"remarks": []}, params, check_mode=check)
        assert result["report_path"] is None
    assert list(tmp_path.iterdir()) == []
