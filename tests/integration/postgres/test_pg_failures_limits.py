"""What runs out or is forbidden: disks, connections, time and memory of a role, locks, folders."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import Case, all_connections_taken, assert_same, content_of, role_settings
from pg_sides import MASTER, SOURCE_USER, Sides, refusal
from tiny_disk import fill, grow, tiny_disk


@pytest.fixture
def small_target_disk(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Put the target's database on a disk that is too small for it."""
    server, name = case.sides.target.server, case.sides.target.database
    with tiny_disk(server.folder.parent / "tiny", "40m", for_server=True) as disk:
        with server.connect() as admin:
            admin.execute(f"create tablespace tiny location '{disk}'")
            admin.execute(f'drop database "{name}"')
            admin.execute(f'create database "{name}" owner master tablespace tiny')
        try:
            yield disk
        finally:
            with server.connect() as admin:
                admin.execute(f'drop database "{name}" with (force)')
                admin.execute("checkpoint")
                admin.execute("drop tablespace tiny")


@pytest.mark.parametrize("leave", [2_000_000, pytest.param(4_300_000, marks=pytest.mark.full)],
                         ids=["within the rows", "within an index"])  # fmt: skip
def test_the_targets_disk_is_full(case: Case, small_target_disk: Path, leave: int) -> None:
    ballast = fill(small_target_disk, leave)

    error = case.fails("target (database", "could not extend file", "run again")

    assert "gross" in error
    assert "No space left on device" in error or "Check free disk space" in error
    ballast.unlink()
    grow(small_target_disk, "100m")
    assert case.completes()["resumed"]


@pytest.mark.parametrize("engine", ["copy", pytest.param("dump", marks=pytest.mark.full)])
def test_the_work_folders_disk_is_full(case: Case, tmp_path: Path, engine: str) -> None:
    with tiny_disk(tmp_path / "tiny", "64k") as disk:
        fill(disk, 4096)
        words = {"copy": ("No space left on device", f"{disk}", "set workdir to another folder"),
                 "dump": ("the folder for the dump has 0 MiB free", "set workdir to a larger one")}[engine]  # fmt: skip
        case.fails(*words, workdir=str(disk), engine=engine)
        assert [file.name for file in disk.iterdir()] == ["ballast"]
    case.completes(engine=engine)


@pytest.mark.full
def test_the_work_folder_fills_up_while_the_rows_are_dumped(case: Case, tmp_path: Path) -> None:
    # The plan foresees the tables' size; toasted and compressed rows are larger as text.
    case.sides.source.run("create table weit (t text); insert into weit select repeat('x', 2000000)"
                          " from generate_series(1, 20); analyze weit")  # fmt: skip
    case = Case(case.sides)
    with tiny_disk(tmp_path / "tiny", "20m") as disk:
        case.fails("pg_dump of the database failed", "No space left on device", workdir=str(disk), engine="dump")
        assert list(disk.iterdir()) == []
    case.completes(engine="dump")


def test_a_work_folder_that_cannot_be_written_to(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    with tiny_disk(folder, "64k", "ro") if os.geteuid() == 0 else shut(folder):
        error = case.fails("set workdir to another folder", str(folder), workdir=str(folder))
        assert "Read-only file system" in error or "Permission denied" in error
    case.completes()


class shut:
    """A folder without the right to write, for those to whom that means something."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder

    def __enter__(self) -> Path:
        self.folder.chmod(0o500)
        return self.folder

    def __exit__(self, *_why: object) -> None:
        self.folder.chmod(0o700)


def test_a_link_in_the_place_of_the_work_folder_leads_no_file_astray(case: Case, tmp_path: Path) -> None:
    """Somebody else's link, as it may lie in a folder for everybody: files go to a new folder of ours, or nowhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "rows.0").write_text("not ours")
    (elsewhere / "schema").write_text("not ours")
    link = tmp_path / "link"
    link.symlink_to(elsewhere)

    assert case.sides.migrate(workdir=str(link))["changed"]

    assert {file.name: file.read_text() for file in elsewhere.iterdir()} == {"rows.0": "not ours", "schema": "not ours"}
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    assert "is not an existing folder" in str(refusal(lambda: case.sides.migrate(workdir=str(link))))


def test_a_work_folder_that_is_not_absolute(case: Case) -> None:
    case.fails("workdir work is not an existing folder with an absolute path", workdir="work")
    case.untouched()


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", "target"])
def test_all_connections_are_taken(case: Case, side: str) -> None:
    server = getattr(case.sides, side).server
    role = {"source": SOURCE_USER, "target": MASTER}[side]
    with server.connect() as admin:
        admin.execute(f"alter role {role} nosuperuser")
    try:
        with all_connections_taken(server, but=0):
            began = time.monotonic()
            error = str(refusal(case.sides.migrate))
            assert time.monotonic() - began < 20
        assert f"cannot connect to the {side}" in error
        assert "raise max_connections or wait" in error
        with all_connections_taken(server, but=3):
            assert f"the {side} has " in (error := str(refusal(case.sides.migrate)))
            assert "raise max_connections, or lower jobs" in error
    finally:
        with server.connect() as admin:
            admin.execute(f"alter role {role} {'superuser' if side == 'source' else 'nosuperuser'}")
    case.untouched()
    case.completes()


@pytest.mark.full
@pytest.mark.parametrize("side", ["source", pytest.param("target", marks=pytest.mark.full)])
def test_a_role_has_fewer_connections_than_the_run_needs(case: Case, side: str) -> None:
    server, role = getattr(case.sides, side).server, {"source": SOURCE_USER, "target": MASTER}[side]
    with server.connect() as admin:
        admin.execute(f"alter role {role} {'nosuperuser' if side == 'source' else ''} connection limit 2")
        if side == "source":
            admin.execute(f'alter database "{case.sides.source.database}" owner to {role}')
    try:
        case.fails(side, "CONNECTION LIMIT")
    finally:
        with server.connect() as admin:
            admin.execute(f"alter role {role} {'superuser' if side == 'source' else ''} connection limit -1")
    case.completes()


# Settings of a role that must not change what arrives, nor end the run.
HARMLESS = {
    "statement_timeout": "30ms", "lock_timeout": "30ms", "idle_in_transaction_session_timeout": "100ms",
    "default_transaction_isolation": "serializable", "search_path": "nowhere", "array_nulls": "off",
    "datestyle": "German", "timezone": "Asia/Tokyo", "intervalstyle": "sql_standard", "bytea_output": "escape",
    "extra_float_digits": "-10", "xmloption": "document", "quote_all_identifiers": "on", "row_security": "off",
    "standard_conforming_strings": "off", "check_function_bodies": "off", "client_encoding": "LATIN1",
    "default_toast_compression": "lz4", "default_transaction_deferrable": "on", "idle_session_timeout": "100ms",
}  # fmt: skip
TEXTS = """
create type farbe as enum ('rot', 'NULL');
create table texte (a text[], f farbe[], i int[], d date, ts timestamptz, iv interval, b bytea, x float8, m money);
insert into texte values (array[null, 'NULL', 'ü€'], '{rot,NULL,"NULL"}', '{1,NULL}', '2026-02-03',
  '2026-02-03 04:05:06.789+00', '-1 year 2 mons -3 days 04:05:06', '\\x00ff5c', 0.1::float8 + 0.2, 12.34);
"""


@pytest.mark.parametrize("form", ["auto", pytest.param("text", marks=pytest.mark.full)])
def test_settings_of_the_roles_change_nothing(case: Case, form: str) -> None:
    """idle_in_transaction_session_timeout would end the holder of the snapshot, array_nulls change the values."""
    case.sides.source.run(TEXTS)
    case = Case(case.sides)
    with (
        role_settings(case.sides.source.server, SOURCE_USER, **HARMLESS),
        role_settings(case.sides.target.server, MASTER, **HARMLESS),
    ):
        assert case.sides.migrate(format=form)["changed"]
        case_same(case)


def case_same(case: Case) -> None:
    assert_same(case.before, content_of(case.sides.target))


@pytest.mark.full
def test_a_limit_of_temporary_files_names_the_index(bulk_case: Case) -> None:
    memory = {"maintenance_work_mem": "1MB"}
    with role_settings(bulk_case.sides.target.server, MASTER, temp_file_limit="64kB"):
        bulk_case.fails("index public.gross_", "temporary file size exceeds temp_file_limit", **memory)
    bulk_case.completes(**memory)


def test_a_role_that_only_reads_on_the_target(case: Case) -> None:
    with role_settings(case.sides.target.server, MASTER, default_transaction_read_only="on"):
        case.fails("the target is read only")
    case.untouched()
    case.completes()


@pytest.mark.full
def test_a_source_role_that_only_reads_is_enough(case: Case) -> None:
    with role_settings(case.sides.source.server, SOURCE_USER, default_transaction_read_only="on"):
        case.completes()


@pytest.mark.full
@pytest.mark.parametrize("engine", ["copy", pytest.param("dump", marks=pytest.mark.full)])
def test_a_table_of_the_source_is_locked(case: Case, engine: str) -> None:
    with case.sides.source.connect() as other:
        other.execute("begin; lock table gross in access exclusive mode")
        began = time.monotonic()
        case_error = str(refusal(lambda: case.sides.migrate(lock_timeout=2, engine=engine)))
        assert time.monotonic() - began < 30
        other.execute("rollback")
    assert "source (database" in case_error
    assert "public.gross" in case_error
    case.completes(engine=engine)


@pytest.mark.full
def test_the_clock_jumps(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines and pauses are measured with a clock that does not jump; the wall clock only serves a remark."""
    honest, years = time.time, itertools.cycle((0.0, 3e8, -3e8))
    monkeypatch.setattr(time, "time", lambda: honest() + next(years))
    assert case.sides.migrate(timeout=100)["changed"]
    monkeypatch.undo()
    case_same(case)


@pytest.mark.full
def test_many_large_objects(sides: Sides) -> None:
    """More than the locks that one transaction may take."""
    sides.source.run("select lo_from_bytea(0, int4send(n)) from generate_series(1, 9000) n")
    sides.source.run("select lo_from_bytea(0, int4send(n)) from generate_series(9001, 12000) n")
    case = Case(sides)
    case.completes()
