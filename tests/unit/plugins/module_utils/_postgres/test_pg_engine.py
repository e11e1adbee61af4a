from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import toc
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.archive import (
    Failures,
    NotADeadlock,
    dump_argv,
    essence,
    is_progress,
    restore_argv,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.clients import Clients
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.connection import Connection, conninfo_value
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.engine import Stopwatch
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import Chosen
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.task import Task

TOC = """;
; Archive created at 2026-11-22
;     dbname: app; DROP
;
6; 2615 2200 SCHEMA - public pg_database_owner
8; 2615 16384 SCHEMA - ext owner
9; 2615 16385 SCHEMA - my "EXTENSION" schema owner
2; 3079 16386 EXTENSION - citext
3500; 0 0 COMMENT - EXTENSION citext
3501; 0 0 COMMENT - EXTENSION citext2 owner
3502; 0 0 COMMENT - SCHEMA public owner
3503; 0 0 COMMENT public TABLE "EXTENSION citext " owner
215; 1259 16400 TABLE public stops owner
3332; 0 16400 TABLE DATA public stops owner
3340; 3466 16500 EVENT TRIGGER - e owner
3341; 1418 16501 USER MAPPING - USER MAPPING me SERVER s owner
3350; 0 16400 ROW SECURITY public stops owner
3351; 2606 16600 FK CONSTRAINT public stops ROW SECURITY owner
"""


def task(database: str = "app", jobs: int = 3) -> Task:
    side = Connection("target", "db", 5432, database, "me", "canary")
    return Task(
        commands=None, clients=Clients("psql", "pg_dump", "pg_restore", "15"), source=side, target=side,  # type: ignore[arg-type]
        snapshot="00000003-1", workdir=Path("/w"), jobs=jobs, lock_timeout=9, source_settings={}, target_settings={},
        application="x", extensions=(), existing_schemas=frozenset(), on_tick=lambda: None,
    )  # fmt: skip


def test_entries_are_chosen_by_object_ids_not_by_names() -> None:
    entries = toc.read_toc(TOC)

    kept = toc.chosen(entries, {"2200", "16384"}, ["citext"], Chosen())

    assert [entry.dump_id for entry in kept] == ["9", "3501", "3503", "215", "3332", "3350", "3351"]
    assert toc.table_data(kept) == {"3332": "16400"}
    assert [[entry.dump_id for entry in stage.entries] for stage in toc.rest_in_stages(kept)] == [
        ["9", "3501", "3503", "215", "3332", "3351"],
        ["3350"],
    ]


def test_indexes_come_before_they_are_attached_and_foreign_keys_after() -> None:
    entries = toc.read_toc(
        """
1; 1259 10 INDEX ATTACH looks_like_one owner
2; 2606 11 FK CONSTRAINT public t fk owner
3; 0 0 INDEX ATTACH public child owner
4; 2606 12 CONSTRAINT public t pk owner
5; 0 13 ROW SECURITY public t owner
6; 0 0 COMMENT public CONSTRAINT fk ON t owner
"""
    )

    stages = toc.rest_in_stages(entries)

    assert [[entry.dump_id for entry in stage.entries] for stage in stages] == [["1", "4"], ["3"], ["2", "6"], ["5"]]
    assert [stage.parallel for stage in stages] == [True, False, True, False]


def test_the_dump_is_of_the_exported_snapshot_and_without_what_cannot_be_restored() -> None:
    argv = dump_argv(task(), "--format=custom", "--file=/w/dump")

    assert {"--format=custom", "--snapshot=00000003-1", "--lock-wait-timeout=9s"} <= set(argv)
    assert "--exclude-schema=ansible_migrate" in argv
    assert "canary" not in " ".join(argv)


def test_the_restore_stops_at_the_first_error_unless_told_otherwise() -> None:
    strict = restore_argv(task("a'b\\=c"), "--section=data", "--use-list=/w/list")

    assert {"--exit-on-error", "--no-owner", "--no-acl", "--section=data", "--use-list=/w/list"} <= set(strict)
    assert any(part.startswith("--dbname=dbname='a\\'b\\\\=c' ") for part in strict)
    assert "--exit-on-error" not in restore_argv(task(), tolerant=True)
    assert "canary" not in " ".join(strict)


def test_every_child_notices_a_dead_connection_and_waits_longer_for_one_that_takes_rows() -> None:
    dump, restore = " ".join(dump_argv(task())), " ".join(restore_argv(task()))

    assert "keepalives_idle='60' keepalives_interval='10' keepalives_count='6' tcp_user_timeout='120000'" in dump
    assert "keepalives_idle='60' keepalives_interval='10' keepalives_count='6' tcp_user_timeout='600000'" in restore


def test_a_database_name_is_never_read_as_a_connection_string() -> None:
    assert conninfo_value("host=evil") == "'host=evil'"


def test_tables_are_timed_by_what_pg_restore_tells() -> None:
    now = iter([1.0, 2.0, 5.5])
    told: list[tuple[str, str]] = []
    watch = Stopwatch({"3332": "16400", "3333": "16401"}, lambda: next(now), lambda *state: told.append(state))

    for line in (
        "launching item 3332 TABLE DATA stops",
        "launching item 1 BLOBS",
        "finished item 3332 TABLE DATA stops",
        "finished item 1 BLOBS BLOBS",
        "finished main parallel loop",
        "finished item 3333 TABLE DATA torn",
        "pg_restore: finished item",
        "",
    ):
        watch.line(f"pg_restore: {line}")

    assert watch.seconds == {"16400": 4.5}
    assert told == [("16400", "copying"), ("16400", "copied")]


def test_only_what_fails_after_a_deadlock_is_repeated() -> None:
    failures = Failures()
    for line in (
        "pg_restore: while PROCESSING TOC:",
        # Torn by another worker.
        "pg_restore: pg_restore: creating INDEX x",
        "from TOC entry 3503; 2606 1 FK CONSTRAINT public t fk owner",
        "pg_restore: error: could not execute query: ERROR:  deadlock detected",
        "DETAIL:  Process 1 waits",
        "pg_restore: from TOC entry 3504; 0 0 COMMENT public CONSTRAINT fk ON t owner",
        'pg_restore: error: could not execute query: ERROR:  constraint "fk" does not exist',
    ):
        failures.line(line)
    assert not failures.complete(), "pg_restore has not said that it came to its end"
    failures.line("pg_restore: warning: errors ignored on restore: 2")
    assert (failures.dump_ids, failures.complete()) == ({"3503", "3504"}, True)
    failures.line("pg_restore: warning: errors ignored on restore: 4")
    assert failures.complete()
    failures.line("pg_restore: warning: errors ignored on restore: 6")
    assert not failures.complete(), "an error is not known by its entry"


def test_any_other_error_stops_the_run_at_once() -> None:
    failures = Failures()
    failures.line("pg_restore: from TOC entry 3504; 2606 1 CONSTRAINT public t k owner")
    with pytest.raises(NotADeadlock):
        failures.line("pg_restore: creatincould not execute query: ERROR:  could not create unique index")


def test_an_error_is_told_with_its_place_and_without_rows() -> None:
    lines = [
        "pg_restore: while PROCESSING TOC:",
        "pg_restore: from TOC entry 3503; 2606 1 CONSTRAINT public t k owner",
        'pg_restore: error: could not execute query: ERROR:  could not create unique index "k"',
        "DETAIL:  Key (email)=(somebody@example.org) is duplicated.",
    ]

    assert essence(lines) == (
        'ERROR:  could not create unique index "k" from TOC entry 3503; 2606 1 CONSTRAINT public t k owner'
    )


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("pg_restore: creating TABLE \"public.t\"", True),
        ("pg_restore: error: x", False),
        ("pg_restore: from TOC entry 1; 0 0 X", False),
        ("pg_restore: creaticould not execute query: ERROR:  x", False),
        ("DETAIL:  y", False),
    ],
)  # fmt: skip
def test_progress_is_told_from_trouble(line: str, progress: bool) -> None:
    assert is_progress(line) == progress
